"""Of a CRM that lacks people, whoever refuses leaves the lists that are held back, and nobody who is only not there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.home import Home
from catalog.store import open_catalog
from commands.main import app
from pipelines.holdings.confirming import confirm
from schemas.segment import Audience
from tests.conftest import ROOT, Company
from tests.nights import night

META = Audience("meta", "main", "buyers")
DAYS = ("2024-06-30", "2024-07-01")

ADA, BOB, CARLA = "ada.lovelace@gmail.com", "bob@example.org", "carla@example.org"
HALF = {f"x{number}" for number in range(60)}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def lines(company: Company, table: str) -> list[str]:
    return (company.folder / f"{table}.csv").read_text(encoding="utf-8").splitlines(keepends=True)


@pytest.fixture
def home(company: Company, home_after_a_night: Path) -> Home:
    """A home whose first night's list was made; half of its CRM's customers are gone since, Bob and Carla too."""
    home = Home.at(home_after_a_night)
    with open_catalog(home) as catalog:
        confirm(catalog, META, f"{DAYS[0]}.1", "created")
    left = [line for line in lines(company, "customers") if line.split(",")[0] not in {"2", "3", *HALF}]
    (company.folder / "customers.csv").write_text("".join(left), encoding="utf-8")
    return home


def say(company: Company, *statements: str) -> None:
    (company.folder / "consents.csv").write_text("".join([*lines(company, "consents"), *statements]), encoding="utf-8")


def published(company: Company, home: Home, day: str = DAYS[1]) -> tuple[dict[str, str], int]:
    """The text of the files of the night's version, by kind, and how many keys must leave; after that night."""
    night(company.config, home.root, day)
    folder = home.outbox.joinpath(*META, f"{day}.1")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return {entry["kind"]: (folder / entry["name"]).read_text() for entry in manifest["files"]}, manifest["forbidden"]


def test_who_withdraws_in_the_night_that_lacks_them_leaves_the_held_list(company: Company, home: Home) -> None:
    say(company, "w,2,withdrawn,2024-06-30 12:00:00\n")
    files, forbidden = published(company, home)
    assert sha256(BOB) not in files["full"]
    assert sha256(BOB) in files["remove"]
    # Carla is not there either, and has said nothing.
    assert sha256(CARLA) in files["full"] and sha256(CARLA) not in files["remove"]
    assert sha256(ADA) in files["full"]
    assert forbidden > 0


def test_who_withdraws_in_the_night_that_lacks_them_is_in_no_rebuilt_night(company: Company, home: Home) -> None:
    say(company, "w,2,withdrawn,2024-06-30 12:00:00\n")
    night(company.config, home.root, DAYS[1])
    arguments = ["--home", str(home.root), "--config", str(company.config)]
    said = CliRunner().invoke(app, ["replay", DAYS[0], *arguments])
    assert said.exit_code == 0, said.output
    [rebuilt] = home.replay.joinpath(DAYS[0], *META).glob("*.full.csv")
    assert sha256(BOB) not in rebuilt.read_text() and sha256(CARLA) in rebuilt.read_text()


def test_who_withdraws_on_one_of_two_records_leaves_the_held_list_with_both(company: Company, tmp_path: Path) -> None:
    """Bob's two records share a phone and a name; neither is there in the night of the withdrawal."""
    customers = lines(company, "customers")
    one = "2,bob@example.org,+1 650 253 0000,Bob,Béranger,94025-3215,US,2023-02-01 10:00:00\n"
    twin = one.replace("2,", "2b,", 1).replace(BOB, "bob.again@example.org")
    others = [line for line in customers if line[:2] != "2,"]
    (company.folder / "customers.csv").write_text("".join([*others, one, twin]), encoding="utf-8")
    say(company, "c2b,2b,granted,2024-06-01 12:00:00\n")
    night(company.config, tmp_path / "home", DAYS[0])
    home = Home.at(tmp_path / "home")
    with open_catalog(home) as catalog:
        confirm(catalog, META, f"{DAYS[0]}.1", "created")
    left = [line for line in customers if line.split(",")[0] not in {"2", "3", *HALF}]
    (company.folder / "customers.csv").write_text("".join(left), encoding="utf-8")
    say(company, "w,2b,withdrawn,2024-06-30 12:00:00\n")
    files, _ = published(company, home)
    for address in (BOB, "bob.again@example.org"):
        assert sha256(address) in files["remove"] and sha256(address) not in files["full"]
    assert sha256(CARLA) in files["full"] and sha256(CARLA) not in files["remove"]


def test_who_refuses_one_thing_only_stays_where_the_other_is_what_counts(company: Company, home: Home) -> None:
    # Meta asks for consent to the upload only, and what Bob allowed is lost with the rest.
    say(company, "p,2,denied,2024-06-30 12:00:00\n")
    text = (company.config / "sources.toml").read_text(encoding="utf-8")
    both = "unnest(['ads_upload', 'ads_personalization'])"
    only = f"unnest(CASE WHEN id = 'p' THEN ['ads_personalization'] ELSE {both[7:-1]} END)"
    company.declare("sources.toml", text.replace(both, only))
    consents = "".join(line for line in lines(company, "consents") if not line.startswith("c2,"))
    (company.folder / "consents.csv").write_text(consents, encoding="utf-8")
    night(company.config, home.root, DAYS[1])
    assert not home.outbox.joinpath(*META, f"{DAYS[1]}.1").exists()


def test_whose_consent_has_ended_leaves_the_held_list(company: Company, home: Home) -> None:
    text = (company.config / "sources.toml").read_text(encoding="utf-8")
    ends = "CASE WHEN id = 'c2' THEN '2024-06-30T12:00:00Z' END AS valid_to"
    company.declare(
        "sources.toml",
        text.replace("time AS captured_at\nFROM consents", f"time AS captured_at, {ends}\nFROM consents"),
    )
    files, forbidden = published(company, home)
    assert sha256(BOB) in files["remove"] and sha256(BOB) not in files["full"]
    assert forbidden > 0


def test_whom_nothing_is_said_of_stays_where_the_crm_lacks_them(company: Company, home: Home) -> None:
    night(company.config, home.root, DAYS[1])
    assert not home.outbox.joinpath(*META, f"{DAYS[1]}.1").exists()


def test_who_has_consented_again_since_stays(company: Company, home: Home) -> None:
    say(company, "w,2,withdrawn,2024-06-30 12:00:00\n", "g,2,granted,2024-06-30 13:00:00\n")
    night(company.config, home.root, DAYS[1])
    assert not home.outbox.joinpath(*META, f"{DAYS[1]}.1").exists()


def test_an_address_that_somebody_else_may_be_sent_by_stays_theirs(company: Company, home: Home) -> None:
    """Bob's record was given another number, which agreed: the old one's refusal is of a record that is no more."""
    [record] = [
        line for line in lines(Company(ROOT / "tests" / "companies" / "small"), "customers") if line[:2] == "2,"
    ]
    customers = "".join([*lines(company, "customers"), f"new,{record[2:]}"])
    (company.folder / "customers.csv").write_text(customers, encoding="utf-8")
    say(company, "w,2,withdrawn,2024-06-30 12:00:00\n", "g,new,granted,2024-06-30 11:00:00\n")
    night(company.config, home.root, DAYS[1])
    assert not home.outbox.joinpath(*META, f"{DAYS[1]}.1").exists()


@pytest.mark.parametrize("named", ["customer_id", "email"])
def test_who_comes_onto_a_suppression_list_leaves_the_held_list(company: Company, home: Home, named: str) -> None:
    value = {"customer_id": "2", "email": BOB}[named]
    (company.folder / "stop.csv").write_text(f"who\n{value}\n", encoding="utf-8")
    column = {"customer_id": "customer_id", "email": "address"}[named]
    company.declare("suppressions/stop.toml", f'title = "Stop"\nselect = "SELECT who AS {column} FROM stop"\n')
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", f'{sources}\n[sources.stop]\nfiles = "../stop.csv"\n')
    files, forbidden = published(company, home)
    assert sha256(BOB) not in files["full"]
    assert sha256(BOB) in files["remove"]
    assert forbidden > 0
