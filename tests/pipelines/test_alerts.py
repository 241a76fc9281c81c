"""Whoever is to be told of failed nights is told also where the keys or the catalog are away."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.definitions import defs
from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from schemas.errors import ConfigError
from tests.catalog.test_alerts import Webhook, webhook
from tests.commands.test_messages import config, home, no_other_installation, relance

__all__ = ["config", "home", "no_other_installation", "webhook"]


@pytest.fixture
def alerting(config: Path) -> Path:
    with (config / "relance.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[alerts]\nwebhook = true\n")
    return config


def test_a_run_without_its_keys_is_told(alerting: Path, home: Home, webhook: Webhook) -> None:
    open_keys(home)
    home.warehouse.write_bytes(b"data")
    (home.keys / "identity.key").unlink()

    assert relance("run", "--config", alerting, "--home", home.root).exit_code == 1

    [body] = webhook.bodies
    assert body["event"] == "failed"
    assert "its identity key is not in" in body["text"]


@pytest.mark.parametrize(("arguments", "event"), [(["run"], "failed"), (["status", "--due"], "late")])
def test_a_catalog_that_is_away_is_told_and_ends_with_1(
    alerting: Path, home: Home, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, arguments: list[str], event: str
) -> None:
    monkeypatch.setenv("RELANCE_CATALOG", "postgresql://relance:hunter2@127.0.0.1:1/relance")

    assert relance(*arguments, "--config", alerting, "--home", home.root).exit_code == 1

    [body] = webhook.bodies
    assert body["event"] == event
    assert "The catalog's PostgreSQL at 127.0.0.1, database relance cannot be used" in body["text"]
    assert "hunter2" not in body["text"]


def test_a_home_that_is_away_is_told_by_whoever_waits_for_the_night(
    alerting: Path, home: Home, webhook: Webhook
) -> None:
    """As one whose disk is not mounted."""
    assert relance("status", "--due", "--config", alerting, "--home", home.root).exit_code == 1

    [body] = webhook.bodies
    assert body["event"] == "late"
    assert "has no catalog: nothing ran there yet" in body["text"]


def test_a_status_that_nobody_waits_for_is_told_to_nobody(
    alerting: Path, home: Home, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_CATALOG", "postgresql://relance@127.0.0.1:1/relance")

    assert relance("status", "--config", alerting, "--home", home.root).exit_code == 1
    assert webhook.bodies == []


def test_a_declared_file_with_a_mistake_is_told_once_by_whatever_finds_it(
    alerting: Path, home: Home, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = next((alerting / "segments").glob("*.toml"))
    segment.write_text(segment.read_text().replace("networks", "netwrks"))
    monkeypatch.setenv("RELANCE_CONFIG", str(alerting))
    monkeypatch.setenv("RELANCE_HOME", str(home.root))

    # Dagster loads the files: it then has no sensor that could tell.
    with pytest.raises(ConfigError):
        defs()
    [body] = webhook.bodies
    assert body["event"] == "failed"
    assert f"{segment}: networks: is missing; netwrks: is not" in body["text"]
    assert "No night begins before it is mended." in body["text"]

    for arguments in (["run"], ["status", "--due"]):
        assert relance(*arguments, "--config", alerting, "--home", home.root).exit_code == 2
    assert len(webhook.bodies) == 1


@pytest.mark.parametrize("arguments", [["run"], ["status", "--due"]])
def test_a_command_tells_of_a_declared_file_with_a_mistake(
    alerting: Path, home: Home, webhook: Webhook, arguments: list[str]
) -> None:
    (alerting / "sources.toml").write_text("as_of = \n")
    with open_catalog(home):
        pass

    result = relance(*arguments, "--config", alerting, "--home", home.root)
    assert result.exit_code == 2, result.output
    assert [body["event"] for body in webhook.bodies] == ["failed"]


def test_a_declared_file_with_a_mistake_is_told_also_where_the_catalog_is_away(
    alerting: Path, home: Home, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alerting / "sources.toml").write_text("as_of = \n")
    monkeypatch.setenv("RELANCE_CATALOG", "postgresql://relance@127.0.0.1:1/relance")

    assert relance("run", "--config", alerting, "--home", home.root).exit_code == 2
    assert [body["event"] for body in webhook.bodies] == ["failed"]


@pytest.mark.parametrize("arguments", [["run", "--dry-run"], ["check"], ["status"]])
def test_whoever_only_looks_tells_nobody_of_a_mistake(
    alerting: Path, home: Home, webhook: Webhook, arguments: list[str]
) -> None:
    (alerting / "sources.toml").write_text("as_of = \n")

    relance(*arguments, "--config", alerting, "--home", home.root)
    assert webhook.bodies == []
