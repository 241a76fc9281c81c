"""What erasure has to look for in history beside the columns by which it knows every other table."""

from __future__ import annotations

from functools import partial

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.at_once import at_once
from pipelines.erasure.taking_out import delete_rows
from pipelines.pieces import in_pieces, picked
from pipelines.tombstones.erased import has_tombstone


def forget_refused_keys(warehouse: Warehouse, erasures: pl.DataFrame, identity_key: str) -> pl.Series:
    """Delete refused keys, the last night's and earlier nights', that belong to somebody erased. Out: which ones.

    In: `CrmErasures`. It belongs into the transaction that takes out the rows.
    """
    found = [pl.Series("value", [], dtype=pl.String)]
    forms = erasures["form"].unique()
    for table in ("refused_keys", "past_refused_keys"):
        if not warehouse.has(table):
            continue
        gone = pl.Series("value", [], dtype=pl.String)
        for piece in in_pieces(warehouse.read, f"warehouse.{table}", "SELECT DISTINCT value FROM {}".format):
            # The keys of a network are not told apart by form here: a value of one form is in no other.
            gone = pl.concat([gone, *at_once(partial(_erased, piece, erasures, identity_key), forms)])
        store_frame(warehouse.connection, "_gone", gone.unique().to_frame("value"))
        delete_rows(warehouse, table, "value IN (SELECT value FROM _gone)")
        found.append(gone)
    return pl.concat(found).unique()


def _erased(keys: pl.DataFrame, erasures: pl.DataFrame, identity_key: str, form: str) -> pl.Series:
    return picked(keys.filter(has_tombstone(keys["value"], form, erasures, identity_key)))["value"]
