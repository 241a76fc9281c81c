"""The bytes of a file, a block at a time: what holds for any text, before a row is a row."""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Literal

import numpy as np

from schemas.network import Network

#: Small enough to stay near the processor from one look at it to the next.
_BLOCK = 16 * 1024 * 1024
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_PACKED = (b"\x1f\x8b", b"PK\x03\x04")
_RETURN = b"\r"
_QUOTED = re.compile(rb'"(?:[^"\n]|"")*"')


class PackError(Exception):
    """The file is not packed as the network takes it."""


@dataclass(frozen=True)
class Block:
    """Whole lines of a file, of which the first has the number `first_line`."""

    content: bytes
    first_line: int
    is_last: bool

    @cached_property
    def lines(self) -> int:
        return self.count(b"\n")

    def count(self, byte: bytes) -> int:
        return int(np.count_nonzero(self._is(byte)))

    def count_quoted(self, byte: bytes) -> int:
        """How often it stands between two quotes."""
        quote = self._is(b'"')
        return int(np.count_nonzero(quote[:-2] & self._is(byte)[1:-1] & quote[2:]))

    def _is(self, byte: bytes) -> np.ndarray:
        return np.frombuffer(self.content, np.uint8) == byte[0]


def blocks(path: Path, compression: Literal["none", "gzip", "zip"]) -> Iterator[Block]:
    """The unpacked file in blocks that end where lines end; only the last may end otherwise.

    Raises:
        PackError: it cannot be unpacked.
    """
    with _unpacked(path, compression) as file:
        # Of a small file no more is held than it needs: sixteen million zeros take longer to write than it to read.
        enough = min(_BLOCK, path.stat().st_size + 1) if compression == "none" else _BLOCK
        held, filled, line = bytearray(enough), 0, 1
        while True:
            if filled == len(held):
                held.extend(bytes(_BLOCK))
            with memoryview(held) as view:
                read = file.readinto(view[filled:])  # type: ignore[attr-defined]
            filled += read
            cut = held.rfind(b"\n", 0, filled) + 1 if read else filled
            if read and not cut:
                continue
            with memoryview(held) as view:
                block = Block(bytes(view[:cut]), line, is_last=not read)
            yield block
            if block.is_last:
                return
            line += block.lines
            held[: filled - cut] = held[cut:filled]
            filled -= cut


@contextmanager
def _unpacked(path: Path, compression: Literal["none", "gzip", "zip"]) -> Iterator[IO[bytes]]:
    try:
        if compression == "gzip":
            with gzip.open(path, "rb") as file:
                yield file  # type: ignore[misc]
        elif compression == "zip":
            with zipfile.ZipFile(path) as archive:
                if len(archive.namelist()) != 1:
                    msg = "the zip holds more or fewer than one file"
                    raise PackError(msg)
                with archive.open(archive.namelist()[0]) as file:
                    yield file
        else:
            with path.open("rb") as file:
                yield file
    except (gzip.BadGzipFile, zipfile.BadZipFile, EOFError, zlib.error):
        msg = f"the file is no whole {compression} file, which is how the network takes it"
        raise PackError(msg) from None


def byte_complaint(block: Block, network: Network) -> str | None:
    """The first thing wrong with the block as text."""
    return _text_complaint(block) or _line_end_complaint(block, network.file.newline.encode())


def _text_complaint(block: Block) -> str | None:
    content = block.content
    if block.first_line == 1 and content.startswith(_BYTE_ORDER_MARKS):
        return "line 1: a byte-order mark stands before the first character"
    if block.first_line == 1 and content.startswith(_PACKED):
        return "the file is packed, and the network takes it unpacked"
    if not content.isascii():
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            return f"line {_line(block, error.start)}: not UTF-8"
    for byte, what in ((b"\x00", "a zero byte"), (b"@", "an @, so an address that is not hashed")):
        if byte in content:
            return f"line {_line(block, content.index(byte))}: {what}"
    return None


def _line_end_complaint(block: Block, newline: bytes) -> str | None:
    content = block.content
    if newline == b"\n" and _RETURN in content:
        return f"line {_line(block, content.index(_RETURN))}: a carriage return"
    if newline == b"\r\n" and not (block.count(_RETURN) == content.count(newline) == block.lines):
        return "the lines do not all end in carriage return and line feed"
    if content and not content.endswith(newline):
        return "the last line is cut off"
    return None


def is_even(block: Block, width: int, network: Network) -> bool:
    """Whether counting shows that every line has `width` columns and all quotes pair.

    Counts alone miss a line too long beside one too short; a CSV reader does not, so `torn_line` is asked if it balks.
    """
    delimiter, between = network.file.delimiter.encode(), (width - 1) * block.lines
    if network.file.quoting == "always":
        return block.count(b'"') == 2 * width * block.lines and block.count_quoted(delimiter) == between
    # In a file of one column, counting would not see a blank line.
    blank = width == 1 and (
        block.content.startswith((b"\r", b"\n")) or network.file.newline.encode() * 2 in block.content
    )
    return b'"' not in block.content and block.count(delimiter) == between and not blank


def torn_line(block: Block, width: int, network: Network) -> str | None:
    """The first line that is blank, has not `width` columns or whose quotes do not pair, looked for line by line."""
    delimiter, always = network.file.delimiter.encode(), network.file.quoting == "always"
    for number, ended in enumerate(block.content.split(b"\n")[:-1], start=block.first_line):
        line = ended.removesuffix(b"\r")
        if not line:
            return f"line {number}: a blank line"
        # A value in quotes may hold the delimiter, and quotes doubled.
        bare = _QUOTED.sub(b"", line) if b'"' in line else line
        if b'"' in bare:
            return f"line {number}: a quote is not closed on its line, or stands within a value"
        if bare.count(delimiter) != width - 1:
            return f"line {number}: more or fewer columns than the network's {width}"
        if always and bare.replace(delimiter, b""):
            return f"line {number}: a value without quotes, where all have them"
    return None


def bytes_beside(block: Block, letters: str, width: int, network: Network) -> int | None:
    """How many bytes of an even block are none of `letters` and do not part cells; None if a cell holds what does."""
    delimiter = network.file.delimiter.encode()
    if block.count(delimiter) != (width - 1) * block.lines:
        return None
    return len(block.content.translate(None, letters.encode() + delimiter + b'"\r\n'))


def _line(block: Block, place: int) -> int:
    return block.first_line + block.content.count(b"\n", 0, place)
