"""Which rows of people tombstones meet: only these are looked at whole."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.crm.erased import erased_marks, own_tombstones
from pipelines.pieces import in_pieces

#: What a table needs so that its rows are people with addresses.
ADDRESSED = ("customer_id", "email", "phone", "country", "canonical_email", "canonical_phone")

_EMAIL_ASTRAY, _PHONE_ASTRAY = "NOT contains(email, '@')", "contains(phone, '@')"
#: Of what was typed, only that is compared which stands in the other's column; what is canonical, in its own form.
_COMPARED = {
    "place": "place",
    "customer_id": "customer_id",
    "email": f"CASE WHEN {_EMAIL_ASTRAY} THEN email END",
    "phone": f"CASE WHEN {_PHONE_ASTRAY} THEN phone END",
    "country": f"CASE WHEN {_EMAIL_ASTRAY} OR {_PHONE_ASTRAY} THEN country END",
    "canonical_email": "canonical_email",
    "canonical_phone": "canonical_phone",
}


class Met(NamedTuple):
    """`rows`: place and `ADDRESSED` of the rows of which the id or an address was erased; `marks`: `erased_marks`."""

    rows: pl.DataFrame
    marks: pl.DataFrame


def met_rows(
    warehouse: Warehouse, table: str, erasures: pl.DataFrame, *, identity_key: str, default_country: str | None
) -> Met:
    """The rows of a table with the columns `ADDRESSED` that `erasures` (`CrmErasures`) meet."""
    found = [pl.DataFrame(schema={"place": pl.Int64, **dict.fromkeys(("customer_id", "email", "phone"), pl.Boolean)})]
    select = ", ".join(f"{expression} AS {name}" for name, expression in _COMPARED.items())
    for rows in in_pieces(warehouse.read, f"warehouse.{table}", lambda piece: f"SELECT {select} FROM {piece}"):
        own = own_tombstones(rows, identity_key, erasures)
        marks = erased_marks(rows, own, erasures, identity_key=identity_key, default_country=default_country)
        found.append(marks.select(rows["place"], pl.all()).filter(pl.any_horizontal(pl.all().exclude("place"))))
    marked = pl.concat(found).sort("place")
    store_frame(warehouse.connection, "_met", marked.select("place"))
    rows = warehouse.read(
        f"SELECT rowid AS place, {', '.join(ADDRESSED)} FROM warehouse.{table} "
        "WHERE rowid IN (FROM _met) ORDER BY place"
    )
    return Met(rows, marked.drop("place"))
