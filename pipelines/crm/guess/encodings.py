"""Which encoding `relance init` writes for a CSV, and whether its letters are unusual in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pipelines.crm.sources.encodings import high_blocks, is_shift_jis, possible, seen_in, stand_together
from schemas.errors import ConfigError
from schemas.source import Encoding

#: One in so many bytes above 7F may be unusual in a Western file: a foreign name, a damaged one.
_FEW = 50

_ASCII = bytes(range(128))

#: Whose letters an encoding has.
_LETTERS: dict[Encoding, str] = {
    "windows-1252": "Western Europe",
    "windows-1250": "Polish, Czech, Hungarian, Croatian, Romanian",
    "windows-1251": "Cyrillic",
    "windows-1253": "Greek",
    "windows-1254": "Turkish",
    "windows-1255": "Hebrew",
    "windows-1256": "Arabic",
    "windows-1257": "Baltic",
    "iso-8859-2": "Central Europe, from Unix",
    "gbk": "Chinese",
    "windows-949": "Korean",
}

#: Letters with accents of which no two stand together in Western Europe.
_ALONE = rb"[\xc0-\xc3\xc5\xc6\xc8\xca-\xd0\xd2-\xd5\xd7-\xde\xe0-\xe3\xe5\xe6\xe8\xea-\xf0\xf2-\xf5\xf7-\xff]"

#: What is unusual in Western European text, and common where text in another encoding is read as Windows-1252.
_UNUSUAL = re.compile(
    rb"|".join(
        (
            # A sign inside a word, or Š and Ž; but no œ, ’, no-break space, «, soft hyphen, ´, · or ».
            rb"(?<=[A-Za-z\xc0-\xff])[\x80-\x8b\x8d-\x91\x93-\x9b\x9d-\x9f\xa1-\xaa\xac\xae-\xb3\xb5\xb6\xb8-\xba\xbc-\xbf]"
            rb"(?=[A-Za-z\xc0-\xff])",
            rb"[\x8a\x8e\x9a\x9e\x9f]",
            rb"\xa3(?=[a-z])",
            # ð, þ and ý, which in Western Europe only Icelandic has.
            rb"[\xd0\xdd\xde\xf0\xfd\xfe]",
            # ì, ò and ù within a word, where Italian has them at its end; õ before no `e`.
            rb"[\xcc\xd2\xd9\xec\xf2\xf9](?=[a-z])",
            rb"\xf5(?!e)",
            # Two together, neither of them ß, ç, ñ, é, ä or ö.
            _ALONE + rb"(?=" + _ALONE + rb")",
        )
    )
)


def encoding_for(path: Path) -> Encoding | None:
    """The encoding that `init` writes: of text that is no Unicode Windows-1252, if all bytes are its; None: no text.

    Raises:
        ConfigError: the file is in no encoding that relance reads, or may be in several that nothing tells apart.
    """
    seen = seen_in(path)
    if seen is None or seen.unicode is not None:
        return None if seen is None else "utf-16" if seen.unicode == "utf-16" else "utf-8"
    names = possible(path, seen)
    # Ť, ť, Ź and ź are where Windows-1252 has nothing. Files of DOS and of old Macs have all their letters there.
    if "windows-1252" in names:
        return "windows-1252"
    if "windows-1250" in names and _mostly_letters(path):
        return "windows-1250"
    if is_shift_jis(path, seen):
        msg = f"{path} is in Shift-JIS, which relance does not read. Save it as CSV in UTF-8."
        raise ConfigError(msg)
    msg = f"{path} is neither in UTF-8 nor in Windows-1252. Save it as CSV in UTF-8."
    raise ConfigError(msg)


def doubt(name: str, encoding: Encoding, paths: Sequence[Path]) -> str | None:
    """What a person has to decide of the source `name`, for which `encoding` is written; None: its letters fit."""
    if encoding in ("utf-8", "utf-16") or (encoding == "windows-1252" and not _is_unusual(paths)):
        return None
    seen = [(path, seen_in(path)) for path in paths]
    each = [possible(path, found) for path, found in seen if found is not None and found.unicode is None]
    others = [
        f"{other} ({letters})"
        for other, letters in _LETTERS.items()
        if other != encoding and all(other in names for names in each)
    ]
    return (
        f"sources.{name}.encoding: it is read as {encoding} ({_LETTERS[encoding]}), where some of its letters are "
        f"unusual. By its bytes it may also be in {', '.join(others)}, or of another system; and in "
        "a wrong one, names match nobody. Write the encoding that its language has, or save the export as CSV in UTF-8"
    )


def _is_unusual(paths: Sequence[Path]) -> bool:
    high = unusual = 0
    for block in (block for path in paths for block in high_blocks(path)):
        high += len(block.translate(None, _ASCII))
        unusual += len(_UNUSUAL.findall(block))
    return unusual * _FEW > high


def _mostly_letters(path: Path) -> bool:
    """Whether most bytes above 7F are where Windows-1250 has letters alone."""
    high = [byte for block in high_blocks(path) for byte in block.translate(None, _ASCII)]
    return not stand_together(path) and 2 * sum(byte >= 0xC0 for byte in high) > len(high)
