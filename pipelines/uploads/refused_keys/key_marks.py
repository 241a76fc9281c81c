"""Eight bytes of the tombstone that each key would have: what is erased or listed is found without hashing everybody's
keys again."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from catalog.duckdb_connection import registered
from catalog.warehouse import Warehouse
from pipelines.at_once import at_once
from pipelines.identifiers.match_keys import key_value, tombstone_form
from pipelines.identifiers.stored import read_identifiers
from pipelines.tombstones.erased import tombstone_of
from pipelines.uploads.refused_keys.keys import key_uses, keys_of_emails
from schemas.identifiers import MatchColumn
from schemas.network import Network

#: So many identifiers are marked at once.
_ROWS_AT_ONCE = 250_000
_SCHEMA = {"form": pl.UInt8, "person_id": pl.String, "mark": pl.UInt64}
_TABLE = "key_marks"

#: A key's match columns; their place in the list is the form's number.
Forms = list[list[MatchColumn]]


def forbidden_forms(networks: dict[str, Network]) -> Forms:
    """The keys that may be forbidden though nobody who holds them is refused: of other addresses than the erased."""
    every = sorted({columns for _, _, columns in key_uses(networks.values())})
    return [list(columns) for columns in every if not all(column.is_reversible for column in columns)]


def mark_everybody(warehouse: Warehouse, forms: Forms, identity_key: str) -> None:
    """Make `key_marks` (form, person_id, mark) that of `identifiers`."""
    last = warehouse.read("SELECT coalesce(max(rowid), -1) FROM warehouse.identifiers").item()

    def batches() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame(schema=_SCHEMA)
        for first in range(0, last + 1, _ROWS_AT_ONCE):
            ranged = f"WHERE rowid BETWEEN {first} AND {first + _ROWS_AT_ONCE - 1}"
            yield _marked(warehouse, forms, ranged, identity_key)

    warehouse.replace_all({_TABLE: marks} for marks in batches())


def mark_changed(warehouse: Warehouse, forms: Forms, identity_key: str) -> None:
    """Bring `key_marks` up to `identifiers`, of which everything that changed is noted."""
    changed = "warehouse.changed_identifiers"
    with warehouse.transaction():
        warehouse.execute(f"DELETE FROM warehouse.{_TABLE} WHERE person_id IN (FROM {changed})")
        warehouse.append(_TABLE, _marked(warehouse, forms, f"SEMI JOIN {changed} USING (person_id)", identity_key))


def forbidden_places(
    warehouse: Warehouse, forms: Forms, erasures: pl.DataFrame, identity_key: str, emails: pl.DataFrame
) -> pl.Series:
    """Where in `identifiers` the keys lie that are erased or of one of the `refused_emails`, and seldom another."""
    standing = erasures.filter(pl.col("lifted_at").is_null())
    named = [pl.DataFrame(schema={"form": pl.UInt8, "mark": pl.UInt64})]
    for number, columns in enumerate(forms):
        name = tombstone_form(columns)
        listed = tombstone_of(keys_of_emails(columns, emails)["value"], name, identity_key).rename("tombstone")
        stones = pl.concat([standing.filter(form=name)["tombstone"], listed])
        named.append(pl.DataFrame({"mark": _mark(stones)}).select(form=pl.lit(number, pl.UInt8), mark="mark"))
    with registered(warehouse.connection, pl.concat(named).unique()) as asked:
        held = f"SELECT form, person_id FROM warehouse.{_TABLE} SEMI JOIN {asked} USING (form, mark)"
        warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _named AS {held}")
    places = [
        f"SELECT rowid AS place FROM warehouse.identifiers WHERE {_whole(columns)} "
        f"AND person_id IN (SELECT person_id FROM _named WHERE form = {number})"
        for number, columns in enumerate(forms)
    ]
    return warehouse.read(" UNION ".join(places))["place"]


def _marked(warehouse: Warehouse, forms: Forms, which: str, identity_key: str) -> pl.DataFrame:
    """The marks of the rows of `identifiers` that a condition or join leaves."""
    names = ", ".join(sorted({column.name for columns in forms for column in columns}))
    rows = read_identifiers(warehouse, f"SELECT person_id, {names} FROM warehouse.identifiers {which}")

    def marks_in(number: int) -> pl.DataFrame:
        held = rows.select("person_id", value=key_value(forms[number])).drop_nulls("value")
        marks = _mark(tombstone_of(held["value"], tombstone_form(forms[number]), identity_key))
        return held.select(form=pl.lit(number, pl.UInt8), person_id="person_id").with_columns(mark=marks)

    return pl.concat([pl.DataFrame(schema=_SCHEMA), *at_once(marks_in, range(len(forms)))])


def _mark(tombstones: pl.Series) -> pl.Series:
    first = pl.col("tombstone").str.head(16).str.decode("hex").bin.reinterpret(dtype=pl.UInt64)
    return tombstones.to_frame("tombstone").select(first).to_series()


def _whole(columns: list[MatchColumn]) -> str:
    return " AND ".join(f"{column.name} IS NOT NULL" for column in columns)
