"""What requests take from customers by writing the table without it: no row of it is left that would be found later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.rewrite import note_rewrite
from catalog.warehouse import Warehouse


@contextmanager
def noting_what_goes(warehouse: Warehouse, met: pl.Series) -> Iterator[None]:
    """Let the file be written anew if, after what is done meanwhile, one of the customers whom requests have `met`
    (ids) is there no more, or lacks an e-mail or a phone that was there.

    A repeated day writes over its first try and keeps nothing of it. It belongs into one transaction with the writing.
    """
    if not warehouse.has("crm_customers"):
        yield
        return
    store_frame(warehouse.connection, "_taken_from", met.to_frame("customer_id"))
    kinds = ("email", "phone")
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE _taken_before AS SELECT customer_id, {', '.join(kinds)} "
        "FROM warehouse.crm_customers SEMI JOIN _taken_from USING (customer_id)"
    )
    yield
    lost = " OR ".join(f"before.{kind} IS NOT NULL AND now.{kind} IS NULL" for kind in kinds)
    gone = warehouse.read(
        "SELECT 1 FROM _taken_before AS before LEFT JOIN warehouse.crm_customers AS now USING (customer_id) "
        f"WHERE now.customer_id IS NULL OR {lost} LIMIT 1"
    )
    if not gone.is_empty():
        note_rewrite(warehouse)
    warehouse.execute("DROP TABLE _taken_before")
