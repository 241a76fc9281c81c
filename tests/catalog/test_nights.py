"""Which night speaks for what is published, what ends one that was killed, and which leave a night uses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from catalog.allowances import allow, allowance, leaves_taken_back, standing_leaves, take_back, use_allowance
from catalog.database import now
from catalog.home import Home
from catalog.journal import add_confirmation, confirmations, undo_confirmation
from catalog.nights import (
    alerts,
    end_if_open,
    newest_night,
    night_notices,
    night_report,
    record_alert,
    record_notices,
    record_start,
    starts_since,
)
from catalog.store import Catalog, open_catalog
from schemas.alerts import AlertEvent
from schemas.errors import JournalError
from schemas.journal import Confirmation, ConfirmationKind
from schemas.nights import Alert
from schemas.said import Said
from schemas.segment import Audience

LOYAL, LAPSED = Audience("meta", "main", "loyal"), Audience("meta", "main", "lapsed")
DAYS = [date(2025, 6, 28) + timedelta(days=number) for number in range(4)]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(Home.at(tmp_path / "home"), actor="os:root") as opened:
        yield opened


def went(catalog: Catalog, day: date, outcome: str) -> int:
    night = catalog.begin_night(day)
    record_start(catalog, night, "nightly", f"run {night}")
    catalog.end_night(night, outcome, [], 0)
    return night


@pytest.mark.parametrize(
    ("nights", "expected"),
    [
        ([], None),
        ([(0, "partial")], None),
        ([(0, "failed")], 1),
        ([(1, "done"), (0, "done")], 1),
        ([(1, "held"), (0, "done"), (0, "failed")], 1),
        ([(1, "done"), (1, "failed")], 2),
        ([(1, "done"), (2, "failed"), (2, "partial")], 2),
        ([(2, "failed"), (1, "done")], 2),
        ([(2, "failed"), (1, "failed"), (0, "failed")], 3),
    ],
)
def test_the_newest_night_is_the_last_whole_one_of_no_day_before_what_is_published(
    catalog: Catalog, nights: list[tuple[int, str]], expected: int | None
) -> None:
    for day, outcome in nights:
        went(catalog, DAYS[day], outcome)
    newest = newest_night(catalog)
    assert (newest and newest["night"]) == expected


def test_a_night_that_begins_ends_those_that_were_killed_and_no_other(catalog: Catalog) -> None:
    done, killed = went(catalog, DAYS[0], "done"), catalog.begin_night(DAYS[1])
    begun = catalog.begin_night(DAYS[1])
    record_start(catalog, begun, "nightly", "run")
    reports = [night_report(catalog, night) for night in (done, killed, begun)]
    ends = [(report.outcome, report.ended_at is None) for report in reports]
    assert ends == [
        ("done", False),
        ("interrupted", False),
        ("running", True),
    ]
    assert catalog.night(killed)["exit_code"] == 1
    [message] = night_report(catalog, killed).messages
    assert "The run was killed" in message


def test_a_night_that_has_ended_keeps_its_end(catalog: Catalog) -> None:
    held = went(catalog, DAYS[0], "held")
    end_if_open(catalog, held, ["A source broke."], 1)
    assert night_report(catalog, held).outcome == "held"
    begun = catalog.begin_night(DAYS[1])
    end_if_open(catalog, begun, ["A source broke.", "A source broke."], 1)
    report = night_report(catalog, begun)
    assert (report.outcome, report.messages) == ("failed", ("A source broke.",))


def test_a_table_that_is_read_again_is_told_once_and_others_stay_told(catalog: Catalog) -> None:
    night = catalog.begin_night(DAYS[0])
    record_notices(catalog, night, "orders", [Said("Nine orders."), Said("Ten orders.")])
    record_notices(catalog, night, "customers", [Said("One customer.")])
    record_notices(catalog, night, "orders", [Said("Eight orders.")])
    assert night_notices(catalog, [night, 7]) == {night: ("One customer.", "Eight orders."), 7: ()}
    record_notices(catalog, night, "orders", [])
    assert night_notices(catalog, [night])[night] == ("One customer.",)


def test_alerts_are_of_one_night_or_of_one_day_without_a_night(catalog: Catalog) -> None:
    def alert(event: AlertEvent) -> Alert:
        return Alert(event=event, channel="email", sent_at=datetime(2025, 7, 1, 6, 0), failure=None)

    night = catalog.begin_night(DAYS[0])
    record_alert(catalog, alert("failed"), night, DAYS[0])
    record_alert(catalog, alert("late"), None, DAYS[0])
    record_alert(catalog, alert("held"), None, DAYS[1])
    told = [[each.event for each in alerts(catalog, *about)] for about in ((night, DAYS[0]), (None, DAYS[0]))]
    assert told == [["failed"], ["late"]]


def test_nights_begun_since_a_moment_are_those_from_it_on(catalog: Catalog) -> None:
    went(catalog, DAYS[0], "done")
    second = went(catalog, DAYS[1], "failed")
    since = catalog.night(second)["started_at"]
    assert [start.as_of for start in starts_since(catalog, since)] == [DAYS[1]]


def test_each_leave_lets_one_night_pass_the_oldest_first(catalog: Catalog) -> None:
    begun = now()
    for audience, reason in ((LAPSED, "moved"), (LOYAL, "a shop was sold"), (LOYAL, "another was"), (LOYAL, "a third")):
        allow(catalog, audience, reason)
    night = catalog.begin_night(DAYS[0])
    first = allowance(catalog, LOYAL)
    assert first is not None
    use_allowance(catalog, first, night)
    assert [leave.reason for leave in standing_leaves(catalog)] == ["moved", "another was", "a third"]
    assert take_back(catalog, LOYAL, "it was not")
    assert [leave.reason for leave in standing_leaves(catalog)] == ["moved", "a third"]
    assert take_back(catalog, LAPSED, "nobody moved")
    assert not take_back(catalog, LAPSED, "nobody moved")
    ended = [(leave.audience, leave.reason) for leave in leaves_taken_back(catalog, begun)]
    assert ended == [(LAPSED, "nobody moved"), (LOYAL, "it was not")]
    assert leaves_taken_back(catalog, now()) == []


def test_what_was_confirmed_is_taken_back_once(catalog: Catalog) -> None:
    seen: list[list[int]] = []

    def check(standing: list[Confirmation]) -> None:
        seen.append([each.number for each in standing])

    kinds: list[ConfirmationKind] = ["created", "added", "removed"]
    first, second, third = (add_confirmation(catalog, LOYAL, "2025-06-30.1", kind, check) for kind in kinds)
    undo_confirmation(catalog, second, check)
    with pytest.raises(JournalError, match="already taken back"):
        undo_confirmation(catalog, second, check)
    assert confirmations(catalog, LOYAL) == confirmations(catalog) == [first, third]
    assert seen == [[], [1], [1, 2], [1, 2, 3]]
    assert confirmations(catalog, LAPSED) == []
