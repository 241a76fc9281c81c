"""Home, keys, catalog and warehouse belong together: another's is refused before anything is written, and so is a new
one in the place of what is lost, until `relance adopt` says that it is lost for good.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from typer.testing import CliRunner

from catalog.belonging import adopted_because
from catalog.database import METADATA, database, writing
from catalog.erasures import erasure_requests
from catalog.home import Environment, Home
from catalog.journal import confirmations
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import open_warehouse
from commands.main import app
from pipelines.holdings.confirming import confirm
from schemas.errors import WarehouseError
from schemas.segment import Audience
from tests.conftest import Company
from tests.nights import night
from tests.processes import ROOT

META = Audience("meta", "main", "buyers")
DAYS = ("2024-06-30", "2024-07-01", "2024-07-02")

#: Commands that write, or tell of what is there.
COMMANDS = (
    ("run",),
    ("run", "--dry-run"),
    ("confirm", "meta/buyers", "2024-06-30.1", "--as", "created"),
    ("forget", "somebody@example.org"),
    ("status",),
    ("doctor",),
)
#: Of these, those that take no secret key.
WITHOUT_KEYS = {"confirm", "status"}


@pytest.fixture
def home(home_after_a_night: Path) -> Home:
    return Home.at(home_after_a_night)


def refused(*arguments: str, home: Home, company: Company, code: int = 1) -> str:
    """What a command says that is refused."""
    options = [] if arguments[0] in {"confirm", "adopt"} else ["--config", str(company.config)]
    ran = CliRunner().invoke(app, [*arguments, "--home", str(home.root), *options])
    assert ran.exit_code == code, ran.output
    return " ".join(ran.output.split())


def state(home: Home) -> dict[str, bytes]:
    """Every file of the home but its lock, and SQLite's own two that come and go with a reader."""
    passing = {"lock", "catalog.sqlite-shm", "catalog.sqlite-wal"}
    files = (path for path in home.root.rglob("*") if path.is_file() and path.name not in passing)
    return {str(path.relative_to(home.root)): path.read_bytes() for path in files}


def audit_lines(home: Home) -> list[tuple[str, str]]:
    with open_catalog(home) as catalog:
        return [(row["action"], row["subject"]) for row in catalog.audit_lines()]


def other_key(home: Home, name: str) -> None:
    (home.keys / f"{name}.key").write_text(secrets.token_hex(32), encoding="ascii")


def another_home(folder: Path) -> Home:
    home = Home.at(folder)
    with open_warehouse(home, open_keys(home), "500MB"):
        pass
    return home


def lose_catalog(home: Home) -> None:
    for path in home.root.glob("catalog.sqlite*"):
        path.unlink()


@pytest.mark.parametrize("command", [each for each in COMMANDS if each[0] not in WITHOUT_KEYS])
def test_another_identity_key_is_refused_before_anything_is_written(
    home: Home, company: Company, command: tuple[str, ...]
) -> None:
    right = (home.keys / "identity.key").read_text(encoding="ascii")
    other_key(home, "identity")
    before = state(home)
    said = refused(*command, home=home, company=company)
    assert "is not the one that" in said and "whoever was forgotten would come back" in said
    assert state(home) == before
    with open_catalog(home) as catalog:
        assert erasure_requests(catalog) == []
    (home.keys / "identity.key").write_text(right, encoding="ascii")
    assert open_keys(home).identity == right.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_catalog_of_another_home_is_refused_before_anything_is_written(
    home: Home, company: Company, command: tuple[str, ...], tmp_path: Path
) -> None:
    other = another_home(tmp_path / "other")
    lose_catalog(home)
    shutil.copyfile(other.catalog, home.catalog)
    before = state(home)
    assert f"{home.catalog} belongs to another home than {home.root}" in refused(*command, home=home, company=company)
    assert state(home) == before


@pytest.mark.parametrize("is_new", [True, False])
def test_no_other_home_writes_into_the_catalog_that_the_environment_names(
    first_night: Path,
    company: Company,
    tmp_path: Path,
    postgresql_database: str,
    monkeypatch: pytest.MonkeyPatch,
    is_new: bool,
) -> None:
    """As where a `.env` names production's keys and catalog, and `--home` another home."""
    production = on_postgresql(first_night, tmp_path / "production", postgresql_database)
    before = audit_lines(production)
    other = Home.at(tmp_path / "other") if is_new else another_home(tmp_path / "other")
    other.create()
    monkeypatch.setenv("RELANCE_CATALOG", postgresql_database)
    monkeypatch.setenv("RELANCE_KEYS", str(production.keys))
    for command in COMMANDS:
        said = refused(*command, home=other, company=company)
        assert "The catalog that RELANCE_CATALOG names belongs to another home than" in said
    assert audit_lines(production) == before
    assert other.warehouse.exists() != is_new


@pytest.mark.parametrize("command", COMMANDS)
def test_no_new_catalog_takes_the_place_of_one_that_is_lost(
    home: Home, company: Company, command: tuple[str, ...]
) -> None:
    lose_catalog(home)
    before = state(home)
    assert f"{home.root} has data but its catalog is not at" in refused(*command, home=home, company=company)
    assert state(home) == before


def test_an_empty_database_is_not_taken_for_the_catalog_of_a_home_with_data(
    home: Home, company: Company, postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after RELANCE_CATALOG was lost from a timer's environment, or names another database."""
    monkeypatch.setenv("RELANCE_CATALOG", postgresql_database)
    said = refused("run", home=home, company=company)
    assert "has data but its catalog is not the one that RELANCE_CATALOG names" in said
    engine = sa.create_engine(postgresql_database.replace("postgresql:", "postgresql+psycopg:"))
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


@pytest.mark.parametrize("command", [("run",), ("run", "--dry-run"), ("why", "1"), ("replay", DAYS[0]), ("doctor",)])
def test_no_new_warehouse_takes_the_place_of_one_that_is_lost(
    home: Home, company: Company, command: tuple[str, ...]
) -> None:
    home.warehouse.unlink()
    before = state(home)
    said = refused(*command, home=home, company=company)
    assert f"{home.warehouse} is not there, although the catalog has nights of this home" in said
    assert state(home) == before


def test_a_request_to_be_forgotten_is_kept_although_the_warehouse_is_lost(home: Home, company: Company) -> None:
    home.warehouse.unlink()
    assert "is not there, although" in refused("forget", "somebody@example.org", home=home, company=company)
    with open_catalog(home) as catalog:
        assert len(erasure_requests(catalog)) == 1
    assert not home.warehouse.exists()


def test_the_doctor_opens_the_warehouse(home: Home, company: Company) -> None:
    ran = CliRunner().invoke(app, ["doctor", "--home", str(home.root), "--config", str(company.config)])
    assert "its keys, catalog and warehouse belong together" in " ".join(ran.output.split())
    with home.locked():
        said = refused("doctor", home=home, company=company)
        assert "belong together; a run holds the warehouse, which was not opened" in said
    right = (home.keys / "warehouse.key").read_text(encoding="ascii")
    other_key(home, "warehouse")
    before = state(home)
    assert "was made with another warehouse key" in refused("doctor", home=home, company=company)
    assert state(home) == before
    (home.keys / "warehouse.key").write_text(right, encoding="ascii")
    home.warehouse.write_bytes(os.urandom(300_000))
    assert "cannot be opened as a DuckDB file" in refused("doctor", home=home, company=company)


def test_a_signing_key_with_which_nothing_older_verifies_is_refused(
    home: Home, company: Company, tmp_path: Path
) -> None:
    other = another_home(tmp_path / "other")
    for name in ("signing.key", "signing.pub"):
        shutil.copyfile(other.keys / name, home.keys / name)
    before = state(home)
    for command in ("run", "doctor"):
        assert "nothing that it signed could be verified" in refused(command, home=home, company=company)
    assert state(home) == before


def test_a_signing_key_that_is_exchanged_as_documented_is_logged_once(home: Home, company: Company) -> None:
    assert CliRunner().invoke(app, ["keys", "rotate", "signing", "--home", str(home.root)]).exit_code == 0
    assert audit_lines(home).count(("key_rotated", "signing")) == 1
    # As one of the environment is exchanged, or one that was lost without its public half.
    other_key(home, "signing")
    night(company.config, home.root, DAYS[1])
    assert audit_lines(home).count(("key_rotated", "signing")) == 2
    # One that leaked is no longer accepted, and the home goes on.
    (home.keys / "signing-1.pub").unlink()
    night(company.config, home.root, DAYS[2])


def adopted(home: Home, reason: str = "the disk broke, and no backup was made") -> str:
    ran = CliRunner().invoke(app, ["adopt", "--reason", reason, "--home", str(home.root)])
    assert ran.exit_code == 0, ran.output
    return " ".join(ran.output.split())


def test_a_home_whose_catalog_is_lost_for_good_goes_on_with_a_new_one(home: Home, company: Company) -> None:
    lose_catalog(home)
    assert "belong together" in adopted(home)
    night(company.config, home.root, DAYS[1])
    assert audit_lines(home)[0] == ("adopted", "home")
    assert ("restored", "home") in audit_lines(home)
    assert adopted_because(home) == "the disk broke, and no backup was made"
    said = " ".join(CliRunner().invoke(app, ["doctor", "--home", str(home.root)]).output.split())
    assert "as `relance adopt` said: the disk broke, and no backup was made" in said
    # The log that begins here is signed again.
    assert home.audit_head.exists()


def test_a_home_whose_warehouse_is_lost_for_good_fills_its_lists_anew(home: Home, company: Company) -> None:
    with open_catalog(home) as catalog:
        confirm(catalog, META, f"{DAYS[0]}.1", "created")
    home.warehouse.unlink()
    adopted(home)
    night(company.config, home.root, DAYS[1])
    with open_catalog(home) as catalog:
        assert len(confirmations(catalog, META)) == 1
        newest = catalog.versions(META)[-1]
    assert "nobody knows what the list was given since" in newest["manifest"]
    # It is lost once: the next time that is told again.
    home.warehouse.unlink()
    with pytest.raises(WarehouseError, match="although the catalog has nights"):
        night(company.config, home.root, DAYS[2])


def test_a_new_home_takes_the_catalog_of_one_that_is_lost_and_the_old_one_has_it_no_more(
    first_night: Path, company: Company, tmp_path: Path, postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = on_postgresql(first_night, tmp_path / "old", postgresql_database)
    monkeypatch.setenv("RELANCE_CATALOG", postgresql_database)
    monkeypatch.setenv("RELANCE_KEYS", str(old.keys))
    new = Home.at(tmp_path / "new", old.keys, old.catalog_url)
    adopted(new)
    night_with_keys(company, new)
    assert "belongs to another home than" in refused("run", home=old, company=company)


def test_what_belongs_together_is_not_adopted_and_no_identity_key_is(home: Home, company: Company) -> None:
    before = state(home)
    said = refused("adopt", "--reason", "just so", home=home, company=company, code=2)
    assert "belong together. Nothing was changed." in said
    assert "is blank" in refused("adopt", "--reason", " ", home=home, company=company, code=2)
    assert state(home) == before
    # Tombstones of the catalog would match nobody.
    other_key(home, "identity")
    home.warehouse.unlink()
    before = state(home)
    said = refused("adopt", "--reason", "the keys were lost", home=home, company=company)
    assert "is not the one that" in said
    assert state(home) == before


def test_a_home_is_moved_to_another_folder(home: Home, company: Company, tmp_path: Path) -> None:
    moved = shutil.move(home.root, tmp_path / "elsewhere")
    night(company.config, moved, DAYS[1])


def test_a_catalog_is_moved_to_postgresql_row_by_row(
    first_night: Path, company: Company, tmp_path: Path, postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = on_postgresql(first_night, tmp_path / "home", postgresql_database)
    monkeypatch.setenv("RELANCE_CATALOG", postgresql_database)
    night(company.config, moved.root, DAYS[1])
    assert not moved.catalog.exists()


def on_postgresql(first_night: Path, folder: Path, url: str) -> Home:
    """A copy of the home, whose catalog's rows were copied into PostgreSQL."""
    shutil.copytree(first_night, folder, symlinks=True)
    of_file, home = Home.at(folder), Home.at(folder, catalog_url=SecretStr(url))
    with (
        database(of_file) as source,
        database(home, of_any_home=True) as target,
        source.connect() as reading,
        writing(target) as connection,
    ):
        for table in METADATA.sorted_tables:
            rows = [dict(row) for row in reading.execute(sa.select(table)).mappings()]
            if rows:
                connection.execute(sa.insert(table), rows)
        connection.exec_driver_sql("SELECT setval('nights_night_seq', (SELECT max(night) FROM nights))")
    lose_catalog(home)
    return home


def night_with_keys(company: Company, home: Home) -> None:
    """A night of a home whose keys lie elsewhere."""
    shutil.copytree(home.keys, home.root / "keys")
    night(company.config, home.root, DAYS[1])


def test_no_test_finds_the_places_that_a_checkout_s_dot_env_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"HOME": "/production", "CONFIG": "/etc", "KEYS": "/production/keys", "CATALOG": "postgresql://production"}
    Path(".env").write_text("".join(f"RELANCE_{name}={place}\n" for name, place in places.items()), encoding="utf-8")
    assert Environment() == Environment(home=Path("var"), config=Path("config"), keys=None, catalog=None)


@pytest.mark.parametrize("target", ["run", "ui"])
def test_make_works_on_the_sample_whatever_a_dot_env_names(tmp_path: Path, target: str) -> None:
    (tmp_path / ".env").write_text("RELANCE_KEYS=/production/keys\nRELANCE_CATALOG=postgresql://production\n")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("relance", "python"):
        (programs / name).write_text("#!/bin/sh\nenv | grep ^RELANCE_ | sort\n", encoding="utf-8")
        (programs / name).chmod(0o700)
    sample = tmp_path / "var" / "sample" / "customers.csv"
    sample.parent.mkdir(parents=True)
    for made in ("requirements.lock", "pyproject.toml", ".venv/installed"):
        (tmp_path / made).touch()
    sample.touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RELANCE_")}
    make = ["make", "--silent", "--file", str(ROOT / "Makefile"), target]
    said = subprocess.run(make, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    # What is set, be it to nothing, goes before `.env`.
    assert said.split() == ["RELANCE_CATALOG=", "RELANCE_CONFIG=config", "RELANCE_HOME=var", "RELANCE_KEYS="]
