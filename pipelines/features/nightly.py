"""The night's features: everybody's, worked out anew, beside those of earlier nights."""

from __future__ import annotations

from datetime import date

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.features.measures import end_of, measured, ranked
from pipelines.features.totals import totals
from pipelines.tables.kept import first_kept
from schemas.settings import Settings


def update_features(warehouse: Warehouse, rates: pl.DataFrame, settings: Settings, *, as_of: date) -> pl.DataFrame:
    """Make the rows of `as_of` in `features` what the CRM says now, and drop those too old to be kept. Out: `Features`
    of the day."""
    table = ranked(_measured(warehouse, rates, settings, as_of))
    dated = table.with_columns(as_of=pl.lit(as_of))
    with warehouse.transaction():
        first = first_kept(as_of, settings.history_days)
        warehouse.replace_where("features", "as_of = $day OR as_of < $first", dated, day=as_of, first=first)
    return table


def _measured(warehouse: Warehouse, rates: pl.DataFrame, settings: Settings, as_of: date) -> pl.DataFrame:
    """Everybody's measures; what they are worked out from is needed no longer."""
    customers = warehouse.read("FROM warehouse.customers")
    found = totals(warehouse, currency=settings.currency, end=end_of(as_of, settings))
    # All people are held from here on.
    warehouse.give_back_memory()
    measures = measured(
        customers, found.foreign, found.visits, rates, settings=settings, as_of=as_of, summed=found.orders
    )
    return measures.collect()
