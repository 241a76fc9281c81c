"""A request by an id that the CRM writes otherwise forgets nobody, and somebody has to be told."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from catalog.home import Home
from catalog.nights import night_notices
from catalog.store import open_catalog
from commands.main import app
from tests.conftest import Company
from tests.nights import night


def told(home: Path) -> list[str]:
    with open_catalog(Home.at(home)) as catalog:
        last = catalog.last_night()
        assert last is not None
        notices = night_notices(catalog, [last["night"]]).get(last["night"], ())
    return [str(notice) for notice in notices if "new requests" in str(notice)]


def test_requests_that_name_no_record_are_told_once(company: Company, home_after_a_night: Path) -> None:
    home = home_after_a_night
    company.declare_erasures("r1,x1,2024-07-01\nr2,x2,2024-07-01\n")
    night(company.config, home, "2024-07-01")
    assert told(home) == []
    company.declare_erasures("r3,x3,2024-07-02\nr4,CRM-x4,2024-07-02\n")
    night(company.config, home, "2024-07-02")
    assert ["kept: 1. If" in each for each in told(home)] == [True]
    # It was told; and whose record comes with the request is somebody.
    customers = (company.folder / "customers.csv").read_text(encoding="utf-8")
    company.write("customers", customers + "new,new@example.net,,,,,,2024-06-30 10:00:00\n")
    company.declare_erasures("r4,CRM-x4,2024-07-02\nr5,new,2024-07-03\n")
    night(company.config, home, "2024-07-03")
    assert told(home) == []
    for request, names_nobody in (("r3", False), ("r4", True), ("r5", False)):
        said = CliRunner().invoke(app, ["certificate", request, "--config", str(company.config), "--home", str(home)])
        assert said.exit_code == 0, said.output
        assert ("It names no record" in said.stderr) == names_nobody


def test_whoever_consents_again_before_the_night_is_not_told_to_be_nobody_and_the_certificate_says_why(
    company: Company, home_after_a_night: Path
) -> None:
    home = home_after_a_night
    company.declare_erasures("r1,x1,2024-07-01 10:00:00\n")
    with (company.folder / "consents.csv").open("a", encoding="utf-8") as consents:
        consents.write("again,x1,granted,2024-07-01 20:00:00\n")
    night(company.config, home, "2024-07-01")
    assert told(home) == []
    said = CliRunner().invoke(app, ["certificate", "r1", "--config", str(company.config), "--home", str(home)])
    assert '"consented": true' in said.stdout
    assert "A consent that came after the request lifts it" in said.stderr
    assert "It names no record" not in said.stderr
    # The consent was a mistake of the shop's, and goes.
    text = (company.folder / "consents.csv").read_text(encoding="utf-8")
    company.write("consents", text.replace("again,x1,granted,2024-07-01 20:00:00\n", ""))
    night(company.config, home, "2024-07-02")
    said = CliRunner().invoke(app, ["certificate", "r1", "--config", str(company.config), "--home", str(home)])
    assert '"consented": false' in said.stdout
