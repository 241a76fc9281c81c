"""Rows that erasure takes out of a table or changes in it: their hashes in history go with them, and pages of the file
hold them until it is written anew."""

from __future__ import annotations

from catalog.rewrite import note_rewrite
from catalog.warehouse import Warehouse
from pipelines.tables.intervals import forget_marks
from schemas.crm import RAW_MARK


def delete_rows(warehouse: Warehouse, table: str, condition: str) -> None:
    """Delete the rows that meet an SQL condition. It belongs into a transaction."""
    if _are_there(warehouse, table, condition):
        warehouse.execute(f"DELETE FROM warehouse.{table} WHERE {condition}")


def change_rows(warehouse: Warehouse, table: str, change: str, condition: str) -> None:
    """Change the rows that meet an SQL condition: `change` is what follows SET. It belongs into a transaction."""
    if _are_there(warehouse, table, condition):
        # Such a row is no longer what its raw row gives, whose hash goes with what was erased.
        marked = RAW_MARK in warehouse.read(f"FROM warehouse.{table} LIMIT 0").columns
        change += f", {RAW_MARK} = NULL" if marked else ""
        warehouse.execute(f"UPDATE warehouse.{table} SET {change} WHERE {condition}")


def _are_there(warehouse: Warehouse, table: str, condition: str) -> bool:
    if warehouse.read(f"SELECT 1 FROM warehouse.{table} WHERE {condition} LIMIT 1").is_empty():
        return False
    note_rewrite(warehouse)
    forget_marks(warehouse, table, condition)
    return True
