"""Why an e-mail is no match key: blank, already a hash, a placeholder, or no address at all."""

from __future__ import annotations

import polars as pl
from email_validator import EmailNotValidError, validate_email

from pipelines.identifiers.digests import is_digest

#: Local parts and whole addresses that people type to get past a form.
_PLACEHOLDER_LOCALS = (
    "none", "noemail", "no.email", "no-email", "nomail", "noreply", "no-reply", "na", "n/a", "null", "unknown",
    "nobody", "test", "email", "mail", "xxx", "xx", "x", "aaa", "abc", "asdf", "sansmail", "sans.email", "pasdemail",
    "inconnu",
)  # fmt: skip
_PLACEHOLDER_DOMAINS = (
    "none.com", "none.none", "test.com", "test.fr", "noemail.com", "noemail.fr", "nomail.com", "xxx.com", "na.com",
    "unknown.com",
)  # fmt: skip
_PLACEHOLDER_DOMAIN = r"@(?:" + "|".join(domain.replace(".", r"\.") for domain in _PLACEHOLDER_DOMAINS) + r")$"
_PLACEHOLDERS = [f"{local}@{domain}" for local in _PLACEHOLDER_LOCALS for domain in _PLACEHOLDER_DOMAINS]

#: Of plain ASCII; what the library says of these is known without it. No label of two hyphens in third place, which is
#: for punycode, and no top-level domain that is nobody's.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]"
_LABEL = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)"
_ADDRESS = rf"^{_ATOM}+(?:\.{_ATOM}+)*@(?:{_LABEL}\.)+[a-z][a-z]+$"
#: Gmail does not look at dots, so two in a row are fine there, as Google's own library says.
_GMAIL = rf"^{_ATOM}+(?:\.+{_ATOM}+)*@(?:gmail|googlemail)\.com$"
#: Nobody gets mail there (RFC 6761 and others).
_NO_DOMAIN = r"\.(?:arpa|invalid|local|localhost|onion|test)$"
#: What only the library can judge: letters beyond ASCII, and domains in punycode or that look like it.
_HARD = r"[^\x00-\x7f]|[@.][^@.]?[^@.]?--"


def email_refusal(canonical: pl.Expr) -> pl.Expr:
    """Why a canonical e-mail is no match key: `blank`, `already_hashed`, `placeholder` or `not_an_email`; else null.

    Syntax is as the library `email-validator` judges it (no quoted local parts, comments or address literals, which no
    CRM means): most addresses by patterns that agree with it, the hard ones by the library itself. Gmail's double dots
    are let pass.
    """
    good = canonical.str.contains(_ADDRESS) & ~canonical.str.contains(_NO_DOMAIN) & _is_short(canonical)
    hard = pl.when(canonical.str.contains(_HARD)).then(canonical)
    address = pl.coalesce(_judged(hard), good | canonical.str.contains(_GMAIL))
    return (
        pl.when(canonical.is_null())
        .then(pl.lit("blank"))
        .when(address)
        .then(pl.when(_is_placeholder(canonical)).then(pl.lit("placeholder")))
        .when(is_digest(canonical))
        .then(pl.lit("already_hashed"))
        .otherwise(pl.lit("not_an_email"))
    )


def _is_short(canonical: pl.Expr) -> pl.Expr:
    """Local part at most 64 bytes, the whole at most 254, labels at most 63; most need only the first look."""
    length = canonical.str.len_bytes()
    long = pl.when(length > 63).then(canonical)
    parts = (
        (long.str.len_bytes() <= 254)
        & (long.str.extract(r"^([^@]*)@").str.len_bytes() <= 64)
        & ~long.str.contains(r"[@.][a-z0-9-]{64}")
    )
    return pl.coalesce(parts, length <= 63)


def _is_placeholder(canonical: pl.Expr) -> pl.Expr:
    at_such_a_domain = pl.when(canonical.str.contains(_PLACEHOLDER_DOMAIN)).then(canonical)
    return at_such_a_domain.is_in(_PLACEHOLDERS).fill_null(value=False)


def _judged(hard: pl.Expr) -> pl.Expr:
    """The library's judgement of each distinct address; null stays null."""
    return hard.map_batches(_judge, return_dtype=pl.Boolean, is_elementwise=True)


def _judge(hard: pl.Series) -> pl.Series:
    distinct = hard.drop_nulls().unique()
    verdicts = pl.DataFrame(
        {"email": distinct, "valid": [_library_accepts(email) for email in distinct]},
        schema={"email": pl.String, "valid": pl.Boolean},
    )
    return hard.to_frame("email").join(verdicts, on="email", how="left", maintain_order="left")["valid"]


def _library_accepts(email: str) -> bool:
    try:
        validate_email(email, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return False
    return True
