"""What the names and descriptions that networks see must not hint at: wealth, debt, health, religion and the like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from schemas.declared import Declared, Slug, read_declared

_FILE = Path(__file__).parent / "public_names.toml"
#: How a word may end beside its listed form: plurals and feminines.
_ENDINGS = ("", "s", "e", "es", "x")


class _Words(Declared):
    """Words that hint at one kind of thing, in two languages."""

    en: tuple[str, ...]
    fr: tuple[str, ...]


class _PublicNames(Declared):
    """`public_names.toml`."""

    neutral: tuple[Slug, ...]
    wealth: _Words
    debt: _Words
    health: _Words
    religion: _Words
    origin: _Words
    opinion: _Words
    sexuality: _Words
    family: _Words
    crime: _Words
    age: _Words


class Hint(NamedTuple):
    """A word in a name, and what it hints at."""

    word: str
    kind: str


def hint_in(text: str) -> Hint | None:
    """The first listed word in the text, whatever its accents and capitals; None if there is none."""
    words = _words(text)
    for start in range(len(words)):
        for listed, kind in _listed():
            if _begins_with(words[start:], listed):
                return Hint(" ".join(words[start : start + len(listed)]), kind)
    return None


def neutral_name(taken: Iterable[str]) -> str:
    """A name that says nothing and is not `taken`."""
    used = set(taken)
    neutral = _declared().neutral
    return next((name for name in neutral if name not in used), f"group_{len(used) + 1}")


def _begins_with(words: list[str], listed: tuple[str, ...]) -> bool:
    if len(words) < len(listed):
        return False
    return all(word in {part + ending for ending in _ENDINGS} for word, part in zip(words, listed, strict=False))


def _words(text: str) -> list[str]:
    bare = "".join(
        letter for letter in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(letter)
    )
    return re.findall(r"[a-z]+|[0-9]+", bare)


@cache
def _listed() -> tuple[tuple[tuple[str, ...], str], ...]:
    declared = _declared()
    kinds = {kind: words for kind, words in declared if isinstance(words, _Words)}
    return tuple((tuple(_words(text)), kind) for kind, words in kinds.items() for text in (*words.en, *words.fr))


@cache
def _declared() -> _PublicNames:
    return read_declared(_PublicNames, _FILE)
