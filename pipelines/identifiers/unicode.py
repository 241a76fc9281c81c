"""Unicode normalisation at the price of ASCII: only texts that need it pay for it."""

from __future__ import annotations

import sys
import unicodedata
from functools import cache
from typing import Literal

import polars as pl

from pipelines.identifiers.few import once, where_few

#: Accents and the like; vowel signs of Indic scripts are letters and are not among them.
ACCENTS = "[\u0300-\u036f]"
#: Small letters that no form of Unicode takes apart. Source: Unicode CLDR, transform Latin-ASCII.
LATIN_TO_ASCII = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t", "ı": "i",
}  # fmt: skip
#: Characters that show nothing: soft hyphens, zero-width spaces, marks of byte order and direction.
HIDDEN = "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
#: Some scripts spell with these, but not at the ends of a text.
JOINERS = "\u200c\u200d"
_SHOWS_NOTHING = rf"[{HIDDEN}]|^[\s{JOINERS}]+|[\s{JOINERS}]+$"


def beyond_ascii(text: pl.Expr) -> pl.Expr:
    """The texts that hold more than ASCII; null elsewhere, so that what follows costs nothing there."""
    return pl.when(is_beyond_ascii(text)).then(text)


def is_beyond_ascii(text: pl.Expr) -> pl.Expr:
    """Whether `text` holds more than ASCII: the texts that normalisation can change."""
    return text.str.len_bytes() != text.str.len_chars()


def normalized(text: pl.Expr, form: Literal["NFC", "NFKD"]) -> pl.Expr:
    """`text` in the Unicode form. (Normalising a million ASCII texts takes seconds, leaving them out a tenth.)"""
    return once(text, lambda text: pl.coalesce(beyond_ascii(text).str.normalize(form), text))


def visible(text: pl.Expr) -> pl.Expr:
    """`text` without what shows nothing and comes along when a text is copied: zero-width spaces, marks of byte order
    and direction, soft hyphens; of joiners, which some scripts spell with, those at the ends.
    """
    return once(text, lambda text: pl.coalesce(beyond_ascii(text).str.replace_all(_SHOWS_NOTHING, ""), text))


def with_ascii_digits(text: pl.Expr) -> pl.Expr:
    """`text` with 0 to 9 for the digits of other scripts and widths: `０９０` is `090`."""
    # Hardly a company has such digits, and to look for all that there are takes a twentieth of a small night
    # (measured).
    return where_few(
        text,
        lambda text: beyond_ascii(text).str.contains(r"[\p{Nd}--0-9]"),
        lambda text: text.str.replace_many(_digits()),
    )


@cache
def _digits() -> dict[str, str]:
    """Each decimal digit beyond ASCII, and what it is in ASCII."""
    every = (chr(code) for code in range(0x80, sys.maxunicode + 1))
    return {sign: str(unicodedata.decimal(sign)) for sign in every if sign.isdecimal()}


def only_words(lower: pl.Expr, *, digits: bool = True) -> pl.Expr:
    """Letters and marks of a lower-case text, in NFC, and digits unless they are not wanted."""
    kept, ascii_kept = (r"[^\p{L}\p{M}\p{N}]", "[^a-z0-9]") if digits else (r"[^\p{L}\p{M}]", "[^a-z]")

    def words(text: pl.Expr) -> pl.Expr:
        beyond = beyond_ascii(text)
        plain = pl.when(~is_beyond_ascii(text)).then(text)
        # Hearts and other symbols end in a mark that chooses how they look, and which is no letter's.
        return pl.coalesce(
            beyond.str.replace_all(kept, "").str.replace_all("[\ufe00-\ufe0f]", "").str.normalize("NFC"),
            plain.str.replace_all(ascii_kept, ""),
        )

    return once(lower, words)


def folded_to_ascii(lower: pl.Expr) -> pl.Expr:
    """a to z and digits of a lower-case text; of letters that are others of Latin, what they are without accents."""
    spelt = pl.coalesce(beyond_ascii(lower).str.replace_many(LATIN_TO_ASCII), lower)
    return without_accents(spelt).str.replace_all("[^a-z0-9]", "")


def without_accents(text: pl.Expr) -> pl.Expr:
    """`text` with plain letters where they had accents."""
    return once(text, lambda text: pl.coalesce(_without_marks(beyond_ascii(text)), text))


def _without_marks(beyond: pl.Expr) -> pl.Expr:
    return beyond.str.normalize("NFKD").str.replace_all(ACCENTS, "").str.normalize("NFC")
