"""A table read piece by piece: a company's customers are more than memory holds at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

_ROWS_AT_ONCE = 500_000


def in_pieces(read: Callable[[str], pl.DataFrame], table: str, query: Callable[[str], str]) -> Iterator[pl.DataFrame]:
    """What a query gives of a table, piece by piece, one at least. The query is told the SQL, in brackets, of a piece's
    rows with their `place`.

    `read` gives the rows of a SELECT.
    """
    for within in pieces(read, table):
        yield read(query(f"(SELECT rowid AS place, * FROM {table} WHERE rowid {within})"))


def pieces(read: Callable[[str], pl.DataFrame], table: str, place: str = "rowid") -> Iterator[str]:
    """SQL conditions on `place`, each of which some rows of a table meet, and one of which every row does (at least
    one condition).
    """
    # Deleted rows leave gaps, and rows of a transaction that is not over have places far behind all others.
    found = read(f"SELECT DISTINCT {place} // {_ROWS_AT_ONCE} AS piece FROM {table} ORDER BY piece")["piece"]
    for piece in found if len(found) else [0]:
        first = piece * _ROWS_AT_ONCE
        yield f"BETWEEN {first} AND {first + _ROWS_AT_ONCE - 1}"


def picked(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows, to be kept while other pieces are read: as they are, a few rows of a frame keep the texts of all
    of it in memory (Polars 2.1: two gigabytes of ten million customers).
    """
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    return rows.with_columns(pl.concat_str(name, pl.lit("")).alias(name) for name in texts)
