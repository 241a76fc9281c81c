"""What docs/operations.md tells people to run: the image, the compose file, the units, backup and restore."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from compose_spec import PyCompose
from pydantic import SecretStr
from typer.testing import CliRunner

from catalog.dry_home import temporary_copy
from catalog.home import Home
from catalog.restored import restored_at
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import open_warehouse
from commands.main import app
from tests.conftest import ROOT, Company, Ran
from tests.nights import assets_of, night, night_killed_at_a_stage
from tests.processes import forked

DEPLOY = ROOT / "deploy"
DAY = "2024-06-30"


def passes(*command: str, **environment: str) -> str:
    ran = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


#: What a checkout may hold that nobody else is to have.
SECRETS = (
    ".env", "deploy/.env", "keys/warehouse.key", "var/warehouse.duckdb", "var-mine/outbox/meta/x.csv",
    "exports/customers.csv", "deploy/old.key",
)  # fmt: skip


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
    # As docker's documents have it: a pattern begins at the context's root.
    patterns = [re.escape(each).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*") for each in ignored]
    for secret in SECRETS:
        assert any(re.match(f"{pattern}(?:/|$)", secret) for pattern in patterns), secret
    assert not any(re.match(f"{pattern}(?:/|$)", "catalog/secret_keys.py") for pattern in patterns)
    assert (ROOT / ".dockerignore").read_text().split() == ignored


def test_git_ignores_secrets_homes_and_exports() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    for secret in SECRETS[:-1]:
        assert subprocess.run(["git", "check-ignore", "-q", secret], cwd=ROOT, check=False).returncode == 0, secret


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

    assert deployed.pop("storage")["custom"]["config"] == {"postgres_url": {"env": "DAGSTER_POSTGRESQL"}}
    in_files = yaml.safe_load((ROOT / "assets" / "dagster.yaml").read_text())
    assert in_files.pop("storage")["custom"]["class"] == "OpenStorage"
    assert deployed == in_files
    with dg.DagsterInstance.from_config(str(DEPLOY)) as instance:
        assert instance.get_runs() == []


def test_dagster_in_postgresql_keeps_runs_and_their_events_and_shows_them(
    postgresql_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRESQL", postgresql_database)
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path)

    @dg.asset
    def anything() -> None: ...

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        run = dg.materialize([anything], instance=instance)
        # As the web server does, which keeps its connections.
        instance.optimize_for_webserver(statement_timeout=15000, pool_recycle=3600, max_overflow=20)
        for _ in range(2):
            [record] = instance.get_run_records()
            assert record.dagster_run.status == dg.DagsterRunStatus.SUCCESS
            assert instance.all_logs(run.run_id)


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("systemd/*")), ids=lambda path: path.name)
def test_the_units_hold_no_secret_and_start_what_is_there(path: Path) -> None:
    text = path.read_text()

    assert "PASSWORD" not in text
    for line in text.splitlines():
        if line.startswith("ExecStart=/opt/relance/deploy/"):
            assert os.access(ROOT / line.removeprefix("ExecStart=/opt/relance/"), os.X_OK)


def test_what_dagster_writes_is_the_owners_only_wherever_it_is_started(tmp_path: Path) -> None:
    entrypoint = (DEPLOY / "entrypoint").read_text().replace("/opt/relance", str(ROOT))
    ran = subprocess.run(
        ["sh", "-c", entrypoint, "entrypoint", "touch", str(tmp_path / "run.log")],
        env={**os.environ, "DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}
    assert all("UMask=0077" in path.read_text() for path in (DEPLOY / "systemd").glob("relance-[dwp]*.service"))


def test_operations_names_each_variable_that_the_scripts_and_units_need() -> None:
    scripts = "".join(path.read_text() for path in (DEPLOY / "backup", DEPLOY / "restore", DEPLOY / "dagster.yaml"))
    told = (ROOT / "docs" / "operations.md").read_text()

    needed = set(re.findall(r"(?:RELANCE|DAGSTER)_[A-Z_]+", scripts))
    assert "RELANCE_BACKUPS" in needed
    assert {name for name in needed if f"`{name}`" not in told.partition("## In containers")[0]} == set()


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
    home = Home.at(second, catalog_url=SecretStr(urls[1]) if urls[1] else None)
    assert home.restored.exists()

    monkeypatch.setenv("RELANCE_CATALOG", urls[1])
    night(company.config, second, DAY)

    assert not home.restored.exists()
    assert Ran(0, "", second).files() == Ran(0, "", first).files()
    with open_catalog(home) as catalog:
        assert restored_at(catalog) is not None
        last = catalog.last_night()
        assert last is not None
        assert (last["night"], last["outcome"]) == (2, "done")
        assert {row["outcome"] for row in catalog.outcomes_of_night(2)} == {"fresh"}
    verified = CliRunner().invoke(app, ["audit", "verify", "--home", str(second)])
    assert verified.exit_code == 0, verified.output


def test_a_backup_after_a_killed_night_has_what_the_warehouse_had_not_yet_in_its_file(
    company: Company, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    stages = len(assets_of(company.config, first))
    assert forked(night_killed_at_a_stage, company.config, first, DAY, stages - 1) == -signal.SIGKILL
    assert (first / "warehouse.duckdb.wal").exists()

    backup = passes(str(DEPLOY / "backup"), RELANCE_HOME=str(first), RELANCE_BACKUPS=str(tmp_path / "backups"))
    passes(str(DEPLOY / "restore"), backup.strip(), RELANCE_HOME=str(second))
    shutil.copytree(first / "keys", second / "keys")

    # A dry run asks the same warehouse.
    with temporary_copy(Home.at(first)) as third:
        assert _keys_by_version(third.root) == _keys_by_version(second)
    assert _keys_by_version(second) == _keys_by_version(first) != []


def _keys_by_version(home: Path) -> list[tuple[int, int]]:
    """The warehouse's keys of each version."""
    place = Home.at(home)
    with open_warehouse(place, open_keys(place), "500MB") as warehouse:
        return warehouse.read(
            "SELECT since, count(*) AS keys FROM warehouse.audience_keys GROUP BY ALL ORDER BY ALL"
        ).rows()


def test_a_backup_that_breaks_off_leaves_no_folder_that_looks_like_one(tmp_path: Path) -> None:
    (tmp_path / "home" / "outbox").mkdir(parents=True)

    ran = fails("backup", RELANCE_HOME=str(tmp_path / "home"), RELANCE_BACKUPS=str(tmp_path / "backups"))

    assert "catalog" in ran or "database" in ran
    assert list((tmp_path / "backups").iterdir()) == []
    assert not (tmp_path / "home" / "catalog.sqlite").exists()


def test_a_backup_is_not_restored_over_a_home(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "warehouse.duckdb").write_text("")

    ran = fails("restore", str(tmp_path), RELANCE_HOME=str(tmp_path / "home"))

    assert "is not empty. Restore into a new folder." in ran


def test_what_is_no_backup_is_not_restored(tmp_path: Path) -> None:
    ran = fails("restore", str(tmp_path / "2026-11-26"), RELANCE_HOME=str(tmp_path / "home"))

    assert "is no backup: it has no catalog." in ran


def test_a_catalog_in_a_file_is_not_restored_where_another_would_be_read(tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "catalog.sqlite").write_text("")

    environment = {"RELANCE_HOME": str(tmp_path / "home"), "RELANCE_CATALOG": "postgresql:///relance"}
    ran = fails("restore", str(tmp_path / "backup"), **environment)

    assert "RELANCE_CATALOG is set, and would be used instead. Unset it." in ran
    assert list((tmp_path / "home").iterdir()) == []


def fails(script: str, *arguments: str, **environment: str) -> str:
    ran = subprocess.run(
        [str(DEPLOY / script), *arguments], env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert ran.returncode == 1
    return ran.stderr
