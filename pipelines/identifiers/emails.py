"""E-mail addresses: the canonical form, why one is refused, and the forms networks ask for."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.unicode import normalized

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
_PLACEHOLDER = (
    r"^(?:" + "|".join(local.replace(".", r"\.") for local in _PLACEHOLDER_LOCALS) + r")@"
    r"(?:" + "|".join(domain.replace(".", r"\.") for domain in _PLACEHOLDER_DOMAINS) + r")$"
)

#: One @, no white space, quotes or separators, no empty label, a top-level domain of letters (or punycode). Without
#: counted repeats: over Unicode classes they take seconds to compile.
_ADDRESS = (
    r"^[^\s@.,;:<>()\[\]\\\"]+(?:\.[^\s@.,;:<>()\[\]\\\"]+)*"
    r"@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+(?:\p{L}\p{L}+|xn--[a-z0-9-]+)$"
)

#: Gmail does not look at dots, so two in a row are fine there, as Google's own library says.
_GMAIL = r"^[^\s@.,;:<>()\[\]\\\"]+(?:\.+[^\s@.,;:<>()\[\]\\\"]+)*@(?:gmail|googlemail)\.com$"

_DIGEST = r"^(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})$"

_GOOGLE_DOMAINS = ("gmail.com", "googlemail.com")


def canonical_email(typed: pl.Expr) -> pl.Expr:
    """Trimmed, NFC, lower-case; nothing else, so that it is still the very address. Blank is null."""
    text = normalized(typed.str.strip_chars().str.to_lowercase(), "NFC")
    return pl.when(text != "").then(text)


def email_refusal(canonical: pl.Expr) -> pl.Expr:
    """Why a canonical e-mail is no match key: `blank`, `already_hashed`, `placeholder` or `not_an_email`; else null."""
    return (
        pl.when(canonical.is_null())
        .then(pl.lit("blank"))
        .when((canonical.str.contains(_ADDRESS) | canonical.str.contains(_GMAIL)) & (canonical.str.len_chars() <= 254))
        .then(pl.when(canonical.str.contains(_PLACEHOLDER)).then(pl.lit("placeholder")))
        .when(canonical.str.contains(_DIGEST))
        .then(pl.lit("already_hashed"))
        .otherwise(pl.lit("not_an_email"))
    )


def plain(canonical: pl.Expr) -> pl.Expr:
    """As it is: dots and plus tags stay, since to most networks they are part of the address.

    Source: Meta, guide "Custom Audiences": trim and lower-case.
    """
    return canonical


def google(canonical: pl.Expr) -> pl.Expr:
    """For gmail.com and googlemail.com without dots and without what follows a plus; the domain stays as it is.

    Source: Google, Data Manager API, "Formatting". Older Google samples strip only dots or strip every domain; they
    contradict that page.
    """
    parts = canonical.str.split("@")
    local = parts.list.first().str.replace(r"\+.*$", "").str.replace_all(".", "", literal=True)
    domain = parts.list.last()
    return (
        pl.when(~domain.is_in(_GOOGLE_DOMAINS))
        .then(canonical)
        .when(local != "")
        .then(pl.concat_str(local, pl.lit("@"), domain))
    )
