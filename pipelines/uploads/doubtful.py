"""Who may hold a refused key: few of many, found where they lie, so that nobody else's digests leave the warehouse."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

import polars as pl

from catalog.duckdb_connection import registered
from catalog.warehouse import Warehouse
from pipelines.at_once import at_once
from pipelines.identifiers.match_keys import key_value
from pipelines.identifiers.stored import read_identifiers
from pipelines.uploads.keys import forbidden_values, key_columns, key_uses, listed_values
from schemas.identifiers import MatchColumn
from schemas.network import Network

#: So many identifiers are compared with tombstones at once.
_ROWS_AT_ONCE = 250_000


class Doubtful(NamedTuple):
    """`Identifiers` (person_id and the columns that keys are made of) and `Permissions`, of some people."""

    identifiers: pl.DataFrame
    permissions: pl.DataFrame


def doubtful_holders(
    warehouse: Warehouse,
    networks: dict[str, Network],
    erasures: pl.DataFrame,
    identity_key: str,
    suppressed: pl.Series,
) -> Doubtful:
    """The rows of which `refused_keys` gives what it gives of all: those with a key that on some network somebody holds
    who may be sent and somebody who may not, or that is forbidden.

    In: `identifiers` and `permissions` of the warehouse, `CrmErasures`, and the e-mails that a list names (canonical).
    """
    used: dict[tuple[MatchColumn, ...], list[str]] = {}
    for network, _, columns in key_uses(networks):
        used.setdefault(columns, []).append(network)
    places = [pl.Series("place", [], dtype=pl.Int64)]
    for columns, names in used.items():
        places += _shared(warehouse, columns, names)
        listed = listed_values(list(columns), suppressed)
        places += _forbidden(warehouse, list(columns), erasures, identity_key, listed)
    named = ", ".join(column.name for column in key_columns(networks))
    with registered(warehouse.connection, pl.concat(places).unique().to_frame()) as doubtful:
        there = f"warehouse.identifiers WHERE rowid IN (FROM {doubtful})"
        return Doubtful(
            read_identifiers(warehouse, f"SELECT person_id, {named} FROM {there}"),
            warehouse.read(f"FROM warehouse.permissions WHERE person_id IN (SELECT person_id FROM {there})"),
        )


def _shared(warehouse: Warehouse, columns: tuple[MatchColumn, ...], networks: list[str]) -> list[pl.Series]:
    """Where keys of these columns lie that on some of the networks both who may be sent holds and who may not.

    By hash: that of another key may be the same, and then two rows too many are looked at.
    """
    names = [column.name for column in columns]
    whole = " AND ".join(f"{name} IS NOT NULL" for name in names)
    if all(column.identifier == "phone" and column.is_reversible for column in columns):
        # A form that no two phones have in common is shared where the phone is. (A digest may be some e-mail's.)
        whole += " AND shared_by > 1"
    keys = (
        f"SELECT rowid AS place, person_id, hash({', '.join(names)}) AS mark FROM warehouse.identifiers WHERE {whole}"
    )
    several = f"SELECT mark FROM ({keys}) GROUP BY mark HAVING count(*) > 1"
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _shared AS FROM ({keys}) SEMI JOIN ({several}) USING (mark)")
    found = []
    for network in networks:
        permitted = f"person_id IN (SELECT person_id FROM warehouse.permissions WHERE network = '{network}')"
        mixed = (
            f"SELECT mark FROM (SELECT mark, {permitted} AS permitted FROM _shared) "
            "GROUP BY mark HAVING bool_or(permitted) AND NOT bool_and(permitted)"
        )
        found.append(warehouse.read(f"SELECT place FROM _shared SEMI JOIN ({mixed}) USING (mark)")["place"])
    return found


def _forbidden(
    warehouse: Warehouse, columns: list[MatchColumn], erasures: pl.DataFrame, identity_key: str, listed: pl.Series
) -> list[pl.Series]:
    """Where keys of these columns lie that were erased or are listed."""
    if all(column.is_reversible for column in columns):
        return []
    names = ", ".join(column.name for column in columns)

    def in_range(first: int) -> pl.Series:
        ranged = f"rowid BETWEEN {first} AND {first + _ROWS_AT_ONCE - 1}"
        with closing(warehouse.connection.cursor()) as connection:
            rows = read_identifiers(
                Warehouse(connection), f"SELECT rowid AS place, {names} FROM warehouse.identifiers WHERE {ranged}"
            )
        held = rows.select("place", value=key_value(columns)).drop_nulls("value")
        gone = forbidden_values(held["value"], columns, erasures, identity_key, listed)
        return held.filter(pl.col("value").is_in(gone.implode()))["place"]

    last = warehouse.read("SELECT coalesce(max(rowid), -1) FROM warehouse.identifiers").item()
    return at_once(in_range, range(0, last + 1, _ROWS_AT_ONCE))
