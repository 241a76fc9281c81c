"""Countries as people type them: known in several languages, and unknown where nobody can know."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.countries import EEA, country_code, country_codes, folded, is_country

DATA = Path(__file__).parents[3] / "shared" / "data"


def country(typed: str) -> str | None:
    return country_code(typed)


def column(path: Path, name: str) -> set[str]:
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    with path.open(encoding="utf-8", newline="") as file:
        return {row[name] for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("code", "typed"),
    [
        ("DE", ["Germany", "Allemagne", "Deutschland", "Alemania", "Germania", "Duitsland", "Alemanha", "Niemcy",
                "Tyskland", "Saksa", "DE", "de", "DEU", "D", " d ", "276", "DE-BY", "de_by", "DE-01"]),
        ("AT", ["Austria", "Österreich", "A", "040", "AT-9"]),
        ("FR", ["France", "Frankreich", "Francia", "Frankrijk", "França", "Francja", "Frankrike", "Ranska", "FRA"]),
        ("GB", ["United Kingdom", "UK", "uk", "U.K.", "Great Britain", "GB", "GBR", "England", "Scotland",
                "Royaume-Uni", "Vereinigtes Königreich", "Reino Unido", "Regno Unito", "Großbritannien",
                "Gran Bretaña", "Gran Bretagna", "Groot-Brittannië", "Grã-Bretanha"]),
        ("IE", ["Ireland", "EIRE", "Éire", "Irlande", "Republic of Ireland"]),
        ("US", ["USA", "U.S.A.", "US-CA", "US", "United States", "United States of America", "États-Unis", "Etats Unis",
                "ETATS-UNIS", "Estados Unidos", "Vereinigte Staaten", "Stati Uniti"]),
        ("NL", ["Netherlands", "The Netherlands", "Holland", "Pays-Bas", "Nederland", "NLD"]),
        ("BE", ["Belgium", "Belgique", "België", "Belgien", "BEL"]),
        ("CH", ["Switzerland", "Suisse", "Schweiz", "Svizzera"]),
        ("AT", ["Austria", "Österreich", "OSTERREICH", "Autriche"]),
        ("CI", ["Ivory Coast", "Côte d'Ivoire", "Côte d’Ivoire", "COTE D'IVOIRE"]),
        ("CZ", ["Czechia", "Czech Republic", "Tchéquie"]),
        ("TR", ["Turkey", "Türkiye", "Turquie"]),
        ("KR", ["South Korea", "Korea, Republic of", "Corée du Sud"]),
        ("ZA", ["South Africa", "RSA"]),
        ("RE", ["Réunion", "Reunion", "La Réunion"]),
        ("BA", ["Bosnia & Herzegovina", "Bosnia and Herzegovina", "Bosnie-Herzégovine"]),
        ("TT", ["Trinidad & Tobago", "Trinidad and Tobago"]),
    ],
)  # fmt: skip
def test_a_country_is_known_by_the_names_people_write(code: str, typed: list[str]) -> None:
    assert {name: country(name) for name in typed} == dict.fromkeys(typed, code)


@pytest.mark.parametrize(
    "typed",
    ["", " ", "-", "?", "Unied Saes", "base.uk", "European Community", "Unspecified", "Channel Islands", "Yugoslavia",
     "Runion", "Atlantis", "EU", "ZZ", "XX", "Europe", "Worldwide", "75011", "N/A", "null",
     # Of no country, or of several: other single letters, calling codes that are numbers of ISO too, languages.
     "S", "I", "49", "33", "250", "352", "999", "27", "2760", "fr-BE", "DE-BE", "de_AT", "en-GB", "US-ZZ", "DE - BY"],
)  # fmt: skip
def test_an_unknown_country_stays_unknown(typed: str) -> None:
    assert country(typed) is None


def test_a_name_that_two_countries_bear_in_different_languages_is_nobodys() -> None:
    assert country("Kongo") is None
    assert country("Congo") == "CG"
    assert country("Democratic Republic of the Congo") == "CD"


@pytest.mark.parametrize(("one", "other"), [("Niger", "Nigeria"), ("Dominica", "Dominican Republic"),
                                            ("Austria", "Australia"), ("Guinea", "Guinea-Bissau"),
                                            ("Samoa", "American Samoa"), ("North Korea", "South Korea")])  # fmt: skip
def test_countries_with_similar_names_are_told_apart(one: str, other: str) -> None:
    assert country(one) is not None
    assert country(other) is not None
    assert country(one) != country(other)


@pytest.mark.parametrize("typed", ["  France ", "FRANCE", "france", "Fra\u0301nce", "France.", "(France)"])
def test_case_accents_blanks_and_punctuation_do_not_matter(typed: str) -> None:
    assert country(typed) == "FR"


def test_every_code_is_known_by_itself_in_either_case() -> None:
    # Those of ISO, and Kosovo's.
    assert len(country_codes()) == 249 + 1
    assert all(country(code) == code == country(code.lower()) for code in country_codes())


@pytest.mark.parametrize(("code", "real"), [("FR", True), ("GB", True), ("fr", False), ("UK", False), ("EU", False),
                                            ("FRA", False), ("XK", True), ("XA", False), ("", False)])  # fmt: skip
def test_only_isos_codes_and_kosovos_in_upper_case_are_codes(code: str, real: bool) -> None:
    assert is_country(code) is real


def test_the_eea_is_made_of_countries() -> None:
    assert EEA.issubset(country_codes())


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text(max_size=12))
def test_whatever_is_typed_the_answer_is_a_country_or_nothing(text: str) -> None:
    assert country(text) in country_codes() | {None}


@pytest.mark.parametrize(
    ("path", "name", "unknown"),
    [
        ("sakila/country.csv", "country", {"Runion", "Yugoslavia"}),
        ("chinook/Customer.csv", "Country", set()),
    ],
)
def test_every_country_of_real_data_is_known_but_those_that_are_none(path: str, name: str, unknown: set[str]) -> None:
    typed = column(DATA / path, name)
    assert len(typed) > 20
    assert {country_name for country_name in typed if country(country_name) is None} == unknown


def test_every_country_of_a_british_retailer_is_known_but_those_that_are_none() -> None:
    path = DATA / "online_retail/online_retail.parquet"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    typed = pl.read_parquet(path, columns=["Country"])["Country"].unique().to_list()
    assert {"EIRE", "RSA", "USA"} <= set(typed)
    assert {name for name in typed if country(name) is None} == {
        "Channel Islands", "European Community", "Unspecified",
    }  # fmt: skip
