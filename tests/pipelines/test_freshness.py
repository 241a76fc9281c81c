"""Last night is there when the nightly run of the expected day went through, and by nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.nights import Start
from pipelines.freshness import day_begins, due_day, quiet_days, why_late
from schemas.nights import StartedAs
from schemas.settings import Settings

PARIS = Settings(currency="EUR", time_zone="Europe/Paris", fresh_by=time(6))
#: The day on which 02:00 does not exist.
DAY = date(2026, 3, 29)
BEGUN = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
NIGHT = Start(date(2026, 3, 28), "nightly", BEGUN, BEGUN + timedelta(minutes=20), "done")


def late(*starts: Start, as_of: str = "yesterday") -> str | None:
    return why_late(starts, PARIS, DAY, as_of=as_of)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("outcome", ["done", "held"])
def test_a_nightly_run_that_went_through_is_last_night(outcome: str) -> None:
    assert late(NIGHT._replace(outcome=outcome)) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"started_as": "backfill"}, "no nightly run has begun"),
        ({"started_as": "by_hand"}, "no nightly run has begun"),
        ({"as_of": date(2026, 3, 27)}, "no nightly run has begun"),
        ({"ended_at": None, "outcome": "running"}, "its run began at 01:00 UTC and has not ended"),
        ({"outcome": "failed"}, "its run ended as failed"),
        ({"outcome": "partial"}, "its run ended as partial"),
        ({"outcome": "interrupted"}, "its run ended as interrupted"),
    ],
)
def test_nothing_else_is_last_night_and_the_sentence_says_what_there_is(changes: dict[str, object], said: str) -> None:
    sentence = late(NIGHT._replace(**changes))

    assert sentence is not None
    assert sentence.startswith("The night of 2026-03-28 was due on 2026-03-29 by 06:00 (Europe/Paris)")
    assert said in sentence


def test_a_second_run_heals_a_failed_night() -> None:
    assert late(NIGHT._replace(outcome="failed"), NIGHT) is None


@pytest.mark.parametrize("as_of", ["yesterday", "last order"])
def test_a_run_that_somebody_named_the_due_day_to_heals_a_failed_night_and_of_another_day_does_not(as_of: str) -> None:
    failed = NIGHT._replace(outcome="failed")
    chosen = NIGHT._replace(started_as="chosen", started_at=BEGUN + timedelta(hours=1))

    assert late(failed, chosen, as_of=as_of) is None
    assert late(failed, chosen._replace(outcome="failed"), as_of=as_of) is not None
    assert late(failed, chosen._replace(as_of=date(2026, 3, 27)), as_of=as_of) is not None


def test_of_data_that_stands_still_no_day_is_named_before_a_run_knows_it() -> None:
    assert str(late(as_of="last order")).startswith("A night was due on 2026-03-29 by 06:00 (Europe/Paris), but no")


def test_a_day_to_come_that_is_run_again_is_last_night() -> None:
    assert late(NIGHT._replace(as_of=date(2027, 1, 1))) is None


@given(
    st.lists(
        st.builds(
            NIGHT._replace,
            as_of=st.dates(date(2026, 1, 1), date(2026, 3, 27)),
            started_as=st.sampled_from(get_args(StartedAs)),
        )
    )
)
def test_no_number_of_old_days_makes_last_night(backfill: list[Start]) -> None:
    assert late(*backfill) is not None


def test_of_data_that_stands_still_the_run_counts_and_not_its_day() -> None:
    old = NIGHT._replace(as_of=date(2024, 6, 30))

    assert late(old, as_of="last order") is None
    assert late(old._replace(started_at=datetime(2026, 3, 28, 22, 59, tzinfo=UTC)), as_of="last order") is not None


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 3, 29, 3, 59, tzinfo=UTC), date(2026, 3, 28)),
        (datetime(2026, 3, 29, 4, 0, tzinfo=UTC), date(2026, 3, 29)),
        (datetime(2026, 3, 28, 4, 59, tzinfo=UTC), date(2026, 3, 27)),
        (datetime(2026, 3, 28, 5, 0, tzinfo=UTC), date(2026, 3, 28)),
        (datetime(2026, 10, 25, 4, 59, tzinfo=UTC), date(2026, 10, 24)),
        (datetime(2026, 10, 25, 5, 0, tzinfo=UTC), date(2026, 10, 25)),
    ],
)
def test_a_night_is_due_at_six_by_the_clock_on_the_wall(now: datetime, day: date) -> None:
    assert due_day(PARIS, now) == day


def test_a_day_has_23_24_or_25_hours() -> None:
    lengths = [
        day_begins(PARIS, day + timedelta(days=1)) - day_begins(PARIS, day)
        for day in (date(2026, 3, 29), date(2026, 6, 1), date(2026, 10, 25))
    ]

    assert lengths == [timedelta(hours=23), timedelta(hours=24), timedelta(hours=25)]


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), None),
        (datetime(2026, 3, 31, 21, 59, tzinfo=UTC), None),
        (datetime(2026, 3, 31, 22, 0, tzinfo=UTC), 3),
        (datetime(2026, 4, 27, 12, 0, tzinfo=UTC), 29),
    ],
)
def test_when_no_night_has_begun_for_three_days_of_the_wall_it_is_said(now: datetime, days: int | None) -> None:
    assert quiet_days(NIGHT._asdict(), now.astimezone(PARIS.zone)) == days
