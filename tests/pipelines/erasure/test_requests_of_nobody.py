"""A request by an id that the CRM writes otherwise forgets nobody, and somebody has to be told."""

from __future__ import annotations

from pathlib import Path

import pytest
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


@pytest.mark.parametrize(("asked", "orphans"), [(("x1", "x2"), 0), (("x1", "CRM-x2"), 1), (("new",), 0)])
def test_requests_that_name_no_record_are_told_once(
    company: Company, tmp_path: Path, asked: tuple[str, ...], orphans: int
) -> None:
    home = tmp_path / "home"
    night(company.config, home, "2024-06-30")
    customers = (company.folder / "customers.csv").read_text(encoding="utf-8")
    company.write("customers", customers + "new,new@example.net,,,,,,2024-06-30 10:00:00\n")
    company.declare_erasures("".join(f"r{place},{each},2024-07-01\n" for place, each in enumerate(asked)))
    night(company.config, home, "2024-07-01")
    assert [f"had: {orphans}. If" in each for each in told(home)] == [True] * (orphans > 0)
    for place, each in enumerate(asked):
        said = CliRunner().invoke(
            app, ["certificate", f"r{place}", "--config", str(company.config), "--home", str(home)]
        )
        assert said.exit_code == 0, said.output
        assert ("It names no record" in said.stderr) == each.startswith("CRM-")
    night(company.config, home, "2024-07-02")
    assert told(home) == []
