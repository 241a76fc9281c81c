"""A run tells of its own night, whatever others there are, and why that did not begin or was not ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import Catalog, open_catalog
from schemas.errors import DISK_FULL, DiskError
from tests.conftest import Company, Ran
from tests.nights import night
from tests.processes import command, forked


def run_unlooked(config: Path, home: Path, out: Path) -> None:
    """`relance run` that finds the home free as it begins."""
    empty = SimpleNamespace(has=lambda table: False)
    with patch("commands.run.open_warehouse", lambda *arguments: nullcontext(empty)):
        run(config, home, out)


def run_that_cannot_end(times: int, config: Path, home: Path, out: Path) -> None:
    """`relance run` for which the disk is full so many times as it is to write how the night ended."""
    end, left = Catalog.end_night, [DiskError(DISK_FULL)] * times

    def end_night(*arguments: object, **named: object) -> None:
        if left:
            raise left.pop()
        end(*arguments, **named)  # pyright: ignore[reportArgumentType]

    with patch.object(Catalog, "end_night", end_night):
        run(config, home, out)


def run(config: Path, home: Path, out: Path) -> None:
    environment = {**os.environ, "RELANCE_HOME": str(home)}
    command(("run", "--config", str(config)), environment, out, out.with_suffix(".errors"))


def test_a_run_that_finds_the_home_held_late_ends_with_3_and_tells_of_no_other_night(
    company: Company, tmp_path: Path
) -> None:
    home, out = Home.at(tmp_path / "home"), tmp_path / "out"
    open_keys(home)
    with open_catalog(home) as catalog, home.locked():
        catalog.end_night(catalog.begin_night(date(2024, 6, 30)), "done", [], 0)
        assert forked(run_unlooked, company.config, home.root, out) == 3
    assert "Another process is working in" in out.with_suffix(".errors").read_text()
    assert "Audiences of" not in out.read_text()


@pytest.mark.parametrize(
    ("times", "says", "status"),
    [
        (1, "Failed: The disk of the home is full", "failed, ended 2"),
        (2, "stays as it is. The night's report could not be ended: the next run does so", "interrupted, ended 2"),
    ],
)
def test_a_night_that_could_not_write_its_end_is_told_with_the_reason(
    company: Company, relance: Callable[..., Ran], tmp_path: Path, times: int, says: str, status: str
) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    assert forked(run_that_cannot_end, times, company.config, home, out) == 1
    told = out.read_text() + out.with_suffix(".errors").read_text()
    assert says in told
    assert "before its first stage" not in told
    assert status in relance("status", home=home).output
    night(company.config, home, "2024-06-30")
    assert "done" in relance("status", home=home).output
