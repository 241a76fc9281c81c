"""What a form leaves and no file may hold: words for nothing, and in plain columns what belongs into others."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.emails.refusals import is_placeholder
from pipelines.identifiers.nothing import HASHES, WORDS_FOR_NOTHING, hashes_of_nothing
from schemas.identifiers import IdentifierName, MatchColumn

#: Fields in which people or exports write words.
_WORDED: frozenset[IdentifierName] = frozenset(
    {"first_name", "last_name", "city", "region", "external_id", "mobile_ad_id"}
)
#: In plain, an advertising id is as systems issue it, a UUID.
UUID = r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
_POSTAL_CODE = r"^[^\"\x00]{2,15}$"
#: What plain text may not hold: an e-mail, or as many digits as a phone has, which are sent hashed or not at all. A
#: postal code has up to nine digits (ZIP+4).
_WORDS_ADDRESS = r"[@\x00]|(?:\p{Nd}.*){7}"
_TEN_DIGITS = r"(?:\p{Nd}.*){10}"


def says_nothing(text: pl.Expr) -> pl.Expr:
    """Whether the text, but for spaces around it, is a word for nothing, in whatever case."""
    bare = text.str.strip_chars()
    short = pl.when(bare.str.len_bytes() <= max(map(len, WORDS_FOR_NOTHING))).then(bare)
    return short.str.to_lowercase().is_in(WORDS_FOR_NOTHING).fill_null(value=False)


def fit(formed: pl.Series, column: MatchColumn) -> pl.Series:
    """The form's values, null where the column may not show them: one such value would have the whole file refused."""
    value, kept = pl.col("value"), pl.lit(value=True)
    if column.identifier in _WORDED:
        kept &= ~says_nothing(value)
    if column.identifier == "email":
        # Without its tag, `test+shop@test.com` is one.
        kept &= ~is_placeholder(value)
    if column.identifier == "external_id":
        kept &= ~pl.any_horizontal(value.is_in(hashes_of_nothing(how)) for how in HASHES)
    if column.hash == "none":
        kept &= _fit_in_plain(value, column.identifier)
    return formed.to_frame("value").select(pl.when(kept).then(value)).to_series()


def _fit_in_plain(value: pl.Expr, identifier: IdentifierName) -> pl.Expr:
    if identifier == "mobile_ad_id":
        return value.str.contains(UUID)
    if identifier == "postal_code":
        return value.str.contains(_POSTAL_CODE) & ~value.str.contains(_TEN_DIGITS)
    return ~value.str.contains(_WORDS_ADDRESS) if identifier in _WORDED else pl.lit(value=True)
