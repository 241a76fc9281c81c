"""`relance quarantine` shows which rows were set aside, so that they can be found and mended, and no value of them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result
from typer.testing import CliRunner

from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.warehouse import open_warehouse
from commands.main import app
from pipelines.history.set_aside import QUARANTINE_DAYS
from tests.conftest import ROOT

DAY = date(2025, 6, 30)
CONFIG = str(ROOT / "tests" / "companies" / "small" / "config")

#: day, table, source, row, rule, shape of what was set aside.
ROWS = [
    (DAY, "orders", "orders.csv", 70, "amount unreadable", "aaaaaa"),
    (DAY, "orders", "orders.csv", 7, "no rate for NOK", None),
    (DAY, "customers", "crm.sqlite", None, "customer_id missing", None),
    (DAY - timedelta(days=1), "visits", "visits.csv", 3, "occurred_at unreadable", "99/99"),
    (DAY - timedelta(days=QUARANTINE_DAYS + 1), "visits", "old.csv", 4, "occurred_at unreadable", "99/99"),
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose nights set rows aside, and whose last but two read everything."""
    home = Home.at(tmp_path / "home")
    days = {day for day, *_ in ROWS} | {DAY - timedelta(days=2)}
    schema = {"as_of": pl.Date, "table": pl.String, "source": pl.String, "row": pl.Int64, "rule": pl.String}
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        warehouse.replace("pulls", pl.DataFrame({"as_of": sorted(days)}))
        warehouse.replace("quarantine", pl.DataFrame(ROWS, schema={**schema, "shape": pl.String}, orient="row"))
    return home


def asked(home: Home, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["quarantine", *arguments, "--config", CONFIG, "--home", str(home.root)])


def cells(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def test_the_newest_day_s_rows_stand_as_in_their_sources(home: Home) -> None:
    assert cells(asked(home)) == [
        ["customers", "crm.sqlite", "–", "customer_id missing", "–"],
        ["orders", "orders.csv", "7", "no rate for NOK", "–"],
        ["orders", "orders.csv", "70", "amount unreadable", "aaaaaa"],
    ]


def test_one_table_and_another_day_can_be_asked_for(home: Home) -> None:
    assert [row[0] for row in cells(asked(home, "orders"))] == ["orders", "orders"]
    assert cells(asked(home, "--on", "2025-06-29")) == [
        ["visits", "visits.csv", "3", "occurred_at unreadable", "99/99"]
    ]
    assert asked(home, "--on", "2025-06-28").stdout == "No row was set aside on 2025-06-28.\n"
    assert asked(home, "erasures").stdout == "No row of erasures was set aside on 2025-06-30.\n"


def test_more_rows_than_asked_for_are_counted(home: Home) -> None:
    result = asked(home, "--rows", "1")
    assert [row[0] for row in cells(result)] == ["customers"]
    assert "2 more: `--rows 3` shows all." in result.stdout


@pytest.mark.parametrize("day", ["2025-05-30", "2025-06-27", "2025-07-01"])
def test_a_day_of_which_nothing_is_kept_is_not_said_to_have_set_nothing_aside(home: Home, day: str) -> None:
    result = asked(home, "--on", day)
    assert result.exit_code == 2
    assert f"Nothing is kept of what was set aside on {day}: known are days from 2025-06-28 to 2025-06-30." in " ".join(
        result.output.split()
    )


def test_before_anything_was_read_it_says_so(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    assert "has no warehouse: nothing ran there yet" in " ".join(asked(home).output.split())
    with open_warehouse(home, open_keys(home), "2GB"):
        pass
    result = asked(home)
    assert result.exit_code != 0
    assert "No night has read the CRM yet" in " ".join(result.output.split())
