"""E-mail addresses: the canonical form, and the forms networks ask for."""

from __future__ import annotations

from functools import partial

import polars as pl

from pipelines.identifiers.few import where_few
from pipelines.identifiers.unicode import beyond_ascii, is_beyond_ascii, visible, without_accents

#: Everything that is not a letter or a digit. What is composed has its accents in its letters; a mark that stands alone
#: is what small letters leave of a Turkish `İ`.
_NO_WORD = r"[^\p{L}\p{N}]"
#: Letters, digits and stops in East Asian widths.
_WIDE = "\u3002\uff01-\uffe6"
_WIDE_DOMAIN = f"@[^@]*[{_WIDE}][^@]*$"


def canonical_email(typed: pl.Expr) -> pl.Expr:
    """Trimmed, NFC, lower-case, without what shows nothing, of which no address has any; the domain in the widths that
    names of hosts have (`ｋｕｎｄｅｎ。net` is `kunden.net`, by UTS #46); nothing else, so that it is still the very
    address. Blank is null.
    """
    lower = typed.str.strip_chars().str.to_lowercase()
    # Asked of what was typed, so that the lower-case text is made once.
    beyond = beyond_ascii(typed).pipe(visible).str.strip_chars().str.to_lowercase().str.normalize("NFC")
    wide = pl.when(beyond.str.contains(_WIDE_DOMAIN)).then(beyond)
    domain = wide.str.extract("@([^@]*)$").str.normalize("NFKC").str.replace_all("。", ".", literal=True)
    return pl.coalesce(wide.str.extract("^(.*@)") + domain.str.to_lowercase(), beyond, lower).replace("", None)


def plain(canonical: pl.Expr) -> pl.Expr:
    """As it is: dots and plus tags stay, since to most networks they are part of the address.

    Source: Meta, guide "Custom Audiences": trim and lower-case. So Snap, TikTok's newest page (its pages of 2024 and
    2025 dropped tags and dots, which that page no longer says), Pinterest, X, LinkedIn, Criteo, Spotify, Yahoo,
    LiveRamp, Microsoft's customer lists.
    """
    return canonical


def google(canonical: pl.Expr) -> pl.Expr:
    """For gmail.com and googlemail.com without dots and without what follows a plus; the domain stays as it is.

    Source: Google, Data Manager API, "Formatting". Older Google samples strip only dots or strip every domain; they
    contradict that page.
    """
    return _without_dots_and_tag(canonical, ("@gmail.com", "@googlemail.com"))


def uid2(canonical: pl.Expr) -> pl.Expr:
    """As Google's, for gmail.com only.

    Source: UID2 and EUID, "Normalization and Encoding": googlemail.com is not named there. The Trade Desk asks for it.
    """
    return _without_dots_and_tag(canonical, ("@gmail.com",))


def reddit(canonical: pl.Expr) -> pl.Expr:
    """Of every domain: without what follows a plus, and without all but letters and digits before the @.

    Source: Reddit, "Advanced matching"; its digest of `Al.ice$+Apple@Example.Com` holds. An older edition of the page
    and Segment's connector drop dots only, which cannot give that digest.
    """
    local = local_of(canonical).str.replace(r"\+.*$", "").str.replace_all(_NO_WORD, "")
    return _joined(local, canonical)


def microsoft(canonical: pl.Expr) -> pl.Expr:
    """Of every domain: without what follows a plus, dots and accents before the @.

    Source: Microsoft Advertising, enhanced conversions. Its page on customer lists says no more than SHA-256: those
    take `plain` (an open question, to be answered by the network's own page).
    """
    tagless = local_of(canonical).str.replace(r"\+.*$", "").str.replace_all(".", "", literal=True)
    return _joined(without_accents(tagless), canonical)


def amazon(canonical: pl.Expr) -> pl.Expr:
    """Without what is neither a to z, a digit, nor one of `. _ + -`.

    Source: Amazon's uploader for AMC and Segment's conversions test, which keep `+` and `_`. Segment's AMC action
    deletes the plus, and so would hash another address. Letters beyond
    ASCII would go too, and leave the address of somebody else (`rené@` as `ren@`): there is no such form of those.
    """
    local = local_of(canonical)
    return _joined(pl.when(~is_beyond_ascii(local)).then(local).str.replace_all(r"[^a-z0-9._+-]", ""), canonical)


def _without_dots_and_tag(canonical: pl.Expr, domains: tuple[str, ...]) -> pl.Expr:
    for domain in domains:
        canonical = where_few(canonical, partial(_is_of, domain=domain), partial(_stripped, domain=domain))
    return canonical


def _is_of(canonical: pl.Expr, domain: str) -> pl.Expr:
    return canonical.str.ends_with(domain)


def _stripped(of_domain: pl.Expr, domain: str) -> pl.Expr:
    tagless = where_few(of_domain.str.strip_suffix(domain), _has_plus, lambda tagged: tagged.str.replace(r"\+.*$", ""))
    return (tagless.str.replace_all(".", "", literal=True) + pl.lit(domain)).replace(domain, None)


def _has_plus(local: pl.Expr) -> pl.Expr:
    return local.str.contains("+", literal=True)


def local_of(canonical: pl.Expr) -> pl.Expr:
    """What stands before the @."""
    # Where the @ is, is told in bytes, which are letters in ASCII only.
    beyond = beyond_ascii(canonical).str.extract("^([^@]*)@")
    return pl.coalesce(beyond, canonical.str.head(canonical.str.find("@", literal=True)))


def domain_of(canonical: pl.Expr) -> pl.Expr:
    """What stands after the @."""
    beyond = beyond_ascii(canonical).str.extract("@(.*)$")
    return pl.coalesce(beyond, canonical.str.slice(canonical.str.find("@", literal=True) + 1))


def _joined(local: pl.Expr, canonical: pl.Expr) -> pl.Expr:
    """Local part and the address's own domain, or null if the local part is empty."""
    return pl.when(local != "").then(pl.concat_str(local, pl.lit("@"), domain_of(canonical)))
