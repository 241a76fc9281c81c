"""Networks whose file is gone while they may still hold a list: nothing could be taken out of it, and nobody told."""

from __future__ import annotations

from collections.abc import Collection

from catalog.descriptions import descriptions
from catalog.journal import confirmations
from catalog.store import Catalog
from pipelines.holdings.open_lists import open_lists
from schemas.errors import ConfigError
from schemas.journal import VersionOrder
from schemas.network import NETWORKS_FOLDER
from schemas.said import Said
from schemas.segment import Audience


def check_networks_are_known(catalog: Catalog, known: Collection[str]) -> None:
    """Look whether every network that may hold a list of ours is `known`.

    Raises:
        ConfigError: one is not.
    """
    lost = [
        audience
        for audience in sorted(descriptions(catalog))
        if audience.network not in known and _may_be_there(audience, catalog)
    ]
    if lost:
        msg = Said(
            "{files}: gone, while these audiences may still be at the network: {audiences}. Nothing can be taken out "
            "of their lists, and no request to be forgotten can be closed. Put the file back; take the network out of "
            "the segments to be told how to delete its lists, or, if they are deleted, say so with `relance confirm "
            "NETWORK/AUDIENCE VERSION --as deleted`.",
            files=", ".join(sorted({str(NETWORKS_FOLDER / f"{audience.network}.toml") for audience in lost})),
            audiences=[f"{audience} ({catalog.versions(audience, state=None)[-1]['version']})" for audience in lost],
        )
        raise ConfigError(msg)


def _may_be_there(audience: Audience, catalog: Catalog) -> bool:
    """Whether a list is open, or a version came after the last that was said to be deleted."""
    standing = confirmations(catalog, audience)
    deleted = [VersionOrder.of(each.version) for each in standing if each.kind == "deleted"]
    versions = [VersionOrder.of(row["version"]) for row in catalog.versions(audience, state=None)]
    later = [version for version in versions if not deleted or version > max(deleted)]
    return bool(open_lists(standing) or later)
