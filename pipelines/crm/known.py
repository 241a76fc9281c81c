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


def see(arrival: Arrival, select: str, source_file: str | None) -> tuple[str, bool]:
    """Look at the mark of every row of a `marked` select; SQL for the rows that are not known, in no order, and whether
    a mark that is known stands twice.

    `source_file` is SQL for the file in which a row stands. The select is read twice: keeping all texts until the new
    rows are found takes as long, and far more memory (measured).
    """
    arrival.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {arrival.seen} AS "
        f"SELECT {RAW_MARK}, {source_file or 'NULL'} AS source_file FROM ({select}) AS marked"
    )
    # In the one row without either, how many pairs there are.
    arrival.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {arrival.met} AS SELECT new, gone, count(*) AS rows FROM ("
        f"SELECT CASE WHEN held.{RAW_MARK} IS NULL THEN seen.{RAW_MARK} END AS new, "
        f"CASE WHEN seen.{RAW_MARK} IS NULL THEN held.{RAW_MARK} END AS gone FROM {arrival.seen} AS seen "
        f"FULL JOIN (SELECT {RAW_MARK} FROM {arrival.held} WHERE {arrival.knowable}) AS held USING ({RAW_MARK})) "
        "GROUP BY ALL"
    )
    # If every known row is in one pair, there are as many pairs as rows on either side.
    counted = arrival.read(
        f"SELECT seen.rows - coalesce(sum(met.rows) FILTER (new IS NOT NULL), 0) AS seen, "
        "held.rows - coalesce(sum(met.rows) FILTER (gone IS NOT NULL), 0) AS held, "
        "coalesce(sum(met.rows) FILTER (new IS NULL AND gone IS NULL), 0) AS pairs "
        f"FROM (SELECT count(*) AS rows FROM {arrival.seen}) AS seen, "
        f"(SELECT count(*) AS rows FROM {arrival.held} WHERE {arrival.knowable}) AS held, {arrival.met} AS met "
        "GROUP BY seen.rows, held.rows"
    )
    # As a condition it would be a join that keeps all rows that are parsed (tried).
    fresh = f"SELECT *, {RAW_MARK} IN (SELECT new FROM {arrival.met} WHERE new IS NOT NULL) AS fresh FROM ({select})"
    return f"SELECT * EXCLUDE (fresh) FROM ({fresh}) WHERE fresh", any(len(set(row)) > 1 for row in counted.rows())


def recall(arrival: Arrival, *, repeated: bool) -> None:
    """Let known rows arrive that are judged together with others: whose raw row stands twice (none does if not
    `repeated`), or whose key another row has. And note which rows of the warehouse do not stay: these, and those whose
    raw row is gone.
    """
    keys = arrival.contract.primary_key()
    together = [f"{key} IN (SELECT {key} FROM {arrival.name})" for key in keys]
    if repeated:
        # Without a key, two rows of the warehouse may be of raw rows that are alike.
        marks = [_repeated(arrival, rows) for rows in (arrival.seen, *([] if keys else [arrival.held or ""]))]
        store_frame(arrival.connection, "_repeated", pl.concat(marks).to_frame())
        together.append(f"{RAW_MARK} IN (FROM _repeated)")
    gone = f"SELECT gone AS {RAW_MARK} FROM {arrival.met} WHERE gone IS NOT NULL"
    arrival.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _recalled AS SELECT DISTINCT {RAW_MARK} FROM {arrival.held} "
        f"WHERE {arrival.knowable} AND ({' OR '.join(together) or 'FALSE'}) AND {RAW_MARK} NOT IN ({gone})"
    )
    arrival.connection.execute(f"CREATE OR REPLACE TEMP TABLE {arrival.leaving} AS {gone} UNION ALL FROM _recalled")
    # An insert of no rows would lose others (docs/decisions/0010).
    if not arrival.read("FROM _recalled LIMIT 1").is_empty():
        columns = ", ".join([*arrival.contract.column_names(), RAW_MARK])
        rows = (
            f"SELECT DISTINCT {columns} FROM {arrival.held} WHERE {arrival.knowable} AND {RAW_MARK} IN (FROM _recalled)"
        )
        seen = f"(SELECT {RAW_MARK} FROM {arrival.seen})"
        arrival.connection.execute(f"INSERT INTO {arrival.name} BY NAME FROM ({rows}) JOIN {seen} USING ({RAW_MARK})")


def _repeated(arrival: Arrival, rows: str) -> pl.Series:
    """The marks that several rows bear. Sorted numbers show them for a third of grouping."""
    marks = arrival.read(f"SELECT {RAW_MARK} FROM {rows} WHERE {RAW_MARK} IS NOT NULL")[RAW_MARK].sort()
    return marks.filter(marks == marks.shift()).unique()


def _of_contract(given: list[str], contract: type[dy.Schema]) -> list[str]:
    return [name for name in contract.column_names() if name in given]
