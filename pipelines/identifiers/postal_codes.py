"""Postal codes in the forms networks ask for."""

from __future__ import annotations

import polars as pl

_US = r"^[0-9]{5}(?:-?[0-9]{4})?$"
#: Letters and digits in groups: Google gets it in plain, so no e-mail, phone or street may pass.
_SHAPE = r"^[\p{L}\p{N}]+(?:(?: |\x{a0}|\p{Pd})+[\p{L}\p{N}]+)*$"
_GB = r"^[a-z]{1,2}[0-9][a-z0-9]?[0-9][a-z]{2}$"


def compact(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """Lower-case without white space and dashes; of the US the first five digits, of the UK without the unit.

    A US code of another shape (a lost leading zero, say) is null: it is not repaired. Source: Meta, guide "Custom
    Audiences": "first 5 digits for US", "Area/District/Sector format for the UK". Meta's Conversions API page shows a
    full UK code (`m11ae`); the guide on customer lists wins here.
    """
    text = _shaped(typed).str.to_lowercase().str.replace_all(r"[\s\p{Pd}]", "")
    us = pl.when(typed.str.strip_chars().str.contains(_US)).then(text.str.slice(0, 5))
    gb = pl.when(text.str.contains(_GB)).then(text.str.head(-2))
    return pl.when(country == "US").then(us).when(country == "GB").then(gb).when(text != "").then(text)


def trimmed(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """As written, without white space at the ends; of the US only five digits, or five and four.

    Source: Google, Data Manager API, "Formatting": not hashed, hyphen allowed.
    """
    text = _shaped(typed)
    us = pl.when(text.str.contains(_US)).then(text)
    return pl.when(country == "US").then(us).when(text != "").then(text)


def _shaped(typed: pl.Expr) -> pl.Expr:
    """Trimmed, or null if it cannot be a postal code."""
    text = typed.str.strip_chars()
    bare = text.str.replace_all(r"[^\p{L}\p{N}]", "")
    return pl.when(text.str.contains(_SHAPE) & bare.str.contains(r"\p{N}") & (bare.str.len_chars() <= 10)).then(text)
