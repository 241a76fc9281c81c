"""Tables that keep what they held: beside `x`, `past_x` has the rows that a night changed or removed.

A row of `past_x` was in `x` from the day `held_from` (null: since before what is kept) until before `held_until`. Rows
that came later than the first night are named in `new_x`, by their hash and the day; all others of `x` have always been
there. So the first night writes nothing more than the table, and a later one what it changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import polars as pl

from catalog.duckdb_connection import registered
from catalog.warehouse import Warehouse
from pipelines.tables.changes import drop_notes, note
from pipelines.tables.kept import first_kept
from schemas.crm import RAW_MARK

#: Name → DuckDB's type, text for enumerated words.
Columns = dict[str, str]


class Staying(NamedTuple):
    """Rows of a table that a night leaves as they are."""

    #: The condition on them.
    rows: str
    #: Whether another row may be like one of them.
    may_repeat: bool


#: Up to this share of a table's rows, taking out and adding them takes less time than writing the table anew.
_FEW = 0.2


def replace_by(  # noqa: PLR0913 - a table and its rows, and the days
    warehouse: Warehouse,
    table: str,
    select: str,
    *,
    day: date,
    kept_days: int,
    staying: Staying | None = None,
    parts: Sequence[str] = (),
) -> None:
    """Make the rows of a SELECT, and those that are `staying`, the content of `table` as of `day`, and keep what it
    held on earlier days.

    `parts` are SELECTs that give the same rows, each some of them, where one of all of them would hold too much. A
    repeated day keeps nothing of its first try. Belongs into one transaction with what else the night writes.
    """
    held = warehouse.columns(f"warehouse.{table}") if warehouse.has(table) else None
    arriving, whole = warehouse.columns(f"({select})"), parts or [select]
    if staying is not None:
        whole = [f"{select} UNION ALL BY NAME FROM warehouse.{table} WHERE {staying.rows}"]
    if held is None or _compared(held) != _compared(arriving):
        # Nothing was there before; or the contract changed, and rows of the old one cannot be compared.
        _begin(warehouse, table, day)
        warehouse.replace_by(table, *whole)
        return
    columns = _compared(held)
    listed = _listed(columns)
    _find_changes(warehouse, table, select, listed, staying)
    # A word that is new to an enumerated column needs the table anew; so do marks of raw rows that are not known.
    if held == arriving and staying is not None and _few_arrive(warehouse, table):
        warehouse.execute(f"DELETE FROM warehouse.{table} WHERE rowid IN (SELECT place FROM _before)")
        warehouse.insert(f"warehouse.{table}", select)
    elif held == arriving and RAW_MARK not in held and _few_differ(warehouse, listed):
        warehouse.execute(f"DELETE FROM warehouse.{table} WHERE rowid IN (SELECT place FROM _gone_rows)")
        warehouse.insert(f"warehouse.{table}", "SELECT * EXCLUDE (mark) FROM _came_rows")
    else:
        warehouse.replace_by(table, *whole)
    _make(warehouse, table, columns, day)
    # Most tables of a small night stay as they are: to write down nothing would take a twentieth of it (measured).
    came, went = warehouse.read("SELECT (SELECT count(*) FROM _came_rows), (SELECT count(*) FROM _gone_rows)").row(0)
    if went:
        _keep_gone(warehouse, table, columns, day)
    if came:
        _keep_came(warehouse, table, columns, day)
    if came or went:
        note(warehouse, table, "FROM _came_rows UNION ALL BY NAME FROM _gone_rows")
    expire(warehouse, table, first_kept(day, kept_days))
    for name in ("_arriving", "_before", "_gone_rows", "_came_rows"):
        warehouse.execute(f"DROP TABLE {name}")


def _find_changes(warehouse: Warehouse, table: str, select: str, listed: str, staying: Staying | None) -> None:
    """Put the hashes (quick) of the rows that are not `staying` into `_arriving` and `_before` (place too); and rows
    whose hash only one of them has, whole and with their mark, into `_came_rows` and `_gone_rows`."""
    # Only rows whose hashes differ are looked at whole.
    marked = f"*, {_mark(listed)} AS mark"
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _arriving AS SELECT hash({listed}) AS quick FROM ({select})")
    # Where most rows stay, the others are looked for once and kept whole.
    before = f"warehouse.{table}" if staying is None else f"warehouse.{table} WHERE NOT ({staying.rows})"
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE _before AS SELECT rowid AS place, hash({listed}) AS quick"
        f"{'' if staying is None else ', *'} FROM {before}"
    )
    if staying is not None and staying.may_repeat:
        _note_alike(warehouse, table, listed, staying)
    gone = "FROM _before ANTI JOIN _arriving USING (quick)"
    if staying is None:
        gone = f"FROM (SELECT rowid AS place, * FROM warehouse.{table}) SEMI JOIN (SELECT place {gone}) USING (place)"
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _gone_rows AS SELECT {marked} {gone}")
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE _came_rows AS SELECT {marked} FROM ({select}) AS arriving "
        f"ANTI JOIN (SELECT quick FROM _before) AS before ON hash({listed}) = quick"
    )


def _note_alike(warehouse: Warehouse, table: str, listed: str, staying: Staying) -> None:
    """A row that is like one that stays neither comes nor goes: it is there before and afterwards."""
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE _alike AS SELECT DISTINCT quick FROM "
        f"(SELECT hash({listed}) AS quick FROM warehouse.{table} WHERE {staying.rows}) "
        "SEMI JOIN (SELECT quick FROM _arriving UNION ALL SELECT quick FROM _before) USING (quick)"
    )
    warehouse.execute("CREATE OR REPLACE TEMP TABLE _arriving AS FROM _arriving UNION ALL FROM _alike")
    warehouse.execute("CREATE OR REPLACE TEMP TABLE _before AS FROM _before UNION ALL BY NAME FROM _alike")
    warehouse.execute("DROP TABLE _alike")


def _few_arrive(warehouse: Warehouse, table: str) -> bool:
    found = warehouse.read("SELECT (SELECT count(*) FROM _arriving) + (SELECT count(*) FROM _before) AS rows")
    return found["rows"].item() <= _FEW * warehouse.height(table)


def _few_differ(warehouse: Warehouse, listed: str) -> bool:
    """Whether few rows came and went, and that is all: rows that are alike are one hash, however many of them there
    are, so sums of hashes decide."""
    sums = "count(*) AS rows, coalesce(sum(quick::HUGEINT), 0) AS total"
    found = warehouse.read(
        f"SELECT arriving.rows AS arriving, gone.rows + came.rows AS changed, arriving.rows = before.rows - gone.rows "
        "+ came.rows AND arriving.total = before.total - gone.total + came.total AS enough "
        f"FROM (SELECT {sums} FROM _arriving) AS arriving, (SELECT {sums} FROM _before) AS before, "
        f"(SELECT {sums} FROM _before SEMI JOIN _gone_rows USING (place)) AS gone, "
        f"(SELECT {sums} FROM (SELECT hash({listed}) AS quick FROM _came_rows)) AS came"
    )
    arriving, changed, enough = found.row(0)
    return enough and changed <= _FEW * arriving


def replace(warehouse: Warehouse, table: str, frame: pl.DataFrame, *, day: date, kept_days: int) -> None:
    """As `replace_by`, with the rows of a frame."""
    if frame.is_empty():
        # Of no rows from a frame, DuckDB would lose others (docs/decisions/0010).
        _empty(warehouse, table, frame, day=day, kept_days=kept_days)
        return
    with registered(warehouse.connection, frame) as incoming:
        replace_by(warehouse, table, f"SELECT * FROM {incoming}", day=day, kept_days=kept_days)


def _empty(warehouse: Warehouse, table: str, frame: pl.DataFrame, *, day: date, kept_days: int) -> None:
    if warehouse.has(table) and list(_columns(warehouse, f"warehouse.{table}")) == frame.columns:
        replace_by(warehouse, table, f"SELECT * FROM warehouse.{table} WHERE false", day=day, kept_days=kept_days)
        return
    _begin(warehouse, table, day)
    warehouse.replace(table, frame)


def rows_on(warehouse: Warehouse, table: str, day: date) -> str:
    """A SELECT of the rows that `table` held on `day`, to be put into brackets."""
    if not warehouse.has(f"new_{table}"):
        return f"SELECT {_named(_columns(warehouse, f'warehouse.{table}'))} FROM warehouse.{table}"
    at = f"DATE '{day.isoformat()}'"
    later = f"SELECT mark FROM warehouse.new_{table} WHERE came_on > {at}"
    columns = _columns(warehouse, f"warehouse.{table}")
    named = _named(columns)
    return (
        f"SELECT {named} FROM warehouse.{table} WHERE {_mark(_listed(columns))} NOT IN ({later}) "
        f"UNION ALL SELECT {named} FROM warehouse.past_{table} "
        f"WHERE coalesce(held_from <= {at}, true) AND held_until > {at}"
    )


def expire(warehouse: Warehouse, table: str, first: date) -> None:
    """Delete what came and went before `first`: what did so on that day is known of it."""
    warehouse.execute(f"DELETE FROM warehouse.past_{table} WHERE held_until < $first", first=first)
    warehouse.execute(f"DELETE FROM warehouse.new_{table} WHERE came_on < $first", first=first)


def _keep_gone(warehouse: Warehouse, table: str, columns: Columns, day: date) -> None:
    """Write the rows that are gone, unless they came on the very day; they are new no more."""
    gone = (
        f"SELECT {_named(columns)}, came_on AS held_from, $day::DATE AS held_until FROM _gone_rows "
        f"LEFT JOIN (SELECT mark, max(came_on) AS came_on FROM warehouse.new_{table} GROUP BY mark) USING (mark) "
        "WHERE came_on IS NULL OR came_on < $day"
    )
    _add(warehouse, f"past_{table}", gone, day)
    warehouse.execute(f"DELETE FROM warehouse.new_{table} WHERE mark IN (SELECT mark FROM _gone_rows)")


def _keep_came(warehouse: Warehouse, table: str, columns: Columns, day: date) -> None:
    """Write which rows came; those that went in an earlier try of the very day were never gone."""
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE _back AS SELECT rowid AS place, {_mark(_listed(columns))} AS mark, held_from "
        f"FROM warehouse.past_{table} WHERE held_until = $day AND mark IN (SELECT mark FROM _came_rows)",
        day=day,
    )
    warehouse.execute(f"DELETE FROM warehouse.past_{table} WHERE rowid IN (SELECT place FROM _back)")
    came = "SELECT DISTINCT mark, $day::DATE AS came_on FROM _came_rows ANTI JOIN _back USING (mark)"
    back = "SELECT DISTINCT mark, held_from AS came_on FROM _back WHERE held_from < $day"
    _add(warehouse, f"new_{table}", came, day)
    _add(warehouse, f"new_{table}", back, day)
    warehouse.execute("DROP TABLE _back")


def _add(warehouse: Warehouse, table: str, select: str, day: date) -> None:
    """Insert what a SELECT finds, worked out once."""
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _added AS {select}", day=day)
    warehouse.insert(f"warehouse.{table}", "FROM _added")
    warehouse.execute("DROP TABLE _added")


def _make(warehouse: Warehouse, table: str, columns: Columns, day: date) -> None:
    """The two tables beside `table`, if they are not there: words as text, since a later night may know more words."""
    if warehouse.has(f"new_{table}"):
        return
    if history_begins(warehouse, table) is None:
        # It was written by a release that kept no history.
        _begin(warehouse, table, day)
    typed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    warehouse.execute(f"CREATE TABLE warehouse.past_{table} ({typed}, held_from DATE, held_until DATE)")
    warehouse.execute(f"CREATE TABLE warehouse.new_{table} (mark UHUGEINT, came_on DATE)")


def _begin(warehouse: Warehouse, table: str, day: date) -> None:
    """Forget what the table held before `day`, from which on it is known."""
    for kind in ("past", "new"):
        warehouse.execute(f"DROP TABLE IF EXISTS warehouse.{kind}_{table}")
    drop_notes(warehouse, table)
    begins = pl.DataFrame({"table": [table], "day": [day]})
    warehouse.replace_where("history_begins", '"table" = $table', begins, table=table)


def history_begins(warehouse: Warehouse, table: str | None = None) -> date | None:
    """The first day of which the table is known; without one, all tables; None if there is no history."""
    if not warehouse.has("history_begins"):
        return None
    begun = warehouse.read(
        'SELECT max(day) AS day FROM warehouse.history_begins WHERE coalesce($table, "table") = "table"', table=table
    )["day"].item()
    return begun if isinstance(begun, date) else None


def _columns(warehouse: Warehouse, rows: str) -> Columns:
    """What a table or a SELECT in brackets says: its columns and their types, text for enumerated words."""
    return _compared(warehouse.columns(rows))


def _compared(described: Columns) -> Columns:
    return {
        name: "VARCHAR" if kind.startswith("ENUM") else kind for name, kind in described.items() if name != RAW_MARK
    }


def _named(columns: Columns) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _listed(columns: Columns) -> str:
    """SQL for a row's values, written the same whatever a night knows: enumerated words have other numbers when there
    are more of them, and times other texts in another time zone."""
    written = {"VARCHAR": '"{}"::VARCHAR', "TIMESTAMP WITH TIME ZONE": 'epoch_us("{}")'}
    return ", ".join(written.get(kind, '"{}"').format(name) for name, kind in columns.items())


def _mark(listed: str) -> str:
    """SQL for what names a row from night to night; unlike `hash`, no version of DuckDB may change it."""
    return f"md5_number(row({listed})::VARCHAR)"


def last_change(warehouse: Warehouse, table: str, column: str, values: list[str], day: date) -> date | None:
    """The last day up to `day` on which a row of `table` with one of the values in `column` came or went; None if that
    was before what is kept."""
    if not warehouse.has(f"new_{table}"):
        return None
    among = f"WHERE {column} IN (SELECT unnest($values::VARCHAR[]))"
    mark = _mark(_listed(_columns(warehouse, f"warehouse.{table}")))
    held = f"warehouse.{table} JOIN warehouse.new_{table} ON {mark} = mark"
    changes = (
        f"SELECT held_until AS changed FROM warehouse.past_{table} {among} "
        f"UNION ALL SELECT held_from FROM warehouse.past_{table} {among} UNION ALL SELECT came_on FROM {held} {among}"
    )
    found = warehouse.read(f"SELECT max(changed) FROM ({changes}) WHERE changed <= $day", values=values, day=day)
    changed = found.item()
    return changed if isinstance(changed, date) else None


def forget_marks(warehouse: Warehouse, table: str, condition: str) -> None:
    """Forget the hashes of the rows that meet an SQL condition, before they go: a row's hash goes with the row."""
    if warehouse.has(f"new_{table}"):
        marks = f"SELECT {_mark(_listed(_columns(warehouse, f'warehouse.{table}')))} FROM warehouse.{table}"
        warehouse.execute(f"DELETE FROM warehouse.new_{table} WHERE mark IN ({marks} WHERE {condition})")
