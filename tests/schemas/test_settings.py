"""`relance.toml`: what a company decides once, and what is taken as granted where nobody spoke."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.countries import EEA
from schemas.declared import read_declared
from schemas.errors import ConfigError
from schemas.settings import Settings


def settings(folder: Path, text: str) -> Settings:
    path = folder / "relance.toml"
    path.write_text(text, encoding="utf-8")
    return read_declared(Settings, path)


def test_a_currency_is_all_that_must_be_said(tmp_path: Path) -> None:
    declared = settings(tmp_path, 'currency = "EUR"')
    assert declared.time_zone == "UTC"
    assert declared.default_country is None
    assert declared.joining.rules == (("email",), ("phone", "last_name"))
    assert declared.joining.shared_by_more_than == 5
    assert declared.assume == {}


def test_the_time_zone_says_what_hour_it_is(tmp_path: Path) -> None:
    declared = settings(tmp_path, 'currency = "EUR"\ntime_zone = "Europe/Paris"')
    assert datetime(2025, 7, 1, 23, tzinfo=UTC).astimezone(declared.zone).isoformat() == "2025-07-02T01:00:00+02:00"


@pytest.mark.parametrize(
    ("text", "field", "told"),
    [
        ("", "currency", "is missing"),
        ('currency = "euro"', "currency", "'euro' is no ISO 4217 code"),
        ('currency = "eur"', "currency", "'eur' is no ISO 4217 code"),
        ('currency = "EUR"\ncurency = "EUR"', "curency", "is not a field"),
        ('currency = "EUR"\ntime_zone = "Paris"', "time_zone", "'Paris' is no IANA time zone"),
        ('currency = "EUR"\ntime_zone = "../etc/passwd"', "time_zone", "is no IANA time zone"),
        ('currency = "EUR"\ndefault_country = "France"', "default_country", "'France' is no ISO 3166"),
        ('currency = "EUR"\ndefault_country = "fr"', "default_country", "'fr' is no ISO 3166"),
        ('currency = "EUR"\ndefault_country = "UK"', "default_country", "'UK' is no ISO 3166"),
        ('currency = "EUR"\nmemory_limit = "lots"', "memory_limit", "match pattern"),
        ('currency = "EUR"\nmemory_limit = "2GB; DROP TABLE x"', "memory_limit", "match pattern"),
        ('currency = "EUR"\nfirst_day = "yesterday"', "first_day", "date"),
        ('currency = "EUR"\n[joining]\nshared_by_more_than = 0', "joining.shared_by_more_than", "greater than"),
        ('currency = "EUR"\n[joining]\nrules = [["last_name"]]', "joining.rules", "needs `email` or `phone`"),
        ('currency = "EUR"\n[joining]\nrules = [["mail"]]', "joining.rules", "'email'"),
        ('currency = "EUR"\n[assume.Europe]\nads_upload = true', "assume", "region 'Europe' is neither"),
        ('currency = "EUR"\n[assume.us]\nads_upload = true', "assume", "region 'us' is neither"),
        ('currency = "EUR"\n[assume.US]\nads = true', "assume.US.ads", "is not a field"),
    ],
)
def test_a_wrong_setting_is_told_by_file_and_field(tmp_path: Path, text: str, field: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'relance.toml'}: {field}")
    assert told in str(caught.value)


@pytest.mark.parametrize("limit", ["2GB", "512MB", "1.5 GB", "800MiB", "1GiB"])
def test_a_memory_limit_is_a_number_with_its_unit(limit: str) -> None:
    assert Settings(currency="EUR", memory_limit=limit).memory_limit == limit


YES, NO = {"ads_upload": True}, {"ads_upload": False}


@pytest.mark.parametrize(
    ("assume", "country", "granted"),
    [
        pytest.param({}, "US", False, id="nothing is assumed unless the company says so"),
        pytest.param({}, None, False, id="least of all where nobody knows the country"),
        pytest.param({"US": YES}, "US", True, id="a country's own word"),
        pytest.param({"US": YES}, "CA", False, id="is not another country's"),
        pytest.param({"US": YES}, None, False, id="and not that of an unknown one"),
        pytest.param({"everywhere": YES}, "US", True, id="everywhere is everywhere"),
        pytest.param({"everywhere": YES}, "FR", True, id="in the EEA too"),
        pytest.param({"everywhere": YES}, None, True, id="and nowhere known"),
        pytest.param({"everywhere": YES, "EEA": NO}, "FR", False, id="the EEA's word goes before everywhere's"),
        pytest.param({"everywhere": YES, "EEA": NO}, "NO", False, id="Norway is in the EEA"),
        pytest.param({"everywhere": YES, "EEA": NO}, None, False, id="an unknown country counts as EEA"),
        pytest.param({"everywhere": YES, "EEA": NO}, "CH", True, id="Switzerland is not in the EEA"),
        pytest.param({"everywhere": YES, "EEA": NO}, "GB", True, id="nor is the United Kingdom"),
        pytest.param({"EEA": YES, "FR": NO}, "FR", False, id="a country's word goes before the EEA's"),
        pytest.param({"EEA": YES, "FR": NO}, "DE", True, id="and only for itself"),
        pytest.param({"everywhere": YES, "US": {}}, "US", False, id="a country that says nothing says no"),
    ],
)
def test_silence_counts_as_granted_only_where_the_company_says_so(
    assume: dict[str, dict[str, bool]], country: str | None, granted: bool
) -> None:
    declared = Settings.model_validate({"currency": "EUR", "assume": assume})
    assert declared.assumed("ads_upload", country) is granted


def test_an_assumption_is_for_its_own_purpose_only() -> None:
    declared = Settings.model_validate({"currency": "EUR", "assume": {"US": {"ads_personalization": True}}})
    assert declared.assumed("ads_personalization", "US")
    assert not declared.assumed("ads_upload", "US")


def test_no_yes_to_profiling_is_assumed_since_only_an_objection_to_it_is_heard(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"assume\.US\.profiling"):
        settings(tmp_path, 'currency = "EUR"\n[assume.US]\nprofiling = true\n')


def test_a_purpose_counts_for_another_only_if_it_is_another_and_is_asked_for(tmp_path: Path) -> None:
    for text, told in (
        ('ads_upload = ["ads_upload"]', "ads_upload counts for itself already"),
        ('profiling = ["ads_upload"]', "only an objection to it is heard"),
        ('ads_upload = ["newsletter"]', "consent.ads_upload.0: "),
        ('ads = ["email_marketing"]', "consent.ads"),
    ):
        with pytest.raises(ConfigError, match=told):
            settings(tmp_path, f'currency = "EUR"\n[consent]\n{text}\n')


def test_the_eea_is_the_union_and_three_more() -> None:
    # Parts of France and Finland that have codes of their own are in it; New Caledonia, Greenland and Aruba are not.
    assert len(EEA - {"AX", "GF", "GP", "MF", "MQ", "RE", "YT"}) == 30
    assert not {"NC", "PF", "GL", "FO", "AW"} & EEA
    assert {"IS", "LI", "NO", "IE", "GR", "HR"} <= EEA
    assert not {"GB", "CH", "UK", "EL", "TR"} & EEA


def test_settings_are_not_changed_while_a_night_runs() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(Settings(currency="EUR"), "currency", "USD")  # noqa: B010 - a type checker knows
