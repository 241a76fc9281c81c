"""What is looked for among all rows of a table is read piece by piece: a company's customers are more than memory
holds at once."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from catalog.warehouse import Warehouse

_ROWS_AT_ONCE = 500_000


def in_pieces(warehouse: Warehouse, table: str, select: str, condition: str = "TRUE") -> Iterator[pl.DataFrame]:
    """The columns `select` of the rows of a table that meet an SQL condition, some of its rows after the other."""
    # Deleted rows leave gaps, and rows of a transaction that is not over have places far behind all others.
    pieces = warehouse.read(f"SELECT DISTINCT rowid // {_ROWS_AT_ONCE} AS piece FROM warehouse.{table} ORDER BY piece")
    for piece in pieces["piece"]:
        first = piece * _ROWS_AT_ONCE
        yield warehouse.read(
            f"SELECT {select} FROM warehouse.{table} "
            f"WHERE rowid BETWEEN {first} AND {first + _ROWS_AT_ONCE - 1} AND {condition}"
        )
