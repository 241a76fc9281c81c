"""The keys that each version carries: pending until its folder and its row in the catalog are there."""

from __future__ import annotations

import polars as pl

from catalog.warehouse import Warehouse
from schemas.segment import Audience
from schemas.uploads import AudienceKeys

_SAME_VERSION = "network = $network AND account = $account AND segment = $segment AND version = $version"


def add_pending_keys(warehouse: Warehouse, audience: Audience, version: str, keys: pl.DataFrame) -> None:
    """Write the keys (key, value) of a version that is about to be published."""
    columns = {**audience._asdict(), "version": version}
    rows = keys.with_columns(**{name: pl.lit(value) for name, value in columns.items()}, state=pl.lit("pending"))
    warehouse.append("audience_keys", rows.select(AudienceKeys.column_names()))


def finish_keys(warehouse: Warehouse, audience: Audience, version: str) -> None:
    """Mark the keys of a published version final."""
    warehouse.execute(
        f"UPDATE warehouse.audience_keys SET state = 'final' WHERE {_SAME_VERSION}", **_named((*audience, version))
    )


def settle_pending_keys(warehouse: Warehouse, published: set[tuple[str, ...]]) -> None:
    """Keys of `published` versions (network, account, segment, version) become final, other pending ones go."""
    warehouse.ensure("audience_keys", AudienceKeys)
    pending = warehouse.read(
        "SELECT DISTINCT network, account, segment, version FROM warehouse.audience_keys WHERE state = 'pending'"
    )
    for identity in pending.iter_rows():
        if identity in published:
            finish_keys(warehouse, Audience(*identity[:3]), identity[3])
        else:
            warehouse.execute(f"DELETE FROM warehouse.audience_keys WHERE {_SAME_VERSION}", **_named(identity))


def _named(identity: tuple[str, ...]) -> dict[str, object]:
    return dict(zip(("network", "account", "segment", "version"), identity, strict=True))
