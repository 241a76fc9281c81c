"""Audiences that have left the config: nobody is added, and their lists are to be deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl

from catalog.allowances import standing_leaves, take_back
from catalog.descriptions import descriptions
from catalog.store import Catalog
from catalog.warehouse import Warehouse
from pipelines.holdings.forbidden import Forbidden, everything_forbidden
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.withdrawal import withdraw_forbidden
from pipelines.uploads.versions.draft import Publication
from pipelines.uploads.versions.publication import Published, publish_retired
from pipelines.uploads.versions.state import state_of
from schemas.config import Config
from schemas.segment import Audience, Segment
from schemas.uploads import RetiredAudiences


def retired_audiences(catalog: Catalog, warehouse: Warehouse, config: Config) -> tuple[Audience, ...]:
    """Those of which the network may still hold a list, by what was published and confirmed."""
    left = set(descriptions(catalog)) - set(config.audiences)
    return tuple(
        audience
        for audience in sorted(left)
        if audience.network in config.networks and _may_be_there(audience, catalog, warehouse)
    )


def _may_be_there(audience: Audience, catalog: Catalog, warehouse: Warehouse) -> bool:
    state = state_of(audience, catalog, warehouse)
    return bool(state.lists or state.holdings.carried)


def end_leaves(catalog: Catalog, config: Config) -> None:
    """Take back the leaves of audiences that have left the config: no night would use them, and an audience of the same
    name that is declared later is another one."""
    for leave in standing_leaves(catalog):
        if leave.audience not in config.audiences:
            take_back(catalog, leave.audience, "the audience is no longer declared")


def publish_last(audience: Audience, config: Config, outbox: Outbox, *, as_of: date, forbidden: Forbidden) -> Published:
    """Publish what is still to be done for a retired audience, by what its segment was when it was declared last."""
    segment, network = _as_declared_last(outbox.catalog, audience), config.networks[audience.network]
    return publish_retired(Publication(audience, segment, network, as_of, forbidden, retired=True), outbox)


def withdraw_of_gone(config: Config, outbox: Outbox, forbidden: Callable[[str], Forbidden]) -> None:
    """Withdraw what holds somebody `forbidden` at its network, of audiences that left the config and have no list left.

    Nothing is published for them any more, but their last files may still be given out: at a network that no audience
    uses any more, of which nothing is worked out, none of them.
    """
    gone = set(descriptions(outbox.catalog)) - {*config.audiences, *config.retired}
    for audience in sorted(each for each in gone if each.network in config.networks):
        used = audience.network in config.used_networks
        refused = forbidden(audience.network) if used else everything_forbidden
        withdraw_forbidden(audience, outbox, refused, newest=None)


def retired_table(audiences: Sequence[Audience], published: Sequence[Published]) -> pl.DataFrame:
    """`RetiredAudiences`, from what each audience was given."""
    rows = [(*audience, each.version) for audience, each in zip(audiences, published, strict=True)]
    return pl.DataFrame(rows, schema=pl.DataFrame(RetiredAudiences.create_empty()).schema, orient="row")


def _as_declared_last(catalog: Catalog, audience: Audience) -> Segment:
    described = descriptions(catalog)[audience]
    names = ("title", "public_name", "public_description", "purpose", "owner")
    network = audience.network_account()
    return Segment(**{name: described[name] for name in names}, where=described["rule"], networks=(network,))
