"""Whom new requests meet, kept until the customers are read: tonight's CRM may have them under another id."""

from __future__ import annotations

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.crm.missing import Before
from schemas.crm import CanonicalCustomers

#: `CanonicalCustomers` of the night before. It outlives a run that is killed before it reads the customers.
FORGOTTEN = "forgotten_until_read"


def keep_until_read(warehouse: Warehouse, forgotten: pl.DataFrame) -> None:
    """Keep `CanonicalCustomers` whom requests meet that are new tonight; there may be none of them."""
    warehouse.append(FORGOTTEN, forgotten.select(CanonicalCustomers.column_names()))


def there_before(warehouse: Warehouse) -> Before | None:
    """Who was there before the customers are read, if requests came since they were read last."""
    return Before(f"warehouse.{FORGOTTEN}", "warehouse.crm_customers") if warehouse.has(FORGOTTEN) else None


def let_go(warehouse: Warehouse) -> None:
    """Keep nothing of them: the customers were read, or will not be."""
    warehouse.execute(f"DROP TABLE IF EXISTS warehouse.{FORGOTTEN}")
