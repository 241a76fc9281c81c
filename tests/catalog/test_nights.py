"""Which night speaks for what is published, what ends one that was killed, and which leave a night uses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import event

from catalog.allowances import allow, allowance, leaves_taken_back, standing_leaves, take_back, use_allowance
from catalog.database import now
from catalog.home import Home
from catalog.journal import add_confirmation, confirmations, undo_confirmation
from catalog.nights import (
    alerts,
    newest_night,
    night_notices,
    night_report,
    record_alert,
    record_notices,
    record_start,
    starts_since,
)
from catalog.store import Catalog, open_catalog
from catalog.users import add_first_admin, add_user, remove_user, users
from schemas.alerts import AlertEvent
from schemas.errors import JournalError, UserError
from schemas.journal import Confirmation, ConfirmationKind
from schemas.nights import Alert
from schemas.said import Said
from schemas.segment import Audience

LOYAL, LAPSED = Audience("meta", "main", "loyal"), Audience("meta", "main", "lapsed")
DAYS = [date(2025, 6, 28) + timedelta(days=number) for number in range(4)]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(Home.at(tmp_path / "home")) as opened:
        yield opened.acting_as("os:root")


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
    catalog.end_night(held, "failed", ["A source broke."], 1, if_open=True)
    assert night_report(catalog, held).outcome == "held"
    begun = catalog.begin_night(DAYS[1])
    catalog.end_night(begun, "failed", ["A source broke.", "A source broke."], 1, if_open=True)
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
        return Alert(event=event, channel="email", sent_at=datetime(2025, 7, 1, 6, 0, tzinfo=UTC), failure=None)

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


def test_a_leave_lets_one_night_pass_and_no_second_waits_beside_it(catalog: Catalog) -> None:
    begun = now()
    for audience, reason in ((LAPSED, "moved"), (LOYAL, "a shop was sold"), (LOYAL, "another was")):
        allow(catalog, audience, reason)
    night = catalog.begin_night(DAYS[0])
    first = allowance(catalog, LOYAL, 0)
    assert first is not None
    assert [leave.reason for leave in standing_leaves(catalog)] == ["moved", "a shop was sold"]
    use_allowance(catalog, first, night)
    assert [leave.reason for leave in standing_leaves(catalog)] == ["moved"]
    allow(catalog, LOYAL, "another was")
    assert [leave.reason for leave in standing_leaves(catalog)] == ["moved", "another was"]
    assert take_back(catalog, LOYAL, "it was not")
    assert take_back(catalog, LAPSED, "nobody moved")
    assert not take_back(catalog, LAPSED, "nobody moved")
    ended = [(leave.audience, leave.reason) for leave in leaves_taken_back(catalog, begun)]
    assert ended == [(LAPSED, "nobody moved"), (LOYAL, "it was not")]
    assert leaves_taken_back(catalog, now()) == []


def test_a_leave_taken_back_while_a_night_publishes_by_it_counts_as_used(catalog: Catalog) -> None:
    allow(catalog, LOYAL, "a shop was sold")
    first = allowance(catalog, LOYAL, 0)
    assert first is not None
    assert take_back(catalog, LOYAL, "it was not")
    use_allowance(catalog, first, catalog.begin_night(DAYS[0]))
    assert standing_leaves(catalog) == leaves_taken_back(catalog, datetime(2000, 1, 1, tzinfo=UTC)) == []


def at_once(home: Home, act: Callable[[Catalog], object]) -> list[object]:
    """What comes of two processes that do the same, of which each has looked before either writes, if it can."""
    looked = threading.Barrier(2)

    def process() -> object:
        with open_catalog(home) as opened, opened.reading() as connection:

            @event.listens_for(connection.engine, "after_cursor_execute")
            def meet(_: object, __: object, statement: str, *rest: object) -> None:
                if statement.startswith("SELECT") and "advisory" not in statement:
                    with suppress(threading.BrokenBarrierError):
                        looked.wait(0.3)

            try:
                return act(opened)
            except UserError as error:
                return type(error)

    with ThreadPoolExecutor(2) as pool:
        return [future.result() for future in [pool.submit(process) for _ in range(2)]]


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_of_two_processes_that_do_the_same_at_once_one_does_it(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = SecretStr(request.getfixturevalue("postgresql_database")) if store == "postgresql" else None
    home = Home.at(tmp_path / "home", catalog_url=url)
    with open_catalog(home) as catalog:
        assert at_once(home, add_first_admin).count(None) == 1
        add_user(catalog, "anne", ["admin"])
        names = iter(["admin", "anne"])
        removed = at_once(home, lambda opened: remove_user(opened, next(names)))
        assert (removed.count(UserError), len(users(catalog))) == (1, 1)
        at_once(home, lambda opened: allow(opened, LOYAL, "a shop was sold"))
        assert len(standing_leaves(catalog)) == 1
        assert sorted(map(bool, at_once(home, lambda opened: take_back(opened, LOYAL, "it was not")))) == [False, True]
        night = catalog.begin_night(DAYS[0])
        at_once(home, lambda opened: opened.end_night(night, "failed", [], 1, if_open=True))
        assert [line["action"] for line in catalog.audit_lines()].count("run_ended") == 1


def test_what_was_confirmed_is_taken_back_once(catalog: Catalog) -> None:
    seen: list[list[int]] = []

    def check(standing: list[Confirmation]) -> None:
        seen.append([each.number for each in standing])

    kinds: list[ConfirmationKind] = ["created", "added", "removed"]
    first, second, third = (add_confirmation(catalog, LOYAL, "2025-06-30.1", kind, check, lists=()) for kind in kinds)
    undo_confirmation(catalog, second, check)
    with pytest.raises(JournalError, match="already taken back"):
        undo_confirmation(catalog, second, check)
    assert confirmations(catalog, LOYAL) == confirmations(catalog) == [first, third]
    assert seen == [[], [1], [1, 2], [1, 2, 3]]
    assert confirmations(catalog, LAPSED) == []
