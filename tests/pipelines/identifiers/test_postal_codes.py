"""Postal codes in each network's form."""

from __future__ import annotations

import re
from unicodedata import normalize

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identifiers.hashes import hashed
from pipelines.identifiers.postal_codes import ascii, compact, digits, trimmed

FORMS = {"meta": compact, "google": trimmed, "digits": digits, "amazon": ascii}


def form(network: str, *typed: str | None, country: str | None = None) -> list[str | None]:
    frame = pl.DataFrame(
        {"code": typed, "country": [country] * len(typed)}, schema={"code": pl.String, "country": pl.String}
    )
    return frame.select(FORMS[network](pl.col("code"), pl.col("country"))).to_series().to_list()


@pytest.mark.parametrize(
    ("typed", "country", "meta", "google"),
    [
        ("90001", "US", "90001", "90001"),
        (" 90001 ", "US", "90001", "90001"),
        ("90001-4656", "US", "90001", "90001-4656"),
        ("00501", "US", "00501", "00501"),
        ("501", "US", None, None),
        ("9000", "US", None, None),
        ("90001-46", "US", None, None),
        ("00000", "US", "00000", None),
        ("00000-0000", "US", "00000", None),
        ("0000", "BE", "0000", None),
        ("00 000", None, "00000", None),
        ("SW1A 1AA", "US", None, None),
        ("SW1A 1AA", "GB", "sw1a1", "SW1A 1AA"),
        ("sw1a1aa", "GB", "sw1a1", "sw1a1aa"),
        ("M1 1AE", "GB", "m11", "M1 1AE"),
        ("EC1A 1BB", "GB", "ec1a1", "EC1A 1BB"),
        ("SW1A", "GB", None, "SW1A"),
        ("75018", "FR", "75018", "75018"),
        (" 75 018", "FR", "75018", "75 018"),
        ("01000", "FR", "01000", "01000"),
        ("1000", "FR", None, None),
        ("1067", "DE", None, None),
        ("1067", "AT", "1067", "1067"),
        ("1067", None, "1067", "1067"),
        ("D-1067", "DE", None, None),
        ("150", "NO", None, None),
        ("0150", "NO", "0150", "0150"),
        ("950", "PL", None, None),
        ("64-0941", "JP", None, None),
        ("1310-100", "BR", None, None),
        ("01310-100", "BR", "01310100", "01310-100"),
        ("4524", "KR", None, None),
        ("901", "PR", None, None),
        ("1987", "AU", "1987", "1987"),
        ("1012 AB", "NL", "1012ab", "1012 AB"),
        ("00-950", "PL", "00950", "00-950"),
        ("00–950", "PL", "00950", "00–950"),
        ("1229-076", "PT", "1229076", "1229-076"),
        ("K1A 0B1", "CA", "k1a0b1", "K1A 0B1"),
        ("D02 X285", "IE", "d02x285", "D02 X285"),
        ("LV-1050", "LV", "lv1050", "LV-1050"),
        ("１５０－０００２", "JP", "1500002", "150-0002"),
        ("〒150-0002", "JP", "1500002", "150-0002"),
        (" 〒 150ー0002", "JP", "1500002", "150-0002"),
        ("75\u00a0018", "FR", "75018", "75 018"),
        ("９０００１−４６５６", "US", "90001", "90001-4656"),
        ("90001-4656", None, "90001", "90001-4656"),
        ("90001 4656", "US", "90001", "90001-4656"),
        ("900014656", "US", "90001", "90001-4656"),
        ("900014656", None, "90001", "90001-4656"),
        ("90001-", "US", "90001", "90001"),
        ("D-01067", "DE", "01067", "01067"),
        ("d 01067", "DE", "01067", "01067"),
        ("F-75008", "FR", "75008", "75008"),
        ("D-01067", "FR", None, None),
        ("SI-1000", "SI", "1000", "1000"),
        ("H-1051", "HU", "1051", "1051"),
        ("75001 Paris", "FR", "75001", "75001"),
        ("75008 PARIS CEDEX 08", "FR", "75008", "75008"),
        ("10115 Berlin", "DE", "10115", "10115"),
        ("8001, Zürich", "CH", "8001", "8001"),
        ("150-0002 東京都渋谷区", "JP", "1500002", "150-0002"),
        ("1011578", "DE", None, None),
        ("10115 12", "DE", None, None),
        ("NSW 2000", "AU", None, None),
        ("ON K1A 0B1", "CA", None, None),
        ("K1A", "CA", "k1a", "K1A"),
        ("SW1A 1AA London", "GB", None, None),
        ("GIR 0AA", "GB", None, "GIR 0AA"),
        ("1012 AB Amsterdam", "NL", None, None),
        ("00901-1234", "PR", "00901", "00901-1234"),
        ("009011234", "PR", "00901", "00901-1234"),
        ("96799", "AS", "96799", "96799"),
        ("1010 Wien", None, "1010wien", "1010 Wien"),
        ("D-01067", None, "d01067", "D-01067"),
        ("75008 CEDEX 08", "FR", "75008", "75008"),
        ("75008 Cedex", "FR", "75008", "75008"),
        ("\u200b75008\u2060", "FR", "75008", "75008"),
        ("75018", None, "75018", "75018"),
        (None, "FR", None, None),
        ("", "FR", None, None),
        ("  ", None, None, None),
        ("-", "FR", None, None),
    ],
)
def test_a_postal_code_in_each_networks_form(
    typed: str | None, country: str | None, meta: str | None, google: str | None
) -> None:
    assert (form("meta", typed, country=country), form("google", typed, country=country)) == ([meta], [google])


@pytest.mark.parametrize("network", FORMS)
@pytest.mark.parametrize(
    "typed",
    [
        "jane@example.com",
        "+33 6 12 34 56 78",
        "06.12.34.56.78",
        "12 rue de la Paix",
        "Paris",
        "n/a",
        "unknown",
        "75018\n75019",
        "75018\t69002",
        "75018; 69002",
    ],
)
def test_what_cannot_be_a_postal_code_is_none_since_networks_get_it_in_plain(network: str, typed: str) -> None:
    assert form(network, typed, country="FR") == [None]


@pytest.mark.parametrize(
    ("typed", "country", "only_digits", "amazon"),
    [
        ("00000", "US", None, None), ("0000", None, None, None), ("00–000", "PL", None, None),
        ("00901-1234", "PR", "009011234", "00901"), ("90001-4656", "US", "900014656", "90001"),
        ("8001 Zürich", "CH", "8001", "8001"), ("K1A 0B1", "CA", "101", "k1a0b1"), ("SW1A 1AA", "GB", "11", "sw1a1aa"),
    ],
)  # fmt: skip
def test_a_filler_is_no_postal_code_and_a_town_no_part_of_one(
    typed: str, country: str | None, only_digits: str | None, amazon: str | None
) -> None:
    assert [form(name, typed, country=country) for name in ("digits", "amazon")] == [[only_digits], [amazon]]


def test_the_published_digest_of_a_us_code_holds() -> None:
    formed = form("meta", "90001-4656", country="US")
    digest = "9de3888231a1021acddcaa006b2f2a1ead5e245ae44a6b50e997afa9371e081e"
    assert hashed(pl.Series(formed), "sha256").to_list() == [digest]


countries = st.sampled_from([None, "US", "GB", "FR", "NL", "PL", "CA"])
groups = st.text("0123456789ABCxyz", min_size=1, max_size=5)
codes = st.builds("".join, st.tuples(groups, st.sampled_from(["", " ", "-", "–"]), groups, st.sampled_from(["", " "])))
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@pytest.mark.parametrize("network", FORMS)
@given(typed=st.lists(codes | any_text, min_size=1, max_size=20), country=countries)
@settings(max_examples=30, deadline=None)
def test_a_form_is_never_empty_and_has_no_white_space_around(
    network: str, typed: list[str], country: str | None
) -> None:
    for code in form(network, *typed, country=country):
        assert code is None or (code and code == code.strip())
        assert network != "meta" or code is None or not re.search(r"\s", code)


@given(typed=st.lists(codes, min_size=1, max_size=20), country=countries.filter(lambda country: country != "GB"))
@settings(max_examples=25, deadline=None)
def test_the_form_of_a_form_is_itself(typed: list[str], country: str | None) -> None:
    # Without its letters, a code may be none.
    for network in FORMS.keys() - {"digits"}:
        formed = form(network, *typed, country=country)
        assert form(network, *formed, country=country) == formed


@given(typed=st.lists(codes, min_size=1, max_size=20), country=countries)
@settings(max_examples=25, deadline=None)
def test_case_and_spaces_do_not_matter_to_meta_and_spaces_around_to_nobody(
    typed: list[str], country: str | None
) -> None:
    meta = form("meta", *typed, country=country)
    assert form("meta", *(code.lower() for code in typed), country=country) == meta
    assert form("meta", *(normalize("NFD", code) for code in typed), country=country) == meta
    if country != "US":
        assert form("meta", *(" ".join(code) for code in typed), country=country) == meta
    google = form("google", *typed, country=country)
    assert form("google", *(f"\t{code}\u00a0" for code in typed), country=country) == google
