"""What a failed night still publishes: removals that the law requires, by what was known before it failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import groupby

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.decided import spoken_against
from pipelines.customers.refused_emails import refused_at, refused_emails
from pipelines.erasure.erasing import Erasing
from pipelines.erasure.taking_in import take_in
from pipelines.holdings.forbidden import Forbidden, forbidden_keys
from pipelines.holdings.outbox import Outbox
from pipelines.identifiers.match_keys import network_keys
from pipelines.identifiers.stored import read_identifiers
from pipelines.uploads.draft import Publication
from pipelines.uploads.keys import key_columns
from pipelines.uploads.publication import publish_unreached
from pipelines.uploads.retired import publish_last
from pipelines.uploads.rows import ListRows
from schemas.network import Network
from schemas.segment import Audience

#: What says who may not be sent; the first night that got so far has all of them.
_NEEDED = (
    "crm_erasures", "crm_suppressions", "decided_at", "identifiers", "person_aliases", "refusals", "refused_keys",
)  # fmt: skip
#: Gives the rows that an audience's files had on an earlier day, list by list, as far as they are still known.
PastRows = Callable[[Audience, date], tuple[ListRows, ...]]


def publish_removals(erasing: Erasing, outbox: Outbox, *, newest: date | None, past_rows: PastRows) -> None:
    """Publish what must leave the lists of every audience that the night did not reach.

    In: the newest day whose CRM was read; a night of an older one publishes nothing.

    Tables may be of tonight or of an earlier night, whichever the night got to. So only whoever is known to be refused
    counts as forbidden, or the newest statements and lists speak against, and not, as on other nights, everybody who is
    not known to be permitted: of half a CRM that would be half of every list.

    Raises:
        PublicationError: a file would be refused, or the disk is full.
    """
    config, night = erasing.config, outbox.catalog.last_night()
    if night is None or newest is None or night["as_of"] < newest or not all(map(outbox.warehouse.has, _NEEDED)):
        return
    as_of = night["as_of"]
    take_in(erasing)
    outcomes = outbox.catalog.outcomes_of_night(outbox.night)
    reached = {Audience.of(row) for row in outcomes}
    emails = refused_emails(outbox.warehouse, config)
    store_frame(outbox.warehouse.connection, "_spoken_against", spoken_against(outbox.warehouse, config, as_of))
    left = {audience for audience in (*config.audiences, *config.retired) if audience not in reached}
    for name, theirs in groupby(sorted(left), lambda audience: audience.network):
        network = config.networks[name]
        # A request that comes meanwhile is honoured when each version is committed.
        forbidden = _known_forbidden(network, outbox, emails)
        for audience in theirs:
            if audience in config.retired:
                publish_last(audience, config, outbox, as_of=as_of, forbidden=forbidden)
            else:
                segment, past = config.segments[audience.segment], partial(past_rows, audience)
                publication = Publication(audience, segment, network, as_of, forbidden, past_rows=past)
                publish_unreached(publication, outbox)


def _known_forbidden(network: Network, outbox: Outbox, emails: pl.DataFrame) -> Forbidden:
    warehouse = outbox.warehouse
    return forbidden_keys(
        warehouse.read("FROM warehouse.refused_keys WHERE network = $network", network=network.name),
        lambda _: network_keys(_refused(network, warehouse), network),
        warehouse.read("FROM warehouse.crm_erasures"),
        network,
        outbox.keys.identity,
        refused_at(emails, network.name)["email"],
    )


def _refused(network: Network, warehouse: Warehouse) -> pl.DataFrame:
    """What the network would see of people who are refused there, by whatever id any of the tables knows them."""
    columns = ", ".join(column.name for column in key_columns([network]))
    refused = "(FROM warehouse.refusals UNION ALL BY NAME FROM _spoken_against)"
    today = "SELECT coalesce(alias.person_id, known.person_id) AS person_id"
    aliased = "LEFT JOIN warehouse.person_aliases AS alias ON alias.alias = known.person_id"
    return read_identifiers(
        warehouse,
        f"SELECT {columns} FROM ({today}, known.* EXCLUDE (person_id) FROM warehouse.identifiers AS known {aliased}) "
        f"SEMI JOIN ({today} FROM {refused} AS known {aliased} WHERE coalesce(network, $network) = $network) "
        "USING (person_id)",
        network=network.name,
    )
