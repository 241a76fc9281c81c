"""A CRM that gives its customers their e-mails for ids: no file shows by an id what it may not show by an address."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from catalog.home import Home
from commands.main import app
from pipelines.identifiers.matching import hashed_address
from schemas.identifiers import MatchColumn
from tests.conftest import Company
from tests.nights import night

DAYS = ("2024-06-30", "2024-07-01")
BOB, CARLA = "bob@example.org", "carla@example.org"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def company(company: Company) -> Company:
    """Bob's id is his e-mail; LiveRamp and Amazon, who want an id in each row, get the buyers."""
    for table in ("customers", "orders", "consents"):
        path = company.folder / f"{table}.csv"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        place = 0 if table == "customers" else 1
        fields = [line.replace(f"{BOB},,", f"{BOB},+1 650 253 0000,").split(",") for line in lines]
        for row in fields:
            row[place] = BOB if row[place] == "2" else row[place]
        path.write_text("".join(map(",".join, fields)), encoding="utf-8")
    segment = (company.config / "segments" / "buyers.toml").read_text(encoding="utf-8")
    company.declare("segments/buyers.toml", segment.replace('["meta", "google_ads"]', '["amazon_ads", "liveramp"]'))
    return company


def files(home: Home) -> dict[str, str]:
    """The newest full files of each network, as text."""
    found = {}
    for network in ("amazon_ads", "liveramp"):
        newest = sorted(home.outbox.joinpath(network, "main", "buyers").iterdir())[-1]
        parts = [path.read_bytes() for path in newest.glob("*.full.*")]
        texts = [gzip.decompress(part) if part[:2] == b"\x1f\x8b" else part for part in parts]
        found[network] = b"".join(texts).decode()
    return found


def test_an_id_that_is_an_address_is_hashed_as_no_form_of_the_address(company: Company, tmp_path: Path) -> None:
    """Bob and another customer share his address, and she refuses: no row may carry it."""
    with (company.folder / "customers.csv").open("a", encoding="utf-8") as customers:
        customers.write(f"9,{BOB},+1 650 253 0009,Ann,Other,94025,US,2023-02-01 10:00:00\n")
    with (company.folder / "consents.csv").open("a", encoding="utf-8") as consents:
        consents.write("c9,9,denied,2024-01-01 10:00:00\n")
    home = Home.at(tmp_path / "home")

    night(company.config, home.root, DAYS[0])

    for text in files(home).values():
        assert sha256(BOB) not in text
        # He is in it by his phone, and his id is still one.
        assert sha256(f"customer_id:{BOB}") in text
        assert sha256("1") in text


@pytest.mark.parametrize(
    ("customer_id", "shown"),
    [
        (" 16502530000 ", "customer_id:16502530000"),
        ("+16502530000", "customer_id:+16502530000"),
        ("0016502530000", "customer_id:0016502530000"),
        (BOB, f"customer_id:{BOB}"),
        (f"customer_id:{BOB}", f"customer_id:{BOB}"),
        ("123456", "123456"),
        ("C-16502530000", "C-16502530000"),
    ],
)
def test_an_id_that_may_be_an_address_is_marked_as_an_id(customer_id: str, shown: str) -> None:
    column = MatchColumn("external_id", "own", "sha256")
    assert hashed_address(pl.Series("external_id", [customer_id]), column).to_list() == [sha256(shown)]


def test_who_asks_by_e_mail_to_be_forgotten_is_forgotten_by_an_id_that_is_that_e_mail(
    company: Company, tmp_path: Path
) -> None:
    home = Home.at(tmp_path / "home")
    night(company.config, home.root, DAYS[0])
    options = ["--home", str(home.root), "--config", str(company.config)]

    asked = CliRunner().invoke(app, ["forget", BOB, *options])
    assert asked.exit_code == 0, asked.output
    assert "covers 1 record" in asked.output
    night(company.config, home.root, DAYS[1])

    for text in files(home).values():
        assert not any(sha256(value) in text for value in (BOB, f"customer_id:{BOB}", "16502530000"))
        assert sha256(CARLA) in text
    assert "Erased on request" in CliRunner().invoke(app, ["why", BOB, *options]).output
