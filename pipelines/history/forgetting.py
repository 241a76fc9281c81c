"""What erasure has to look for in history beside the columns by which it knows every other table."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.crm.erased import has_tombstone
from pipelines.history.intervals import drop_stale_marks, tables_with_history


def forget_in_history(warehouse: Warehouse, erasures: pl.DataFrame, identity_key: str) -> None:
    """Delete the hashes of rows that are gone, and earlier nights' refused keys that belong to somebody erased.

    In: `CrmErasures`. It comes after erased rows were taken out of all tables, in the same transaction.
    """
    for table in tables_with_history(warehouse):
        drop_stale_marks(warehouse, table)
    if not warehouse.has("past_refused_keys"):
        return
    values = warehouse.read("SELECT DISTINCT value FROM warehouse.past_refused_keys")["value"]
    # The keys of a network are not told apart by form here: a value of one form is in no other.
    erased = [values.filter(has_tombstone(values, form, erasures, identity_key)) for form in erasures["form"].unique()]
    gone = pl.concat([values.clear(), *erased]).unique()
    store_frame(warehouse.connection, "_gone", gone.to_frame("value"))
    warehouse.execute("DELETE FROM warehouse.past_refused_keys WHERE value IN (SELECT value FROM _gone)")
