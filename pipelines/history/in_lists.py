"""Whether the lists of an audience that is no longer declared hold a person, by all that is kept of what went into
them: of such an audience no rule is left to ask."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl
import sqlalchemy as sa

from catalog.database import of_audience
from catalog.duckdb_connection import registered
from catalog.journal import confirmations
from catalog.store import OUTCOMES, Catalog
from catalog.warehouse import Warehouse
from pipelines.history.neighbours import person_records
from pipelines.history.nights import Night
from pipelines.holdings.audience_keys import SAME_AUDIENCE, STORED_KEYS, file_keys, key_versions
from pipelines.holdings.holdings import Event, possible_lists, present_after, unknown_versions
from pipelines.holdings.open_lists import open_lists
from pipelines.identifiers.identifiers import identifiers
from pipelines.identifiers.match_keys import network_keys
from schemas.network import Network, match_columns
from schemas.segment import Audience
from schemas.why import InList, RetiredAnswer


def in_lists(night: Night, catalog: Catalog, audience: Audience, network: Network, person_id: str) -> RetiredAnswer:
    """In which lists of the retired audience the person is, by the keys that they had that night."""
    records = person_records(night, pl.Series([person_id]))
    theirs = network_keys(identifiers(records, match_columns([network])), network)
    carried = _carried(night.warehouse, audience, theirs)
    standing, files = confirmations(catalog, audience), key_versions(night.warehouse, audience)
    published_at = {row["version"]: row["published_at"] for row in catalog.versions(audience, None)}
    *each_open, unsaid = possible_lists(standing, files, published_at)
    found = [
        InList(each.newest_version, _held(carried, events), unknown_versions(each, files))
        for each, events in zip(open_lists(standing), each_open, strict=True)
    ]
    if keys := _held(carried, unsaid):
        found.append(InList(None, keys))
    return RetiredAnswer(audience, _since(catalog, audience), tuple(found))


def _carried(warehouse: Warehouse, audience: Audience, keys: pl.DataFrame) -> pl.DataFrame:
    """version_id, list, key, value: which files of the audience carry the keys."""
    with registered(warehouse.connection, keys) as asked:
        stored = f"(FROM {STORED_KEYS} SEMI JOIN {asked} USING (key, value))"
        return warehouse.read(
            f"SELECT version_id, list, key, value FROM {file_keys(stored)} WHERE {SAME_AUDIENCE}", **audience._asdict()
        )


def _held(carried: pl.DataFrame, events: Iterable[Event]) -> tuple[str, ...]:
    return tuple(present_after(carried, events)["key"].unique().sort())


def _since(catalog: Catalog, audience: Audience) -> date | None:
    query = sa.select(OUTCOMES.c.as_of, OUTCOMES.c.outcome).where(*of_audience(OUTCOMES, audience))
    with catalog.reading() as connection:
        nights = [(day, outcome) for day, outcome in connection.execute(query)]
    used = max((day for day, outcome in nights if outcome in {"published", "fresh"}), default=date.min)
    return min((day for day, outcome in nights if outcome == "retired" and day > used), default=None)
