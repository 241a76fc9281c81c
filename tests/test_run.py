from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from catalog.dry_home import temporary_copy
from catalog.home import Home
from schemas.network import networks
from tests.conftest import ROOT, Company, Ran
from tests.nights import night


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_files_hold_each_person_in_each_network_s_form(
    company: Company, installed: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = installed("run", "--config", str(company.config), home=tmp_path / "home")

    assert ran.code == 0, ran.output
    meta = ran.upload("meta/main/buyers")
    assert meta[0] == "email,email,email,phone,phone,phone,fn,ln,zip,ct,st,country,value"
    ada = [sha256("ada.lovelace@gmail.com"), "", "", sha256("33612345678"), "", "", sha256("ada"), sha256("lovelace")]
    assert ",".join([*ada, sha256("75018"), "", "", sha256("fr"), "160.00"]) in meta
    bob = [
        sha256("bob@example.org"),
        "",
        "",
        "",
        "",
        "",
        sha256("bob"),
        sha256("béranger"),
        sha256("94025"),
        "",
        "",
        sha256("us"),
        "50.00",
    ]
    assert ",".join(bob) in meta
    google = ran.upload("google_ads/main/buyers")
    assert google[0] == "Email,Email,Phone,Phone,First Name,Last Name,Country,Zip"
    carla = [
        sha256("carla@example.org"),
        "",
        sha256("+32471123456"),
        "",
        sha256("carla"),
        sha256("claes"),
        "BE",
        "1000",
    ]
    assert ",".join(carla) in google
    assert ",".join([sha256("adalovelace@gmail.com"), "", sha256("+33612345678")]) in "\n".join(google)
    assert len(meta) == len(google) == 104


def test_only_the_owner_can_open_what_a_run_leaves_in_the_home(
    company: Company, installed: Callable[..., Ran], tmp_path: Path
) -> None:
    """Dagster's own files too: it gives them the modes that the process is set to."""
    ran = installed("run", "--config", str(company.config), home=tmp_path / "home")
    assert ran.code == 0, ran.output
    left = [path for path in (tmp_path / "home").rglob("*") if not path.is_symlink()]
    assert any(path.is_file() and path.is_relative_to(tmp_path / "home" / "dagster") for path in left)
    assert {path.name: oct(path.stat().st_mode) for path in left if path.stat().st_mode & 0o077} == {}


def test_two_runs_of_one_day_and_two_homes_give_the_same_bytes(
    sample: Path, relance: Callable[..., Ran], tmp_path: Path
) -> None:
    # One segment that is large enough, on every network.
    config, segment = tmp_path / "config", (ROOT / "config" / "segments" / "loyal_customers.toml").read_text()
    shutil.copytree(ROOT / "config", config, ignore=shutil.ignore_patterns("*_customers.toml"))
    every = f"networks = {sorted(networks())}".replace("'", '"')
    (config / "segments" / "loyal.toml").write_text(re.sub(r"(?ms)^networks = \[.*?\]", every, segment))
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        shutil.copytree(sample, home / "sample")
    arguments = ("run", "--config", str(config))
    first = relance(*arguments, home=homes[0])
    # The sample of this size is too small for some networks.
    assert first.code == 4, first.output
    files = first.files()

    again = relance(*arguments, home=homes[0])
    # The day of the sample's last order.
    night(config, homes[1], "2025-06-30")

    assert len(files) >= 7
    assert again.files() == files
    assert Ran(0, "", homes[1]).files() == files
    assert "fresh" in again.output
    keys = [{path.name: path.read_text() for path in (home / "keys").iterdir()} for home in homes]
    assert not set(keys[0].values()) & set(keys[1].values())


def test_one_new_file_adds_a_segment(company: Company, tmp_path: Path) -> None:
    company.declare(
        "segments/frequent.toml",
        'title = "Frequent"\npublic_name = "often"\npurpose = "loyalty"\nwhere = "revenue >= 10"\n'
        'networks = ["meta:fr"]\nowner = "team:growth"\n',
    )

    night(company.config, tmp_path / "home", "2024-06-30")

    assert len(Ran(0, "", tmp_path / "home").upload("meta/fr/frequent")) == 104


def test_a_person_without_consent_is_in_no_file_and_in_the_ledger(company: Company, tmp_path: Path) -> None:
    company.write(
        "consents",
        "id,customer,status,time\nc1,1,granted,2023-01-01\nc2,2,granted,2023-01-01\nc3,2,withdrawn,2024-01-01\n",
    )

    night(company.config, tmp_path / "home", "2024-06-30")

    assert len(Ran(0, "", tmp_path / "home").upload("meta/main/buyers")) == 102
    [path] = (tmp_path / "home" / "outbox" / "meta" / "main" / "buyers").glob("*/manifest.json")
    ledger = json.loads(path.read_text())["ledger"]
    assert (ledger["segment_people"], ledger["file_people"]) == (103, 101)
    assert {why: people for why, people in ledger["dropped"].items() if people} == {"no_consent_to_ads_upload": 2}


def test_an_empty_audience_is_held_and_says_so(company: Company, relance: Callable[..., Ran], tmp_path: Path) -> None:
    company.write("consents", "id,customer,status,time\n")

    ran = relance("run", "--config", str(company.config), home=tmp_path / "home")

    assert ran.code == 4
    assert "nobody is left to upload: no consent to ads upload (103)" in ran.output
    assert not list((tmp_path / "home" / "outbox").rglob("*.csv"))
    assert "Held: meta/buyers" in relance("status", home=tmp_path / "home").output


def test_a_dry_run_publishes_nothing_and_leaves_nothing(
    company: Company, relance: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = relance("run", "--dry-run", "--config", str(company.config), home=tmp_path / "home")

    assert ran.code == 0, ran.output
    assert "Dry run" in ran.output
    assert "secret keys" not in ran.output
    assert "meta/buyers" in ran.output
    assert not (tmp_path / "home").exists()


def test_a_dry_run_says_what_the_run_would_and_leaves_what_is_published(
    company: Company, home_after_a_night: Path, relance: Callable[..., Ran]
) -> None:
    def published() -> dict[str, bytes]:
        files = (path for path in (home_after_a_night / "outbox").rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in files}

    before = published()
    ran = relance("run", "--dry-run", "--config", str(company.config), home=home_after_a_night)

    assert ran.code == 0, ran.output
    assert ran.output.count("fresh 2024-06-30.1") == len(list((home_after_a_night / "outbox").glob("*/*/*")))
    assert published() == before


def test_a_dry_run_lies_in_the_home_and_what_a_killed_one_left_goes_with_the_next_night(
    company: Company, home_after_a_night: Path
) -> None:
    home = Home.at(home_after_a_night)
    with temporary_copy(home) as copy:
        assert copy.root.parent == home.root
        assert [path.name for path in copy.keys.iterdir() if not path.is_symlink()] == []
        # What a kill leaves, and what somebody still works in.
        left = home.root / ".dry-run-killed"
        left.mkdir()
        (left / "warehouse.duckdb").touch()
        night(company.config, home.root, "2024-07-01")
        assert (left.exists(), copy.root.exists()) == (False, True)
    assert not copy.root.exists()


def test_of_files_that_were_deleted_the_status_says_so_and_the_next_night_makes_new_ones(
    company: Company, home_after_a_night: Path, relance: Callable[..., Ran]
) -> None:
    def status() -> str:
        return " ".join(relance("status", home=home_after_a_night).output.split())

    assert "buyers.full.csv" in status()
    shutil.rmtree(home_after_a_night / "outbox")
    assert "buyers.full.csv" not in status()
    night(company.config, home_after_a_night, "2024-06-30")
    assert "buyers.full.csv" in status()
    assert len(Ran(0, "", home_after_a_night).files()) == 2


def test_a_signed_version_verifies_and_a_changed_one_does_not(
    home_after_a_night: Path, relance: Callable[..., Ran], tmp_path: Path
) -> None:
    [folder] = (home_after_a_night / "outbox" / "meta" / "main" / "buyers").iterdir()
    assert relance("verify", str(folder), home=home_after_a_night).code == 0
    key = tmp_path / "their.pub"
    shutil.copyfile(home_after_a_night / "keys" / "signing.pub", key)
    assert relance("verify", str(folder), "--public-key", str(key), home=tmp_path / "elsewhere").code == 0

    [file] = folder.glob("*.csv")
    file.write_bytes(file.read_bytes() + b"\n")

    changed = relance("verify", str(folder), home=home_after_a_night)
    assert changed.code == 1
    assert "buyers.full.csv is not the file that was published" in changed.output


def test_a_night_is_in_the_audit_log_and_the_log_holds(home_after_a_night: Path, relance: Callable[..., Ran]) -> None:
    shown = relance("audit", "show", home=home_after_a_night)
    assert [word for word in ("run started", "published", "run ended") if word not in shown.output] == []
    verified = relance("audit", "verify", home=home_after_a_night)
    assert verified.code == 0, verified.output
    assert "newer than any signed head" not in verified.output


def test_the_ledger_says_which_identifiers_were_no_match_key_and_why(company: Company, tmp_path: Path) -> None:
    customers = (company.folder / "customers.csv").read_text()
    company.write("customers", customers + "bad,none@none.com,12,Bad,Case,75001,FR,2023-01-01\n")
    orders = (company.folder / "orders.csv").read_text()
    company.write("orders", orders + "obad,bad,2024-06-01,10.00,EUR,completed\n")

    night(company.config, tmp_path / "home", "2024-06-30")

    [path] = (tmp_path / "home" / "outbox" / "meta" / "main" / "buyers").glob("*/manifest.json")
    ledger = json.loads(path.read_text())["ledger"]
    assert ledger["refused_identifiers"] == {"email: placeholder": 1, "phone: not_valid": 1}
