"""Identifiers that are no words: mobile advertising ids, own ids, handles, age."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.digests import is_digest
from pipelines.identifiers.unfit import UUID, says_nothing

#: What Android calls a device: 16 hex digits. Decimal ones alone may be anything else, an IMEI or a phone.
_ANDROID_ID = "^[0-9a-f]{16}$"
#: What is hashed before an id that may be an address.
_IS_AN_ID = "customer_id:"
#: E-mails, and phones with their country code: E.164 has at most 15 digits, and networks hash them without the plus.
_MAY_BE_AN_ADDRESS = r"@|^\+|^[0-9]{7,15}$"
#: What a device says whose owner refuses tracking, and what people write to fill a field: one digit over and over, and
#: the ids that manuals show.
_NOBODY = (
    f"^(?:{'|'.join(f'{digit}[{digit}-]*' for digit in '0123456789abcdef')}|12345678-1234-.*"
    "|123e4567-e89b-12d3-a456-426614174000|550e8400-e29b-41d4-a716-446655440000"
    # Google's own sample, and what a fault of Android 2.2 called many devices.
    "|38400000-8cf0-11bd-b23e-10b96e40000d|9774d56d682e549c)$"
)


def canonical_mobile_ad_id(typed: pl.Expr) -> pl.Expr:
    """Trimmed, hyphens and case as issued; null where `mobile_ad_id_refusal` says why."""
    return pl.when(mobile_ad_id_refusal(typed).is_null()).then(typed.str.strip_chars())


def mobile_ad_id_refusal(typed: pl.Expr) -> pl.Expr:
    """Why it is no match key: `blank`, `already_hashed`, `placeholder` (all zeros: tracking refused; a word for
    nothing), `not_an_id`: neither a UUID, as advertising ids are, nor an Android id.

    An IMEI names the device for good and is none; a phone in this column would be the phone's own key at networks that
    take both hashed, whoever refuses it.
    """
    text = typed.str.strip_chars()
    lower = text.str.to_lowercase()
    is_android_id = lower.str.contains(_ANDROID_ID) & lower.str.contains("[a-f]")
    return (
        pl.when(text.is_null() | (text == ""))
        .then(pl.lit("blank"))
        .when(lower.str.contains(_NOBODY) | says_nothing(text))
        .then(pl.lit("placeholder"))
        .when(is_digest(text))
        .then(pl.lit("already_hashed"))
        .when(~(text.str.contains(UUID) | is_android_id))
        .then(pl.lit("not_an_id"))
    )


def mobile_lower(canonical: pl.Expr) -> pl.Expr:
    """An advertising id in small letters. Source: Meta (plain), Snap (hashed); TikTok takes all-lower or all-upper."""
    return _advertising(canonical).str.to_lowercase()


def mobile_device(canonical: pl.Expr) -> pl.Expr:
    """An advertising or an Android id, in small letters. Source: X, "Custom audiences"."""
    return canonical.str.to_lowercase()


def mobile_upper(canonical: pl.Expr) -> pl.Expr:
    """In capitals. Source: Tencent, IDFA."""
    return _advertising(canonical).str.to_uppercase()


def mobile_by_type(canonical: pl.Expr) -> pl.Expr:
    """An IDFA in capitals, an AAID in small letters. Source: Reddit, "Advanced matching"; LiveRamp.

    Apple prints an IDFA in capitals, Google an AAID in small letters: an id stays as issued if its letters are of one
    case, else it is null. Where the kind is declared, `of_type` comes first.
    """
    one_case = (canonical == canonical.str.to_lowercase()) | (canonical == canonical.str.to_uppercase())
    return pl.when(one_case).then(_advertising(canonical))


def of_type(canonical: pl.Expr, ad_id_type: str) -> pl.Expr:
    """The id as its own system prints it: `idfa` in capitals, every other in small letters."""
    return canonical.str.to_uppercase() if ad_id_type == "idfa" else canonical.str.to_lowercase()


def mobile_plain(canonical: pl.Expr) -> pl.Expr:
    """As issued. Source: Google, Customer Match (`Mobile Device ID`, not hashed); Criteo."""
    return _advertising(canonical)


def _advertising(canonical: pl.Expr) -> pl.Expr:
    return pl.when(canonical.str.contains(UUID)).then(canonical)


def external_plain(typed: pl.Expr) -> pl.Expr:
    """As it is, trimmed: it must equal what the company's pixel sends. Source: Meta, EXTERN_ID; Reddit."""
    text = typed.str.strip_chars()
    return pl.when(text != "").then(text)


def external_lower(typed: pl.Expr) -> pl.Expr:
    """Lower-case without white space. Source: Meta's param builder and TikTok's Events API, which send it so."""
    text = typed.str.to_lowercase().str.replace_all(r"\s+", "")
    return pl.when(text != "").then(text)


def external_own(typed: pl.Expr) -> pl.Expr:
    """As it is, trimmed; an id that may be an e-mail or a phone is marked as an id, so that its hash is none by which a
    network knows the address, which may be refused or erased. For networks that need some id and know none of ours.
    """
    text = external_plain(typed)
    may_be_an_address = text.str.contains(_MAY_BE_AN_ADDRESS) & ~text.str.starts_with(_IS_AN_ID)
    return pl.when(may_be_an_address).then(pl.lit(_IS_AN_ID) + text).otherwise(text)


def handle_lower(typed: pl.Expr) -> pl.Expr:
    """Lower-case, without the @ in front. Source: X, "Custom audiences": its digest of `adsapi` holds."""
    text = typed.str.strip_chars().str.strip_prefix("@").str.to_lowercase()
    return pl.when(text.str.contains("^[a-z0-9_]+$")).then(text)


def age_years(typed: pl.Expr) -> pl.Expr:
    """Whole years from 1 to 120, digits only. Source: Meta, "Format your customer list": `age` is an integer."""
    years = typed.cast(pl.String).str.strip_chars().str.extract("^([0-9]{1,3})$").cast(pl.UInt16)
    return pl.when(years.is_between(1, 120)).then(years.cast(pl.String))
