"""What may be wrong with an e-mail that is one: reported, never corrected, and no reason to leave it out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import polars as pl
from disposable_email_domains import blocklist

from pipelines.identifiers.emails.forms import domain_of
from schemas.countries import country_codes

#: Mailboxes of a function (RFC 2142, and what shops and offices have), which stand for no person.
_ROLES = (
    "abuse", "accounting", "accounts", "admin", "administrator", "billing", "bookings", "careers", "commercial",
    "compta", "comptabilite", "contact", "contact-us", "contactus", "customerservice", "direction", "enquiries",
    "facturation", "feedback", "finance", "hello", "help", "helpdesk", "hostmaster", "hr", "info", "information",
    "infos", "inquiries", "it", "jobs", "kontakt", "legal", "mail", "mailer-daemon", "marketing", "media", "newsletter",
    "no-reply", "noc", "noreply", "office", "orders", "postmaster", "press", "privacy", "purchasing", "reception",
    "reservations", "rh", "root", "sales", "secretariat", "security", "service", "service-client", "serviceclient",
    "support", "team", "tech", "vente", "ventes", "verkauf", "webmaster",
)  # fmt: skip

_ROLE = "^(?:" + "|".join(_ROLES) + ")@"

#: Mail providers that many people write by hand.
_PROVIDERS = {
    "gmail": ("com",), "googlemail": ("com",), "hotmail": ("com", "fr", "co.uk", "it", "es", "de"),
    "outlook": ("com", "fr", "de", "es"), "yahoo": ("com", "fr", "co.uk", "de", "es", "it"), "icloud": ("com",),
    "wanadoo": ("fr",), "orange": ("fr",), "laposte": ("net",), "libero": ("it",), "protonmail": ("com",),
    "comcast": ("net",), "t-online": ("de",), "bluewin": ("ch",), "telenet": ("be",), "skynet": ("be",),
}  # fmt: skip
#: Domains one slip away from a provider's that are providers themselves or in common use.
_REAL = frozenset(
    ("mail", "email", "ymail", "gmx", "hotmai", "range", "grange", "oranges", "libera", "liberi", "yahoos", "ahoo")
)
_WRONG_ENDINGS = {"com": ("con", "cm", "om", "comm", "cim", "vom", "xom", "cpm", "ocm", "coml"), "fr": ("ff", "rf"),
                  "net": ("ner", "nte", "met", "ent"), "de": ("ed",)}  # fmt: skip
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def with_email_flags(rows: pl.DataFrame) -> pl.DataFrame:
    """In: email, a match key. Out: the same and `disposable`, `role`, `possibly_mistyped` of `Identifiers`."""
    domain = rows.select(domain_of(pl.col("email"))).to_series()
    flags = pl.DataFrame({"domain": domain}).select(
        disposable=is_disposable(pl.col("domain")), possibly_mistyped=is_possibly_mistyped(pl.col("domain"))
    )
    return rows.hstack(flags).with_columns(role=is_role(pl.col("email")))


def is_disposable(domain: pl.Expr) -> pl.Expr:
    """Whether the domain gives addresses for an hour. Source: the list `disposable-email-domains` (MIT)."""
    return domain.is_in(list(blocklist))


def is_role(canonical: pl.Expr) -> pl.Expr:
    """Whether the mailbox is a function's and no person's. Source: RFC 2142, and use."""
    return canonical.str.contains(_ROLE)


def is_possibly_mistyped(domain: pl.Expr) -> pl.Expr:
    """Whether the domain is one slip away from a provider's: a letter lost, doubled, swapped, wrong, or `.con`."""
    return domain.is_in(list(_slips()))


@cache
def _slips() -> frozenset[str]:
    right = {f"{name}.{ending}" for name, endings in _PROVIDERS.items() for ending in endings}
    wrong = set()
    for name, endings in _PROVIDERS.items():
        for ending in endings:
            wrong |= {f"{slip}.{ending}" for slip in _one_slip(name) if slip not in _REAL}
            wrong |= {f"{name}.{slip}" for slip in _WRONG_ENDINGS.get(ending, ())}
    registries = {f"{name}.{code.lower()}" for name in _PROVIDERS for code in country_codes()}
    return frozenset(wrong - right - registries) | {"gmail.cm", "gmail.co"}


def _one_slip(word: str) -> Iterator[str]:
    for at in range(len(word)):
        before, letter, after = word[:at], word[at], word[at + 1 :]
        yield before + after
        yield before + letter + letter + after
        if after:
            yield before + after[0] + letter + after[1:]
        for other in _LETTERS:
            if other != letter:
                yield before + other + after
