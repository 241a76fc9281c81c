"""kill -9 at any moment: no half version is ever seen, and the next run gives what it would have given."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.nights import night_report
from catalog.store import open_catalog
from schemas.segment import Audience
from tests.conftest import ROOT, Company, Ran
from tests.nights import night, night_killed_at_a_change, night_killed_at_a_moment, night_killed_at_a_stage
from tests.processes import command, forked, started

DAY = "2025-06-30"
STAGES = 17
AT_A_CHANGE, AT_A_MOMENT = 7, 4

Night = Callable[..., None]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's, with two segments on two networks."""
    folder = tmp_path_factory.mktemp("config")
    for name in ("relance.toml", "sources.toml", "rates.csv"):
        shutil.copyfile(ROOT / "config" / name, folder / name)
    (folder / "segments").mkdir()
    for name in ("high_value_customers", "loyal_customers"):
        lines = (ROOT / "config" / "segments" / f"{name}.toml").read_text().splitlines()
        kept = [line for line in lines if not line.startswith("networks")]
        text = "\n".join([*kept, 'networks = ["meta", "google_ads"]\n'])
        (folder / "segments" / f"{name}.toml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def first_night(config: Path, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after one night, whose CRM has changed since: a third of the orders came later."""
    home = tmp_path_factory.mktemp("first") / "home"
    shutil.copytree(sample, home / "sample")
    orders = (sample / "orders.csv").read_text().splitlines(keepends=True)
    (home / "sample" / "orders.csv").write_text("".join(orders[: len(orders) * 2 // 3]))
    assert forked(night, "a night", "of nothing", "fails") == 1
    night(config, home, "2025-06-29")
    shutil.copyfile(sample / "orders.csv", home / "sample" / "orders.csv")
    return home


@pytest.fixture(scope="module")
def undisturbed(config: Path, first_night: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    shutil.copytree(first_night, home)
    night(config, home, DAY)
    files = data_files(home)
    assert len(files) == 8
    return files


def data_files(home: Path) -> dict[str, bytes]:
    return Ran(0, "", home).files()


def versions(home: Path) -> list[tuple[Audience, str]]:
    """The listed versions, after making sure that each is whole."""
    with open_catalog(Home.at(home)) as catalog:
        listed = [(Audience(*(row[name] for name in Audience._fields)), row["version"]) for row in catalog.versions()]
    for audience, version in listed:
        folder = home.joinpath("outbox", *audience, version)
        for entry in json.loads((folder / "manifest.json").read_text())["files"]:
            assert hashlib.sha256((folder / entry["name"]).read_bytes()).hexdigest() == entry["sha256"]
    return listed


def assert_healed(home: Path, undisturbed: dict[str, bytes]) -> None:
    assert data_files(home) == undisturbed
    assert len(versions(home)) == 8
    assert {path.name for path in (home / "outbox").iterdir()} <= {"meta", "google_ads", ".staging"}
    assert not list((home / "outbox").glob(".staging/*"))


def test_a_night_killed_before_every_stage_in_turn_ends_as_if_nothing_had_been(
    config: Path, first_night: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(first_night, home)

    # Every second boundary; each of these nights begins where the one before was killed.
    for place in range(1, STAGES, 2):
        assert forked(night_killed_at_a_stage, config, home, DAY, place) == -signal.SIGKILL
        versions(home)

    night(config, home, DAY)
    assert_healed(home, undisturbed)


@pytest.mark.parametrize(
    ("killed", "seed"),
    [
        *((night_killed_at_a_change, seed) for seed in range(AT_A_CHANGE)),
        *((night_killed_at_a_moment, seed) for seed in range(AT_A_MOMENT)),
    ],
)
def test_a_night_killed_at_a_random_moment_is_healed_by_the_next(
    config: Path,
    first_night: Path,
    undisturbed: dict[str, bytes],
    tmp_path: Path,
    killed: Night,
    seed: int,
) -> None:
    home = tmp_path / "home"
    shutil.copytree(first_night, home)

    assert forked(killed, config, home, DAY, seed) == -signal.SIGKILL
    versions(home)

    night(config, home, DAY)
    assert_healed(home, undisturbed)
    if killed is night_killed_at_a_change:
        with open_catalog(Home.at(home)) as catalog:
            assert night_report(catalog, 2).outcome == "interrupted"
            assert night_report(catalog, 3).outcome == "done"


def test_of_two_runs_in_dagster_one_gets_the_home_and_after_three_kills_the_next_heals(
    company: Company, relance: Callable[..., Ran], tmp_path: Path
) -> None:
    home = Home.at(tmp_path / "home")
    arguments = ("run", "--config", str(company.config))

    environment = {**os.environ, "RELANCE_HOME": str(home.root)}

    for far_enough in (has_begun, has_staged, has_published):
        first = started(command, arguments, environment, tmp_path / "out", tmp_path / "errors")
        while not (home.has_catalog and far_enough(home)):
            assert first.is_alive()
            time.sleep(0.01)
        if far_enough == has_begun:
            second = relance(*arguments, home=home.root)
            assert second.code == 3, second.output
            assert "Another process is working in" in second.output
        first.kill()
        first.join()

    healed = relance(*arguments, home=home.root)
    assert healed.code == 0, healed.output
    assert len(healed.files()) == 2


def has_begun(home: Home) -> bool:
    with open_catalog(home) as catalog:
        return catalog.last_night() is not None


def has_staged(home: Home) -> bool:
    return any(home.outbox.glob(".staging/*"))


def has_published(home: Home) -> bool:
    with open_catalog(home) as catalog:
        return bool(catalog.versions())
