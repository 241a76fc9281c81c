"""Postal codes in each network's form."""

from __future__ import annotations

import re
from unicodedata import normalize

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identifiers.hashes import hashed
from pipelines.identifiers.places.postal_codes import ascii, compact, digits, postal_code_refusal, trimmed

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
        ("501", "US", "00501", "00501"),
        ("2139", "US", "02139", "02139"),
        ("2139-1234", "US", "02139", "02139-1234"),
        ("21391234", "US", "02139", "02139-1234"),
        ("501-1234", "US", "00501", "00501-1234"),
        ("6011234", "PR", "00601", "00601-1234"),
        ("802", "VI", "00802", "00802"),
        ("9691", "GU", None, None),
        ("50", "US", None, None),
        ("213912", "US", None, None),
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
        ("901", "PR", "00901", "00901"),
        ("1987", "AU", "1987", "1987"),
        ("1012 AB", "NL", "1012ab", "1012 AB"),
        ("00-950", "PL", "00950", "00-950"),
        ("00–950", "PL", "00950", "00-950"),
        ("12345–6789", "US", "12345", "12345-6789"),
        ("٧٥٠٠٨", "FR", "75008", "75008"),
        ("११०००१", "IN", "110001", "110001"),
        # What a column of floating-point numbers leaves of a code.
        ("94100.0", "FR", "94100", "94100"),
        ("2134.0", "US", "02134", "02134"),
        ("1000.0", "FR", None, None),
        ("94100.5", "FR", None, None),
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
        ("BFPO 57", "GB", None, "BFPO 57"),
        ("LV-1010 Riga", "LV", "lv1010", "LV-1010"),
        ("8000 Faro", "PT", "8000", "8000"),
        ("06236 Seoul", "KR", "06236", "06236"),
        ("D02 X285 Dublin", "IE", "d02x285", "D02 X285"),
        ("C1425DKH", "AR", "c1425dkh", "C1425DKH"),
        ("96941-1234", "FM", "96941", "96941-1234"),
        ("75001 Paris", None, "75001", "75001"),
        ("1012 AB Amsterdam", "NL", None, None),
        ("00901-1234", "PR", "00901", "00901-1234"),
        ("009011234", "PR", "00901", "00901-1234"),
        ("96799", "AS", "96799", "96799"),
        ("1010 Wien", None, "1010", "1010"),
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


#: A post office or a town hall each.
REAL = {
    "AL": "1001", "AM": "0010", "AR": "C1002", "AT": "1010", "AU": "2000", "BA": "71000", "BE": "1000", "BG": "1000",
    "BR": "01310-100", "BY": "220030", "CA": "K1A 0B1", "CH": "3003", "CL": "8320000", "CN": "100000", "CO": "110111",
    "CR": "10101", "CY": "1010", "CZ": "110 00", "DE": "10117", "DK": "1550", "DZ": "16000", "EE": "10130",
    "EG": "11511", "ES": "28013", "FI": "00100", "FR": "75004", "GB": "SW1A 1AA", "GE": "0105", "GF": "97300",
    "GP": "97100", "GR": "105 63", "GT": "01001", "HR": "10000", "HU": "1055", "ID": "10110", "IL": "9510402",
    "IN": "110001", "IS": "101", "IT": "00186", "JP": "100-0005", "KE": "00100", "KR": "04524", "LI": "9490",
    "LK": "00100", "LT": "LT-01103", "LU": "1648", "LV": "LV-1050", "MA": "10000", "MC": "98000", "ME": "81000",
    "MK": "1000", "MM": "11181", "MQ": "97200", "MX": "06000", "MY": "50000", "NL": "1012 JS", "NO": "0037",
    "NZ": "6011", "PA": "0801", "PE": "15001", "PH": "1000", "PK": "44000", "PL": "00-950", "PT": "1100-148",
    "RE": "97400", "RO": "030031", "RS": "11000", "RU": "101000", "SA": "11564", "SE": "111 52", "SG": "238823",
    "SI": "1000", "SK": "811 01", "SM": "47890", "TH": "10200", "TN": "1000", "TR": "06030", "TW": "100", "UA": "01001",
    "UY": "11000", "VA": "00120", "VN": "100000", "YT": "97600", "ZA": "0001", "US": "20500", "PR": "00901",
}  # fmt: skip


@pytest.mark.parametrize("country", REAL)
def test_a_code_of_each_country_is_sent_and_with_a_digit_more_is_none(country: str) -> None:
    code = REAL[country]
    assert form("google", code, country=country) == [code]
    longer = {"AR", "AM", "CR", "CY", "EG", "IL", "KR", "LT", "LV", "RS", "SA", "TW", "VN"}
    if country not in longer:
        assert form("google", f"{code}1", country=country) == [None]


@pytest.mark.parametrize(("typed", "country"), [("106314", "RS"), ("1000", "CR"), ("99300", "CY"), ("61000", "IL")])
def test_codes_of_another_length_are_sent_where_a_country_has_them(typed: str, country: str) -> None:
    assert form("google", typed, country=country) == [typed]


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


@pytest.mark.parametrize(
    ("typed", "country", "refusal"),
    [
        ("75008", "FR", None),
        ("7500", "FR", "not_a_postal_code"),
        ("7500", None, None),
        ("00000", "FR", "not_a_postal_code"),
        ("2139", "US", None),
        ("rue de la Paix", "FR", "not_a_postal_code"),
        (" ", "FR", "blank"),
        ("n/a", "FR", "blank"),
        (None, "FR", "blank"),
    ],
)
def test_what_is_no_part_of_a_key_is_told(typed: str | None, country: str | None, refusal: str | None) -> None:
    given = pl.DataFrame(
        {"code": [typed, "75001"], "country": [country, "FR"]}, schema={"code": pl.String, "country": pl.String}
    )
    assert given.select(postal_code_refusal(pl.col("code"), pl.col("country"))).to_series().to_list() == [refusal, None]


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
        spaced = form("meta", *(" ".join(code) for code in typed), country=country)
        # A letter apart behind digits may be a town: `00000 A`.
        assert all(code is None or code == apart for code, apart in zip(meta, spaced, strict=True))
    google = form("google", *typed, country=country)
    assert form("google", *(f"\t{code}\u00a0" for code in typed), country=country) == google
