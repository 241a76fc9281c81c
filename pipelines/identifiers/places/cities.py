"""Cities and regions in the forms networks ask for."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.persons.names import filled
from pipelines.identifiers.unicode import folded_to_ascii, normalized, only_words, visible
from schemas.regions import CANADA, US

#: What the French post puts behind a city: a district of Paris, Lyon or Marseille, mail for large recipients.
_BEHIND_A_CITY = r"(?i)(?:[\s,-]+[0-9]{1,2}\s*(?:er|e|è?me|eme)?|\s+cedex(?:\s+[0-9]{1,2})?)+$"


def city_letters(typed: pl.Expr) -> pl.Expr:
    """NFC, lower-case, letters and marks only: no white space, punctuation, digits; accents stay; `Paris 15e` and
    `PARIS CEDEX 08` are Paris.

    What begins with a digit is a street or a postal code in the wrong field: null. Source: Meta, guide "Custom
    Audiences" ("lower-case, no punctuation, no special characters, no spaces") and its Conversions API page ("UTF-8 if
    special"); its Java library gives `sanjosé`, its param builder drops the letter and contradicts the page.
    """
    text = _city(typed)
    return filled(only_words(pl.when(~text.str.contains("^[0-9]")).then(text).str.to_lowercase(), digits=False))


def city_ascii(typed: pl.Expr) -> pl.Expr:
    """Lower-case, a to z and digits only, letters without their accents; `Paris 15e` is Paris.

    Source: Amazon's uploader for AMC, which deletes accented letters: folded here.
    """
    return filled(folded_to_ascii(_city(typed).str.to_lowercase()))


def _city(typed: pl.Expr) -> pl.Expr:
    return normalized(visible(typed).str.strip_chars(), "NFC").str.replace(_BEHIND_A_CITY, "")


def region_letters(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """The post's two-letter code in lower case in the US and Canada; elsewhere letters and marks of the name.

    A name that no post knows is kept and never cut to two letters. Without a country the name decides: there is one
    California and one Ontario. Source: Meta, guide "Custom Audiences": the two-letter ANSI code for US states,
    elsewhere lower-case without punctuation. Meta's Java and Ruby libraries keep `california`, its param builder
    truncates what it does not know; the page wins.
    """
    name = only_words(typed.str.to_lowercase(), digits=False)
    return filled(pl.coalesce(_post_code(typed, country), name))


def region_ascii(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """The post's two-letter code in lower case in the US and Canada; elsewhere a to z and digits of the name, letters
    without their accents.

    Source: Amazon's uploader for AMC, which gives codes to the states of those two. Of names that it does not know it
    keeps two letters, so that the Île-de-France becomes `le`; nothing is cut here. Segment's AMC action keeps whole
    names (`california`): then `CA` and `California` would be two states.
    """
    return filled(pl.coalesce(_post_code(typed, country), folded_to_ascii(typed.str.to_lowercase())))


def _post_code(typed: pl.Expr, country: pl.Expr) -> pl.Expr:
    """The code of a state or province, however it is written; null if it is none."""
    # Québec and Quebec are one name.
    letters = folded_to_ascii(typed.str.to_lowercase()).str.replace_all("[0-9]", "")
    us = pl.when(country.is_null() | (country == "US")).then(letters).replace_strict(US, default=None)
    canada = pl.when(country.is_null() | (country == "CA")).then(letters).replace_strict(CANADA, default=None)
    return pl.coalesce(us, canada)
