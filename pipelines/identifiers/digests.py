"""Values that are already hashed: found before anything is normalised, and never hashed again."""

from __future__ import annotations

from typing import Literal

import polars as pl

Digest = Literal["sha256", "sha1", "md5"]
#: Characters of each in hex.
HEX_LENGTHS: dict[Digest, int] = {"sha256": 64, "sha1": 40, "md5": 32}

#: MD5, SHA-1 and SHA-256 in hex.
_HEX = r"^(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})$"
#: SHA-256 in base64, as The Trade Desk and UID2 have it.
_BASE64 = r"^[0-9A-Za-z+/]{43}=$"


def is_digest(typed: pl.Expr) -> pl.Expr:
    """Whether the value is an MD5, SHA-1 or SHA-256 in hex, or a SHA-256 in base64, white space around aside."""
    text = typed.str.strip_chars()
    long = pl.when(text.str.len_bytes().is_in([32, 40, 44, 64])).then(text)
    return (long.str.contains(_HEX) | long.str.contains(_BASE64)).fill_null(value=False)


def is_prehashed(canonical: pl.Expr) -> pl.Expr:
    """Whether a canonical e-mail that is a match key is a digest in hex, and no address."""
    length = canonical.str.len_bytes()
    may_be = pl.any_horizontal(length == digits for digits in HEX_LENGTHS.values())
    return (may_be & ~pl.when(may_be).then(canonical).str.contains("@", literal=True)).fill_null(value=False)


def prehashed(typed: pl.Expr) -> pl.Expr:
    """The digest that a column declared as pre-hashed holds, in lower-case hex; null if it holds something else."""
    text = typed.str.strip_chars()
    hexed = pl.when(text.str.contains(_HEX)).then(text.str.to_lowercase())
    base64 = pl.when(text.str.contains(_BASE64)).then(text)
    return pl.coalesce(hexed, base64.str.decode("base64", strict=False).bin.encode("hex"))


def digest_kinds(digests: pl.Series) -> list[Digest]:
    """How digests in hex were made."""
    lengths = digests.str.len_bytes().unique()
    return [how for how, length in HEX_LENGTHS.items() if length in lengths]
