"""What the commands say and with which code they end: one sentence that names the file, the row or the setting."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from catalog.home import Home
from catalog.secret_keys import NAMES, SecretKeys, open_keys
from catalog.store import open_catalog
from commands.main import app
from pipelines.holdings.confirming import confirm
from pipelines.uploads.versions.manifest import signed
from schemas.audit import BEGINNING
from schemas.network import networks
from schemas.segment import Audience
from schemas.uploads import FileEntry, Ledger, Manifest
from tests.conftest import Company

LOYAL = Audience("google_ads", "fr", "loyal")
DAY = date(2025, 6, 30)

SEGMENT = """title = "Loyal customers"
public_name = "club_b"
purpose = "loyalty"
where = "orders_count >= 5"
networks = ["meta", "google_ads:fr"]
owner = "team:growth"
"""
SOURCES = (
    '[sources.crm]\nfiles = "crm.csv"\n[tables.customers]\nselect = "SELECT id AS customer_id FROM crm"\n'
    + "".join(f"[tables.{name}]\nabsent = true\n" for name in ("orders", "consents", "visits", "erasures"))
)


@pytest.fixture(autouse=True)
def no_other_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither this machine's settings nor its folders take part."""
    for name in ("HOME", "CONFIG", "KEYS", *(f"{name.upper()}_KEY" for name in NAMES)):
        monkeypatch.delenv(f"RELANCE_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config folder in order."""
    folder = tmp_path / "config"
    (folder / "segments").mkdir(parents=True)
    (folder / "relance.toml").write_text('currency = "EUR"\ntime_zone = "Europe/Paris"\n', encoding="utf-8")
    (folder / "sources.toml").write_text(SOURCES, encoding="utf-8")
    (folder / "segments" / "loyal.toml").write_text(SEGMENT, encoding="utf-8")
    (folder / "crm.csv").write_text("id\n1\n", encoding="utf-8")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A new home."""
    home = Home.at(tmp_path / "home")
    home.create()
    return home


def relance(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.output
    return result


def words(result: Result) -> str:
    """All that was said, on one line: a narrow terminal breaks sentences."""
    return " ".join(result.output.split())


# check


def test_check_says_what_is_declared(config: Path) -> None:
    result = relance("check", "--config", config)
    assert result.exit_code == 0
    assert result.stdout == f"{config}: 1 segment, 2 audiences on google_ads, meta, 0 rates. All in order.\n"


def test_check_takes_the_config_folder_of_the_environment(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELANCE_CONFIG", str(config))
    assert relance("check").exit_code == 0


def test_check_without_a_folder_looks_beside_and_says_how_to_get_one(tmp_path: Path) -> None:
    result = relance("check")
    assert result.exit_code == 2
    assert str(tmp_path / "config" / "relance.toml") in result.stderr
    assert "relance init" in result.stderr


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("relance.toml", 'curency = "EUR"', "curency: is not a field of this file"),
        ("relance.toml", 'currency = "EUR"\ntime_zone = "Paris"', "time_zone: 'Paris' is no IANA time zone"),
        ("relance.toml", "currency = ", "is not TOML"),
        ("sources.toml", SOURCES.replace("files", "fils"), "sources.crm.fils: is not a field of this file"),
        ("sources.toml", SOURCES.replace("FROM crm", "FROM crn"), "reads crn, which sources.toml does not declare"),
        ("sources.toml", SOURCES.replace("AS customer_id", "AS id"), "gives id, which is no column of customers"),
        ("suppressions/out.toml", 'title = "x"\nselect = "SELECT id AS mail FROM crm"', "gives mail; it must give"),
        ("segments/loyal.toml", SEGMENT.replace("meta", "mata"), "networks lists 'mata'"),
        ("segments/loyal.toml", SEGMENT.replace("orders_count", "order_count"), "order_count is no column"),
        ("segments/loyal.toml", SEGMENT.replace("orders_count >= 5", "revenue"), "not true or false"),
        ("segments/loyal.toml", SEGMENT.replace("orders_count >= 5", "recency_days < 9"), "needs order times"),
        ("segments/new.toml", SEGMENT, "public_name 'club_b' is also that of loyal.toml"),
        ("segments/Top-10.toml", SEGMENT.replace("club_b", "club_a"), "the file's name must match [a-z][a-z0-9_]*"),
        ("rates.csv", "currency,valid_from,rate\nUSD,soon,1\n", "line 2: expected a currency code"),
    ],
)
def test_check_ends_with_2_and_names_the_file_and_the_field(config: Path, file: str, content: str, told: str) -> None:
    (config / file).parent.mkdir(exist_ok=True)
    (config / file).write_text(content, encoding="utf-8")
    result = relance("check", "--config", config)
    assert result.exit_code == 2
    assert file in words(result)
    assert told in words(result)
    assert result.stdout == ""
    assert result.stderr.startswith("config error: ")
    assert len(result.stderr.splitlines()) == 1


def test_a_message_is_shown_as_it_is_whatever_brackets_it_holds(tmp_path: Path, config: Path) -> None:
    folder = shutil.copytree(config, tmp_path / "conf [red] [/nothing]")
    assert str(folder) in words(relance("check", "--config", folder))
    (folder / "relance.toml").unlink()
    assert str(folder / "relance.toml") in words(relance("check", "--config", folder))


@pytest.mark.parametrize("arguments", [["check", "--conf"], ["chek"], ["verify"], ["check", "surplus"]])
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert relance(*arguments).exit_code == 2


def test_relance_alone_lists_its_commands() -> None:
    said = words(relance("--help"))
    assert all(command in said for command in ("sample", "run", "check", "init", "doctor", "status", "verify"))


def test_the_installed_command_gives_the_same_codes(config: Path) -> None:
    command = Path(sys.executable).parent / "relance"
    (config / "relance.toml").write_text('curency = "EUR"', encoding="utf-8")
    ended = subprocess.run([command, "check", "--config", config], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("config error: ")
    assert "curency: is not a field of this file" in ended.stderr
    assert ended.stdout == ""


# run, before it starts


@pytest.mark.parametrize("how", [[], ["--dry-run"]])
def test_a_run_in_a_home_that_is_held_ends_with_3(config: Path, home: Home, how: list[str]) -> None:
    with home.locked():
        result = relance("run", "--config", config, "--home", home.root, *how)
    assert result.exit_code == 3
    assert f"Another process is working in {home.root}." in words(result)
    assert not home.outbox.exists()


def test_a_run_with_a_wrong_config_ends_with_2_and_makes_nothing(config: Path, tmp_path: Path) -> None:
    (config / "relance.toml").write_text('curency = "EUR"', encoding="utf-8")
    assert relance("run", "--config", config, "--home", tmp_path / "new").exit_code == 2
    assert not (tmp_path / "new" / "keys").exists()


@pytest.mark.parametrize(
    "arguments", [["run", "--config", "config"], ["run", "--config", "config", "--dry-run"], ["doctor"]]
)
def test_a_file_where_the_home_belongs_ends_with_2(config: Path, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "file").touch()
    given = [str(config) if each == "config" else each for each in arguments]
    result = relance(*given, "--home", tmp_path / "file")
    assert result.exit_code == 2
    assert f"{tmp_path / 'file'} cannot be the home: it is a file." in words(result)


def test_settings_beside_the_checkout_that_may_not_be_read_end_with_2(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable() -> None:
        raise PermissionError(13, "Permission denied")

    # Root may read everything.
    monkeypatch.setattr("commands.context.Environment", unreadable)
    monkeypatch.chdir(tmp_path)

    result = relance("run", "--config", str(config))

    assert result.exit_code == 2
    told = "cannot be read: permission denied. Let relance's user read it, or run in another folder."
    assert f"{tmp_path / '.env'} {told}" in words(result)


def test_a_run_without_its_key_ends_with_1_and_says_which_file_to_restore(config: Path, home: Home) -> None:
    open_keys(home)
    home.warehouse.write_bytes(b"data")
    (home.keys / "identity.key").unlink()
    result = relance("run", "--config", config, "--home", home.root)
    assert result.exit_code == 1
    assert "Restore the file identity.key from your backup" in words(result)
    assert not (home.keys / "identity.key").exists()


# status


def ended_night(home: Home, outcome: str = "done", messages: list[str] | None = None) -> int:
    with open_catalog(home) as catalog:
        night = catalog.begin_night(DAY)
        catalog.end_night(night, outcome, messages or [], 0)
    return night


def test_status_of_a_home_where_nothing_ran_ends_with_1_and_says_what_does(home: Home) -> None:
    result = relance("status", "--home", home.root)
    assert result.exit_code == 1
    assert f"{home.root} has no catalog: nothing ran there yet. `relance run` does." in words(result)
    assert not home.catalog.exists()


def test_status_before_the_first_night_says_so(home: Home) -> None:
    with open_catalog(home):
        pass
    result = relance("status", "--home", home.root)
    assert result.exit_code == 0
    assert "No night was run yet." in result.stdout


def test_status_tells_the_night_the_newest_versions_and_that_nothing_is_held(home: Home) -> None:
    night = ended_night(home)
    with open_catalog(home) as catalog:
        full = (FileEntry(name="club_b.full.csv", kind="full", rows=1200, bytes=9, sha256="0" * 64),)
        for version in ("2025-06-29.1", "2025-06-30.1"):
            catalog.add_version(LOYAL, manifest(version, full), content=version)
        catalog.record_outcome(LOYAL, DAY, "published", night=night, version="2025-06-30.1")
    result = relance("status", "--home", home.root)
    assert result.exit_code == 0
    assert "Last night: 2025-06-30, done, ended " in result.stdout
    assert "No audience is held." in result.stdout
    (row,) = [line for line in result.stdout.splitlines() if "google_ads/fr/loyal" in line]
    assert all(cell in row for cell in ("club_b", "2025-06-30.1", "1,200"))
    assert "2025-06-29.1" not in result.stdout


def test_status_says_for_how_long_no_night_has_begun(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    ended_night(home)
    assert "late:" not in words(relance("status", "--home", home.root))
    monkeypatch.setattr("catalog.store.now", lambda: datetime.now(UTC) - timedelta(days=12))
    ended_night(home)
    assert "Late: no night has begun for 12 days" in words(relance("status", "--home", home.root))


def test_status_says_of_a_night_that_was_killed_that_it_was_and_of_one_that_runs_that_it_does(home: Home) -> None:
    with open_catalog(home) as catalog:
        catalog.begin_night(DAY)
    with home.locked():
        assert "running, ended not yet" in words(relance("status", "--home", home.root))
    killed = words(relance("status", "--home", home.root))
    assert "interrupted, ended 2" in killed
    assert "Failed: The run was killed, or its machine stopped" in killed


@pytest.mark.parametrize("second", [1, -1])
def test_status_counts_the_days_without_a_night_in_the_company_s_zone(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: int
) -> None:
    """A second after or before a midnight there: by UTC one of the two would be another day, whatever the hour is."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "relance.toml").write_text('currency = "EUR"\ntime_zone = "Pacific/Kiritimati"\n')
    today = datetime.now(ZoneInfo("Pacific/Kiritimati")).replace(hour=0, minute=0, second=0, microsecond=0)
    begun = today - timedelta(days=12 if second > 0 else 11) + timedelta(seconds=second)
    monkeypatch.setattr("catalog.store.now", lambda: begun)
    ended_night(home)
    said = words(relance("status", "--home", home.root, "--config", tmp_path / "config"))
    assert "Late: no night has begun for 12 days" in said


def test_status_counts_the_rows_of_a_file_made_anew_and_no_people_that_nobody_counted(home: Home) -> None:
    ended_night(home)
    full = (FileEntry(name="club_b.full.csv", kind="full", rows=1199, bytes=9, sha256="0" * 64),)
    reduced = manifest("2025-06-30.1", full).model_copy(update={"reduced_from": "2025-06-29.1"})
    with open_catalog(home) as catalog:
        catalog.add_version(LOYAL, reduced, content="reduced")
    (row,) = [line for line in relance("status", "--home", home.root).stdout.splitlines() if "2025-06-30.1" in line]
    assert row.count("1,199") == 1 and "1,200" not in row and "–" in row
    # A later night that finds it to be what a new one would be has counted them.
    counted = Ledger(segment_people=1199, dropped={}, file_people=1187, file_rows=1199).model_dump()
    with open_catalog(home) as catalog:
        catalog.record_outcome(LOYAL, DAY, "fresh", night=1, version="2025-06-30.1", ledger=counted)
    (row,) = [line for line in relance("status", "--home", home.root).stdout.splitlines() if "2025-06-30.1" in line]
    assert row.count("1,199") == 1 and row.count("1,187") == 1


def test_status_names_audiences_whose_files_were_withdrawn(home: Home) -> None:
    night = ended_night(home)
    with open_catalog(home) as catalog:
        for version in ("2025-06-29.1", "2025-06-30.1"):
            catalog.add_version(LOYAL, manifest(version), content=version)
        catalog.record_outcome(LOYAL, DAY, "published", night=night, version="2025-06-30.1")
        catalog.set_state(LOYAL, "2025-06-30.1", "withdrawn")
    older = relance("status", "--home", home.root)
    # What is older than what was withdrawn is not offered in its place.
    assert "2025-06-29.1" not in older.stdout and "2025-06-30.1" not in older.stdout.partition("ended")[2]
    with open_catalog(home) as catalog:
        catalog.set_state(LOYAL, "2025-06-29.1", "withdrawn")
    none = relance("status", "--home", home.root)
    assert "google_ads/fr/loyal" in none.stdout
    for told in (older, none):
        said = " ".join(re.sub(r"[│┃]", " ", told.stdout).split())
        assert "The files were withdrawn" in said and "the next night publishes new ones" in said
        assert "may still hold" not in said and "nothing" not in said


def test_status_says_to_delete_an_older_list_though_the_newest_files_were_withdrawn(home: Home) -> None:
    ended_night(home)
    full = (FileEntry(name="club_b.full.csv", kind="full", rows=1199, bytes=9, sha256="0" * 64),)
    with open_catalog(home) as catalog:
        for version in ("2025-06-29.1", "2025-06-30.1"):
            catalog.add_version(LOYAL, manifest(version, full), content=version)
            confirm(catalog, LOYAL, version, "created")
        catalog.set_state(LOYAL, "2025-06-30.1", "withdrawn")
    said = " ".join(re.sub(r"[│┃]", " ", relance("status", "--home", home.root).stdout).split())
    assert "Delete the list" in said and "2025-06-29.1" in said and "The files were withdrawn" in said


def test_status_tells_which_audiences_are_held_and_why(home: Home) -> None:
    night = ended_night(home, "held")
    with open_catalog(home) as catalog:
        catalog.record_outcome(LOYAL, DAY, "held", night=night, reason="it lost 40 % of its people [since 2025-06-29]")
    result = relance("status", "--home", home.root)
    assert result.exit_code == 0
    assert "Held: google_ads/fr/loyal: it lost 40 % of its people [since 2025-06-29]." in words(result)
    assert "No audience is held." not in result.stdout


def test_status_tells_what_failed(home: Home) -> None:
    ended_night(home, "failed", ["Source crm: no file matches /crm/[0-9]*.csv."])
    result = relance("status", "--home", home.root)
    assert "Last night: 2025-06-30, failed" in result.stdout
    assert "Failed: Source crm: no file matches /crm/[0-9]*.csv." in words(result)


def test_status_can_be_asked_while_a_night_runs(home: Home) -> None:
    with open_catalog(home) as catalog:
        catalog.begin_night(DAY)
    with home.locked():
        result = relance("status", "--home", home.root)
    assert result.exit_code == 0
    assert "running, ended not yet" in words(result)


# verify


def manifest(version: str = "2025-06-30.1", files: tuple[FileEntry, ...] = ()) -> Manifest:
    return Manifest(
        network=LOYAL.network, account=LOYAL.account, segment=LOYAL.segment, public_name="club_b", version=version,
        as_of=version.rsplit(".", 1)[0], base=None, rules_version="r1", assumptions=(), withheld={},
        ledger=Ledger(segment_people=1200, dropped={}, file_people=1200, file_rows=1200), files=files,
    )  # fmt: skip


def published(home: Home, keys: SecretKeys) -> Path:
    """A version's folder with one file and its signed manifest."""
    folder = home.outbox / "google_ads" / "fr" / "loyal" / "2025-06-30.1"
    folder.mkdir(parents=True)
    content = b"Email\n" + hashlib.sha256(b"jane@x.fr").hexdigest().encode() + b"\n"
    (folder / "club_b.full.csv").write_bytes(content)
    entry = FileEntry(
        name="club_b.full.csv", kind="full", rows=1, bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
    )
    (folder / "manifest.json").write_text(
        signed(manifest(files=(entry,)), BEGINNING, keys).model_dump_json(), encoding="utf-8"
    )
    return folder


@pytest.mark.parametrize("name", ["", "manifest.json"])
def test_verify_says_that_a_version_is_as_it_was_signed(home: Home, name: str) -> None:
    folder = published(home, open_keys(home))
    result = relance("verify", folder / name if name else folder, "--home", home.root)
    assert result.exit_code == 0
    assert "signature and checksums hold: club_b.full.csv (1 row)." in words(result)


def test_verify_needs_the_public_key_only(home: Home, tmp_path: Path) -> None:
    folder = published(home, open_keys(home))
    public = shutil.copy(home.keys / "signing.pub", tmp_path / "partner.pub")
    shutil.rmtree(home.keys)
    assert relance("verify", folder, "--public-key", public, "--home", tmp_path / "nowhere").exit_code == 0


def test_verify_works_with_a_signing_key_of_the_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELANCE_SIGNING_KEY", "5" * 64)
    folder = published(home, open_keys(home))
    result = relance("verify", folder, "--home", home.root)
    assert result.exit_code == 0, words(result)


def test_verify_tells_a_changed_file(home: Home) -> None:
    folder = published(home, open_keys(home))
    with (folder / "club_b.full.csv").open("ab") as file:
        file.write(b"x\n")
    result = relance("verify", folder, "--home", home.root)
    assert result.exit_code == 1
    assert f"{folder / 'manifest.json'}: club_b.full.csv is not the file that was published." in words(result)


def test_verify_tells_a_missing_file(home: Home) -> None:
    folder = published(home, open_keys(home))
    (folder / "club_b.full.csv").unlink()
    result = relance("verify", folder, "--home", home.root)
    assert result.exit_code == 1
    assert "club_b.full.csv is missing" in words(result)


@pytest.mark.parametrize(
    "change", [{"version": "2025-07-01.1"}, {"withheld": {"phones": 5}}, {"signature": None}, {"files": []}]
)
def test_verify_tells_a_changed_manifest(home: Home, change: dict[str, object]) -> None:
    folder = published(home, open_keys(home))
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**content, **change}), encoding="utf-8")
    result = relance("verify", folder, "--home", home.root)
    assert result.exit_code == 1
    assert "the signature does not hold for this public key" in words(result)


def test_verify_trusts_its_own_key_and_not_the_one_that_a_manifest_brings(home: Home) -> None:
    open_keys(home)
    folder = published(home, SecretKeys("1" * 64, "2" * 64, "3" * 64))
    result = relance("verify", folder, "--home", home.root)
    assert result.exit_code == 1
    assert "the signature does not hold for this public key" in words(result)


@pytest.mark.parametrize("content", ["", "{}", '{"network": "meta"}', "é"])
def test_verify_tells_what_is_no_manifest(home: Home, tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_bytes(content.encode("latin-1"))
    result = relance("verify", tmp_path / "manifest.json", "--home", home.root)
    assert result.exit_code == 1
    assert f"{tmp_path / 'manifest.json'} is no manifest or certificate of relance, or it was changed." in words(result)


def test_verify_of_nothing_ends_with_2(home: Home, tmp_path: Path) -> None:
    result = relance("verify", tmp_path / "nowhere", "--home", home.root)
    assert result.exit_code == 2
    assert f"There is no manifest {tmp_path / 'nowhere'}." in words(result)


def test_verify_without_a_public_key_says_how_to_name_one(home: Home) -> None:
    folder = published(home, SecretKeys("1" * 64, "2" * 64, "3" * 64))
    result = relance("verify", folder, "--home", home.root)
    assert result.exit_code == 2
    assert f"There is no public key {home.keys / 'signing.pub'}. Name the signer's with --public-key." in words(result)


# networks and segments


def test_networks_lists_every_shipped_network_with_its_minimum_its_updates_and_how_sure_that_is() -> None:
    result = relance("networks")
    assert result.exit_code == 0
    assert len(networks()) == 16
    cells = [[cell.strip() for cell in line.split("│")] for line in result.stdout.splitlines()]
    firsts = {row[1]: row for row in cells if len(row) > 6 and row[1]}
    for name, network in networks().items():
        assert firsts[name][4] == f"{network.file.minimum_rows.full:,}"
        assert firsts[name][5].startswith("full, ")
        assert re.match(r"\d+ (documented|seen in|secondary|unconfirmed)", firsts[name][6])


def test_segments_lists_every_declared_segment_with_its_rule(config: Path) -> None:
    result = relance("segments", "--config", config)
    assert result.exit_code == 0
    said = words(result)
    assert all(cell in said for cell in ("loyal", "Loyal customers", "club_b", "orders_count >= 5", "team:growth"))
    assert "meta" in said
    assert "google_ads:fr" in said


def test_a_segment_is_listed_as_it_is_whatever_brackets_it_holds(config: Path) -> None:
    text = SEGMENT.replace("Loyal customers", "Loyal [FR] [b]")
    (config / "segments" / "loyal.toml").write_text(text, encoding="utf-8")
    assert "Loyal [FR] [b]" in words(relance("segments", "--config", config))


def test_segments_of_a_wrong_folder_end_with_2(config: Path) -> None:
    (config / "segments" / "loyal.toml").write_text("titel = 1", encoding="utf-8")
    result = relance("segments", "--config", config)
    assert result.exit_code == 2
    assert "titel: is not a field of this file" in words(result)


# doctor


def examinations(result: Result) -> dict[str, str]:
    """What the doctor found well or ill, by name."""
    found = [line.split(maxsplit=1) for line in result.stdout.splitlines() if line.startswith(("well", "ill"))]
    return {rest.split(":")[0]: verdict for verdict, rest in found}


EXAMINED = ("config", "keys", "catalog", "home", "disk", "extensions", "lock", "time zone", "alerts")


def test_doctor_finds_a_new_home_well_and_makes_nothing_there(config: Path, home: Home) -> None:
    result = relance("doctor", "--config", config, "--home", home.root)
    assert examinations(result) == dict.fromkeys(EXAMINED, "well")
    assert result.exit_code == 0
    assert not home.keys.exists()
    assert not home.warehouse.exists()


def test_doctor_ends_with_1_and_tells_all_that_is_ill_at_once(
    config: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_WAREHOUSE_KEY", "5" * 64)
    open_keys(home)
    home.warehouse.write_bytes(b"data")
    (home.keys / "identity.key").write_text("correct horse battery staple", encoding="ascii")
    (config / "segments" / "Top-10.toml").write_text(SEGMENT, encoding="utf-8")
    with home.locked():
        result = relance("doctor", "--config", config, "--home", home.root)
    assert result.exit_code == 1
    found = examinations(result)
    assert [name for name, verdict in found.items() if verdict == "ill"] == [
        "config",
        "keys",
        "home",
        "lock",
        "time zone",
        "alerts",
    ]
    assert f"Another process is working in {home.root}." in words(result)
    assert f"{home.keys / 'identity.key'} does not hold a key" in words(result)
    assert "warehouse missing" not in words(result)
    assert "Top-10.toml: the file's name must match [a-z][a-z0-9_]*, because" in words(result)
    assert not [secret for secret in ("correct horse", "5" * 64) if secret in words(result)]


def test_doctor_says_where_the_keys_come_from(config: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WAREHOUSE", "IDENTITY"):
        monkeypatch.setenv(f"RELANCE_{name}_KEY", "5" * 64)
    open_keys(home)
    said = words(relance("doctor", "--config", config, "--home", home.root))
    assert f"1 in {home.keys}, readable by its owner only" in said
    assert "from RELANCE_WAREHOUSE_KEY, RELANCE_IDENTITY_KEY" in said
    monkeypatch.setenv("RELANCE_SIGNING_KEY", "5" * 64)
    assert "readable by" not in words(relance("doctor", "--config", config, "--home", home.root))


def test_a_sample_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = relance("sample", tmp_path / "file" / "sample")
    assert result.exit_code == 2
    assert "cannot be written: not a directory. Give another DIR." in words(result)


def test_doctor_looks_into_the_catalog(config: Path, home: Home) -> None:
    with open_catalog(home) as catalog:
        catalog.record("forgot", "r1", {})
    found = relance("doctor", "--config", config, "--home", home.root)
    assert examinations(found)["catalog"] == "well"
    with home.catalog.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 8192)

    result = relance("doctor", "--config", config, "--home", home.root)

    assert examinations(result)["catalog"] == "ill"
    assert f"{home.catalog} is damaged. Restore the home from its last backup" in words(result)


def test_a_run_of_some_assets_by_hand_does_not_stand_for_the_last_night(home: Home) -> None:
    night = ended_night(home, "held")
    with open_catalog(home) as catalog:
        catalog.record_outcome(LOYAL, DAY, "held", night=night, reason="it lost 40 % of its people")
        by_hand = catalog.begin_night(date(2025, 6, 28))
        catalog.end_night(by_hand, "partial", [], 0)
    result = relance("status", "--home", home.root)
    assert "Last night: 2025-06-30, held, ended " in result.stdout
    assert "Held: google_ads/fr/loyal: it lost 40 % of its people." in words(result)
    assert "A run since, of some assets or an older day: 2025-06-28, partial, ended " in result.stdout
    assert "No audience is held." not in result.stdout


def test_what_was_held_is_told_also_when_it_was_run_again_by_hand(home: Home) -> None:
    ended_night(home, "held")
    with open_catalog(home) as catalog:
        by_hand = catalog.begin_night(DAY)
        catalog.record_outcome(LOYAL, DAY, "held", night=by_hand, reason="it lost 40 % of its people")
        catalog.end_night(by_hand, "partial", [], 0)
    result = relance("status", "--home", home.root)
    assert "Held: google_ads/fr/loyal: it lost 40 % of its people." in words(result)


def test_a_day_before_the_newest_that_went_through_is_no_last_night_and_a_failed_one_knows_nothing_of_holds(
    home: Home,
) -> None:
    ended_night(home)
    with open_catalog(home) as catalog:
        for day in (date(2025, 6, 28), date(2025, 7, 1)):
            night = catalog.begin_night(day)
            catalog.end_night(night, "failed", [f"The CRM of {day} cannot be read."], 1)
            result = relance("status", "--home", home.root)
            assert f"Failed: The CRM of {day} cannot be read." in words(result)
            last = "2025-06-30, done" if day < DAY else "2025-07-01, failed"
            assert f"Last night: {last}, ended " in result.stdout
    assert "No audience is held." not in result.stdout


def test_a_file_of_people_to_forget_that_is_not_utf_8_is_told_without_what_it_holds(
    company: Company, tmp_path: Path
) -> None:
    (tmp_path / "people.txt").write_bytes("josé@example.org\n".encode("latin-1"))
    with open_catalog(Home.at(tmp_path / "home")):
        config = ["--config", str(company.config), "--home", str(tmp_path / "home")]
    result = CliRunner().invoke(app, ["forget", "--file", str(tmp_path / "people.txt"), *config])
    assert result.exit_code == 2, result.output
    assert "people.txt is not UTF-8. Save it as UTF-8; nothing was done." in " ".join(result.output.split())
    assert "example.org" not in result.output
