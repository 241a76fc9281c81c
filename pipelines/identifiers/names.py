"""First and last names: folded for comparing, and the forms networks ask for."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.unicode import beyond_ascii

#: Accents and the like; vowel signs of Indic scripts are letters and are not among them.
_ACCENTS = "[\u0300-\u036f]"
_TITLES = r"^(?:[,\s]*(?:mr|mrs|ms|dr)(?:\.\s*|\s+|$))+"
_SUFFIXES = r"(?:[,\s]+(?:jr|sr|2nd|3rd|ii|iii|iv|v|vi|cpa|dc|dds|vm|jd|md|phd|dr)\.?)+[,\s]*$"


def folded_name(typed: pl.Expr) -> pl.Expr:
    """Letters and digits without case and accents: `Zoë`, `ZOE` and `Zoé ` are one name. Blank is null."""
    beyond = beyond_ascii(typed)
    unaccented = beyond.str.normalize("NFKD").str.to_lowercase().str.normalize("NFKD").str.replace_all(_ACCENTS, "")
    plain = pl.when(beyond.is_null()).then(typed).str.to_lowercase().str.replace_all("[^a-z0-9]", "")
    text = pl.coalesce(unaccented.str.replace_all(r"[^\p{L}\p{M}\p{N}]", ""), plain)
    return pl.when(text != "").then(text)


def letters(typed: pl.Expr) -> pl.Expr:
    """NFC, lower-case, without punctuation, symbols and white space; letters, marks and digits stay, accents too.

    Source: Meta, guide "Custom Audiences" ("lower-case, no punctuation, UTF-8"); its digests of `Valéry` and `정` hold.
    NFC is ours: without it a decomposed accent would hash differently. Meta's own Python and PHP libraries drop all
    but a to z; its documentation wins.
    """
    text = typed.str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}\p{N}]", "").str.normalize("NFC")
    return pl.when(text != "").then(text)


def untitled(typed: pl.Expr) -> pl.Expr:
    """NFC, lower-case, trimmed, inner white space single, without titles and suffixes (Mrs., Jr.); hyphens stay.

    Source: Google, Customer Match help ("no prefixes, no suffixes") and its Java library for the words and for inner
    spaces. Google's Python library removes inner spaces, which its other libraries do not.
    """
    text = (
        typed.str.to_lowercase()
        .str.normalize("NFC")
        .str.strip_chars()
        .str.replace_all(r"\s+", " ")
        .str.replace(_SUFFIXES, "")
        .str.strip_chars(" ,")
        .str.replace(_TITLES, "")
        .str.strip_chars(" ,")
    )
    return pl.when(text.str.contains(r"[\p{L}\p{N}]")).then(text)
