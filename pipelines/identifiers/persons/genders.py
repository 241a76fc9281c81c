"""Gender as typed → the letter networks ask for; what says neither says nothing."""

from __future__ import annotations

import polars as pl

#: The words of Meta's param builder.
_MALE = (
    "m", "male", "man", "boy", "boyfriend", "bloke", "brother", "chap", "count", "dad", "daddy", "dude", "duke",
    "emperor", "father", "fellow", "gentleman", "god", "groom", "guy", "he", "him", "himself", "his", "husband", "king",
    "lad", "lord", "mister", "mr", "nephew", "papa", "prince", "sir", "son", "uncle", "widower",
)  # fmt: skip
_FEMALE = (
    "f", "female", "woman", "aunt", "belle", "bride", "chick", "countess", "dame", "daughter", "duchess", "empress",
    "gal", "girl", "girlfriend", "goddess", "her", "hers", "herself", "lady", "lass", "ma'am", "madam", "maiden",
    "mama", "miss", "mom", "mommy", "mother", "mrs", "ms", "niece", "princess", "queen", "she", "sister", "widow",
    "wife",
)  # fmt: skip
#: What CRMs of other languages hold.
_MALE_ELSEWHERE = (
    "homme", "masculin", "monsieur", "mâle", "mann", "männlich", "herr", "hombre", "masculino", "señor", "uomo",
    "maschio", "signore", "mannelijk", "homem",
)  # fmt: skip
_FEMALE_ELSEWHERE = (
    "femme", "féminin", "madame", "mme", "mlle", "frau", "weiblich", "mujer", "femenino", "señora", "donna", "femmina",
    "signora", "vrouw", "vrouwelijk", "mulher", "feminino",
)  # fmt: skip
OTHER_LANGUAGES = frozenset(_MALE_ELSEWHERE + _FEMALE_ELSEWHERE)
_NEITHER = ("n", "nb", "non-binary", "nonbinary", "non binary", "x", "divers", "non-binaire")


def letter(typed: pl.Expr) -> pl.Expr:
    """`m` or `f`; null for everything else, which is not guessed from part of a word.

    Source: Meta, guide "Custom Audiences" (GEN), and the words that Meta's param builder knows; words of other
    languages are ours.
    """
    text = _text(typed)
    male, female = text.is_in(_MALE + _MALE_ELSEWHERE), text.is_in(_FEMALE + _FEMALE_ELSEWHERE)
    return pl.when(male).then(pl.lit("m")).when(female).then(pl.lit("f"))


def letter_or_n(typed: pl.Expr) -> pl.Expr:
    """`m`, `f`, or `n` for non-binary. Source: Pinterest, Conversions API."""
    return pl.coalesce(letter(typed), pl.when(_text(typed).is_in(_NEITHER)).then(pl.lit("n")))


def _text(typed: pl.Expr) -> pl.Expr:
    return typed.str.strip_chars().str.to_lowercase().str.normalize("NFC")
