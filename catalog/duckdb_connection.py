"""An in-memory DuckDB connection that leaves nothing readable behind: spill encrypted and inside the home."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from importlib.util import find_spec
from itertools import count
from typing import Literal

import duckdb
import polars as pl
from polars import selectors

from catalog.home import Home

#: httpfs carries the OpenSSL that writing encrypted files needs; sqlite_scanner and encodings read sources.
Extension = Literal["httpfs", "sqlite_scanner", "encodings"]

# DuckDB asks for them with every parameter and every frame, and Python then searches all its folders for what is not
# there: 650 times in a night, a twentieth of a small one (measured).
for _package in ("pandas", "pyarrow"):
    if find_spec(_package) is None:
        sys.modules[_package] = None  # pyright: ignore[reportArgumentType] - how Python notes what cannot be imported


def connect(home: Home, memory_limit: str, time_zone: str = "UTC") -> duckdb.DuckDBPyConnection:
    """A connection that can read and write encrypted files.

    `memory_limit` is DuckDB's, for example `2GB`; `time_zone` is how times without an offset are read.
    """
    # pip has compared the extensions' hashes. DuckDB would check its own signature at each opening, for longer than all
    # else takes (docs/decisions/0034).
    # Encryption comes before the folder: DuckDB refuses it where a killed run has left spill files.
    connection = duckdb.connect(":memory:", config={"allow_unsigned_extensions": True, "temp_file_encryption": True})
    for name, value in {
        "temp_directory": str(home.spill),
        "memory_limit": memory_limit,
    }.items():
        connection.execute(f"SET {name} = {literal(value)}")
    # It would be drawn over the run's own progress, and into logs.
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    # What Polars holds texts in: a third less time to hand a table over (measured).
    connection.execute("SET produce_arrow_string_view = true")
    load_extension(connection, "httpfs")
    connection.execute(f"SET TimeZone = {literal(time_zone)}")
    return connection


def load_extension(connection: duckdb.DuckDBPyConnection, extension: Extension) -> None:
    """Load an extension from its installed package; nothing is downloaded, and nothing copied: installing it into a
    home took 0.2 s and 20 MB of every new one (measured).
    """
    package = files(f"duckdb_extension_{extension}")
    with as_file(package / "extensions" / f"v{duckdb.__version__}" / f"{extension}.duckdb_extension") as path:
        connection.execute(f"LOAD {literal(str(path))}")


def frame_of(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """A relation's rows; enumerated words as text, times in UTC whatever the connection's time zone."""
    # Polars asks what it is given for much that a relation would look for among its columns, for a fifth of the time
    # that a few rows take (measured).
    frame = pl.DataFrame(_ArrowStream(relation))
    # To ask Polars to change nothing would take a quarter of a small query's time (measured).
    return frame.with_columns(*_AS_POLARS_HOLDS_THEM) if any(map(_is_held_otherwise, frame.dtypes)) else frame


def store_frame(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Make `frame` the temporary table `table`."""
    with registered(connection, frame) as incoming:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM {incoming}")


def insert_frame(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Add the rows of `frame` to `table`, by the names of their columns."""
    # An insert of no rows makes DuckDB 1.5.5 lose the next large one of the same transaction (tried).
    if frame.is_empty():
        return
    with registered(connection, frame) as incoming:
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM {incoming}")


def insert_select(connection: duckdb.DuckDBPyConnection, table: str, select: str) -> None:
    """Add the rows that a SELECT over tables gives to `table`, by the names of their columns; none if it gives none."""
    # As above (docs/decisions/0010).
    if connection.sql(f"{select} LIMIT 1").fetchall():
        connection.execute(f"INSERT INTO {table} BY NAME {select}")


def inline(frame: pl.DataFrame) -> str:
    """A few rows as a table within a query, in brackets: a statement less than a table of their own."""
    columns = ", ".join(f"{name}::{_TYPES[kind]} AS {name}" for name, kind in frame.schema.items())
    nothing = f"({', '.join(['NULL'] * frame.width)})"
    rows = [f"({', '.join(map(literal, row))})" for row in frame.iter_rows()]
    few = f"(VALUES {', '.join(rows or [nothing])}) AS _few ({', '.join(frame.columns)})"
    return f"(SELECT {columns} FROM {few}{'' if rows else ' WHERE false'})"


def literal(value: object) -> str:
    """The value as DuckDB writes it in a query."""
    return str(duckdb.ConstantExpression(value))  # pyright: ignore[reportArgumentType] - it refuses what it cannot write


def quoted_name(name: str) -> str:
    """The name of a table or column as DuckDB writes it in a query, whatever signs it has."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> Iterator[str]:
    """A name under which DuckDB reads the frame; a new one each time, since one transaction sees the first only."""
    name = f"_incoming_{next(_REGISTRATIONS)}"
    connection.register(name, _ArrowStream(frame))
    try:
        yield name
    finally:
        connection.unregister(name)


class _ArrowStream:
    """A Polars frame as DuckDB takes it without pyarrow, or a relation as Polars takes it: only the Arrow C stream."""

    def __init__(self, rows: pl.DataFrame | duckdb.DuckDBPyRelation) -> None:
        self._rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._rows.__arrow_c_stream__(requested_schema)


_REGISTRATIONS = count()

_AS_POLARS_HOLDS_THEM = (
    (selectors.categorical() | selectors.enum()).cast(pl.String),
    selectors.datetime(time_zone="*").dt.convert_time_zone("UTC"),
)


def _is_held_otherwise(dtype: pl.DataType) -> bool:
    zoned = isinstance(dtype, pl.Datetime) and dtype.time_zone is not None
    return zoned or isinstance(dtype, pl.Categorical | pl.Enum)


#: What DuckDB calls the types of `inline` rows.
_TYPES = {pl.UInt32: "UINTEGER", pl.Int64: "BIGINT", pl.Boolean: "BOOLEAN", pl.String: "VARCHAR"}
