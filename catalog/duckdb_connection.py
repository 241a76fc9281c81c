"""An in-memory DuckDB connection that leaves nothing readable behind: spill encrypted and inside the home."""

from __future__ import annotations

from typing import Literal

import duckdb
from duckdb_extensions import import_extension

from catalog.home import Home

#: httpfs carries the OpenSSL that writing encrypted files needs; sqlite_scanner and encodings read sources.
Extension = Literal["httpfs", "sqlite_scanner", "encodings"]


def connect(home: Home, memory_limit: str, time_zone: str = "UTC") -> duckdb.DuckDBPyConnection:
    """A connection that can read and write encrypted files.

    `memory_limit` is DuckDB's, for example `2GB`; `time_zone` is how times without an offset are read.
    """
    connection = duckdb.connect(":memory:")
    for name, value in {
        "extension_directory": str(home.extensions),
        "temp_directory": str(home.spill),
        "memory_limit": memory_limit,
    }.items():
        connection.execute(f"SET {name} = {_quoted(value)}")
    # It would be drawn over the run's own progress, and into logs.
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET temp_file_encryption = true")
    load_extension(connection, "httpfs")
    connection.execute(f"SET TimeZone = {_quoted(time_zone)}")
    return connection


def load_extension(connection: duckdb.DuckDBPyConnection, extension: Extension) -> None:
    """Load an extension from its installed package; nothing is downloaded. (`encodings` takes seconds.)"""
    import_extension(extension, con=connection)
    connection.execute(f"LOAD {extension}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
