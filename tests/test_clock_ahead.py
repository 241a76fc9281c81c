"""A night that ran when the clock was ahead stops no later one: its day is run again until the calendar is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from assets.definitions import defs
from assets.nights import NEWEST_DAY
from catalog.home import Home
from catalog.store import open_catalog
from pipelines.freshness import freshness
from schemas.config import read_config
from tests.conftest import Company, Ran
from tests.nights import night

AHEAD = "2099-01-01"


@pytest.fixture
def home_ahead(company: Company, home_after_a_night: Path) -> Path:
    """A home into which the CRM was read for a day that is far away."""
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", sources.replace('as_of = "last order"', 'as_of = "yesterday"'))
    night(company.config, home_after_a_night, AHEAD)
    return home_after_a_night


def test_that_day_is_run_again_says_why_and_hears_who_asks_to_be_forgotten(
    company: Company, home_ahead: Path, relance: Callable[..., Ran]
) -> None:
    company.enlarge()
    company.declare_erasures("r1,1,2024-07-02 10:00:00\n")

    ran = relance("run", "--config", str(company.config), home=home_ahead)

    assert ran.code == 0, ran.output
    assert f"this night is about {AHEAD}, a day to come" in ran.output
    # Of 123 people one has gone, and a row of theirs is to be taken out.
    [folder] = (home_ahead / "outbox/meta/main/buyers").iterdir()
    rows = {path.name: path.read_text(encoding="utf-8").count("\n") for path in folder.glob("*.csv")}
    assert rows == {"buyers.full.csv": 1 + 122, "buyers.remove.csv": 1 + 2}
    assert relance("status", "--due", "--config", str(company.config), home=home_ahead).code == 0
    past = relance("run", "--config", str(company.config), "--as-of", "2025-01-01", home=home_ahead)
    assert f"Run {AHEAD}" in past.output
    with open_catalog(Home.at(home_ahead)) as catalog:
        last = catalog.last_night()
    assert last is not None
    assert last["outcome"] == "refused"


def test_the_schedule_asks_for_that_day_and_dagster_runs_it(
    company: Company, home_ahead: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_CONFIG", str(company.config))
    monkeypatch.setenv("RELANCE_HOME", str(home_ahead))
    definitions = defs()
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 11, 21, 2, 0), repository_def=definitions.get_repository_def()
    )

    [request] = definitions.resolve_schedule_def("every_night").evaluate_tick(context).run_requests

    assert (request.partition_key, request.tags[NEWEST_DAY]) == (None, AHEAD)
    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions.resolve_job_def("nightly")
        assert job.execute_in_process(instance=instance, tags=request.tags).success


def test_a_night_that_began_in_a_time_to_come_is_not_last_night(company: Company, home_after_a_night: Path) -> None:
    config, now = read_config(company.config), datetime.now(UTC)
    with open_catalog(Home.at(home_after_a_night)) as catalog:
        assert freshness(catalog, config, now)[1] is None
        assert freshness(catalog, config, now - timedelta(days=2))[1] is not None
