"""A second reader, apart from the writer: parses a file's bytes by the documented rules and refuses what the network
would refuse. It knows nothing of how rows were made."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

import polars as pl

from pipelines.uploads.checker.blocks import (
    Block,
    PackError,
    blocks,
    byte_complaint,
    bytes_beside,
    is_even,
    torn_line,
)
from pipelines.uploads.checker.rules import HEX_DIGITS, Rule, carried_keys, is_hex, rules
from schemas.network import Network, UploadList
from schemas.network_file import FileKind


@dataclass(frozen=True)
class SecondReading:
    """What a file is to somebody who knows nothing but it. Of a file that is wrong, the counts may be of a part."""

    #: What is wrong, a sentence each, naming line and rule but no value.
    complaints: list[str]
    rows: int = 0
    #: By key of the network, how many rows carry it.
    carrying: Counter[str] = field(default_factory=Counter)


def complaints(path: Path, upload_list: UploadList, network: Network, kind: FileKind = "full") -> list[str]:
    """What is wrong with the file, a sentence each, naming line and rule but no value; empty if nothing is."""
    return read_again(path, upload_list, network, kind).complaints


def read_again(path: Path, upload_list: UploadList, network: Network, kind: FileKind = "full") -> SecondReading:
    """Read the file block by block: it may be larger than memory. What is wrong in the bytes hides what comes after."""
    try:
        return _read(path, upload_list, network, kind)
    except PackError as error:
        return SecondReading([str(error)])


def _read(path: Path, upload_list: UploadList, network: Network, kind: FileKind) -> SecondReading:
    found: dict[str, str] = {}
    marks: list[pl.Series] = []
    carrying: Counter[str] = Counter()
    size = 0
    reader = _Reader(upload_list, network)
    for judged in _in_order(reader.judge, blocks(path, network.file.compression)):
        size += judged.size
        for sentence, line in judged.broken.items():
            found.setdefault(sentence, line)
        if judged.wrong is not None:
            return SecondReading([*found.values(), judged.wrong])
        marks.append(judged.marks)
        carrying.update(judged.carrying)
    rows = pl.concat(marks)
    wrong = [*found.values(), *_whole_file_complaints(path, network, kind, size=size, marks=rows)]
    return SecondReading(wrong, rows.len(), carrying)


@dataclass(frozen=True)
class _Judged:
    """What is known of a block."""

    size: int
    #: What hides all that comes after it.
    wrong: str | None = None
    #: Rules' sentences, and the first row each that breaks them.
    broken: dict[str, str] = field(default_factory=dict)
    #: A number for each row, the same for the same row.
    marks: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.UInt64))
    #: How many rows carry each key.
    carrying: dict[str, int] = field(default_factory=dict)


class _Reader:
    """Judges the blocks of one list's files."""

    def __init__(self, upload_list: UploadList, network: Network) -> None:
        self._list, self._network = upload_list, network
        self._width = len(upload_list.slots)
        self._keys = carried_keys(upload_list, network)
        self._others = [str(place) for place, slot in enumerate(upload_list.slots) if not is_hex(slot)]

    @cached_property
    def _rules(self) -> list[Rule]:
        return rules(self._list, self._network)

    @cached_property
    def _rules_of_digits(self) -> list[Rule]:
        """Looking at every letter of every hash takes longer than all else, and once for a block is enough."""
        return rules(self._list, self._network, only_digits=True)

    def judge(self, block: Block) -> _Judged:
        size = len(block.content)
        wrong = byte_complaint(block, self._network)
        if wrong is None and block.first_line == 1 and self._network.file.header:
            wrong, block = _without_header(block, self._list, self._network)
        even = is_even(block, self._width, self._network)
        if wrong is None and not even:
            wrong = torn_line(block, self._width, self._network)
        if wrong is not None or not block.content:
            return _Judged(size, wrong)
        cells = _cells(block, self._width, self._network)
        if cells is None:
            torn = torn_line(block, self._width, self._network)
            return _Judged(size, torn or f"line {block.first_line}: from here on no reader can take rows apart")
        asked = self._rules_of_digits if even and self._only_digits(block, cells) else self._rules
        places, carrying = _counted(cells, asked, self._keys)
        broken = {
            rule.sentence: f"line {block.first_line + place}{rule.place}: {rule.sentence}"
            for rule, place in reversed(places)
        }
        numbers = pl.sum_horizontal(pl.col(name).hash(place) for place, name in enumerate(cells.columns))
        return _Judged(size, None, broken, cells.select(numbers).to_series(), carrying)

    def _only_digits(self, block: Block, cells: pl.DataFrame) -> bool:
        """Whether all hashes of an even block are of hex digits: whatever is none stands in other columns."""
        if len(self._others) == self._width:
            return False
        beside = bytes_beside(block, HEX_DIGITS, self._width, self._network)
        others = cells.select(pl.col(self._others).str.replace_all(f"[{HEX_DIGITS}]", "").str.len_bytes().sum())
        return beside == sum(column.item() for column in others)


def _in_order(judge: Callable[[Block], _Judged], content: Iterator[Block]) -> Iterator[_Judged]:
    """Each block judged, two at a time."""
    with ThreadPoolExecutor(2) as threads:
        waiting: deque[Future[_Judged]] = deque()
        for block in content:
            waiting.append(threads.submit(judge, block))
            if len(waiting) > 2:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


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
            empty_string_is_null=False,
            separator=network.file.delimiter,
            # A carriage return before it goes with it.
            eol_char="\n",
            new_columns=[str(place) for place in range(width)],
        )
    except pl.exceptions.PolarsError:
        return None
    if cells.width != width or cells.height != block.lines:
        return None
    return cells


def _counted(
    cells: pl.DataFrame, asked: list[Rule], keys: dict[str, pl.Expr]
) -> tuple[list[tuple[Rule, int]], dict[str, int]]:
    """Each rule that some row breaks, and the first such row; how many rows carry each key: all in one pass."""
    found = cells.select(
        *(rule.broken.arg_true().first().alias(f"rule {n}") for n, rule in enumerate(asked)),
        *(carried.sum().alias(f"key {name}") for name, carried in keys.items()),
    ).row(0, named=True)
    places = [(rule, found[f"rule {n}"]) for n, rule in enumerate(asked)]
    return [(rule, place) for rule, place in places if place is not None], {name: found[f"key {name}"] for name in keys}


def _whole_file_complaints(path: Path, network: Network, kind: FileKind, *, size: int, marks: pl.Series) -> list[str]:
    file = network.file
    rows, minimum = marks.len(), getattr(file.minimum_rows, kind)
    found = []
    if rows == 0:
        found.append("the file has no rows")
    elif rows < minimum:
        found.append(f"{rows:,} rows: {minimum - rows:,} are missing to the network's minimum of {minimum:,}")
    if file.maximum_rows is not None and rows > file.maximum_rows:
        found.append(f"{rows:,} rows: the network takes at most {file.maximum_rows:,} in a file")
    if file.maximum_bytes is not None and size > file.maximum_bytes:
        found.append(f"{size:,} bytes: the network takes at most {file.maximum_bytes:,} in a file")
    repeated = _first_repeated(path, marks, network)
    if repeated is not None:
        found.append(f"line {repeated}: the same row stands twice")
    return found


def _first_repeated(path: Path, marks: pl.Series, network: Network) -> int | None:
    """The line of the first row that stood before. Equal hashes are only a suspicion: the lines themselves decide."""
    ordered = marks.sort()
    if not (ordered == ordered.shift()).any():
        return None
    doubtful = marks.is_duplicated()
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
