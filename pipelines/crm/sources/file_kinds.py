"""What kind of file a file is, by its first bytes, and what is said of one that is another than it should be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from schemas.said import Said

Kind = Literal["csv", "parquet", "sqlite", "duckdb"]

_UNREADABLE = {
    re.compile(rb"PK\x03\x04"): Said("it is a ZIP file or an Excel workbook. Unpack it, or save the sheet as CSV"),
    re.compile(rb"\xd0\xcf\x11\xe0"): Said("it is an old Excel workbook. Save the sheet as CSV"),
    re.compile(rb"\x1f\x8b"): Said("it is compressed with gzip. Unpack it"),
    # DuckDB would read no row of it and say nothing.
    re.compile(rb"\xfe\xff"): Said(
        "it is UTF-16 with the big end first, which is not read. Save it as CSV in UTF-8, the default `encoding`"
    ),
    # A header may begin with a bracket too: `[id],[email]`.
    re.compile(rb'(?:\xef\xbb\xbf)?(?:\{\s*["}]|\[\s*["\[{])'): Said("it is JSON. Export it as CSV or Parquet"),
    re.compile(
        rb"(?:\xef\xbb\xbf)?(?:--[ \r\n][^,;|\t]*\n|/\*!\d|CREATE TABLE |DROP TABLE |INSERT INTO |PRAGMA foreign_keys=)"
    ): Said("it is a dump in SQL. Export its tables as CSV, each with a header"),
}
_KNOWN: dict[Kind, Said] = {
    "parquet": Said('it is Parquet. Declare it as `files` with format = "parquet" in sources.toml'),
    "sqlite": Said("it is an SQLite database. Declare it as `sqlite` in sources.toml"),
    "duckdb": Said("it is a DuckDB database. Declare it as `duckdb` in sources.toml"),
}
_UNKNOWN: dict[Kind, Said] = {
    "parquet": Said('it is no Parquet. Export it again; if it is CSV, set format = "csv" for it in sources.toml'),
    "sqlite": Said("it is no SQLite database, or an encrypted one. Export it again, or correct sources.toml"),
    "duckdb": Said("it is no DuckDB database. Export it again, or correct sources.toml"),
}


def start_of(path: Path) -> bytes:
    """The first bytes of a file; more are not needed to know its kind.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        return file.read(64)


def kind_of(start: bytes) -> Kind:
    """What a file that begins with `start` is, if relance reads it; what is nothing else is CSV."""
    if start.startswith(b"SQLite format 3\0"):
        return "sqlite"
    # Behind the mark stands a small number in eight bytes, so that no text is taken for a database.
    if start[8:12] == b"DUCK" and b"\0" in start[12:20]:
        return "duckdb"
    return "parquet" if start.startswith(b"PAR1") else "csv"


def unreadable(start: bytes) -> Said | None:
    """What a file is that relance does not read, and what to do."""
    return next((said for begins, said in _UNREADABLE.items() if begins.match(start)), None)


def kind_fault(start: bytes, declared: Kind) -> Said | None:
    """Why a file that begins with `start` is not what it is declared to be; nothing is said of an empty one."""
    found = kind_of(start)
    if not start or (found == declared and found != "csv"):
        return None
    return unreadable(start) or _KNOWN.get(found) or _UNKNOWN.get(declared)
