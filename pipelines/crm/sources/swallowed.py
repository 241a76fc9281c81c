"""Rows of a CSV that a quote swallowed: a cell that is opened too early, or closed too late, holds the rows between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path

import duckdb

from catalog.duckdb_connection import literal, quoted_name
from pipelines.crm.sources.csv_rows import csv_rows
from pipelines.crm.sources.encodings import ENCODINGS
from pipelines.crm.sources.tables import whole_rows
from schemas.errors import SourceError
from schemas.said import Said
from schemas.source import Source

_BLOCK = 1 << 24

#: So many rows that hold lines are looked at together.
_TOGETHER = 10_000

#: Of a line in a cell as many parts must look as those of the row that it stands in.
_ALIKE = 0.6


def check_swallowed(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    source: Source,
    columns: Sequence[str],
    files: Sequence[Path],
) -> None:
    """Refuse CSV files of the source `name` in a cell of which other rows stand: nobody would hear what those say.

    A cell may hold lines, as notes and streets do; a line that has as many parts as a row, which look as the row's own
    do, is one.

    Raises:
        SourceError: there is such a cell; the error names the line in which it begins.
    """
    if source.kind != "csv" or not any(source.quote.encode() in block for path in files for block in _blocks(path)):
        return
    try:
        _look_through(connection, name, source, columns, files)
    except (duckdb.InvalidInputException, duckdb.IOException):
        # What cannot be read at all is told where the table is read.
        return


def _look_through(
    connection: duckdb.DuckDBPyConnection, name: str, source: Source, columns: Sequence[str], files: Sequence[Path]
) -> None:
    for file, *cells in _suspects(connection, columns, source, files):
        for cell in cells:
            swallowed = sum(_is_row(line, cells, source) for line in _inner_lines(cell))
            if swallowed:
                msg = Said(
                    "Source {name}: {path}, line {line}: one cell holds {rows} more that look like rows, so that what "
                    "they say is heard by nobody: a quote is opened there too early, or closed too late. Mend it, or "
                    "declare `quote`; nobody is added to a list.",
                    name=name,
                    path=file,
                    line=_line_of(Path(file), cell, source),
                    rows=swallowed,
                )
                raise SourceError(msg)


def _suspects(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], source: Source, files: Sequence[Path]
) -> Iterator[tuple[str, ...]]:
    """File and cells of the rows a cell of which has lines, and as many delimiters as a row."""
    rows = whole_rows(files, columns, source)
    ((read,),) = connection.sql(f"SELECT count(*) FROM {rows}").fetchall()
    if len(columns) < 2 or sum(_lines(path) - 1 for path in files) == read:
        return
    sign = literal(source.delimiter)
    holding = " OR ".join(
        f"((contains({cell}, chr(10)) OR contains({cell}, chr(13))) "
        f"AND length({cell}) - length(replace({cell}, {sign}, '')) >= {len(columns) - 1})"
        for cell in map(quoted_name, columns)
    )
    texts = ", ".join(map(quoted_name, columns))
    found = connection.sql(f"SELECT source_file, {texts} FROM {rows} WHERE {holding}")
    while some := found.fetchmany(_TOGETHER):
        yield from some


def _inner_lines(cell: str | None) -> list[str]:
    return cell.splitlines()[1:] if cell is not None else []


def _is_row(line: str, cells: Sequence[str | None], source: Source) -> bool:
    parts = next(csv_rows(iter([line]), source.delimiter, source.quote), [])
    if len(parts) != len(cells):
        return False
    shapes = [(_shape(part), _shape(cell)) for part, cell in zip(parts, cells, strict=True) if part or cell]
    alike = [one for one, other in shapes if one == other]
    # Words alone are alike in any text.
    return len(alike) >= _ALIKE * (len(shapes) - 1) and any(sign in shape for shape in alike for sign in "9@")


def _shape(text: str | None) -> str:
    """How a text looks: letters and digits in runs, and the signs between."""
    return re.sub("[0-9]+", "9", re.sub(r"[^\W\d_]+", "a", (text or "").strip()))


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _lines(path: Path) -> int:
    """How many lines end in a line feed, and the last one, if it does not."""
    count, last = 0, b"\n"
    for block in _blocks(path):
        count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")


def _line_of(path: Path, cell: str, source: Source) -> int:
    """The line in which the cell begins, as an editor counts it."""
    written = cell.replace(source.quote, source.quote * 2).splitlines()[:3]
    with path.open(encoding=ENCODINGS[source.encoding][0], errors="replace", newline=None) as file:
        lines = (line.rstrip("\n") for line in file)
        for number, (first, second) in enumerate(pairwise(chain([""], lines))):
            if first.endswith(written[0]) and second == written[1]:
                return number
    return 1
