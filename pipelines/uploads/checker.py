"""A second reader, apart from the writer: parses a file's bytes by the documented rules and refuses what the network
would refuse. It knows nothing of how rows were made."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import polars as pl

from pipelines.uploads.checker_bytes import Block, PackError, blocks, byte_complaint, column_complaint, torn_line
from pipelines.uploads.checker_rules import Rule, rules
from schemas.network import Network, UploadList
from schemas.network_file import FileKind


def complaints(path: Path, upload_list: UploadList, network: Network, kind: FileKind = "full") -> list[str]:
    """What is wrong with the file, a sentence each, naming line and rule but no value; empty if nothing is.

    Reads block by block: a file may be larger than memory. What is wrong in the bytes hides what comes after it.
    """
    try:
        return _complaints(path, upload_list, network, kind)
    except PackError as error:
        return [str(error)]


def _complaints(path: Path, upload_list: UploadList, network: Network, kind: FileKind) -> list[str]:
    file = network.file
    asked = rules(upload_list, network)
    found: dict[str, str] = {}
    marks: list[pl.Series] = []
    rows = size = 0
    for number, block in enumerate(blocks(path, file.compression)):
        size += len(block.content)
        wrong = byte_complaint(block, network)
        if wrong is None and number == 0 and file.header:
            wrong, block = _without_header(block, upload_list, network)
        if wrong is None and block.content:
            wrong = column_complaint(block, len(upload_list.slots), network)
        if wrong is not None:
            return [*found.values(), wrong]
        if not block.content:
            continue
        cells = _cells(block, len(upload_list.slots), network)
        if cells is None:
            torn = torn_line(block, len(upload_list.slots), network)
            return [*found.values(), torn or f"line {block.first_line}: from here on no reader can take rows apart"]
        for rule, line in _broken(cells, asked, block.first_line):
            found.setdefault(rule.sentence, f"line {line}{rule.place}: {rule.sentence}")
        rows += cells.height
        marks.append(cells.select(pl.struct(pl.all()).hash()).to_series())
    return [*found.values(), *_whole_file_complaints(path, network, kind, rows=rows, size=size, marks=marks)]


def _without_header(block: Block, upload_list: UploadList, network: Network) -> tuple[str | None, Block]:
    newline = network.file.newline.encode()
    header, _, body = block.content.partition(newline)
    quote = '"' if network.file.quoting == "always" else ""
    cells = [f"{quote}{text}{quote}" for text in upload_list.headers]
    expected = network.file.delimiter.join(cells).encode()
    rest = Block(body, block.first_line + 1, block.is_last)
    if header == expected:
        return None, rest
    if header.lower() == expected.lower():
        return "line 1: the header is not in the network's letters: capitals and small letters count", rest
    if header.startswith((b"#", b"//")):
        return "line 1: a comment where the header belongs", rest
    return f"line 1: the header is not the network's, which is {expected.decode()}", rest


def _cells(block: Block, width: int, network: Network) -> pl.DataFrame | None:
    """The block's rows, a text column each, blank for nothing; None if they cannot be taken apart."""
    try:
        cells = pl.read_csv(
            block.content,
            has_header=False,
            infer_schema=False,
            separator=network.file.delimiter,
            eol_char="\n",
            new_columns=[str(place) for place in range(width)],
        )
    except pl.exceptions.PolarsError:
        return None
    if cells.width != width or cells.height != block.lines:
        return None
    last = str(width - 1)
    if network.file.newline == "\r\n":
        cells = cells.with_columns(pl.col(last).str.strip_suffix("\r"))
    return cells.fill_null("")


def _broken(cells: pl.DataFrame, asked: list[Rule], first_line: int) -> list[tuple[Rule, int]]:
    """Each rule that some row breaks, and the first such row's line; all rules in one pass."""
    places = cells.select(rule.broken.arg_true().first().alias(str(n)) for n, rule in enumerate(asked)).row(0)
    return [(rule, first_line + place) for rule, place in zip(asked, places, strict=True) if place is not None]


def _whole_file_complaints(  # noqa: PLR0913 - what was counted
    path: Path, network: Network, kind: FileKind, *, rows: int, size: int, marks: list[pl.Series]
) -> list[str]:
    file = network.file
    minimum = getattr(file.minimum_rows, kind)
    found = []
    if rows == 0:
        found.append("the file has no rows")
    elif rows < minimum:
        found.append(f"{rows:,} rows: {minimum - rows:,} are missing to the network's minimum of {minimum:,}")
    if file.maximum_rows is not None and rows > file.maximum_rows:
        found.append(f"{rows:,} rows: the network takes at most {file.maximum_rows:,} in a file")
    if file.maximum_bytes is not None and size > file.maximum_bytes:
        found.append(f"{size:,} bytes: the network takes at most {file.maximum_bytes:,} in a file")
    if marks:
        repeated = _first_repeated(path, pl.concat(marks), network)
        if repeated is not None:
            found.append(f"line {repeated}: the same row stands twice")
    return found


def _first_repeated(path: Path, marks: pl.Series, network: Network) -> int | None:
    """The line of the first row that stood before. Equal hashes are only a suspicion: the lines themselves decide."""
    doubtful = marks.is_duplicated()
    if not doubtful.any():
        return None
    first_line = 2 if network.file.header else 1
    wanted = {first_line + place for place in doubtful.arg_true()}
    seen: set[bytes] = set()
    lines = chain.from_iterable(block.content.split(b"\n")[:-1] for block in blocks(path, network.file.compression))
    for number, line in enumerate(lines, start=1):
        if number in wanted:
            if line in seen:
                return number
            seen.add(line)
    return None
