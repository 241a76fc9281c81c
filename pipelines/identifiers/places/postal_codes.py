"""Postal codes in the forms networks ask for."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipelines.identifiers.few import Rule
from pipelines.identifiers.persons.names import filled
from pipelines.identifiers.places.postal_shapes import (
    AMERICAN,
    AMERICAN_CODE,
    may_be_american,
    national,
    of_its_country,
    without_separators,
)
from pipelines.identifiers.unfit import says_nothing
from pipelines.identifiers.unicode import beyond_ascii, visible, with_ascii_digits

#: Letters and digits in groups: Google gets it in plain, so no e-mail, phone or street may pass.
_ASCII_SHAPE = r"^[A-Za-z0-9]+(?:[ -]+[A-Za-z0-9]+)*$"
_SHAPE = r"^[\p{L}\p{N}]+(?:(?: |\x{a0}|\p{Pd})+[\p{L}\p{N}]+)*$"
_GB = r"^[a-z]{1,2}[0-9][a-z0-9]?[0-9][a-z]{2}$"


def compact(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """Lower-case without white space and dashes; of the US the first five digits, of the UK without the unit.

    A US code of another shape is null, as one of elsewhere that lost a leading zero. Source: Meta, guide "Custom
    Audiences": "first 5 digits for US", "Area/District/Sector format for the UK". Meta's Conversions API page shows a
    full UK code (`m11ae`); the guide on customer lists wins here. Meta's libraries cut at the first dash in every
    country, so that `K1A-0A6` becomes `k1a`; its page says no dash, and it wins.
    """

    def form(code: pl.Expr) -> pl.Expr:
        text = without_separators(code).str.to_lowercase()
        us = pl.when(may_be_american() & code.str.contains(AMERICAN_CODE)).then(text.str.slice(0, 5))
        gb = pl.when(text.str.contains(_GB)).then(text.str.head(-2))
        other = pl.when(text.str.len_chars() > 1).then(text)
        return pl.when(pl.col("country") == "GB").then(gb).otherwise(pl.coalesce(us, other))

    return _formed(typed, country, form)


def trimmed(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """As written, without white space at the ends; of the US only five digits, or five and four with a hyphen.

    Zeros alone are a filler: with them, strangers of one name would share a key of Google's. Meta, where a postal code
    is no key, has a vector that keeps them. Source: Google, Data Manager API, "Formatting": not hashed, hyphen allowed.
    """
    return _formed(typed, country, _not_zeros)


def digits(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """Digits only, the four of ZIP+4 included; of the US nothing but five or nine.

    Source: Pinterest, Conversions API: "only digits"; LiveRamp: five or nine digits, no hyphen.
    """
    return _formed(typed, country, lambda code: _not_zeros(filled(code.str.replace_all("[^0-9]", ""))))


def ascii(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """Lower-case, a to z and digits only; of the US the first five digits.

    Source: Amazon's uploader for AMC (five digits in the US) and Segment's conversions test (`h0h0h0`).
    """

    def form(code: pl.Expr) -> pl.Expr:
        text = _not_zeros(code).str.to_lowercase().str.replace_all("[^a-z0-9]", "")
        short = pl.when(pl.col("country").is_in(AMERICAN)).then(text.str.slice(0, 5)).otherwise(text)
        return pl.when(text.str.contains("[0-9]")).then(short)

    return _formed(typed, country, form)


def postal_code_refusal(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """Why it is no part of a match key: `blank` (words for nothing too), `not_a_postal_code`: a filler of zeros, or
    what no code of that country looks like. Codes repeat: each is looked at once.
    """

    def refused(given: Sequence[pl.Series]) -> pl.Series:
        rows = pl.DataFrame({"code": given[0], "country": given[1]})
        code = pl.col("code")
        blank = code.is_null() | (code.str.strip_chars() == "") | says_nothing(code)
        why = (
            pl.when(blank)
            .then(pl.lit("blank"))
            .when(trimmed(code, pl.col("country")).is_null())
            .then(pl.lit("not_a_postal_code"))
        )
        judged = rows.unique().with_columns(why=why)
        return rows.join(judged, on=["code", "country"], how="left", nulls_equal=True, maintain_order="left")["why"]

    return pl.map_batches([typed, country], refused, return_dtype=pl.String, is_elementwise=True)


def _formed(typed: pl.Expr, country: pl.Expr, form: Rule) -> pl.Expr:
    """`form` of each code, step by step: as one expression it would take far longer to plan than a thousand codes take
    (measured).
    """

    def formed(given: Sequence[pl.Series]) -> pl.Series:
        typed, country = given
        rows = pl.DataFrame({"code": typed, "country": country})
        for step in (_written_out, national, _shaped, of_its_country, form):
            rows = rows.with_columns(code=step(pl.col("code")))
        return rows["code"]

    return pl.map_batches([typed, country], formed, return_dtype=pl.String, is_elementwise=True)


def _shaped(text: pl.Expr) -> pl.Expr:
    """The text, or null if it cannot be a postal code."""
    beyond = beyond_ascii(text)
    bare = without_separators(text)
    shaped = pl.coalesce(
        beyond.str.contains(_SHAPE) & bare.str.contains(r"\p{N}"),
        text.str.contains(_ASCII_SHAPE) & text.str.contains("[0-9]"),
    )
    return pl.when(shaped & (bare.str.len_chars() <= 10)).then(text)


def _not_zeros(code: pl.Expr) -> pl.Expr:
    """The code, or null if it is a filler of zeros."""
    return pl.when(code.str.contains(r"[^0\s\p{Pd}]")).then(code)


def _written_out(typed: pl.Expr) -> pl.Expr:
    """Trimmed, in the digits, widths and signs of ASCII: `〒１５０－０００２` is `150-0002`, `٧٥٠٠٨` is `75008`.
    `12345-` lacks its four, and `94100.0` went through a column of floating-point numbers.
    """
    text = with_ascii_digits(visible(typed))
    compatible = beyond_ascii(text).str.normalize("NFKC").str.replace_all(r"[\p{Pd}\u2212\u30fc]", "-")
    text = pl.coalesce(compatible.str.strip_chars().str.strip_prefix("〒"), text).str.strip_chars()
    return text.str.strip_suffix("-").str.replace(r"^([0-9]{2,})\.0$", "$1")
