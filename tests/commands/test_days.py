"""Which day `relance run` is about, where the source says it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.store import open_catalog
from commands import days
from commands.days import check_day, newest_day_of_source
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
    assert newest_day_of_source(read_config(company.config), home, NOW, None) == date(2024, 6, 30)
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
        newest_day_of_source(read_config(company.config), home, NOW, None)
    assert waits == [1, 2]
    with open_catalog(home) as catalog:
        last = catalog.last_night()
    assert last is not None
    assert (last["night"], last["outcome"]) == (1, "failed")


@pytest.mark.parametrize("as_of", ["last order", "yesterday"])
def test_a_day_to_come_may_be_run_only_if_it_was_read(company: Company, as_of: str) -> None:
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", sources.replace('as_of = "last order"', f'as_of = "{as_of}"'))
    config, ahead, now = read_config(company.config), date(2026, 3, 2), NOW.astimezone(UTC)

    check_day(ahead, config, now, ahead)
    with pytest.raises(DayError, match=r"2026-03-02 is not over yet\. Choose a day before 2025-07-01"):
        check_day(ahead, config, now, date(2025, 6, 29))
    with pytest.raises(DayError, match=r"2026-03-03 is not over yet\. Choose 2026-03-02, which was read when"):
        check_day(date(2026, 3, 3), config, now, ahead)


def test_the_day_is_never_before_one_that_was_read(company: Company, tmp_path: Path) -> None:
    home, config, read = Home.at(tmp_path / "home"), read_config(company.config), date(2026, 3, 2)
    assert newest_day_of_source(config, home, NOW, read) == read
    (company.folder / "orders.csv").write_text("id,customer,time,amount,currency,status\n", encoding="utf-8")
    home.create()
    with open_catalog(home) as catalog:
        catalog.end_night(catalog.begin_night(date(2024, 6, 30)), "done", [], 0)
    assert newest_day_of_source(config, home, NOW, read) == read


def test_a_night_that_cannot_know_its_day_is_written_down_as_failed_on_today_where_the_business_is(
    company: Company, tmp_path: Path
) -> None:
    company.write("orders", "id,customer,time,amount,currency,status\n")
    home = Home.at(tmp_path / "home")
    home.create()
    with pytest.raises(DayError, match=r"Check tables\.orders"):
        newest_day_of_source(read_config(company.config), home, datetime(2025, 7, 1, 22, 30, tzinfo=UTC), None)
    with open_catalog(home) as catalog:
        last = catalog.last_night()
    assert last is not None
    assert (last["as_of"], last["outcome"], last["exit_code"]) == (date(2025, 7, 2), "failed", 2)
