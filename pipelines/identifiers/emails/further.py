"""E-mails that a customer's row has beside theirs: what refuses by one of them is heard, a grant is not."""

from __future__ import annotations

import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.wrapped import each_unwrapped


def further_emails(connection: duckdb.DuckDBPyConnection, customers: str) -> pl.DataFrame:
    """customer_id, address (canonical): every e-mail of those of the `customers` (`CanonicalCustomers`: a table, or SQL
    in brackets) who have several in their cell, and every one that stands where the phone belongs."""
    cells = frame_of(
        connection.sql(
            f"SELECT customer_id, email AS address FROM {customers} WHERE email LIKE '%@%@%' "
            f"UNION ALL SELECT customer_id, phone FROM {customers} WHERE phone LIKE '%@%'"
        )
    )
    return each_unwrapped(cells, "address", among_words=True).with_columns(canonical_email(pl.col("address")))
