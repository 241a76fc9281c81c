"""Which day `relance run` is about, where the source says it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.store import open_catalog
from commands import days
from commands.days import newest_day_of_source
from schemas.config import read_config
from schemas.errors import DayError, UnreachableSourceError
from tests.conftest import Company

NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def waits(company: Company, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how many seconds it waits, without waiting: two more tries, after a second and after two."""
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    company.declare("relance.toml", f"{settings}\n[source_retries]\ntimes = 2\nseconds = 1\n")
    waited: list[float] = []
    monkeypatch.setattr(days, "sleep", waited.append)
    return waited


def test_a_source_that_comes_back_gives_its_day_and_no_night_has_failed(
    company: Company,
    waits: list[float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = Home.at(tmp_path / "home")
    home.create()
    orders = company.folder / "orders.csv"
    orders.rename(tmp_path / "away.csv")

    def back_again(seconds: float) -> None:
        waits.append(seconds)
        (tmp_path / "away.csv").rename(orders)

    monkeypatch.setattr(days, "sleep", back_again)
    assert newest_day_of_source(read_config(company.config), home, NOW) == date(2024, 6, 30)
    assert waits == [1]
    assert "no file matches" in capsys.readouterr().err
    with open_catalog(home) as catalog:
        assert catalog.last_night() is None


def test_a_source_that_stays_away_is_tried_as_often_as_declared_and_one_night_has_failed(
    company: Company, waits: list[float], tmp_path: Path
) -> None:
    home = Home.at(tmp_path / "home")
    home.create()
    (company.folder / "orders.csv").unlink()
    with pytest.raises(UnreachableSourceError, match="no file matches"):
        newest_day_of_source(read_config(company.config), home, NOW)
    assert waits == [1, 2]
    with open_catalog(home) as catalog:
        last = catalog.last_night()
    assert last is not None
    assert (last["night"], last["outcome"]) == (1, "failed")


def test_a_night_that_cannot_know_its_day_is_written_down_as_failed_on_today_where_the_business_is(
    company: Company, tmp_path: Path
) -> None:
    company.write("orders", "id,customer,time,amount,currency,status\n")
    home = Home.at(tmp_path / "home")
    home.create()
    with pytest.raises(DayError, match=r"Check tables\.orders"):
        newest_day_of_source(read_config(company.config), home, datetime(2025, 7, 1, 22, 30, tzinfo=UTC))
    with open_catalog(home) as catalog:
        last = catalog.last_night()
    assert last is not None
    assert (last["as_of"], last["outcome"], last["exit_code"]) == (date(2025, 7, 2), "failed", 2)
