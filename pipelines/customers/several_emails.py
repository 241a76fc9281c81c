"""E-mails beside another in a customer's cell: the first is theirs, and what refuses by another is heard too."""

from __future__ import annotations

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.identifiers.emails import canonical_email
from pipelines.identifiers.wrapped import each_unwrapped


def further_emails(warehouse: Warehouse, customers: str = "warehouse.crm_customers") -> pl.DataFrame:
    """customer_id, address (canonical): every e-mail of those of the customers (a table, or SQL in brackets) who have
    several in their cell."""
    cells = warehouse.read(f"SELECT customer_id, email AS address FROM {customers} WHERE email LIKE '%@%@%'")
    return each_unwrapped(cells, "address", among_words=True).with_columns(canonical_email(pl.col("address")))
