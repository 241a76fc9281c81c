"""A source that is lost in the middle of being read stops the run, and is tried again."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.crm.sources.opened import OpenSource
from pipelines.crm.sources.steady import steady
from schemas.errors import SourceError, UnreachableSourceError
from tests.conftest import Company, Ran
from tests.nights import night


def _rewritten_in_place(path: Path) -> None:
    path.write_text("id\n2\n")
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda path: os.truncate(path, 3),
        lambda path: path.unlink(),
        lambda path: shutil.copyfile(path, path.with_suffix(".new")) and path.with_suffix(".new").replace(path),
        _rewritten_in_place,
    ],
)
@pytest.mark.parametrize("fails", [False, True])
def test_a_file_that_changes_while_it_is_read_is_tried_again_whatever_reading_it_said(
    tmp_path: Path, change: Callable[[Path], object], fails: bool
) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("id\n1\n")
    with (
        pytest.raises(UnreachableSourceError, match=r"Table customers: .*customers\.csv changed while it was read"),
        steady("Table customers", [OpenSource("customers", str(path), (path,), is_csv=True)]),
    ):
        change(path)
        if fails:
            raise SourceError("half a line")


def test_a_file_that_stays_is_told_by_what_reading_it_said(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("id\n1\n")
    with (
        pytest.raises(SourceError, match="half a line") as caught,
        steady("Table customers", [OpenSource("customers", str(path), (path,), is_csv=True)]),
    ):
        raise SourceError("half a line")
    assert not isinstance(caught.value, UnreachableSourceError)


def test_a_database_that_is_damaged_half_way_publishes_nothing_and_the_next_night_does(
    company: Company, tmp_path: Path
) -> None:
    database, home = company.folder / "orders.sqlite", tmp_path / "home"
    lines = (company.folder / "orders.csv").read_text().splitlines()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"CREATE TABLE orders ({lines[0]}, note)")
        rows = [(*line.split(","), "x" * 2000) for line in lines[1:]]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
    sources = (company.config / "sources.toml").read_text()
    sources = sources.replace('files = "../orders.csv"', 'sqlite = "../orders.sqlite"')
    company.declare("sources.toml", sources.replace("FROM orders", "FROM orders.orders"))
    company.declare("relance.toml", (company.config / "relance.toml").read_text() + "[source_retries]\ntimes = 0\n")
    whole = database.read_bytes()
    half = len(whole) // 2
    database.write_bytes(whole[:half] + b"x" * 4096 + whole[half + 4096 :])

    with pytest.raises(UnreachableSourceError, match=r"Table orders: .*orders\.sqlite was lost while it was read"):
        night(company.config, home, "2024-06-30")
    assert not Ran(1, "", home).files()

    database.write_bytes(whole)
    night(company.config, home, "2024-06-30")
    assert len(Ran(0, "", home).files()) == 2
