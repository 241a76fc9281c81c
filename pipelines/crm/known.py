"""Raw rows that are known from the night before: what became of them stands, and is neither cast, judged nor compared.

A row of the warehouse that one raw row alone gives bears that one's mark. Raw rows whose mark is borne by a row that
stands need no more than to be seen. All others arrive, and so do known ones that are judged together with another row.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.crm.arrival import Arrival
from pipelines.identifiers.rules import is_made_by, rules_of
from schemas.crm import RAW_MARK
from schemas.settings import Settings
from schemas.source import Sources, TableName

#: Tables whose rows bear marks.
MARKED: tuple[TableName, ...] = ("customers", "orders", "consents", "visits")


def marking_rules(table: TableName, sources: Sources, settings: Settings, rates: pl.DataFrame) -> str:
    """Names all that decides what becomes of a raw row of the table, erasures aside."""
    declared = sources.table(table).model_dump(exclude={"select"})
    further = {
        "customers": (settings.default_country,),
        "orders": (settings.currency, sorted(rates.rows())),
    }.get(table, ())
    return rules_of("raw rows", table, sorted(declared.items()), settings.time_zone, further)


def known_tables(
    warehouse: Warehouse, sources: Sources, settings: Settings, rates: pl.DataFrame
) -> dict[TableName, str]:
    """The tables of the warehouse that the same rules would make again of the same raw rows."""
    return {
        table: f"warehouse.crm_{table}"
        for table in MARKED
        if is_made_by(warehouse, f"crm_{table}", marking_rules(table, sources, settings, rates))
    }


def marked(select: str, given: list[str], contract: type[dy.Schema]) -> str:
    """The select with a mark of each of its rows: a hash of what it gives, and of what its columns are called."""
    names = _of_contract(given, contract)
    texts = ", ".join(f'"{name}"::VARCHAR' for name in names)
    return f"SELECT *, hash('{','.join(names)}', {texts}) AS {RAW_MARK} FROM ({select}\n) AS selected"


def see(arrival: Arrival, select: str, given: list[str], source_file: str | None) -> str:
    """Look at every row of a `marked` select once; SQL for those that are not known, with their places.

    `source_file` is SQL for the file in which a row stands.
    """
    names = _of_contract(given, arrival.contract)
    texts = [f'"{name}"::VARCHAR AS "{name}"' for name in names]
    files = [] if source_file is None else [f"{source_file} AS source_file"]
    # Looked up afterwards: through a join, rows would lose their order, and with it their places (tried).
    arrival.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {arrival.seen} AS SELECT {', '.join([RAW_MARK, *files, *texts])} "
        f"FROM ({select}) AS marked"
    )
    return (
        f"SELECT *, rowid AS place FROM {arrival.seen} "
        f"WHERE {RAW_MARK} NOT IN (SELECT {RAW_MARK} FROM {arrival.held} WHERE {arrival.knowable})"
    )


def recall(arrival: Arrival) -> None:
    """Let known rows arrive that are judged together with others: whose raw row stands twice, or whose key another row
    has. And note which rows of the warehouse do not stay: these, and those whose raw row is gone.
    """
    columns = ", ".join(arrival.contract.column_names())
    keys = arrival.contract.primary_key()
    # Without a key, two rows of the warehouse may be of raw rows that are alike.
    repeated = [_repeated(arrival, arrival.seen), *([] if keys else [_repeated(arrival, arrival.held or "")])]
    store_frame(arrival.connection, "_repeated", pl.concat(repeated).to_frame())
    together = [f"{RAW_MARK} IN (FROM _repeated)", *(f"{key} IN (SELECT {key} FROM {arrival.name})" for key in keys)]
    arrival.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _recalled AS SELECT DISTINCT {columns}, {RAW_MARK} FROM {arrival.held} "
        f"WHERE {arrival.knowable} AND ({' OR '.join(together)})"
    )
    arrival.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {arrival.leaving} AS SELECT {RAW_MARK} FROM {arrival.held} "
        f"WHERE {arrival.knowable} AND {RAW_MARK} NOT IN (SELECT {RAW_MARK} FROM {arrival.seen}) "
        f"UNION SELECT {RAW_MARK} FROM _recalled"
    )
    file = ", seen.source_file" if "source_file" in arrival.read(f"FROM {arrival.seen} LIMIT 0").columns else ""
    found = (
        f"SELECT _recalled.*, seen.rowid AS place{file} FROM _recalled JOIN {arrival.seen} AS seen USING ({RAW_MARK})"
    )
    # An insert of no rows would lose others (docs/decisions/0010).
    if not arrival.read(f"{found} LIMIT 1").is_empty():
        arrival.connection.execute(f"INSERT INTO {arrival.name} BY NAME {found}")


def _repeated(arrival: Arrival, rows: str) -> pl.Series:
    """The marks that several rows bear. Sorted numbers show them for a third of grouping."""
    marks = arrival.read(f"SELECT {RAW_MARK} FROM {rows} WHERE {RAW_MARK} IS NOT NULL")[RAW_MARK].sort()
    return marks.filter(marks == marks.shift()).unique()


def _of_contract(given: list[str], contract: type[dy.Schema]) -> list[str]:
    return [name for name in contract.column_names() if name in given]
