"""Which encoding a file is in, by all of its bytes."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from schemas.errors import SourceError
from schemas.said import Said
from schemas.source import Source

Encoding = Literal["utf-8", "latin-1", "windows-1252", "utf-16"]

_BLOCK = 1 << 20
#: Bytes that Windows-1252 has and Latin-1 has not: “ ” ’ € and their like.
_WINDOWS_ONLY = bytes(range(0x80, 0xA0))
_NOT_WINDOWS_ONLY = bytes(sorted(set(range(256)) - set(_WINDOWS_ONLY)))


def encoding_of(path: Path) -> Encoding | Literal["ascii"] | None:
    """By the byte-order mark or by every byte of the file, since one name on the last line can decide; None: no text.

    Text of one byte a sign that is UTF-8 throughout by chance does not occur: it would hold pairs such as `Ã©` alone.
    """
    decoder, windows, beyond = codecs.getincrementaldecoder("utf-8")(), False, False
    with path.open("rb") as file:
        start = file.read(4)
        if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        if b"\0" in start:
            return None
        file.seek(0)
        utf8 = True
        while block := file.read(_BLOCK):
            if utf8 and not beyond and block.isascii():
                continue
            beyond = True
            windows = windows or bool(block.translate(None, _NOT_WINDOWS_ONLY))
            try:
                utf8 = utf8 and decoder.decode(block) is not None
            except UnicodeDecodeError:
                utf8 = False
    if utf8 and not decoder.getstate()[0]:
        return "utf-8" if beyond else "ascii"
    return "windows-1252" if windows else "latin-1"


def check_encoding(name: str, source: Source, files: Sequence[Path]) -> None:
    """Refuse files of the source `name` that read as declared and yet are in another encoding.

    Where a sign is one byte, each byte is some sign: `José` in UTF-8 would be read, and hashed, as another name.

    Raises:
        SourceError: a file is UTF-8, or has signs that only Windows-1252 has.
    """
    if source.encoding not in ("latin-1", "windows-1252"):
        return
    for path in files:
        found = encoding_of(path)
        if found == "utf-8" or (found == "windows-1252" and source.encoding == "latin-1"):
            msg = Said(
                'Source {name}: {path} is {found}, not {declared}. Set encoding = "{found}" for it in sources.toml. If '
                "other files of the source are {declared}, make two sources of them and join their rows in the select "
                "by UNION ALL.",
                name=name,
                path=path,
                found=found,
                declared=source.encoding,
            )
            raise SourceError(msg)
