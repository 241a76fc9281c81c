"""Columns of bytes that are texts: databases keep them, and their letters would be written `\\xC3\\x89`."""

from __future__ import annotations

import polars as pl

#: What DuckDB says where bytes are no UTF-8, as it reads SQLite, Parquet and what is decoded here.
_SAYS = ("Invalid unicode", "not valid UTF8", "invalid UTF8")


def with_texts(select: str, given: pl.DataFrame) -> str:
    """The select with its columns of bytes as the UTF-8 that they are; `given` are its columns."""
    names = [name for name, kind in given.schema.items() if kind == pl.Binary]
    if not names:
        return select
    texts = ", ".join(f'decode("{name}") AS "{name}"' for name in names)
    return f"SELECT * REPLACE ({texts}) FROM ({select}\n) AS selected"


def is_no_utf8(error: Exception) -> bool:
    """Whether a reader met bytes that are no UTF-8."""
    return any(says in str(error) for says in _SAYS)
