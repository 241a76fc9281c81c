"""Values that are already hashed: found before anything is normalised, and never hashed again."""

from __future__ import annotations

from typing import Literal

import polars as pl

from pipelines.identifiers.few import where_few

Digest = Literal["sha256", "sha1", "md5"]
#: Characters of each in hex.
HEX_LENGTHS: dict[Digest, int] = {"sha256": 64, "sha1": 40, "md5": 32}
SHORTEST = min(HEX_LENGTHS.values())

#: MD5, SHA-1 and SHA-256 in hex.
_HEX = "[0-9a-fA-F]{64}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32}"
#: SHA-256 in base64, as The Trade Desk and UID2 have it.
_BASE64 = "[0-9A-Za-z+/]{43}="
#: What programs put before a digest: SQL Server `0x`, PostgreSQL `\x`, others what made it, as `sha256:`.
_BEFORE = r"\b0[xX]|\\[xX]|\b(?i:sha-?256|sha-?1|md5)\s*[:=]\s*"
#: A digest among other text.
DIGEST = rf"(?:{_BEFORE}|\b)(?:(?:{_HEX})\b|{_BASE64})"
#: A digest alone.
_ALONE = rf"""^["']?(?:{_BEFORE})?["']?({_HEX}|{_BASE64})["']?$"""


def is_digest(typed: pl.Expr) -> pl.Expr:
    """Whether the value is an MD5, SHA-1 or SHA-256 in hex, or a SHA-256 in base64, white space around aside, and
    what programs put around: `0x`, `\\x`, `sha256:` or quotes."""
    return _bare(typed).is_not_null()


def _bare(typed: pl.Expr) -> pl.Expr:
    """The digest as it is typed, with nothing around it; null if there is none."""
    return where_few(
        typed,
        lambda text: (text.str.len_bytes() >= SHORTEST) & ~text.str.contains("@", literal=True),
        lambda text: text.str.strip_chars().str.extract(_ALONE),
        keep_others=False,
    )


def is_prehashed(canonical: pl.Expr) -> pl.Expr:
    """Whether a canonical e-mail that is a match key is a digest in hex, and no address."""
    length = canonical.str.len_bytes()
    may_be = pl.any_horizontal(length == digits for digits in HEX_LENGTHS.values())
    return (may_be & ~pl.when(may_be).then(canonical).str.contains("@", literal=True)).fill_null(value=False)


def prehashed(typed: pl.Expr) -> pl.Expr:
    """The digest that `is_digest` finds in the value, in lower-case hex; null if there is none."""
    return where_few(_bare(typed), lambda bare: bare.is_not_null(), _in_hex, keep_others=False)


def _in_hex(bare: pl.Expr) -> pl.Expr:
    base64 = pl.when(bare.str.ends_with("=")).then(bare).str.decode("base64", strict=False).bin.encode("hex")
    return pl.coalesce(base64, bare.str.to_lowercase())


def digest_kinds(digests: pl.Series) -> list[Digest]:
    """How digests in hex were made."""
    lengths = digests.str.len_bytes().unique()
    return [how for how, length in HEX_LENGTHS.items() if length in lengths]
