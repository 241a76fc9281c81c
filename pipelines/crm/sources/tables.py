"""The declared sources as tables of a DuckDB connection, every column still text."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from glob import glob
from itertools import chain, islice
from pathlib import Path

import duckdb

from catalog.duckdb_connection import literal, load_extension
from pipelines.crm.sources.csv_rows import csv_rows
from pipelines.crm.sources.encodings import BUILT_IN, ENCODINGS, not_in_declared, seen_in
from pipelines.crm.sources.headers import NO_TEXT, first_line_fault, header_fault, whole_header
from pipelines.crm.sources.opened import (
    OpenSource,
    check_alike,
    check_kind,
    file_list,
    reachable,
    refusal,
    unique_names,
)
from pipelines.crm.sources.parquet_files import open_parquet
from schemas.errors import SourceError, UnreachableSourceError
from schemas.said import Said
from schemas.source import Source

#: The byte-order marks of UTF-16, read as UTF-8 and as Latin-1.
_UTF16_MARKS = ("\ufffd\ufffd", "\u00ff\u00fe", "\u00fe\u00ff")

#: Rows that are looked at where a header ends with a delimiter.
_FIRST_ROWS = 200

_OTHER_DELIMITERS = (",", ";", "\t", "|")

#: What DuckDB does with lines that it cannot split.
_NOTED = "store_rejects = true, rejects_limit = 0"


def open_source(
    connection: duckdb.DuckDBPyConnection, name: str, source: Source, *, config_folder: Path, home_folder: Path
) -> OpenSource:
    """Make `source` readable under `name` on `connection`.

    Raises:
        UnreachableSourceError: nothing is there, or a database is in use.
        SourceError: a file is empty or of another kind, or its header does not read as declared.
    """
    if source.sqlite is not None or source.duckdb is not None:
        return _attach(connection, name, source, config_folder, home_folder)
    pattern = _located(source.files or "", config_folder, home_folder)
    # A folder may be called like a file: Spark writes `orders.parquet/part-0.parquet`.
    files = tuple(path for path in map(Path, sorted(glob(pattern, recursive=True))) if path.is_file())
    if not files:
        msg = Said(
            "Source {name}: no file matches {pattern}. Correct `files` in sources.toml, or put the export there.",
            name=name,
            pattern=pattern,
        )
        raise UnreachableSourceError(msg)
    if source.kind == "parquet":
        return open_parquet(connection, name, pattern, files)
    return _open_csv(connection, name, source, pattern, files)


def is_no_regular_csv(error: Exception) -> bool:
    """Whether DuckDB's reader lost its way in a CSV, as it does where lines end in two ways."""
    return "CSV Parser" in str(error)


def _open_csv(
    connection: duckdb.DuckDBPyConnection, name: str, source: Source, pattern: str, files: tuple[Path, ...]
) -> OpenSource:
    if source.encoding not in BUILT_IN:
        load_extension(connection, "encodings")
    for path in files:
        check_kind(name, path, "csv")
    headers = {path: _header(name, path, source) for path in files}
    check_alike(name, headers)
    columns = headers[files[0]]
    connection.execute(f'CREATE OR REPLACE VIEW "{name}" AS SELECT * FROM {_read_csv(files, columns, source)}')
    encoding = ENCODINGS[source.encoding][0].removesuffix("-sig")
    return OpenSource(name, pattern, files, True, encoding, source.delimiter, source.quote, tuple(columns))


def _attach(
    connection: duckdb.DuckDBPyConnection, name: str, source: Source, config_folder: Path, home_folder: Path
) -> OpenSource:
    path = Path(_located(source.sqlite or source.duckdb or "", config_folder, home_folder))
    if not path.is_file():
        msg = Said("Source {name}: there is no file {path}. Correct it in sources.toml.", name=name, path=path)
        raise UnreachableSourceError(msg)
    check_kind(name, path, "sqlite" if source.sqlite is not None else "duckdb")
    if source.sqlite is not None:
        load_extension(connection, "sqlite_scanner")
        connection.execute("SET sqlite_all_varchar = true")
    options = "TYPE sqlite, READ_ONLY" if source.sqlite is not None else "READ_ONLY"
    try:
        connection.execute(f'ATTACH {literal(str(path))} AS "{name}" ({options})')
        connection.sql(f"SELECT 1 FROM duckdb_tables() WHERE database_name = {literal(name)}").fetchall()
    except (duckdb.Error, RuntimeError) as error:
        kind = "SQLite" if source.sqlite is not None else "DuckDB"
        msg = Said(
            "Source {name}: {path} cannot be opened as a {format} file ({kind}). Is it in use?",
            name=name,
            path=path,
            format=kind,
            kind=type(error).__name__,
        )
        raise UnreachableSourceError(msg) from None
    return OpenSource(name, str(path), (), is_csv=False)


def _located(place: str, config_folder: Path, home_folder: Path) -> str:
    return str((config_folder / place.replace("{home}", str(home_folder))).resolve())


def _not_in(encoding: str, name: str, path: Path) -> SourceError:
    seen = seen_in(path)
    if seen is not None and seen.unicode is None:
        return SourceError(not_in_declared(f"{path}, line 1", path))
    msg = Said(
        "Source {name}: the header of {path} is not {encoding}. Set `encoding` in sources.toml.",
        name=name,
        path=path,
        encoding=encoding,
    )
    return SourceError(msg)


def _header(name: str, path: Path, source: Source) -> list[str]:
    """The file's column names, made unique; a declared dialect, never a sniffed one."""
    try:
        with reachable(name, path):
            line, header = _first_line(path, source)
    except UnicodeError:  # read as UTF-16, and without its mark
        is_text = seen_in(path) is not None
        raise (_not_in(source.encoding, name, path) if is_text else refusal(name, path, NO_TEXT)) from None
    except csv.Error:
        fault = Said("a quote in its first lines is not closed. Mend it, or declare `quote`")
        raise refusal(name, path, fault) from None
    if fault := first_line_fault(line):
        raise refusal(name, path, fault)
    if not header:
        msg = Said(
            "Source {name}: {path} is empty, without even a header. Export it again; nobody is added to a list.",
            name=name,
            path=path,
        )
        raise SourceError(msg)
    fault = header_fault(header)
    is_utf16 = line.startswith(_UTF16_MARKS)
    if fault is NO_TEXT and not is_utf16:
        raise refusal(name, path, NO_TEXT)
    if "\ufffd" in "".join(header) or is_utf16:
        raise _not_in(source.encoding, name, path)
    names = unique_names([column.strip() for column in header])
    if len(names) <= 1:
        others = [sign for sign in _OTHER_DELIMITERS if sign != source.delimiter and sign in "".join(header)]
        if others:
            msg = Said(
                "Source {name}: {path} reads as one column with delimiter {delimiter}; its header has {other}. "
                "Set delimiter = {other} for it in sources.toml.",
                name=name,
                path=path,
                delimiter=repr(source.delimiter),
                other=repr(others[0]),
            )
            raise SourceError(msg)
    if fault is not None:
        raise refusal(name, path, fault)
    return names


def _first_line(path: Path, source: Source) -> tuple[str, list[str]]:
    """The first line as it stands, and the cells of the first row."""
    with path.open(encoding=ENCODINGS[source.encoding][0], errors="replace", newline="") as file:
        line = next(file, "")
        rows = csv_rows(chain([line], file), source.delimiter, source.quote)
        header = next(rows, [])
        if header and not header[-1].strip():
            header = whole_header(header, list(islice(rows, _FIRST_ROWS)))
    return line, header


def whole_rows(files: Sequence[Path], columns: Sequence[str], source: Source) -> str:
    """SQL for the rows of CSV files that can be split into columns, and the file of each; the others are not noted."""
    return _read_csv(files, columns, source, "ignore_errors = true")


def _read_csv(files: Sequence[Path], columns: Sequence[str], source: Source, faults: str = _NOTED) -> str:
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    return (
        f"read_csv({file_list(files)}, columns = {{{types}}}, auto_detect = false, header = true, "
        f"delim = {literal(source.delimiter)}, quote = {literal(source.quote)}, escape = {literal(source.quote)}, "
        f"encoding = {literal(ENCODINGS[source.encoding][1])}, filename = 'source_file', "
        f"{faults}, strict_mode = true)"
    )
