"""Countries as typed → ISO alpha-2, and each network's form."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.identifiers.hashes import hashed
from pipelines.identifiers.places.countries import country_codes, lower, upper
from schemas.countries import EEA, is_country
from schemas.countries import country_codes as iso_codes


def code_of(typed: str | None) -> str | None:
    found = country_codes(pl.Series("country", [typed], dtype=pl.String))
    return dict(found.select("country", "iso_country").iter_rows()).get(typed)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("FR", ["FR", "fr", " fr ", "FRA", "France", "FRANCE", "Frankreich", "Francia", "Frankrijk"]),
        ("GB", ["GB", "UK", "uk", "U.K.", "GBR", "United Kingdom", "Great Britain", "England", "Royaume-Uni"]),
        ("US", ["US", "usa", "U.S.A.", "United States", "United States of America", "États-Unis", "etats unis"]),
        ("DE", ["DE", "Germany", "Deutschland", "Allemagne", "Duitsland", "DEU"]),
        ("ES", ["España", "Espana", "Spain", "Espagne", "espan\u0303a"]),
        ("CH", ["Switzerland", "Schweiz", "Suisse", "Svizzera"]),
        ("NL", ["Netherlands", "The Netherlands", "Holland", "Pays-Bas", "Nederland"]),
        ("CI", ["Côte d’Ivoire", "Cote d'Ivoire", "Ivory Coast"]),
        ("AE", ["UAE", "United Arab Emirates"]),
        ("CZ", ["Czechia", "Czech Republic", "Tschechien", "Česko", "ČESKÁ REPUBLIKA"]),
        ("GR", ["Greece", "Ελλάδα", "ΕΛΛΑΔΑ"]),
        ("UA", ["Ukraine", "Україна", "УКРАЇНА"]),
        ("KR", ["대한민국"]),
        ("IN", ["India", "भारत"]),
        ("NO", ["NO", "Norway", "Norge"]),
        ("AT", ["Österreich", "Austria"]),
        ("AU", ["Australia", "AUS"]),
        ("CG", ["Congo"]),
        ("KR", ["South Korea", "Korea, Republic of", "Korea (the Republic of)"]),
        ("US", ["United States (US)", "United States of America (the)", "USA (US)"]),
        ("GB", ["United Kingdom (UK)", "Great Britain, GB"]),
        ("ZA", ["South Africa (ZA)"]),
        ("DE", ["Germany, DE", "DE - Germany", "(DE) Germany", "Deutschland (DEU)"]),
        ("KN", ["Saint Kitts and Nevis", "St. Kitts & Nevis"]),
        ("NL", ["Netherlands (the)"]),
        ("CD", ["Congo, the Democratic Republic of the", "Congo, Democratic Republic of the", "Congo (Kinshasa)"]),
        ("PS", ["Palestinian Territory", "Palestinian Territory, Occupied"]),
        ("HK", ["Hong Kong SAR", "Hong Kong"]),
    ],
)
def test_codes_and_names_in_any_case_are_the_iso_code(code: str, names: list[str]) -> None:
    assert {name: code_of(name) for name in names} == dict.fromkeys(names, code)


@pytest.mark.parametrize(
    "typed",
    [
        None,
        "",
        " ",
        "-",
        "Atlantis",
        "F",
        "u2",
        "XX",
        "ZZ",
        "EU",
        "Europe",
        "France, Germany",
        "75001",
        "FRX",
        "France (DE)",
        "United States, FR",
        "the",
        "Saint",
        "Korea",
        "Republic of China",
    ],
)
def test_what_nobody_knows_stays_unknown(typed: str | None) -> None:
    assert code_of(typed) is None


def test_every_typed_name_comes_back_once() -> None:
    found = country_codes(pl.Series("country", ["France", "fr", "France", None, "Atlantis"]))
    assert sorted(found.iter_rows()) == [("Atlantis", None), ("France", "FR"), ("fr", "FR")]


def test_no_country_is_no_error() -> None:
    assert country_codes(pl.Series("country", [], dtype=pl.String)).is_empty()


def test_every_code_means_itself_in_either_case() -> None:
    codes = sorted(iso_codes())
    assert {code: (code_of(code), code_of(code.lower())) for code in codes} == {code: (code, code) for code in codes}


def test_the_eea_is_the_27_and_iceland_liechtenstein_and_norway() -> None:
    # Parts of France and Finland that have codes of their own are in it; New Caledonia, Greenland and Aruba are not.
    assert len(EEA - {"AX", "GF", "GP", "MF", "MQ", "RE", "YT"}) == 30
    assert not {"NC", "PF", "GL", "FO", "AW"} & EEA
    assert {"IS", "LI", "NO", "FR"} <= EEA
    assert not EEA & {"GB", "CH", "US"}
    assert all(is_country(code) for code in EEA)


def test_meta_takes_lower_case_hashed_and_google_upper_case_plain() -> None:
    codes = pl.DataFrame({"country": ["US", None]})
    meta = codes.select(lower(pl.col("country"))).to_series()
    google = codes.select(upper(pl.col("country"))).to_series()
    digest = "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"
    assert (meta.to_list(), google.to_list()) == (["us", None], ["US", None])
    assert hashed(meta, "sha256").to_list() == [digest, None]
    assert hashed(google, "none").to_list() == ["US", None]
