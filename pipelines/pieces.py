"""A table read piece by piece: a company's customers are more than memory holds at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

_ROWS_AT_ONCE = 500_000


def in_pieces(read: Callable[[str], pl.DataFrame], table: str, query: Callable[[str], str]) -> Iterator[pl.DataFrame]:
    """What a query gives of some rows of a table after the other (at least once): they stand in brackets, with `place`.

    `read` gives the rows of a SELECT.
    """
    # Deleted rows leave gaps, and rows of a transaction that is not over have places far behind all others.
    pieces = read(f"SELECT DISTINCT rowid // {_ROWS_AT_ONCE} AS piece FROM {table} ORDER BY piece")["piece"]
    for piece in pieces if len(pieces) else [0]:
        first = piece * _ROWS_AT_ONCE
        rows = f"SELECT rowid AS place, * FROM {table} WHERE rowid BETWEEN {first} AND {first + _ROWS_AT_ONCE - 1}"
        yield read(query(f"({rows})"))
