"""Real data sets: each ledger against a second count, in plain Python over the companies' own CSV files."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.store import open_catalog
from tests.conftest import ROOT, SHARED, Ran

DATA = SHARED / "data"
#: Where Google needs a consent that these companies' owners do not assume: of the names that stand in the files.
EUROPE = {
    "", "Austria", "Belgium", "Bulgaria", "Czech Republic", "Denmark", "Estonia", "Finland", "France", "Germany",
    "Greece", "Hungary", "Ireland", "Italy", "Latvia", "Liechtenstein", "Lithuania", "Netherlands", "Norway", "Poland",
    "Portugal", "Romania", "Slovakia", "Spain", "Sweden", "Switzerland", "United Kingdom",
    "Runion", "Yugoslavia",  # no country, and unknown countries count as Europe
}  # fmt: skip


def rows(file: str) -> Iterator[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8-sig", newline="") as text:
        yield from csv.DictReader(text)


def sakila() -> list[tuple[str, str]]:
    """E-mail and country of each customer."""
    cities = {row["city_id"]: row["country_id"] for row in rows("sakila/city.csv")}
    countries = {row["country_id"]: row["country"] for row in rows("sakila/country.csv")}
    addresses = {row["address_id"]: countries[cities[row["city_id"]]] for row in rows("sakila/address.csv")}
    return [(row["email"], addresses[row["address_id"]]) for row in rows("sakila/customer.csv")]


def chinook_csv() -> list[tuple[str, str]]:
    return [(row["Email"], row["Country"]) for row in rows("chinook/Customer.csv")]


def grouparoo() -> list[tuple[str, str]]:
    return [(row["email"], "") for row in rows("grouparoo_demo/users.csv") if row["deactivated"] == "false"]


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the data sets are not in {DATA}")
@pytest.mark.parametrize("company", [sakila, chinook_csv, grouparoo], ids=lambda company: company.__name__)
def test_the_ledger_of_a_real_company_is_that_of_a_plain_count(
    company: Callable[[], list[tuple[str, str]]], relance: Callable[..., Ran], tmp_path: Path
) -> None:
    config = ROOT / "tests" / "companies" / company.__name__
    people = {email.strip().lower(): country for email, country in company() if "@" in email}
    assert len(people) == len(company())  # nobody shares an address, so a record is a person

    ran = relance("run", "--config", str(config), home=tmp_path / "home")

    assert ran.code in {0, 4}, ran.output
    with open_catalog(Home.at(tmp_path / "home")) as catalog:
        night = catalog.last_night()
        assert night is not None
        ledgers = {(row["network"], row["segment"]): row["ledger"] for row in catalog.outcomes_of_night(night["night"])}
    for network, refused in (
        ("meta", set[str]()),
        ("google_ads", {email for email, country in people.items() if country in EUROPE}),
    ):
        ledger = ledgers[network, "everyone"]
        assert ledger["segment_people"] == len(people)
        assert ledger["file_people"] == ledger["file_rows"] == len(people) - len(refused)
        dropped = {reason: count for reason, count in ledger["dropped"].items() if count}
        assert dropped == ({"no_consent_to_ads_personalization": len(refused)} if refused else {})
    for manifest in (tmp_path / "home" / "outbox").rglob("manifest.json"):
        assert "ads_upload assumed granted" in " ".join(json.loads(manifest.read_text())["assumptions"])
    files = {name: text for name, text in ran.files().items() if name.startswith("meta/main/everyone/")}
    for text in files.values():
        emails = {line.split(",")[0] for line in text.decode().splitlines()[1:]}
        assert emails == {hashlib.sha256(email.encode()).hexdigest() for email in people}


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the data sets are not in {DATA}")
def test_a_company_without_consents_and_without_an_assumption_publishes_nothing(
    relance: Callable[..., Ran], tmp_path: Path
) -> None:
    config = tmp_path / "config"
    (config / "segments").mkdir(parents=True)
    chinook = ROOT / "tests" / "companies" / "chinook_csv"
    sources = (chinook / "sources.toml").read_text().replace("../../../../shared/data", str(DATA))
    (config / "sources.toml").write_text(sources)
    (config / "relance.toml").write_text('currency = "USD"\n')
    for file in ("rates.csv", "segments/everyone.toml"):
        if (chinook / file).exists():
            (config / file).write_text((chinook / file).read_text())

    ran = relance("run", "--config", str(config), home=tmp_path / "home")

    assert ran.code == 4, ran.output
    assert "59 no consent to ads upload" in ran.output
    assert not list((tmp_path / "home" / "outbox").rglob("*.csv"))
