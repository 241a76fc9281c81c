"""Which encodings a file may be in, by all of its bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from schemas.errors import SourceError
from schemas.said import Said
from schemas.source import Encoding, Source

#: Python's and DuckDB's names of each. Of the thousand that DuckDB has, many read some sign as another (its `ISO8859_2`
#: makes every `a` a wide one, and none reads all of Shift-JIS): a test compares these with Python's, sign by sign.
ENCODINGS: dict[Encoding, tuple[str, str]] = {
    "utf-8": ("utf-8-sig", "utf-8"),
    "utf-16": ("utf-16", "utf-16"),
    "latin-1": ("latin-1", "latin-1"),
    "windows-1252": ("cp1252", "cp1252"),
    "windows-1250": ("cp1250", "CP1250"),
    "windows-1251": ("cp1251", "CP1251"),
    "windows-1253": ("cp1253", "CP1253"),
    "windows-1254": ("cp1254", "CP1254"),
    "windows-1255": ("cp1255", "CP1255"),
    "windows-1256": ("cp1256", "CP1256"),
    "windows-1257": ("cp1257", "CP1257"),
    "iso-8859-2": ("iso8859-2", "iso-8859_2-1999"),
    "iso-8859-15": ("iso8859-15", "iso-8859_15-1999"),
    "gbk": ("gbk", "glibc-GBK-2.3.3"),
    "windows-949": ("cp949", "glibc-UHC-2.3.3"),
}
#: Those that DuckDB reads without its extension.
BUILT_IN: frozenset[Encoding] = frozenset({"utf-8", "utf-16", "latin-1"})

_UNICODE: frozenset[Encoding] = frozenset({"utf-8", "utf-16"})
_SEVERAL_BYTES: frozenset[Encoding] = frozenset({"gbk", "windows-949"})

_BLOCK = 1 << 20
#: Bytes that are looked at one by one, before others of their kind are passed over.
_FEW = 1 << 12
#: Blocks with bytes above 7F that are enough to judge how they stand together.
_JUDGED = 16
_ASCII = bytes(range(128))
_RUN = re.compile(rb"[\x80-\xff]+")
#: What Shift-JIS keeps for signs of a company's own; other text read as Shift-JIS is full of them.
_OWN_SIGNS = re.compile("[\ue000-\uf8ff]")

#: Signs of two units in UTF-16.
_PAIR = re.compile("[\U00010000-\U0010ffff]")


class Seen(NamedTuple):
    """What all bytes of a text say of its encoding."""

    #: None: it is in another.
    unicode: Literal["ascii", "utf-8", "utf-16"] | None
    #: The bytes above 7F that occur; not gathered of UTF-16.
    high: frozenset[int] = frozenset()


def seen_in(path: Path) -> Seen | None:
    """By the byte-order mark or by every byte of the file, since one name on the last line can decide; None: no text.

    Text of one byte a sign that is UTF-8 throughout by chance does not occur: it would hold pairs such as `Ã©` alone.
    """
    decoder, seen = codecs.getincrementaldecoder("utf-8")(), _ASCII
    with path.open("rb") as file:
        start = file.read(4)
        if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return Seen("utf-16")
        if b"\0" in start:
            return None
        file.seek(0)
        utf8 = True
        while block := file.read(_BLOCK):
            if len(seen) == len(_ASCII) and block.isascii():
                continue
            while new := block.translate(None, seen):
                seen += bytes(set(new[:_FEW]))
            try:
                utf8 = utf8 and decoder.decode(block) is not None
            except UnicodeDecodeError:
                utf8 = False
    high = frozenset(seen[len(_ASCII) :])
    if utf8 and not decoder.getstate()[0]:
        return Seen("utf-8" if high else "ascii", high)
    return Seen(None, high)


def possible(path: Path, seen: Seen) -> tuple[Encoding, ...]:
    """The encodings, UTF-8 and UTF-16 apart, that the file may be in.

    Latin-1 is none of them: Windows-1252 reads such a file alike, and goes on when a `’` or a `€` comes.
    """
    together = stand_together(path)
    names: list[Encoding] = []
    for name in ENCODINGS:
        if name in _UNICODE or name == "latin-1" or (name in _SEVERAL_BYTES and not together):
            continue
        if _may_be(name, path, seen):
            names.append(name)
    return tuple(names)


def is_shift_jis(path: Path, seen: Seen) -> bool:
    """Whether the bytes are those of Shift-JIS, and not of Windows-1252."""
    return not seen.high <= _signs("windows-1252") and stand_together(path) and _reads(path, "cp932")


def stand_together(path: Path) -> bool:
    """Whether most bytes above 7F stand beside another, as where all letters are such; accents stand alone."""
    runs = [run for block in high_blocks(path) for run in _RUN.findall(block)]
    return sum(map(len, runs)) >= 1.5 * len(runs)


def high_blocks(path: Path) -> Iterator[bytes]:
    """The first blocks of the file that have bytes above 7F."""
    count = 0
    with path.open("rb") as file:
        while count < _JUDGED and (block := file.read(_BLOCK)):
            if not block.isascii():
                count += 1
                yield block


def not_in_declared(place: str, path: Path) -> Said:
    """What is said of a file that is not in the declared encoding, at the place where it is not."""
    seen = seen_in(path)
    other = seen if seen is not None and seen.unicode is None else None
    if other is not None and is_shift_jis(path, other):
        return Said(
            "{place}: not in the declared encoding, but in Shift-JIS, which relance does not read. Save it as CSV in "
            "UTF-8, the default `encoding`; nobody is added to a list.",
            place=place,
        )
    names = possible(path, other) if other is not None else ()
    if not names:
        return Said(
            "{place}: not in the declared encoding. Save it as CSV in UTF-8, the default `encoding`; nobody is "
            "added to a list.",
            place=place,
        )
    return Said(
        "{place}: not in the declared encoding. By its bytes the file may be in {possible}: set the `encoding` that "
        "its language has (docs/configuration.md) for this source in sources.toml. If none fits, save it as CSV in "
        "UTF-8, the default; nobody is added to a list.",
        place=place,
        possible=", ".join(names),
    )


def check_encoding(name: str, source: Source, files: Sequence[Path]) -> None:
    """Refuse files of the source `name` that read as declared and yet are in another encoding.

    Where a sign is one byte, each byte is some sign: `José` in UTF-8 would be read, and hashed, as another name.

    Raises:
        SourceError: a file is UTF-8, or has bytes that are no sign in the declared encoding; one in UTF-16 has a sign
            that DuckDB reads in UTF-8 only.
    """
    if source.encoding == "utf-16":
        _check_single_units(files)
    if source.encoding in _UNICODE:
        return
    for path in files:
        seen = seen_in(path)
        if seen is None:
            continue
        if seen.unicode == "utf-8":
            msg = Said(
                'Source {name}: {path} is {found}, not {declared}. Set encoding = "{found}" for it in sources.toml. If '
                "other files of the source are {declared}, make two sources of them and join their rows in the select "
                "by UNION ALL.",
                name=name,
                path=path,
                found=seen.unicode,
                declared=source.encoding,
            )
            raise SourceError(msg)
        # DuckDB hands on bytes that are no sign: two of them may be one in UTF-8.
        if seen.unicode is None and not _may_be(source.encoding, path, seen):
            raise SourceError(not_in_declared(f"{path}, line {_first_line_not_in(source.encoding, path)}", path))


def _check_single_units(files: Sequence[Path]) -> None:
    for path in files:
        line, decoder = 1, codecs.getincrementaldecoder("utf-16")("replace")
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                text = decoder.decode(block)
                if found := _PAIR.search(text):
                    msg = Said(
                        "{path}, line {line}: a sign that takes two units of UTF-16 (as emojis and rare kanji do), "
                        "which DuckDB cannot read. Save it as CSV in UTF-8, the default `encoding`; nobody is added to "
                        "a list.",
                        path=path,
                        line=line + text.count("\n", 0, found.start()),
                    )
                    raise SourceError(msg)
                line += text.count("\n")


def _may_be(name: Encoding, path: Path, seen: Seen) -> bool:
    return _reads(path, ENCODINGS[name][0]) if name in _SEVERAL_BYTES else seen.high <= _signs(name)


@cache
def _signs(name: Encoding) -> frozenset[int]:
    """The bytes above 7F that are a sign in an encoding of one byte a sign; no text has Latin-1's control signs."""
    texts = {byte: bytes([byte]).decode(ENCODINGS[name][0], "ignore") for byte in range(128, 256)}
    return frozenset(byte for byte, text in texts.items() if text and not "\x80" <= text <= "\x9f")


def _reads(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                if _OWN_SIGNS.search(decoder.decode(block)):
                    return False
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _first_line_not_in(name: Encoding, path: Path) -> int:
    """The first line with bytes that are no sign in the encoding; of several bytes, none is a line end."""
    signs = None if name in _SEVERAL_BYTES else _ASCII + bytes(_signs(name))
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if signs is not None and line.translate(None, signs):
                return number
            try:
                line.decode(ENCODINGS[name][0])
            except UnicodeDecodeError:
                return number
    return 1
