"""First and last names: folded for comparing, and in each network's form with its published digests."""

from __future__ import annotations

import hashlib
from unicodedata import normalize

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identifiers.hashes import hashed
from pipelines.identifiers.persons.names import folded_name, letters, short, untitled_family, untitled_given

FORMS = {"meta": letters, "google": untitled_family, "given": untitled_given, "folded": folded_name}


def form(name: str, *typed: str | None) -> list[str | None]:
    frame = pl.DataFrame({"name": typed}, schema={"name": pl.String})
    return frame.select(FORMS[name](pl.col("name"))).to_series().to_list()


@pytest.mark.parametrize(
    ("network", "typed", "expected", "digest"),
    [
        (
            "meta",
            "O'Brien-Smith",
            "obriensmith",
            "16765783f9c8c8a3accf27f1abb877688cb5904c21a4a7afb5f125bcfcb246ba",
        ),
        (
            "google",
            "O'Brien-Smith",
            "o'brien-smith",
            "5349291f7c643970cc1b897c8ffb45a8b630e59c1fecc3d1e4dc8e292a7971a9",
        ),
        ("meta", "José", "josé", "d994e1d001886fe5b45b1267bd1fa2b752ac50742579bd3dad7b2a2aa0ed6866"),
        ("google", "José", "josé", "d994e1d001886fe5b45b1267bd1fa2b752ac50742579bd3dad7b2a2aa0ed6866"),
        ("google", "Jose\u0301", "josé", "d994e1d001886fe5b45b1267bd1fa2b752ac50742579bd3dad7b2a2aa0ed6866"),
    ],
)
def test_one_name_has_each_networks_own_digest(network: str, typed: str, expected: str, digest: str) -> None:
    assert form(network, typed) == [expected]
    assert hashed(pl.Series([expected]), "sha256").to_list() == [digest]


@pytest.mark.parametrize(
    ("typed", "meta", "google"),
    [
        ("Mary", "mary", "mary"),
        ("  MARY  ", "mary", "mary"),
        ("Mary Ann", "maryann", "mary ann"),
        (" Mary \t  Ann ", "maryann", "mary ann"),
        ("Mary\u00a0Ann", "maryann", "mary ann"),
        ("Jean-Luc", "jeanluc", "jean-luc"),
        ("D’Angelo", "dangelo", "d’angelo"),
        ("St. John", "stjohn", "st. john"),
        ("Valéry", "valéry", "valéry"),
        ("ÇELİK", "çeli\u0307k", "çeli\u0307k"),
        ("Müller-Lüdenscheidt", "müllerlüdenscheidt", "müller-lüdenscheidt"),
        ("Straße", "straße", "straße"),
        ("정", "정", "정"),
        ("李明", "李明", "李明"),
        ("Москва", "москва", "москва"),
        ("गौरव", "गौरव", "गौरव"),
        ("John Smith1", "johnsmith1", "john smith1"),
        ("Mr. Alex", "mralex", "alex"),
        ("Dr Alex", "dralex", "alex"),
        ("Mrs.Alex", "mrsalex", "alex"),
        ("Dr. Dr. Alex", "drdralex", "alex"),
        ("Drew", "drew", "drew"),
        ("Msgr", "msgr", "msgr"),
        ("Quinn, Jr.", "quinnjr", "quinn"),
        ("Quinn III", "quinniii", "quinn"),
        ("Quinn PhD, MD", "quinnphdmd", "quinn"),
        ("Vi", "vi", "vi"),
        ("Junior", "junior", "junior"),
        ("-", None, None),
        ("?!", None, None),
        ("Mr.", "mr", None),
        ("", None, None),
        ("   ", None, None),
        (None, None, None),
    ],
)
def test_a_name_in_each_networks_form(typed: str | None, meta: str | None, google: str | None) -> None:
    assert (form("meta", typed), form("google", typed)) == ([meta], [google])


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Mary V", "mary v"), ("Thi Vi", "thi vi"), ("Alex Dr.", "alex"), ("Mrs. Ann Mrs.", "ann"),
        ("John Jr.", "john"), ("Quinn III", "quinn iii"), ("Mr.", None),
    ],
)  # fmt: skip
def test_a_first_name_keeps_an_initial_that_would_be_a_suffix_of_a_last_one(typed: str, expected: str | None) -> None:
    assert form("given", typed) == [expected]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zoë", "ZOE"),
        ("Zoe\u0308", "Zoë "),
        ("Jean-Luc", "jean luc"),
        ("O'Brien", "obrien"),
        ("Łukasz", "łUKASZ"),
        ("Νίκος", "ΝΙΚΟΣ"),
        ("Артём", "АРТЕМ"),
        ("Ｊａｎｅ", "jane"),
        ("Straße", "Strasse"),
        ("Łukasz", "Lukasz"),
        ("Søren", "SOREN"),
    ],
)
def test_names_that_differ_by_case_accents_and_punctuation_only_are_one_name(one: str, other: str) -> None:
    assert form("folded", one) == form("folded", other)


@given(st.text("abzäöüßçéèñøæœłđðþışğčžάςσωёйґї -'", max_size=12))
def test_a_name_in_capitals_is_the_same_name(typed: str) -> None:
    assert form("folded", typed.upper()) == form("folded", typed)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Jane", "Jana"), ("李明", "李强"), ("정", "성"), ("कमल", "कमला"), ("गौरव", "गरव"), ("นา", "นี")],
)
def test_names_of_other_letters_are_other_names(one: str, other: str) -> None:
    assert form("folded", one) != form("folded", other)


def test_linkedin_gets_no_name_that_it_would_refuse_for_its_length() -> None:
    names = pl.Series(["Zoë " + "x" * 31, "Zoë " + "x" * 32])
    assert pl.select(short(pl.lit(names))).to_series().to_list() == [names[0], None]


@pytest.mark.parametrize("typed", [None, "", " ", "-", "...", "\u00a0"])
def test_a_name_without_a_letter_is_none(typed: str | None) -> None:
    assert [form(name, typed) for name in FORMS] == [[None]] * len(FORMS)


latin = "abejnorzAEJORZéëçÉøßñ'’-. ,\u0301\u0308"
words = st.sampled_from(["Mr.", "mrs", "Dr", "Jr.", "III", "PhD", "Anna", "Zoë", "O'Brien", "de", ",", "-", "Jr"])
names = st.text(latin, max_size=10) | st.lists(words, min_size=1, max_size=5).map(" ".join)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@pytest.mark.parametrize("network", FORMS)
@given(typed=st.lists(names | any_text, min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_the_form_of_a_form_is_itself_and_never_empty(network: str, typed: list[str]) -> None:
    formed = form(network, *typed)
    assert form(network, *formed) == formed
    assert "" not in formed


@pytest.mark.parametrize("network", FORMS)
@given(typed=st.lists(names, min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_composition_case_and_spaces_around_do_not_matter(network: str, typed: list[str]) -> None:
    formed = form(network, *typed)
    assert form(network, *(normalize("NFD", text) for text in typed)) == formed
    assert form(network, *(normalize("NFC", text) for text in typed)) == formed
    assert form(network, *(f" \t{text}\u00a0\n" for text in typed)) == formed
    # Capital letters of ß are two letters, so it does not come back.
    there_and_back = [text.upper() if text.upper().lower() == text.lower() else text for text in typed]
    assert form(network, *there_and_back) == formed


@given(st.lists(names, min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_spaces_and_punctuation_inside_do_not_matter_to_meta(typed: list[str]) -> None:
    without = ["".join(letter for letter in text if letter not in " ,.-'’") for text in typed]
    assert form("meta", *typed) == form("meta", *without)


def test_no_form_is_ever_the_digest_of_nothing() -> None:
    formed = [text for name in FORMS for text in form(name, "", " ", "-", None)]
    digests = hashed(pl.Series(formed, dtype=pl.String), "sha256").to_list()
    assert hashlib.sha256(b"").hexdigest() not in digests
