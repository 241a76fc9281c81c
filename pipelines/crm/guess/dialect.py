"""What kind of file a file is, and how a CSV is written: by its bytes, never by a value."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pipelines.crm.guess.encodings import encoding_for
from pipelines.crm.sources.csv_rows import csv_rows
from pipelines.crm.sources.file_kinds import Kind, kind_of, start_of, unreadable
from pipelines.crm.sources.headers import (
    NO_TEXT,
    first_line_fault,
    header_fault,
    short_title_fault,
    title_fault,
    whole_header,
)
from schemas.errors import ConfigError
from schemas.said import Said
from schemas.source import Encoding

_DELIMITERS = (",", ";", "\t", "|")


class Dialect(NamedTuple):
    """How a CSV is written."""

    delimiter: str
    encoding: Encoding
    columns: tuple[str, ...]


def kind_of_file(path: Path) -> Kind:
    """What `path` is, by its first bytes.

    Raises:
        ConfigError: there is no such file, or relance does not read its kind.
    """
    if path.is_dir():
        msg = f"{path} is a folder. Name its files, for example {path}/*.csv."
        raise ConfigError(msg)
    try:
        start = start_of(path)
    except OSError as error:
        msg = f"{path} cannot be read: {(error.strerror or 'unknown reason').lower()}. Correct the path."
        raise ConfigError(msg) from None
    if not start.strip():
        msg = f"{path} is empty. Export it again."
        raise ConfigError(msg)
    if fault := unreadable(start):
        msg = f"{path}: {fault}. relance reads CSV, Parquet, SQLite and DuckDB files."
        raise ConfigError(msg)
    return kind_of(start)


def dialect(path: Path) -> Dialect:
    """How the CSV at `path` is written, and its header.

    Raises:
        ConfigError: it is no text, is in no encoding that relance reads, or its first line is not the header.
    """
    encoding = encoding_for(path)
    if encoding is None:
        msg = f"{path}: {NO_TEXT}."
        raise ConfigError(msg)
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors="replace", newline="") as file:
        lines = list(islice(file, 200))
    if fault := first_line_fault(lines[0]):
        msg = f"{path}: {fault}."
        raise ConfigError(msg)
    delimiter = max(_DELIMITERS, key=lambda sign: _columns_with(sign, lines))
    header, *rows = csv_rows(lines, delimiter)
    header = whole_header(header, rows)
    short = _short_title_fault(lines) if len(header) < 2 else None
    if fault := short or header_fault(header) or title_fault(header, rows):
        msg = f"{path}: {fault}."
        raise ConfigError(msg)
    return Dialect(delimiter, encoding, tuple(header))


def _short_title_fault(lines: list[str]) -> Said | None:
    """Whether a line that is shorter than the rows stands above the header."""
    for delimiter in _DELIMITERS:
        try:
            first, *rows = csv_rows(lines, delimiter)
        except csv.Error:
            continue
        if fault := short_title_fault(first, rows):
            return fault
    return None


def _columns_with(delimiter: str, lines: list[str]) -> int:
    """How many columns the lines have if `delimiter` is theirs; 0 if most differ from the header."""
    try:
        rows = [row for row in csv_rows(lines, delimiter) if row]
    except csv.Error:
        return 0
    if not rows:
        return 0
    rows[0] = whole_header(rows[0], rows[1:])
    width = len(rows[0])
    # The last line may have been cut in the middle of a quoted field.
    same = sum(len(row) == width for row in rows[:-1])
    return width if len(rows) < 3 or same >= 0.8 * (len(rows) - 1) else 0
