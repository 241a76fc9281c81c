"""A leave says what it lets pass."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from typer.testing import CliRunner

from catalog.home import Home
from catalog.store import open_catalog
from commands.main import app
from schemas.segment import Audience
from tests.conftest import Company


def test_a_leave_for_an_audience_that_is_not_held_says_that_it_waits(company: Company, tmp_path: Path) -> None:
    home, day = Home.at(tmp_path / "home"), date(2024, 6, 30)
    arguments = ["allow", "meta/buyers", "--reason", "a shop was sold", "--config", str(company.config)]
    with open_catalog(home) as catalog:
        night = catalog.begin_night(day)
        catalog.record_outcome(Audience("meta", "main", "buyers"), day, "published", night=night)
        waiting = CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home.root)})
        catalog.record_outcome(Audience("meta", "main", "buyers"), day, "held", night=night, reason="it shrank")
        held = CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home.root)})

    assert [waiting.exit_code, held.exit_code] == [0, 0], waiting.output + held.output
    assert "The last night did not hold it: the leave waits" in waiting.output
    assert "did not hold" not in held.output
    assert "passes the brake the next time" in held.output
