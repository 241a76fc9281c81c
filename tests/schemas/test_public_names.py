"""Names that networks see: neutral ones pass, and those that say what is known of people do not."""

from __future__ import annotations

import pytest

from schemas.public_names import hint_in, neutral_name


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("high_income", "wealth"), ("gens_fortunes", "wealth"), ("gros_paniers", "wealth"),
        ("clients_en_dettes", "debt"),
        ("Clients endettés", "debt"), ("diabetics_fr", "health"), ("Femmes enceintes", "health"),
        ("catholiques", "religion"), ("musulmanes", "religion"), ("lgbt_friends", "sexuality"), ("divorcées", "family"),
        ("union members", "opinion"), ("under_18", "age"), ("HIGH-INCOME", "wealth"), ("big_spenders_2", "wealth"),
    ],
)  # fmt: skip
def test_a_name_that_hints_at_what_is_known_of_people_is_found_in_english_and_french(text: str, kind: str) -> None:
    hint = hint_in(text)
    assert hint is not None
    assert hint.kind == kind


@pytest.mark.parametrize(
    "text",
    ["club_a", "club_b", "welcome_back", "hello", "group_a", "enriched", "creditors_choice", "pret_a_porter",
     "spring_sale",     "running_race", "sextant", "loyalty", ""],
)  # fmt: skip
def test_a_neutral_name_passes_and_a_word_within_a_word_is_none(text: str) -> None:
    assert hint_in(text) is None


def test_the_name_suggested_is_neutral_and_free() -> None:
    assert neutral_name([]) == "group_a"
    assert neutral_name(["group_a", "club"]) == "group_b"
    many = [f"group_{letter}" for letter in "abcdefghij"]
    assert neutral_name(many) not in many
    assert hint_in(neutral_name(many)) is None
