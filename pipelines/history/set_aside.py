"""Which source rows a night set aside, and why: masked, as the quarantine keeps them."""

from __future__ import annotations

from datetime import date

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.tables.kept import first_kept
from schemas.errors import DayError
from schemas.source import TableName

#: How long a quarantined row is kept.
QUARANTINE_DAYS = 30


def set_aside(warehouse: Warehouse, day: date | None, table: TableName | None) -> tuple[date, pl.DataFrame]:
    """The day that was asked for, or else the newest whose CRM was read, and what it set aside of the table, or of all:
    table, source, row, rule, shape, in the order in which the rows stand in their sources.

    Raises:
        DayError: nothing was read for that day, or what it set aside has expired.
    """
    days = []
    if warehouse.has("pulls"):
        days = warehouse.read("SELECT DISTINCT as_of FROM warehouse.pulls ORDER BY as_of")["as_of"].to_list()
    if not days:
        msg = "No night has read the CRM yet, so nothing was set aside. `relance run` reads it."
        raise DayError(msg)
    known = [each for each in days if each >= first_kept(days[-1], QUARANTINE_DAYS)]
    if day is not None and day not in known:
        msg = f"Nothing is kept of what was set aside on {day}: known are days from {known[0]} to {known[-1]}."
        raise DayError(msg)
    asked = day or known[-1]
    rows = warehouse.read(
        'SELECT "table", source, "row", rule, shape FROM warehouse.quarantine WHERE as_of = $day '
        'ORDER BY "table", source, "row" NULLS LAST, rule, shape',
        day=asked,
    )
    return asked, rows if table is None else rows.filter(pl.col("table") == table)


def expire_quarantine(warehouse: Warehouse, day: date) -> None:
    """Let go of what was set aside too long before `day`."""
    if warehouse.has("quarantine"):
        first = first_kept(day, QUARANTINE_DAYS)
        warehouse.execute("DELETE FROM warehouse.quarantine WHERE as_of < $first", first=first)


def count_set_aside(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """table, rule, rows: how many rows the day set aside."""
    return warehouse.read(
        'SELECT "table", rule, count(*) AS rows FROM warehouse.quarantine WHERE as_of = $day GROUP BY ALL ORDER BY ALL',
        day=day,
    )
