"""What docs/operations.md tells people to run: the image, the compose file, the units, backup and restore."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from compose_spec import PyCompose
from pydantic import SecretStr
from typer.testing import CliRunner

from catalog.home import Home
from catalog.store import open_catalog
from commands.main import app
from tests.conftest import ROOT, Company, Ran
from tests.nights import night

DEPLOY = ROOT / "deploy"
DAY = "2024-06-30"


def passes(*command: str, **environment: str) -> str:
    ran = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def test_the_containerfile_passes_its_linter_runs_as_no_root_and_says_whether_it_is_well() -> None:
    passes(tool("hadolint"), "Containerfile")
    lines = (ROOT / "Containerfile").read_text().splitlines()

    [user] = [line for line in lines if line.startswith("USER ")]
    assert user != "USER root"
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert 'VOLUME ["/srv/relance/home", "/srv/relance/keys"]' in lines


def test_no_secret_gets_into_an_image() -> None:
    ignored = (ROOT / ".containerignore").read_text().split()

    assert {".env", "keys", "**/*.key", "var"} <= set(ignored)
    assert (ROOT / ".dockerignore").read_text().split() == ignored


def test_the_compose_file_keeps_to_its_specification_and_passes_its_linter() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    filled = re.sub(r"\$\{\w+:[-?]([^}]*)\}", r"\1", text)
    # Its own reader knows no merge keys.
    PyCompose.from_yaml(yaml.safe_dump(yaml.safe_load(filled))).validate()
    passes(tool("compose-lint"), str(DEPLOY / "compose.yaml"))

    services = yaml.safe_load(text)["services"]
    assert {"home:/srv/relance/home", "keys:/srv/relance/keys"} <= set(services["daemon"]["volumes"])
    assert services["webserver"]["ports"] == ["127.0.0.1:3000:3000"]
    assert services["page"]["ports"] == ["127.0.0.1:8000:8000"]


def test_dagster_in_postgresql_has_the_settings_of_dagster_in_files(
    postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRESQL", postgresql_database)
    deployed = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())

    assert deployed.pop("storage") == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRESQL"}}}
    in_files = yaml.safe_load((ROOT / "assets" / "dagster.yaml").read_text())
    assert in_files.pop("storage")["custom"]["class"] == "OpenStorage"
    assert deployed == in_files
    with dg.DagsterInstance.from_config(str(DEPLOY)) as instance:
        assert type(instance.run_storage).__name__ == "PostgresRunStorage"
        assert instance.get_runs() == []


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("systemd/*")), ids=lambda path: path.name)
def test_the_units_hold_no_secret_and_start_what_is_there(path: Path) -> None:
    text = path.read_text()

    assert "PASSWORD" not in text
    for line in text.splitlines():
        if line.startswith("ExecStart=/opt/relance/deploy/"):
            assert os.access(ROOT / line.removeprefix("ExecStart=/opt/relance/"), os.X_OK)


@pytest.mark.parametrize("on", ["sqlite", "postgresql"])
def test_a_backup_restored_to_a_second_home_with_its_keys_runs_on(
    on: str, company: Company, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = ["", ""]
    if on == "postgresql":
        urls = [request.getfixturevalue("postgresql_database"), request.getfixturevalue("second_postgresql_database")]
    first, second, backups = tmp_path / "first", tmp_path / "second", tmp_path / "backups"
    monkeypatch.setenv("RELANCE_CATALOG", urls[0])
    night(company.config, first, DAY)

    named = passes(
        str(DEPLOY / "backup"), RELANCE_HOME=str(first), RELANCE_BACKUPS=str(backups), RELANCE_CATALOG=urls[0]
    )
    backup = Path(named.strip())
    assert not list(backup.rglob("*.key"))
    assert backup.stat().st_mode & 0o777 == 0o700
    passes(str(DEPLOY / "restore"), str(backup), RELANCE_HOME=str(second), RELANCE_CATALOG=urls[1])
    shutil.copytree(first / "keys", second / "keys")

    monkeypatch.setenv("RELANCE_CATALOG", urls[1])
    night(company.config, second, DAY)

    assert Ran(0, "", second).files() == Ran(0, "", first).files()
    home = Home.at(second, catalog_url=SecretStr(urls[1]) if urls[1] else None)
    with open_catalog(home) as catalog:
        last = catalog.last_night()
        assert last is not None
        assert (last["night"], last["outcome"]) == (2, "done")
        assert {row["outcome"] for row in catalog.outcomes_of_night(2)} == {"fresh"}
    verified = CliRunner().invoke(app, ["audit", "verify", "--home", str(second)])
    assert verified.exit_code == 0, verified.output


def test_a_backup_is_not_restored_over_a_home(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "warehouse.duckdb").write_text("")

    ran = subprocess.run(
        [str(DEPLOY / "restore"), str(tmp_path)],
        env={**os.environ, "RELANCE_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 1
    assert "is not empty. Restore into a new folder." in ran.stderr
