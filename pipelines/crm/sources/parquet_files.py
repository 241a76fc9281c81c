"""Parquet files as a table of a DuckDB connection, every column as text."""

from __future__ import annotations

from pathlib import Path

import duckdb

from catalog.duckdb_connection import quoted_name
from pipelines.crm.sources.opened import OpenSource, check_alike, check_kind, file_list, unique_names
from schemas.errors import SourceError
from schemas.said import Said

#: The column of a Parquet file's path, which a column of the file may not have.
_PATH = "_path_of_the_file"


def open_parquet(connection: duckdb.DuckDBPyConnection, name: str, pattern: str, files: tuple[Path, ...]) -> OpenSource:
    """Make Parquet files readable under `name`.

    Raises:
        SourceError: one is none, or has other columns than the first: those would be empty in its rows.
    """
    check_alike(name, {path: _columns(connection, name, path) for path in files})
    # Spark and Impala write texts without the mark that they are UTF-8.
    rows = f"read_parquet({file_list(files)}, filename = '{_PATH}', union_by_name = true, binary_as_string = true)"
    try:
        # With those that the folders' names give, `year=2024/part-0.parquet`.
        columns = [column for column in connection.sql(f"FROM {rows} LIMIT 0").columns if column != _PATH]
        texts = [
            f"{quoted_name(column)}::VARCHAR AS {quoted_name(unique)}"
            for column, unique in zip(columns, unique_names(columns), strict=True)
        ]
        connection.execute(
            f'CREATE OR REPLACE VIEW "{name}" AS SELECT {", ".join(texts)}, {_PATH} AS source_file FROM {rows}'
        )
    except duckdb.Error as error:
        raise _no_parquet(name, pattern, error) from None
    return OpenSource(name, pattern, files, is_csv=False)


def _columns(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> list[str]:
    """Those of the file itself, by name: parts may have them in any order."""
    check_kind(name, path, "parquet")
    try:
        rows = connection.sql(f"FROM read_parquet({file_list([path])}, hive_partitioning = false) LIMIT 0")
        return sorted(rows.columns)
    except duckdb.Error as error:
        raise _no_parquet(name, path, error) from None


def _no_parquet(name: str, place: Path | str, error: Exception) -> SourceError:
    msg = Said(
        "Source {name}: {pattern} cannot be read as Parquet ({kind}). Export it again.",
        name=name,
        pattern=place,
        kind=type(error).__name__,
    )
    return SourceError(msg)
