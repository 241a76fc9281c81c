"""Postal codes in the forms networks ask for."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipelines.identifiers.few import once
from pipelines.identifiers.unicode import beyond_ascii

_US = r"^[0-9]{5}(?:-?[0-9]{4})?$"
#: Nine digits, or five and four, are an American code whatever the country says, or if it says nothing.
_ZIP_PLUS_4 = r"^[0-9]{5}-?[0-9]{4}$"
#: Letters and digits in groups: Google gets it in plain, so no e-mail, phone or street may pass.
_ASCII_SHAPE = r"^[A-Za-z0-9]+(?:[ -]+[A-Za-z0-9]+)*$"
_SHAPE = r"^[\p{L}\p{N}]+(?:(?: |\x{a0}|\p{Pd})+[\p{L}\p{N}]+)*$"
_GB = r"^[a-z]{1,2}[0-9][a-z0-9]?[0-9][a-z]{2}$"


def compact(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """Lower-case without white space and dashes; of the US the first five digits, of the UK without the unit.

    A US code of another shape (a lost leading zero, say) is null: it is not repaired. Source: Meta, guide "Custom
    Audiences": "first 5 digits for US", "Area/District/Sector format for the UK". Meta's Conversions API page shows a
    full UK code (`m11ae`); the guide on customer lists wins here. Meta's libraries cut at the first dash in every
    country, so that `K1A-0A6` becomes `k1a`; its page says no dash, and it wins.
    """
    return pl.map_batches([typed, country], _compacted, return_dtype=pl.String, is_elementwise=True)


def _compacted(given: Sequence[pl.Series]) -> pl.Series:
    """As one expression it would take far longer to plan than a thousand codes take (measured)."""
    typed, country = given
    # `12345-` is a code whose four were left out.
    trimmed_text = _written_out(pl.col("typed")).str.strip_suffix("-")
    codes = pl.DataFrame({"typed": typed, "country": country}).select("country", trimmed=trimmed_text)
    codes = codes.with_columns(shaped=_shaped(pl.col("trimmed")))
    codes = codes.with_columns(text=_bare(pl.col("shaped")).str.to_lowercase())
    as_typed, text, country_code = pl.col("trimmed"), pl.col("text"), pl.col("country")
    us = pl.when(as_typed.str.contains(_US)).then(text.str.slice(0, 5))
    plus_4 = pl.when(country_code.is_null() & as_typed.str.contains(_ZIP_PLUS_4)).then(text.str.slice(0, 5))
    gb = pl.when(text.str.contains(_GB)).then(text.str.head(-2))
    other = pl.when(text.str.len_chars() > 1).then(text)
    form = pl.when(country_code == "US").then(us).when(country_code == "GB").then(gb)
    return codes.select(form.otherwise(pl.coalesce(plus_4, other))).to_series()


def trimmed(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """As written, without white space at the ends; of the US only five digits, or five and four.

    Zeros alone are a filler: with them, strangers of one name would share a key of Google's. Meta, where a postal code
    is no key, has a vector that keeps them. Source: Google, Data Manager API, "Formatting": not hashed, hyphen allowed.
    """
    text = once(typed, _shaped)
    text = pl.when(text.str.contains("[^0 -]")).then(text)
    us = pl.when(text.str.contains(_US)).then(text)
    return pl.when(country == "US").then(us).when(text != "").then(text)


def digits(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """Digits only, the four of ZIP+4 included; of the US nothing but five or nine.

    Source: Pinterest, Conversions API: "only digits"; LiveRamp: five or nine digits, no hyphen.
    """
    text = once(typed, _shaped).str.replace_all("[^0-9]", "")
    us = pl.when(text.str.contains(_US)).then(text)
    return pl.when(country == "US").then(us).when(text != "").then(text)


def ascii(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """Lower-case, a to z and digits only; of the US the first five digits.

    Source: Amazon's uploader for AMC (five digits in the US) and Segment's conversions test (`h0h0h0`).
    """
    text = once(typed, _shaped).str.to_lowercase().str.replace_all("[^a-z0-9]", "")
    us = pl.when(text.str.contains(_US)).then(text.str.slice(0, 5))
    return pl.when(country == "US").then(us).when(text.str.contains("[0-9]")).then(text)


def _shaped(typed: pl.Expr) -> pl.Expr:
    """Trimmed, or null if it cannot be a postal code."""
    text = _written_out(typed)
    beyond = beyond_ascii(text)
    bare = _bare(text)
    shaped = pl.coalesce(
        beyond.str.contains(_SHAPE) & bare.str.contains(r"\p{N}"),
        text.str.contains(_ASCII_SHAPE) & text.str.contains("[0-9]"),
    )
    return pl.when(shaped & (bare.str.len_chars() <= 10)).then(text)


def _written_out(typed: pl.Expr) -> pl.Expr:
    """Trimmed, in the widths and signs of ASCII: `〒１５０－０００２` is `150-0002`."""

    def narrow(text: pl.Expr) -> pl.Expr:
        compatible = beyond_ascii(text).str.normalize("NFKC").str.replace_all("[\u2212\u30fc]", "-")
        return pl.coalesce(compatible.str.strip_chars().str.strip_prefix("〒"), text).str.strip_chars()

    return once(typed, narrow)


def _bare(text: pl.Expr) -> pl.Expr:
    """Without white space and dashes."""
    return pl.coalesce(beyond_ascii(text).str.replace_all(r"[\s\p{Pd}]", ""), text.str.replace_all("[ -]", ""))
