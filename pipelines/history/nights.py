"""The nights that are kept, and the warehouse as it stood on one of them."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.tables.intervals import history_begins, rows_on
from pipelines.tables.kept import first_kept
from schemas.errors import DayError


class Night(NamedTuple):
    """The tables as a kept night left them."""

    warehouse: Warehouse
    day: date

    def table(self, name: str) -> str:
        """A SELECT of what the table held, in brackets."""
        return f"({rows_on(self.warehouse, name, self.day)})"

    def read(self, query: str, **parameters: object) -> pl.DataFrame:
        """The rows of a SELECT."""
        return self.warehouse.read(query, **parameters)


def kept_night(warehouse: Warehouse, day: date | None, kept_days: int) -> Night:
    """The night of `day`; without one, the newest.

    Raises:
        DayError: no night was run, or none of that day is kept.
    """
    days = kept_days_of(warehouse, kept_days)
    if not days or not warehouse.has("customer_records"):
        msg = "No night was run yet: nothing is known of anybody. `relance run` does."
        raise DayError(msg)
    if day is not None and day not in days:
        earlier = (
            f" The newest before it is {max(before)}." if (before := [each for each in days if each < day]) else ""
        )
        msg = f"There is no kept night of {day}: nights from {days[0]} to {days[-1]} are kept.{earlier}"
        raise DayError(msg)
    return Night(warehouse, day or days[-1])


def kept_days_of(warehouse: Warehouse, kept_days: int) -> list[date]:
    """The days whose customers were read and whose tables are still known, oldest first."""
    if not warehouse.has("pulls"):
        return []
    every = warehouse.read("SELECT DISTINCT as_of FROM warehouse.pulls WHERE \"table\" = 'customers' ORDER BY as_of")
    days = every["as_of"].to_list()
    begins = history_begins(warehouse)
    first = max(first_kept(days[-1], kept_days), begins or days[0]) if days else None
    return [day for day in days if first is not None and day >= first]
