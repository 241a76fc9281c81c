"""Why an e-mail is no match key: blank, already a hash, a placeholder, or no address at all."""

from __future__ import annotations

import polars as pl
from email_validator import EmailNotValidError, validate_email

from pipelines.identifiers.digests import is_digest
from pipelines.identifiers.few import where_few
from pipelines.identifiers.unicode import is_beyond_ascii

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
PLACEHOLDERS = [f"{local}@{domain}" for local in _PLACEHOLDER_LOCALS for domain in _PLACEHOLDER_DOMAINS]

#: Of plain ASCII; what the library says of these is known without it. No two hyphens on end in the domain, which
#: punycode has.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]"
_LABEL = "[a-z0-9]+(?:-[a-z0-9]+)*"
_ADDRESS = rf"^{_ATOM}+(?:\.{_ATOM}+)*@(?:{_LABEL}\.)+[a-z][a-z]+$"
#: Gmail does not look at dots, so two in a row are fine there, as Google's own library says.
_GMAIL = rf"^{_ATOM}+(?:\.+{_ATOM}+)*@(?:gmail|googlemail)\.com$"
#: Nobody gets mail there (RFC 6761 and others).
_NO_DOMAIN = r"\.(?:arpa|invalid|local|localhost|onion|test)$"
#: Two hyphens on end in the domain: punycode, or meant to be.
_PUNYCODE = "@.*--"
#: No part of so short an address can be too long.
_SHORT = 63
#: Ends of addresses that need a second look.
_SUSPECT = (
    r"(?:\.(?:arpa|invalid|local|localhost|onion|test)|@(?:"
    + "|".join(domain.replace(".", r"\.") for domain in _PLACEHOLDER_DOMAINS)
    + "))$"
)


def email_refusal(canonical: pl.Expr) -> pl.Expr:
    """Why a canonical e-mail is no match key: `blank`, `already_hashed`, `placeholder` or `not_an_email`; else null.

    Syntax is as the library `email-validator` judges it (no quoted local parts, comments or address literals, which no
    CRM means): most addresses by patterns that agree with it, the hard ones by the library itself. Two exceptions:
    Gmail's double dots are let pass, and a top-level domain has two letters or more, and no digit or hyphen.
    """
    return where_few(canonical, _is_unsettled, _refusal_of_unsettled, keep_others=False)


def is_placeholder(canonical: pl.Expr) -> pl.Expr:
    """Whether a canonical e-mail is one that people type to get past a form: whoever has it is nobody in particular."""
    return canonical.is_in(PLACEHOLDERS)


def _is_unsettled(canonical: pl.Expr) -> pl.Expr:
    settled = (
        canonical.str.contains(_ADDRESS)
        & (canonical.str.len_bytes() <= _SHORT)
        & ~canonical.str.contains(_SUSPECT)
    )  # fmt: skip
    return canonical.is_null() | ~settled


def _refusal_of_unsettled(canonical: pl.Expr) -> pl.Expr:
    is_address = (canonical.str.contains(_ADDRESS) | canonical.str.contains(_GMAIL)) & _fits(canonical)
    hard = pl.when(is_beyond_ascii(canonical) | canonical.str.contains(_PUNYCODE)).then(canonical)
    accepted = pl.coalesce(_judged(hard), is_address & ~canonical.str.contains(_NO_DOMAIN))
    return (
        pl.when(canonical.is_null())
        .then(pl.lit("blank"))
        .when(accepted)
        .then(pl.when(is_placeholder(canonical)).then(pl.lit("placeholder")))
        .when(is_digest(canonical))
        .then(pl.lit("already_hashed"))
        .otherwise(pl.lit("not_an_email"))
    )


def _fits(canonical: pl.Expr) -> pl.Expr:
    """Local part at most 64 bytes, labels at most 63, the whole at most 254."""
    local = canonical.str.extract("^([^@]*)@").str.len_bytes()
    return (canonical.str.len_bytes() <= 254) & (local <= 64) & ~canonical.str.contains(r"[@.][a-z0-9-]{64}")


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
        domain = validate_email(email, check_deliverability=False, strict=True).ascii_domain
    except EmailNotValidError:
        return False
    last = email.rsplit(".", 1)[-1]
    is_word = last.startswith("xn--") or not any(letter.isdecimal() or letter == "-" for letter in last)
    # The library knows no least length; an international one is longer as it goes over the wire.
    return is_word and len(domain.rsplit(".", 1)[-1]) > 1
