"""Phones in the forms networks ask for; the input is E.164 with its plus."""

from __future__ import annotations

import polars as pl


def digits(e164: pl.Expr) -> pl.Expr:
    """Country code and number, digits only.

    Source: Meta, guide "Custom Audiences"; its digest of `16505551212` holds. So Snap, Pinterest and Amazon. TikTok's
    page prescribes `e164` and prints the digest of this form beside it.
    """
    return e164.str.strip_prefix("+")


def e164(e164: pl.Expr) -> pl.Expr:
    """With its plus. Source: Google, Data Manager API, "Formatting"; its digest of `+18005550100` holds.

    So UID2, EUID, TikTok, Reddit, Microsoft, and X by its conversions page.
    """
    return e164


def national_us(e164: pl.Expr) -> pl.Expr:
    """Ten digits of a number of the North American plan, null of every other.

    Source: LiveRamp, "Hashing identifiers": without country code. A number of another country would become somebody
    else's.
    """
    return e164.str.extract(r"^\+1([0-9]{10})$")


def national_cn(e164: pl.Expr) -> pl.Expr:
    """Eleven digits of a mobile number of mainland China, null of every other.

    Source: Tencent Ads, user actions: "11 digits, no +86".
    """
    return e164.str.extract(r"^\+86(1[0-9]{10})$")
