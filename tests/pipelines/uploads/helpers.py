"""What tests of uploads share: people and networks, small enough to be read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl

from pipelines.holdings.audience_keys import since_newest
from pipelines.holdings.forbidden import Forbidden, nothing_forbidden
from pipelines.holdings.outbox import Outbox
from pipelines.uploads.rows.audience_rows import AudienceRows
from pipelines.uploads.rows.people import NetworkPeople, network_people
from pipelines.uploads.versions import publication
from pipelines.uploads.versions.changes import listed_keys
from pipelines.uploads.versions.draft import Publication
from pipelines.uploads.versions.publication import Published
from schemas.network import Network
from schemas.network_file import MinimumRows
from schemas.segment import Audience, Segment
from schemas.uploads import RefusedKeys


def of_any_size(network: Network) -> Network:
    """The network as it is, but that it takes one row."""
    one = MinimumRows(full=1, add=1, remove=1)
    return network.model_copy(update={"file": network.file.model_copy(update={"minimum_rows": one})})


def nothing_refused() -> pl.DataFrame:
    return pl.DataFrame(RefusedKeys.create_empty())


def people_of(
    permitted: pl.DataFrame,
    identifiers: pl.DataFrame,
    network: Network,
    *,
    refused: pl.DataFrame | None = None,
    countries: dict[str, str] | None = None,
    revenues: dict[str, str] | None = None,
    states: dict[str, str] | None = None,
) -> NetworkPeople:
    """The network's people, from `Permissions` and `Identifiers`; countries, revenues and states (`US-CA`) by person,
    if it matters."""
    people = permitted.select(
        "person_id", "assumed", by_other_purpose=permitted.get_column("by_other_purpose", default=pl.lit(False))
    ).with_row_index("number")
    ids = people["person_id"].to_list()
    people = people.with_columns(
        pl.Series("country", [(countries or {}).get(person) for person in ids], dtype=pl.String),
        pl.Series("revenue", [Decimal((revenues or {}).get(person, "0")) for person in ids], dtype=pl.Decimal(18, 2)),
    )
    held = identifiers.join(people.select("person_id", "number"), on="person_id").drop("person_id")
    lives = pl.DataFrame(
        list((states or {}).items()), schema={"person_id": pl.String, "subdivision": pl.String}, orient="row"
    )
    states_by_number = lives.join(people.select("person_id", "number"), on="person_id").drop("person_id")
    return network_people(people, held, nothing_refused() if refused is None else refused, network, states_by_number)


def publish(
    audience: Audience,
    segment: Segment,
    network: Network,
    rows: AudienceRows,
    outbox: Outbox,
    *,
    as_of: date,
    forbidden: Forbidden = nothing_forbidden,
    held_back: str | None = None,
) -> Published:
    """As a night publishes an audience, one that forbids nobody and holds nothing back unless that is said."""
    since = since_newest(outbox.warehouse, audience, listed_keys(rows.lists))
    due = Publication(audience, segment, network, as_of, forbidden, rows, since=since)
    return publication.publish(due, outbox, held_back=held_back)


def without_value(network: Network) -> Network:
    columns = tuple(column for column in network.columns if column.value is None)
    return network.model_copy(update={"columns": columns})


def lost_on(refusals: pl.DataFrame, network: str) -> dict[str, int]:
    """How many people of `Refusals` the network may not have, by reason."""
    there = refusals.filter(pl.col("network").is_null() | (pl.col("network") == network))
    return dict(there.group_by("reason").len().iter_rows())
