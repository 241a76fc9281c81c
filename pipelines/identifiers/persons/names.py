"""First and last names: folded for comparing, and the forms networks ask for."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.few import once
from pipelines.identifiers.unicode import (
    ACCENTS,
    LATIN_TO_ASCII,
    beyond_ascii,
    folded_to_ascii,
    normalized,
    only_words,
    visible,
)

_TITLES = r"^(?:[,\s]*(?:mr|mrs|ms|dr)(?:\.\s*|\s+|$))+"
_SUFFIXES = r"(?:[,\s]+(?:jr|sr|2nd|3rd|ii|iii|iv|v|vi|cpa|dc|dds|vm|jd|md|phd|dr)\.?)+[,\s]*$"
#: Of those, what goes from a first name, and titles: there `V` and `Vi` may be an initial and a name.
_GIVEN_SUFFIXES = r"(?:[,\s]+(?:mr|mrs|ms|dr|jr|sr)\.?)+[,\s]*$"
#: Characters of a name.
_LINKEDIN_MOST = 35
#: Amazon's uploader for AMC, default_normalizer.
_SPELT_OUT = {"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "ø": "o", "æ": "ae"}
#: What lower-casing and taking off accents leave apart of `STRASSE` and `Straße`, `ŁUKASZ` and `Lukasz`, `ΚΩΣΤΑΣ` and
#: `Κώστας`; the last by Unicode's case folding.
_SPELT_ALIKE = {**LATIN_TO_ASCII, "ς": "σ"}


def folded_name(typed: pl.Expr) -> pl.Expr:
    """Letters and digits without case and accents: `Zoë`, `ZOE` and `Zoé ` are one name. Blank is null."""
    return filled(once(typed, _folded))


def _folded(typed: pl.Expr) -> pl.Expr:
    beyond = beyond_ascii(typed)
    lower = beyond.str.normalize("NFKD").str.to_lowercase().str.normalize("NFKD")
    unaccented = lower.str.replace_all(ACCENTS, "").str.replace_many(_SPELT_ALIKE)
    plain = pl.when(beyond.is_null()).then(typed).str.to_lowercase().str.replace_all("[^a-z0-9]", "")
    return pl.coalesce(unaccented.str.replace_all(r"[^\p{L}\p{M}\p{N}]", ""), plain)


def letters(typed: pl.Expr) -> pl.Expr:
    """NFC, lower-case, without punctuation, symbols and white space; letters, marks and digits stay, accents too.

    Source: Meta, guide "Custom Audiences" ("lower-case, no punctuation, UTF-8"); its digests of `Valéry` and `정` hold.
    Snap's page shows `raphaël`. NFC is ours: without it a decomposed accent would hash differently. Meta's own Python
    and PHP libraries drop all but a to z; its documentation wins.
    """
    return filled(only_words(typed.str.to_lowercase()))


def untitled_given(typed: pl.Expr) -> pl.Expr:
    """A first name: NFC, lower-case, trimmed, inner white space single, without titles (Mrs., Dr.), Jr. and Sr.

    Source: Google, Customer Match help ("no prefixes, no suffixes") and its Java library for titles, also behind the
    name, and for inner spaces. Google's Python library removes inner spaces, which its other libraries do not.
    """
    return _untitled(typed, _GIVEN_SUFFIXES)


def untitled_family(typed: pl.Expr) -> pl.Expr:
    """A last name: as a first one, without any suffix of Google's Java library (III, PhD). Hyphens stay."""
    return _untitled(typed, _SUFFIXES)


def joined_given(typed: pl.Expr) -> pl.Expr:
    """As `untitled_given`, without any white space.

    Source: Display & Video 360, "Upload Customer Match": remove all white space, where Google Ads keeps one space.
    """
    return untitled_given(typed).str.replace_all(r"\s+", "")


def joined_family(typed: pl.Expr) -> pl.Expr:
    """As `untitled_family`, without any white space."""
    return untitled_family(typed).str.replace_all(r"\s+", "")


def ascii(typed: pl.Expr) -> pl.Expr:
    """Lower-case, a to z and digits only; ß, ä, ö, ü, ø and æ spelt out, other letters of Latin without their accents.

    Source: Amazon's uploader for AMC. It deletes letters with other accents: folded here.
    """
    text = normalized(typed.str.to_lowercase(), "NFC")
    spelt = beyond_ascii(text).str.replace_many(_SPELT_OUT)
    return filled(folded_to_ascii(pl.coalesce(spelt, text)))


def lower(typed: pl.Expr) -> pl.Expr:
    """NFC, lower-case, trimmed. Source: Pinterest, Conversions API: lower-case, nothing else."""
    return filled(normalized(visible(typed).str.strip_chars().str.to_lowercase(), "NFC"))


def trimmed(typed: pl.Expr) -> pl.Expr:
    """NFC, trimmed, as written. Source: LiveRamp, which takes names in plain."""
    return once(normalized(visible(typed).str.strip_chars(), "NFC"), _with_a_word)


def short(typed: pl.Expr) -> pl.Expr:
    """As `trimmed`, and null if it has more than 35 characters. Source: vendor documentation of LinkedIn connectors."""
    return once(trimmed(typed), lambda text: pl.when(text.str.len_chars() <= _LINKEDIN_MOST).then(text))


def initial(typed: pl.Expr) -> pl.Expr:
    """The first character of `letters`. Source: Meta, guide "Custom Audiences", key FI."""
    return letters(typed).str.slice(0, 1)


def first_five(typed: pl.Expr) -> pl.Expr:
    """The first five characters of `letters`. Source: Meta, Conversions API, keys F5FIRST and F5LAST."""
    return letters(typed).str.slice(0, 5)


def _untitled(typed: pl.Expr, suffixes: str) -> pl.Expr:
    text = once(visible(typed).str.strip_chars().str.to_lowercase(), lambda text: normalized(text, "NFC"))
    bare = once(once(text, _single_spaced), lambda text: _without_titles(text, suffixes))
    return once(bare, _with_a_word)


def _single_spaced(text: pl.Expr) -> pl.Expr:
    spaced = pl.when(text.str.contains(r"\s\s|[^\S ]")).then(text).str.replace_all(r"\s+", " ")
    return pl.coalesce(spaced, text)


def _without_titles(text: pl.Expr, suffixes: str) -> pl.Expr:
    # Few names have more than one word, and only those can have a title or a suffix.
    several = pl.when(text.str.contains("[ ,.]")).then(text)
    bare = several.str.replace(suffixes, "").str.strip_chars(" ,").str.replace(_TITLES, "").str.strip_chars(" ,")
    return pl.coalesce(bare, text)


def _with_a_word(text: pl.Expr) -> pl.Expr:
    """The texts in which a letter or a digit stands."""
    word = pl.coalesce(beyond_ascii(text).str.contains(r"[\p{L}\p{N}]"), text.str.contains("[A-Za-z0-9]"))
    return pl.when(word).then(text)


def filled(text: pl.Expr) -> pl.Expr:
    """The texts in which something stands; null for the others."""
    return once(text, lambda text: pl.when(text != "").then(text))
