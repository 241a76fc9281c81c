"""Which day a run is about, and which days it refuses, naming the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from catalog.duckdb_connection import connect
from catalog.home import Home
from pipelines.crm.days import check_asked_day, check_orders_reach, default_day
from pipelines.crm.read import Crm
from schemas.errors import DayError, SourceError
from schemas.source import Sources

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)

MakeCrm = Callable[..., Crm]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    home = Home.at(tmp_path_factory.mktemp("home"))
    home.create()
    with closing(connect(home, "500MB", "Europe/Paris")) as connection:
        yield connection


@pytest.fixture
def crm(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> Iterator[MakeCrm]:
    """A CRM whose orders are the given lines of order_id, ordered_at and status."""
    with closing(database.cursor()) as connection:
        connection.execute("SET TimeZone = 'Europe/Paris'")

        def made(*lines: str, as_of: str = "last order") -> Crm:
            (tmp_path / "orders.csv").write_text("\n".join(["id,moment,state", *lines, ""]), encoding="utf-8")
            orders = (
                "SELECT id AS order_id, 'c' AS customer_id, moment AS ordered_at, '1' AS amount, 'EUR' AS currency, "
                "state AS status FROM orders"
            )
            absent = {name: {"absent": True} for name in ("consents", "visits", "erasures")}
            sources = Sources.model_validate(
                {
                    "as_of": as_of,
                    "sources": {"orders": {"files": "orders.csv"}},
                    "tables": {"customers": {"select": "FROM orders"}, "orders": {"select": orders}, **absent},
                }
            )
            return Crm(connection, sources, tmp_path, tmp_path)

        yield made


@pytest.mark.parametrize(
    ("now", "zone", "yesterday"),
    [
        (datetime(2025, 7, 1, 12, tzinfo=UTC), "UTC", date(2025, 6, 30)),
        (datetime(2025, 7, 1, 21, 59, tzinfo=UTC), "Europe/Paris", date(2025, 6, 30)),
        (datetime(2025, 7, 1, 22, 1, tzinfo=UTC), "Europe/Paris", date(2025, 7, 1)),
        (datetime(2025, 7, 1, 3, tzinfo=UTC), "America/New_York", date(2025, 6, 29)),
        (datetime(2025, 3, 29, 23, 30, tzinfo=UTC), "Europe/Paris", date(2025, 3, 29)),
        (datetime(2026, 1, 1, 0, tzinfo=UTC), "UTC", date(2025, 12, 31)),
    ],
)
def test_a_living_crm_is_read_for_yesterday_where_the_business_is(
    crm: MakeCrm, now: datetime, zone: str, yesterday: date
) -> None:
    assert default_day(crm(as_of="yesterday"), ZoneInfo(zone), now) == yesterday


def test_yesterday_is_known_without_reading_the_crm(crm: MakeCrm, tmp_path: Path) -> None:
    asked = crm(as_of="yesterday")
    (tmp_path / "orders.csv").unlink()
    assert default_day(asked, PARIS, NOW) == date(2025, 6, 30)


@pytest.mark.parametrize(
    ("moments", "day"),
    [
        (["2024-05-06 10:00:00", "2024-05-07 10:00:00", "2024-05-05"], date(2024, 5, 7)),
        (["2024-05-06T22:30:00Z"], date(2024, 5, 7)),
        (["2024-05-06 23:30:00"], date(2024, 5, 6)),
        (["2024-05-06 10:00:00", "soon", ""], date(2024, 5, 6)),
        (["2024-05-06 10:00:00", "2062-01-01 10:00:00", "2025-07-02 00:00:00"], date(2024, 5, 6)),
        (["2024-05-06 10:00:00", "2025-07-01 23:59:59"], date(2025, 7, 1)),
    ],
)
def test_data_that_stands_still_is_read_for_the_local_day_of_its_newest_order(
    crm: MakeCrm, moments: list[str], day: date
) -> None:
    lines = [f"{number},{moment},completed" for number, moment in enumerate(moments)]
    assert default_day(crm(*lines), PARIS, NOW) == day


@pytest.mark.parametrize("lines", [[], ["1,soon,completed"], ["1"]])
def test_without_a_readable_order_there_is_no_last_order(crm: MakeCrm, lines: list[str]) -> None:
    with pytest.raises(DayError, match=r"Check tables\.orders") as caught:
        default_day(crm(*lines), PARIS, NOW)
    assert caught.value.exit_code == 2


def test_the_last_order_of_a_file_that_is_not_there_is_told_by_the_file(crm: MakeCrm, tmp_path: Path) -> None:
    asked = crm()
    (tmp_path / "orders.csv").unlink()
    with pytest.raises(SourceError, match=r"no file matches .*orders\.csv"):
        default_day(asked, PARIS, NOW)


DEFAULT, BEFORE, AFTER = date(2025, 6, 30), date(2025, 6, 29), date(2025, 7, 1)


@pytest.mark.parametrize(
    ("asked", "pulled", "chosen"),
    [
        pytest.param(DEFAULT, None, False, id="the newest day of a new home"),
        pytest.param(DEFAULT, BEFORE, False, id="the day after the last one"),
        pytest.param(DEFAULT, DEFAULT, False, id="the newest day again"),
        pytest.param(BEFORE, None, True, id="an earlier day that somebody chose, in a new home"),
        pytest.param(BEFORE, BEFORE, True, id="the last day again"),
        pytest.param(BEFORE, date(2025, 6, 1), True, id="a day between, chosen"),
        pytest.param(
            date(2026, 1, 1), date(2026, 1, 1), True, id="a day to come that was read when the clock was ahead"
        ),
    ],
)
def test_the_newest_day_may_be_run_and_a_chosen_one_if_none_newer_was(
    asked: date, pulled: date | None, chosen: bool
) -> None:
    check_asked_day(asked, default=DEFAULT, pulled=pulled, chosen=chosen, now=NOW)


@pytest.mark.parametrize(
    ("asked", "pulled", "chosen", "told"),
    [
        pytest.param(BEFORE, DEFAULT, True, "The CRM of 2025-06-29 cannot be read any more", id="a past day"),
        pytest.param(BEFORE, DEFAULT, False, "Run 2025-06-30, or use another --home", id="a past partition"),
        pytest.param(BEFORE, None, False, "Choose the partition 2025-06-30", id="an old partition of a new home"),
        pytest.param(AFTER, None, False, "Choose the partition 2025-06-30", id="tomorrow's partition"),
        pytest.param(AFTER, None, True, "2025-07-01 is not over yet", id="today"),
        pytest.param(date(2026, 1, 1), DEFAULT, True, "2026-01-01 is not over yet", id="next year"),
    ],
)
def test_any_other_day_is_refused_with_the_right_one(asked: date, pulled: date | None, chosen: bool, told: str) -> None:
    with pytest.raises(DayError) as caught:
        check_asked_day(asked, default=DEFAULT, pulled=pulled, chosen=chosen, now=NOW)
    assert told in str(caught.value)
    assert "2025-06-30" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_home_that_is_ahead_of_its_crm_goes_on_from_its_own_day() -> None:
    check_asked_day(DEFAULT, default=date(2024, 1, 1), pulled=DEFAULT, chosen=False, now=NOW)
    with pytest.raises(DayError, match="2025-06-30"):
        check_asked_day(date(2024, 1, 1), default=date(2024, 1, 1), pulled=DEFAULT, chosen=False, now=NOW)


def test_today_may_be_run_where_it_has_the_last_order() -> None:
    check_asked_day(AFTER, default=AFTER, pulled=DEFAULT, chosen=False, now=NOW)


def test_a_day_before_the_first_order_would_count_nothing() -> None:
    with pytest.raises(DayError, match=r"before the first order \(2025-06-30\)"):
        check_orders_reach(BEFORE, DEFAULT)


@pytest.mark.parametrize("first", [None, BEFORE, DEFAULT])
def test_a_day_with_orders_or_a_company_without_any_may_be_run(first: date | None) -> None:
    check_orders_reach(DEFAULT, first)
