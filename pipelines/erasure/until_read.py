"""Whom new requests meet, kept until the customers are read: that CRM may have them under another id."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from catalog.rewrite import note_rewrite
from catalog.warehouse import Warehouse
from pipelines.crm.missing import Before
from schemas.crm import CanonicalCustomers

#: `CanonicalCustomers` of the night before, and `until` which day they are kept, null while the run goes on that met
#: them. It outlives a run that is killed before it reads the customers, or cannot read them.
FORGOTTEN = "forgotten_until_read"

#: For how long they are kept where customers cannot be read.
DAYS_UNREAD = 7


def keep_until_read(warehouse: Warehouse, forgotten: pl.DataFrame) -> None:
    """Keep `CanonicalCustomers` whom requests meet that are new tonight; there may be none of them."""
    kept = forgotten.select(CanonicalCustomers.column_names())
    warehouse.append(FORGOTTEN, kept.with_columns(until=pl.lit(None, pl.Date)))


def there_before(warehouse: Warehouse) -> Before | None:
    """Who was there before the customers are read, if requests came since they were read last."""
    if not warehouse.has(FORGOTTEN):
        return None
    return Before(f"(SELECT * EXCLUDE (until) FROM warehouse.{FORGOTTEN})", "warehouse.crm_customers")


def keep_some_days(warehouse: Warehouse, today: date) -> None:
    """At the end of a run: let go whom one met that has long ended, and keep for some days whom this one met, if it
    has not read the customers."""
    if not warehouse.has(FORGOTTEN):
        return
    with warehouse.transaction():
        gone = f"FROM warehouse.{FORGOTTEN} WHERE until <= $today"
        if not warehouse.read(f"{gone} LIMIT 1", today=today).is_empty():
            note_rewrite(warehouse)
            warehouse.execute(f"DELETE {gone}", today=today)
        last = today + timedelta(days=DAYS_UNREAD)
        warehouse.execute(f"UPDATE warehouse.{FORGOTTEN} SET until = $last WHERE until IS NULL", last=last)


def let_go(warehouse: Warehouse) -> None:
    """Keep nothing of them: the customers were read."""
    if not warehouse.has(FORGOTTEN):
        return
    with warehouse.transaction():
        # The file was written anew after their rows were taken out, with them.
        if not warehouse.read(f"FROM warehouse.{FORGOTTEN} WHERE until IS NOT NULL LIMIT 1").is_empty():
            note_rewrite(warehouse)
        warehouse.execute(f"DROP TABLE warehouse.{FORGOTTEN}")
