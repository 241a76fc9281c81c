"""Phones in the forms networks ask for; the input is E.164 with its plus."""

from __future__ import annotations

import polars as pl


def digits(e164: pl.Expr) -> pl.Expr:
    """Country code and number, digits only.

    Source: Meta, guide "Custom Audiences"; its digest of `16505551212` holds.
    """
    return e164.str.strip_prefix("+")


def e164(e164: pl.Expr) -> pl.Expr:
    """With its plus. Source: Google, Data Manager API, "Formatting"; its digest of `+18005550100` holds."""
    return e164
