"""Raw rows that are known from the night before: what became of them stands, and is neither cast, judged nor compared.

A row of the warehouse that one raw row alone gives bears that one's mark. Raw rows whose mark is borne by a row that
stands need no more than to be seen. All others arrive, and so do known ones that are judged together with another row.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from catalog.duckdb_connection import insert_select, store_frame
from catalog.warehouse import Warehouse
from pipelines.crm.arrival import Arrival
from pipelines.tables.rules import is_made_by, rules_of
from schemas.crm import RAW_MARK
from schemas.settings import Settings
from schemas.source import Sources, TableName

#: So many marks are compared at once.
_MARKS_AT_ONCE = 8_000_000

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
    new, gone, repeated = _compared(arrival)
    store_frame(
        arrival.connection, arrival.met, pl.concat([new.to_frame("new"), gone.to_frame("gone")], how="diagonal")
    )
    if new.is_empty():
        return f"FROM ({select}) LIMIT 0", repeated
    # As a condition it would be a join that keeps all rows that are parsed (tried).
    fresh = f"SELECT *, {RAW_MARK} IN (SELECT new FROM {arrival.met} WHERE new IS NOT NULL) AS fresh FROM ({select})"
    return f"SELECT * EXCLUDE (fresh) FROM ({fresh}) WHERE fresh", repeated


def _compared(arrival: Arrival) -> tuple[pl.Series, pl.Series, bool]:
    """The marks that only raw rows bear, those that only rows of the warehouse bear, and whether one that both bear
    stands twice on either side.

    Sorted numbers take as long as a join, and a part of them at a time little memory, of which DuckDB's join of all
    runs out (tried with ten million customers).
    """
    held = f"SELECT {RAW_MARK} FROM {arrival.held} WHERE {arrival.knowable}"
    sides = (f"SELECT {RAW_MARK} FROM {arrival.seen}", held)
    rows = arrival.read(
        f"SELECT (SELECT count(*) FROM {arrival.seen}) + (SELECT count(*) FROM ({held})) AS rows"
    ).item()
    parts = 1 + rows // _MARKS_AT_ONCE
    found: tuple[list[pl.Series], list[pl.Series]] = ([], [])
    repeated = False
    for part in range(parts):
        marks = [arrival.read(f"FROM ({side}) WHERE {RAW_MARK} % {parts} = {part}")[RAW_MARK].sort() for side in sides]
        once = [side.filter(side.ne_missing(side.shift())) for side in marks]
        every = pl.concat(once).sort()
        others = every.filter(every.ne_missing(every.shift()) & every.ne_missing(every.shift(-1)))
        for side, one, alone in zip(marks, once, found, strict=True):
            theirs = _among(one, others)
            alone.append(theirs)
            twice = side.filter(side == side.shift())
            repeated |= not twice.filter(~twice.is_in(theirs.implode())).is_empty()
    return pl.concat(found[0]), pl.concat(found[1]), repeated


def _among(numbers: pl.Series, wanted: pl.Series) -> pl.Series:
    """Those of the `wanted` that are among the sorted numbers."""
    if numbers.is_empty():
        return wanted.clear()
    places = numbers.search_sorted(wanted).clip(upper_bound=numbers.len() - 1)
    return wanted.filter(numbers.gather(places) == wanted)


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
    columns = ", ".join([*arrival.contract.column_names(), RAW_MARK])
    rows = f"SELECT DISTINCT {columns} FROM {arrival.held} WHERE {RAW_MARK} IN (FROM _recalled)"
    seen = f"(SELECT {RAW_MARK} FROM {arrival.seen})"
    insert_select(arrival.connection, arrival.name, f"FROM ({rows}) JOIN {seen} USING ({RAW_MARK})")


def _repeated(arrival: Arrival, rows: str) -> pl.Series:
    """The marks that several rows bear. Sorted numbers show them for a third of grouping."""
    marks = arrival.read(f"SELECT {RAW_MARK} FROM {rows} WHERE {RAW_MARK} IS NOT NULL")[RAW_MARK].sort()
    return marks.filter(marks == marks.shift()).unique()


def _of_contract(given: list[str], contract: type[dy.Schema]) -> list[str]:
    return [name for name in contract.column_names() if name in given]
