"""Who changed between two nights: what a night that works out only what is new would begin with."""

from __future__ import annotations

from datetime import date

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.history.intervals import changed_values
from pipelines.history.nights import kept_days_of


def changed_customers(warehouse: Warehouse, *, since: date, kept_days: int) -> pl.Series | None:
    """The customer_id of every record that came, changed or went after the night of `since`, each once, sorted; also
    of those whose change was taken back. None if that is not known: then everybody may have changed.

    It is not known of a night that is not kept, and of the newest: a day that is run again keeps nothing of its first
    try. Erased records are not among them: erasure itself takes out what was derived from them.
    """
    days = kept_days_of(warehouse, kept_days)
    if since not in days[:-1]:
        return None
    return changed_values(warehouse, "crm_customers", "customer_id", after=since)
