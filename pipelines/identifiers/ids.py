"""Identifiers that are no words: mobile advertising ids, own ids, handles."""

from __future__ import annotations

import polars as pl

#: An advertising id, a device's id or another opaque one: no network's page allows anything else.
_ID = r"^[0-9A-Za-z_-]+$"
#: Groups of hex digits with hyphens are meant as a UUID, and then must be one.
_HEX_GROUPS = r"^[0-9A-Fa-f]+(?:-[0-9A-Fa-f]+)+$"
_UUID = r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
#: What a device says whose owner refuses tracking.
_NOBODY = "^[0-]+$"


def canonical_mobile_ad_id(typed: pl.Expr) -> pl.Expr:
    """Trimmed, hyphens and case as issued; null if it is all zeros (tracking refused) or no id."""
    text = typed.str.strip_chars()
    well_formed = text.str.contains(_UUID) | ~text.str.contains(_HEX_GROUPS)
    return pl.when(text.str.contains(_ID) & well_formed & ~text.str.contains(_NOBODY)).then(text)


def mobile_lower(canonical: pl.Expr) -> pl.Expr:
    """Lower-case. Source: Meta (plain), Snap and X (hashed); TikTok takes all-lower or all-upper."""
    return canonical.str.to_lowercase()


def mobile_upper(canonical: pl.Expr) -> pl.Expr:
    """In capitals. Source: Tencent, IDFA."""
    return canonical.str.to_uppercase()


def mobile_by_type(canonical: pl.Expr, ad_id_type: pl.Expr) -> pl.Expr:
    """An IDFA in capitals, an AAID in lower case. Source: Reddit, "Advanced matching"; LiveRamp.

    `ad_id_type` is `idfa`, `aaid` or null. Where it is null the id stays as issued if its letters are of one case: Apple
    prints an IDFA in capitals, Google an AAID in small letters. Of mixed case it is null.
    """
    one_case = (canonical == canonical.str.to_lowercase()) | (canonical == canonical.str.to_uppercase())
    return (
        pl.when(ad_id_type == "idfa")
        .then(canonical.str.to_uppercase())
        .when(ad_id_type.is_not_null())
        .then(canonical.str.to_lowercase())
        .when(one_case)
        .then(canonical)
    )


def mobile_plain(canonical: pl.Expr) -> pl.Expr:
    """As issued. Source: Google, Customer Match (`Mobile Device ID`, not hashed); Criteo."""
    return canonical


def external_plain(typed: pl.Expr) -> pl.Expr:
    """As it is, trimmed: it must equal what the company's pixel sends. Source: Meta, EXTERN_ID; Reddit."""
    text = typed.str.strip_chars()
    return pl.when(text != "").then(text)


def external_lower(typed: pl.Expr) -> pl.Expr:
    """Lower-case without white space. Source: Meta's param builder and TikTok's Events API, which send it so."""
    text = typed.str.to_lowercase().str.replace_all(r"\s+", "")
    return pl.when(text != "").then(text)


def handle_lower(typed: pl.Expr) -> pl.Expr:
    """Lower-case, without the @ in front. Source: X, "Custom audiences": its digest of `adsapi` holds."""
    text = typed.str.strip_chars().str.strip_prefix("@").str.to_lowercase()
    return pl.when(text.str.contains("^[a-z0-9_]+$")).then(text)
