"""Which rows of people tombstones meet: only these are looked at whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import duckdb
import polars as pl

from catalog.duckdb_connection import store_frame
from pipelines.identifiers.digests import SHORTEST
from pipelines.pieces import in_pieces
from pipelines.tombstones.erased import erased_marks, own_tombstones
from pipelines.tombstones.tombstones import Compared

#: What a table needs so that its rows are people with addresses.
ADDRESSED = ("customer_id", "email", "phone", "country", "canonical_email", "canonical_phone")

#: Of what was typed, only that is compared which `erased_marks` looks at closely, and these are its conditions in SQL;
#: what is canonical, in its own form.
_EMAIL_CLOSELY = "(NOT contains(email, '@') OR email LIKE '%@%@%')"
_PHONE_CLOSELY = f"(contains(phone, '@') OR strlen(phone) >= {SHORTEST})"
_COMPARED = {
    "place": "place",
    "customer_id": "customer_id",
    "email": f"CASE WHEN {_EMAIL_CLOSELY} THEN email END",
    "phone": f"CASE WHEN {_PHONE_CLOSELY} THEN phone END",
    "country": f"CASE WHEN {_EMAIL_CLOSELY} OR {_PHONE_CLOSELY} THEN country END",
    "canonical_email": "canonical_email",
    "canonical_phone": "canonical_phone",
}


class Met(NamedTuple):
    """`rows`: rows of which the id or an address was erased; `marks`: `erased_marks` of them, row by row."""

    rows: pl.DataFrame
    marks: pl.DataFrame


class Database(Protocol):
    """Where the table lies: the warehouse, or what arrives."""

    @property
    def connection(self) -> duckdb.DuckDBPyConnection: ...

    def read(self, query: str, /) -> pl.DataFrame: ...


def with_named(met: Met, rows: pl.DataFrame) -> Met:
    """What was met, and rows (`ADDRESSED`) that count as erased by their id, without a place."""
    marks = pl.select(customer_id=pl.repeat(True, rows.height), email=False, phone=False)
    return Met(pl.concat([met.rows, rows], how="diagonal"), pl.concat([met.marks, marks]))


def met_rows(  # noqa: PLR0913 - a table, what was erased, and what is asked for
    database: Database,
    table: str,
    erasures: pl.DataFrame,
    compared: Compared,
    *,
    columns: Sequence[str] = ("rowid AS place", *ADDRESSED),
    condition: str = "TRUE",
) -> Met:
    """The rows of a table with the columns `ADDRESSED` that `erasures` (`CrmErasures`) meet, in their order: of those
    that fulfil an SQL condition, in these columns (SQL).
    """
    found = [pl.DataFrame(schema={"place": pl.Int64, **dict.fromkeys(("customer_id", "email", "phone"), pl.Boolean)})]
    select = ", ".join(f"{expression} AS {name}" for name, expression in _COMPARED.items())
    for rows in in_pieces(database.read, table, lambda piece: f"SELECT {select} FROM {piece} WHERE {condition}"):
        own = own_tombstones(rows, compared.identity_key, erasures)
        marks = erased_marks(rows, own, erasures, compared)
        found.append(marks.select(rows["place"], pl.all()).filter(pl.any_horizontal(pl.all().exclude("place"))))
    marked = pl.concat(found).sort("place")
    store_frame(database.connection, "_met", marked.select("place"))
    rows = database.read(f"SELECT {', '.join(columns)} FROM {table} WHERE rowid IN (FROM _met) ORDER BY rowid")
    return Met(rows, marked.drop("place"))
