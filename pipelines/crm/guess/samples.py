"""The first rows of what is found, as text; why a table has none."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice
from pathlib import Path

import duckdb

from catalog.duckdb_connection import quoted_name
from pipelines.crm.selects.column_names import told_error
from pipelines.crm.sources.csv_rows import csv_rows
from pipelines.crm.sources.encodings import ENCODINGS
from pipelines.crm.sources.tables import is_no_regular_csv
from schemas.errors import SourceError
from schemas.source import Source

#: Rows that a guess looks at.
SAMPLE_ROWS = 500


def sample(connection: duckdb.DuckDBPyConnection, place: str, path: Path) -> dict[str, tuple[str | None, ...]]:
    """Column → the first values, as text.

    Raises:
        SourceError: the rows cannot be read; DuckDB's message quotes them and is left out.
    """
    try:
        return _first_rows(connection, place)
    except duckdb.Error as error:
        if is_no_regular_csv(error):
            msg = f"{path} is no regular CSV: its line ends are mixed, or a quote is not closed. Save it again as CSV."
            raise SourceError(msg) from None
        msg = f"{path}: {place} cannot be read ({type(error).__name__}). Leave it out, or export it again."
        raise SourceError(msg) from None


def sample_or_reason(
    connection: duckdb.DuckDBPyConnection, place: str
) -> tuple[dict[str, tuple[str | None, ...]], str | None]:
    """As `sample`, of a table or view of a database; without columns, why it cannot be read."""
    try:
        return _first_rows(connection, place), None
    except (duckdb.IOException, duckdb.CatalogException, duckdb.BinderException) as error:
        return {}, told_error(error, place)
    except duckdb.Error as error:
        # SQLite's own message follows the view's SQL; others quote rows.
        why = re.search(r'^Failed to prepare query ".*": ([^\n]*)', str(error), re.DOTALL)
        told = f"SQLite says {why[1].strip()}" if why is not None else ""
        return {}, told or f"{type(error).__name__}, whose message quotes rows"


def _first_rows(connection: duckdb.DuckDBPyConnection, place: str) -> dict[str, tuple[str | None, ...]]:
    result = connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM (SELECT * FROM {place} LIMIT {SAMPLE_ROWS})")
    names, rows = [column[0] for column in result.description or []], result.fetchall()
    return {name: tuple(_said(row[number]) for row in rows) for number, name in enumerate(names)}


def sample_by_python(
    connection: duckdb.DuckDBPyConnection, place: str, path: Path, source: Source
) -> dict[str, tuple[str | None, ...]]:
    """As `sample`, of a CSV opened as Latin-1: DuckDB takes a second and more to learn further encodings."""
    codec = ENCODINGS[source.encoding][0]
    names = [name for name in connection.sql(f"SELECT * FROM {place} LIMIT 0").columns if name != "source_file"]
    names = [name.encode("latin-1").decode(codec, errors="replace") for name in names]
    with path.open(encoding=codec, errors="replace", newline="") as file:
        rows = list(islice(csv_rows(file, source.delimiter), 1, SAMPLE_ROWS + 1))
    whole = [row for row in rows if len(row) == len(names)]
    return {name: tuple(_said(row[number]) or None for row in whole) for number, name in enumerate(names)}


def held_by(
    connection: duckdb.DuckDBPyConnection, place: str, column: str, values: Collection[str]
) -> frozenset[str] | None:
    """Those of `values` that some row has in a column; None if the rows cannot be read."""
    text = f"trim({quoted_name(column)}::VARCHAR, $blank)"
    asked = f"SELECT DISTINCT {text} FROM {place} WHERE {text} IN (SELECT unnest($given::VARCHAR[]))"
    try:
        rows = connection.execute(asked, {"blank": " \t\r\n\u00a0'", "given": [*values]}).fetchall()
    except duckdb.Error:
        return None
    return frozenset(value for (value,) in rows)


def _said(value: str | None) -> str | None:
    """A cell, unless it has what databases write for nothing: that says nothing of the others' form."""
    return None if value in {"NULL", "\\N"} else value
