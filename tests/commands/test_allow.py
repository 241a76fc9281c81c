"""A leave says what it lets pass, and can be taken back until a night has used it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalog.allowances import allow, allowance, standing_leaves, use_allowance
from catalog.home import Home
from catalog.store import open_catalog
from commands.main import app
from pipelines.uploads.brake import LIST_SHRANK, NAMES_FEWER, NAMES_NOBODY, SET_ASIDE, TABLE_SHRANK
from schemas.brake import HOLDS
from schemas.said import Said
from schemas.segment import Audience
from schemas.source import table_said
from schemas.too_small import SHORT_AND_CHANGED
from tests.conftest import Company


def test_a_leave_for_an_audience_that_is_not_held_says_that_it_waits(company: Company, tmp_path: Path) -> None:
    home, day = Home.at(tmp_path / "home"), date(2024, 6, 30)
    arguments = ["allow", "meta/buyers", "--reason", "a shop was sold", "--config", str(company.config)]
    with open_catalog(home) as catalog:
        night = catalog.begin_night(day)
        catalog.record_outcome(Audience("meta", "main", "buyers"), day, "published", night=night)
        waiting = CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home.root)})
        short = "it has 46 rows, 54 short of Meta's minimum of 100"
        catalog.record_outcome(Audience("meta", "main", "buyers"), day, "held", night=night, reason=short)
        small = CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home.root)})
        brake = Said(HOLDS, changes=[Said("it shrank")], audience="meta/buyers")
        catalog.record_outcome(Audience("meta", "main", "buyers"), day, "held", night=night, reason=brake)
        held = CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home.root)})

    assert [waiting.exit_code, held.exit_code] == [0, 0], waiting.output + held.output
    assert "The last night did not hold it: the leave waits" in waiting.output
    assert "relance run" not in waiting.output
    # A leave that publishes nothing would wait for the night that must be held.
    assert f"The last night held it for what no leave changes ({short}): the leave waits" in small.output
    assert "relance run" not in small.output
    assert "The last night" not in held.output
    assert "passes the brake the next time that it trips. `relance run` publishes it." in held.output
    assert "cut off" not in held.output


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            Said(TABLE_SHRANK, table=Said("customers"), before=1000, now=500, limit="-50%"),
            "if its export was cut off, load it whole first",
        ),
        (
            Said(LIST_SHRANK, place="suppressions/bounces.toml", before=31, now=5, limit="-50%"),
            "whom the missing rows name would be uploaded",
        ),
        (Said(SET_ASIDE, table=Said("orders"), share="100%", limit="50%"), "`relance quarantine` shows why"),
        (Said(NAMES_NOBODY, place="consents"), "whoever refused so would be uploaded"),
        (
            Said(NAMES_FEWER, place="consents", before="98%", now="0%", limit="-50%"),
            "whoever refused so would be uploaded",
        ),
    ],
)
def test_a_leave_says_whose_refusals_it_may_let_pass(company: Company, tmp_path: Path, change: Said, told: str) -> None:
    home, day, audience = Home.at(tmp_path / "home"), date(2024, 6, 30), Audience("meta", "main", "buyers")
    with open_catalog(home) as catalog:
        night = catalog.begin_night(day)
        reason = Said(HOLDS, changes=[change], audience=str(audience))
        catalog.record_outcome(audience, day, "held", night=night, reason=reason)
        arguments = ["allow", str(audience), "--reason", "a shop was sold", "--config", str(company.config)]
        held = CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home.root)})
    assert told in held.output


def test_a_leave_for_what_is_too_small_says_who_leaves_the_list_for_it(company: Company, tmp_path: Path) -> None:
    home, day, audience = Home.at(tmp_path / "home"), date(2024, 6, 30), Audience("meta", "main", "buyers")
    short = Said("it has 46 rows, 54 short of Meta's minimum of 100")
    arguments = ["allow", str(audience), "--reason", "a shop was sold", "--config", str(company.config)]
    with open_catalog(home) as catalog:
        night = catalog.begin_night(day)
        for table, told in (
            ("consents", "those who have no consent on record any more"),
            ("orders", "for what no leave"),
        ):
            changes = [Said(TABLE_SHRANK, table=table_said(table), before=1000, now=500, limit="-50%")]
            reason = Said(SHORT_AND_CHANGED, short=short, changes=changes)
            catalog.record_outcome(audience, day, "held", night=night, reason=reason)
            assert told in CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home.root)}).output
            CliRunner().invoke(app, [*arguments, "--take-back"], env={"RELANCE_HOME": str(home.root)})


def test_a_run_of_an_older_day_since_does_not_hide_that_the_night_held_it(company: Company, tmp_path: Path) -> None:
    home, audience = Home.at(tmp_path / "home"), Audience("meta", "main", "buyers")
    with open_catalog(home) as catalog:
        night = catalog.begin_night(date(2024, 6, 30))
        brake = Said(HOLDS, changes=[Said("it shrank")], audience="meta/buyers")
        catalog.record_outcome(audience, date(2024, 6, 30), "held", night=night, reason=brake)
        catalog.end_night(night, "held", [], 4)
        catalog.end_night(catalog.begin_night(date(2024, 6, 1)), "failed", [Said("Another day.")], 1)
        arguments = ["allow", "meta/buyers", "--reason", "a shop was sold", "--config", str(company.config)]
        held = CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home.root)})
    assert "The last night did not hold it" not in held.output
    assert "`relance run` publishes it." in held.output


def test_a_second_leave_says_that_the_first_stands_and_that_its_own_reason_is_not_kept(
    company: Company, tmp_path: Path
) -> None:
    home = Home.at(tmp_path / "home")

    def allowed(reason: str) -> str:
        arguments = ["allow", "meta/buyers", "--reason", reason, "--config", str(company.config)]
        result = CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home.root)})
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    with open_catalog(home) as catalog:
        assert "allowed already" not in allowed("a shop was sold.")
        second = allowed("another shop")
        assert "It was allowed already, by " in second and ": a shop was sold. That leave stands" in second
        assert "the new reason is not kept" in second
        assert [leave.reason for leave in standing_leaves(catalog)] == ["a shop was sold."]


@pytest.mark.parametrize("reason", ["jane.doe@example.com asked", "call 06 12 34 56 78"])
def test_a_reason_that_may_name_somebody_is_not_kept(company: Company, tmp_path: Path, reason: str) -> None:
    home = Home.at(tmp_path / "home")
    arguments = ["allow", "meta/buyers", "--reason", reason, "--config", str(company.config)]
    refused = CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home.root)})
    assert refused.exit_code == 2
    assert "holds an address, or digits" in refused.output
    with open_catalog(home) as catalog:
        assert allowance(catalog, Audience("meta", "main", "buyers"), 0) is None


def test_a_leave_can_be_taken_back_and_status_and_the_audit_log_say_so(tmp_path: Path) -> None:
    home, buyers = Home.at(tmp_path / "home"), Audience("meta", "main", "buyers")
    home.create()

    def relance(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env={"RELANCE_HOME": str(home.root)})

    with open_catalog(home) as catalog:
        catalog.begin_night(date(2024, 6, 30))
        allow(catalog, buyers, "a shop was sold")
        waiting = relance("status").output
        taken = relance("allow", "meta/buyers", "--take-back", "--reason", "it was not.")
        assert taken.exit_code == 0, taken.output
        assert allowance(catalog, buyers, 0) is None
        after = relance("status").output
        *_, line = catalog.audit_lines()
    assert "Allowed: meta/buyers passes the brake once: a shop was sold (" in waiting
    assert "passes the brake" not in after
    assert "No longer allowed: meta/buyers: it was not (" in after
    assert (line["action"], line["subject"]) == ("disallowed", "meta/main/buyers")


@pytest.mark.parametrize("used", [True, False])
def test_a_leave_that_a_night_has_used_or_nobody_gave_cannot_be_taken_back(used: bool, tmp_path: Path) -> None:
    home, buyers = Home.at(tmp_path / "home"), Audience("meta", "main", "buyers")
    home.create()
    with open_catalog(home) as catalog:
        if used:
            allow(catalog, buyers, "a shop was sold")
            number = allowance(catalog, buyers, 0)
            assert number is not None
            use_allowance(catalog, number, catalog.begin_night(date(2024, 6, 30)))
    asked = ["allow", "meta/buyers", "--take-back", "--reason", "it was not"]
    refused = CliRunner().invoke(app, asked, env={"RELANCE_HOME": str(home.root)})
    assert refused.exit_code == 2
    assert "meta/buyers has no leave that waits" in refused.output
