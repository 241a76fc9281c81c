"""First and last names: folded for comparing, and the forms networks ask for."""

from __future__ import annotations

import polars as pl

_TITLES = r"^(?:(?:mr|mrs|ms|dr)\.?\s+|(?:mr|mrs|ms|dr)\.\s*)"
_SUFFIXES = r"(?:[,\s]+(?:jr|sr|2nd|3rd|ii|iii|iv|v|vi|cpa|dc|dds|vm|jd|md|phd|dr)\.?)+[,\s]*$"
_ONLY_TITLE = r"^(?:mr|mrs|ms|dr)\.?$"


def folded_name(typed: pl.Expr) -> pl.Expr:
    """Letters and digits without case and accents: `Zoë`, `ZOE` and `Zoé ` are one name. Blank is null."""
    text = typed.str.to_lowercase().str.normalize("NFKD").str.replace_all(r"[^\p{L}\p{N}]", "")
    return pl.when(text != "").then(text)


def letters(typed: pl.Expr) -> pl.Expr:
    """NFC, lower-case, without punctuation, symbols and white space; letters, marks and digits stay, accents too.

    Source: Meta, guide "Custom Audiences" ("lower-case, no punctuation, UTF-8"); its digests of `Valéry` and `정` hold.
    NFC is ours: without it a decomposed accent would hash differently. Meta's own Python and PHP libraries drop all
    but a to z; its documentation wins.
    """
    text = typed.str.normalize("NFC").str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}\p{N}]", "")
    return pl.when(text != "").then(text)


def untitled(typed: pl.Expr) -> pl.Expr:
    """NFC, lower-case, trimmed, inner white space single, without titles and suffixes (Mrs., Jr.); hyphens stay.

    Source: Google, Customer Match help ("no prefixes, no suffixes") and its Java library for the words and for inner
    spaces. Google's Python library removes inner spaces, which its other libraries do not.
    """
    text = (
        typed.str.normalize("NFC")
        .str.to_lowercase()
        .str.strip_chars()
        .str.replace_all(r"\s+", " ")
        .str.replace(_SUFFIXES, "")
        .str.strip_chars(" ,")
        .str.replace(_TITLES, "")
        .str.replace(_ONLY_TITLE, "")
        .str.strip_chars(" ,")
    )
    return pl.when(text.str.contains(r"[\p{L}\p{N}]")).then(text)
