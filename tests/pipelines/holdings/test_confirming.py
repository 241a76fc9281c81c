"""The journal: what is told fits what is known of the list, or is refused with what to do instead."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.journal import confirmations
from catalog.store import Catalog, open_catalog
from pipelines.holdings.confirming import confirm, unconfirm
from pipelines.holdings.open_lists import open_lists
from schemas.errors import JournalError
from tests.pipelines.holdings.journal import LOYAL, publish


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(Home.at(tmp_path)) as opened:
        yield opened.acting_as("marie")


def lists_of(catalog: Catalog) -> list[list[tuple[str, str]]]:
    return [list(each.uploads) for each in open_lists(confirmations(catalog, LOYAL))]


def test_a_confirmation_stands_with_who_and_when_and_leaves_a_line_in_the_audit_log(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    confirmed = confirm(catalog, LOYAL, "2025-01-01.1", "created")
    assert confirmations(catalog) == confirmations(catalog, LOYAL) == [confirmed]
    assert confirmed.confirmed_by == "marie"
    assert abs((datetime.now(UTC) - confirmed.confirmed_at).total_seconds()) < 60
    undone = unconfirm(catalog, LOYAL)
    assert undone == confirmed
    assert confirmations(catalog) == []
    lines = [(line["action"], line["subject"]) for line in catalog.audit_lines()]
    assert lines[-2:] == [
        ("confirmed", "meta/main/loyal/2025-01-01.1"),
        ("unconfirmed", "meta/main/loyal/2025-01-01.1"),
    ]


def test_what_a_list_holds_follows_what_was_done(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    publish(catalog, "2025-01-02.1", "full", "add", "remove")
    confirm(catalog, LOYAL, "2025-01-02.1", "added")
    confirm(catalog, LOYAL, "2025-01-02.1", "removed")
    publish(catalog, "2025-01-03.1")
    confirm(catalog, LOYAL, "2025-01-03.1", "created")
    first = [("2025-01-01.1", "created"), ("2025-01-02.1", "added"), ("2025-01-02.1", "removed")]
    assert lists_of(catalog) == [first, [("2025-01-03.1", "created")]]
    confirm(catalog, LOYAL, "2025-01-02.1", "deleted")
    assert lists_of(catalog) == [[("2025-01-03.1", "created")]]
    unconfirm(catalog, LOYAL)
    assert lists_of(catalog) == [first, [("2025-01-03.1", "created")]]


@pytest.mark.parametrize("order", [("added", "removed"), ("removed", "added")])
def test_the_deltas_of_a_version_are_confirmed_in_any_order(catalog: Catalog, order: tuple[str, ...]) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    publish(catalog, "2025-01-02.1", "full", "add", "remove")
    for kind in order:
        confirm(catalog, LOYAL, "2025-01-02.1", kind)
        with pytest.raises(JournalError, match="confirmed so already"):
            confirm(catalog, LOYAL, "2025-01-02.1", kind)


def test_a_delta_on_another_base_is_refused_with_what_to_upload_instead(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    publish(catalog, "2025-01-02.1", "full", "add")
    publish(catalog, "2025-01-03.1", "full", "add")
    confirm(catalog, LOYAL, "2025-01-02.1", "added")
    with pytest.raises(JournalError, match=r"Replace the list with the full file of 2025-01-03.1 instead"):
        confirm(catalog, LOYAL, "2025-01-03.1", "added")
    publish(catalog, "2025-01-04.1", "full", "add", replaceable=False)
    with pytest.raises(JournalError, match=r"Upload the files of 2025-01-04.1 instead"):
        confirm(catalog, LOYAL, "2025-01-03.1", "added")
    confirm(catalog, LOYAL, "2025-01-04.1", "added")
    publish(catalog, "2025-01-05.1", "full", "add", replaceable=False)
    unconfirm(catalog, LOYAL)
    confirm(catalog, LOYAL, "2025-01-03.1", "replaced")
    with pytest.raises(JournalError, match="The next night publishes files that start from what the list holds"):
        confirm(catalog, LOYAL, "2025-01-05.1", "added")


def test_nothing_older_is_to_be_uploaded_instead_of_what_was_withdrawn(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    publish(catalog, "2025-01-02.1", "full", "add")
    publish(catalog, "2025-01-03.1", "full", "add")
    confirm(catalog, LOYAL, "2025-01-02.1", "added")
    publish(catalog, "2025-01-04.1", "full", "add")
    catalog.set_state(LOYAL, "2025-01-04.1", "withdrawn")
    # An older version may hold whom the withdrawn one left out.
    with pytest.raises(JournalError, match="The next night publishes files that start from what the list holds"):
        confirm(catalog, LOYAL, "2025-01-03.1", "added")


def test_a_delta_needs_an_open_list(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    publish(catalog, "2025-01-02.1", "full", "add")
    confirm(catalog, LOYAL, "2025-01-01.1", "deleted")
    with pytest.raises(JournalError, match=r"no list is open. Make one"):
        confirm(catalog, LOYAL, "2025-01-02.1", "added")


@pytest.mark.parametrize(
    ("version", "kind", "told"),
    [
        ("2025-01-09.1", "created", "there is no such version. The newest are 2025-01-01.1, 2025-01-02.1"),
        ("2025-01-01.1", "added", "it has no add file"),
        ("2025-01-01.1", "removed", "it has no remove file"),
        ("2025-01-01.1", "replaced", "no list is open that it could replace"),
        ("2025-01-02.1", "replaced", "it has no full file"),
        ("2025-01-02.1", "created", "it has no full file"),
    ],
)
def test_what_cannot_have_been_done_is_refused(catalog: Catalog, version: str, kind: str, told: str) -> None:
    publish(catalog, "2025-01-01.1")
    publish(catalog, "2025-01-02.1", "remove")
    with pytest.raises(JournalError, match=f"meta/loyal {version} cannot be confirmed as {kind}: {told}"):
        confirm(catalog, LOYAL, version, kind)
    assert confirmations(catalog) == []
    assert [line["action"] for line in catalog.audit_lines()] == ["published", "published"]


def test_of_one_version_that_there_is_no_more_are_named(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    with pytest.raises(JournalError, match=r"there is no such version. The newest is 2025-01-01.1\.$"):
        confirm(catalog, LOYAL, "2025-01-09.1", "created")


def test_a_network_that_cannot_replace_is_not_told_to_have_replaced(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1", replaceable=False)
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    with pytest.raises(JournalError, match="cannot replace what a list holds"):
        confirm(catalog, LOYAL, "2025-01-01.1", "replaced")


def test_a_deletion_names_a_version_that_went_into_the_list(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    publish(catalog, "2025-01-02.1")
    with pytest.raises(JournalError, match=r"The open one is known by 2025-01-01.1"):
        confirm(catalog, LOYAL, "2025-01-02.1", "deleted")
    confirm(catalog, LOYAL, "2025-01-01.1", "deleted")
    with pytest.raises(JournalError, match="no list is open that it went into"):
        confirm(catalog, LOYAL, "2025-01-01.1", "deleted")
    confirm(catalog, LOYAL, "2025-01-02.1", "deleted")


def test_the_tenth_version_of_a_day_is_newer_than_the_ninth_when_a_deletion_names_it(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.9")
    confirm(catalog, LOYAL, "2025-01-01.9", "created")
    publish(catalog, "2025-01-01.10")
    with pytest.raises(JournalError, match=r"The open one is known by 2025-01-01.9"):
        confirm(catalog, LOYAL, "2025-01-01.10", "deleted")


def test_a_version_makes_one_list_at_a_time_whatever_else_it_went_into(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    publish(catalog, "2025-01-02.1")
    confirm(catalog, LOYAL, "2025-01-02.1", "replaced")
    confirm(catalog, LOYAL, "2025-01-02.1", "created")
    for version in ("2025-01-01.1", "2025-01-02.1"):
        with pytest.raises(JournalError, match="a list made of it is open already"):
            confirm(catalog, LOYAL, version, "created")


def test_instead_of_a_delta_on_another_base_the_newest_files_that_fit_are_named(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    for day in (2, 3):
        publish(catalog, f"2025-01-0{day}.1", "full", "add")
    confirm(catalog, LOYAL, "2025-01-02.1", "added")
    for day in (4, 5):
        publish(catalog, f"2025-01-0{day}.1", "full", "add")
    with pytest.raises(JournalError, match=r"Upload the files of 2025-01-05.1 instead"):
        confirm(catalog, LOYAL, "2025-01-03.1", "added")
    for _ in range(2):
        unconfirm(catalog, LOYAL)
    confirm(catalog, LOYAL, "2025-01-03.1", "created")
    publish(catalog, "2025-01-06.1", "remove")
    confirm(catalog, LOYAL, "2025-01-06.1", "removed")
    with pytest.raises(JournalError, match="The next night publishes files that start from what the list holds"):
        confirm(catalog, LOYAL, "2025-01-05.1", "added")


def test_removals_for_lists_that_nobody_spoke_of_fit_beside_the_newest_list_if_that_is_the_version_s(
    catalog: Catalog,
) -> None:
    for day in (1, 2):
        publish(catalog, f"2025-01-0{day}.1")
    publish(catalog, "2025-01-03.1", "full", "remove")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    with pytest.raises(JournalError, match="it starts from another state of the list"):
        confirm(catalog, LOYAL, "2025-01-03.1", "removed")
    confirm(catalog, LOYAL, "2025-01-03.1", "created")
    confirm(catalog, LOYAL, "2025-01-03.1", "removed")
    # An older version may have been a list, too; nobody need say so to delete it.
    confirm(catalog, LOYAL, "2025-01-02.1", "deleted")
    assert len(lists_of(catalog)) == 2


def test_a_confirmation_is_taken_back_by_its_number_or_its_version(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    first, second = (confirm(catalog, LOYAL, "2025-01-01.1", kind) for kind in ("created", "replaced"))
    publish(catalog, "2025-01-02.1")
    third = confirm(catalog, LOYAL, "2025-01-02.1", "replaced")
    assert unconfirm(catalog, LOYAL, second.number) == second
    assert unconfirm(catalog, LOYAL, "2025-01-02.1") == third
    assert confirmations(catalog) == [first]


def test_what_a_later_confirmation_rests_on_is_not_taken_back_first(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    publish(catalog, "2025-01-02.1", "full", "add")
    confirm(catalog, LOYAL, "2025-01-02.1", "added")
    with pytest.raises(JournalError, match=r"2025-01-02.1, confirmed as added later, rests on it"):
        unconfirm(catalog, LOYAL, "2025-01-01.1")
    unconfirm(catalog, LOYAL, "2025-01-02.1")
    unconfirm(catalog, LOYAL, "2025-01-01.1")
    with pytest.raises(JournalError, match="nothing of it stands confirmed"):
        unconfirm(catalog, LOYAL)


def test_of_two_people_who_confirm_at_once_one_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    publish(catalog, "2025-01-01.1")
    refused: list[JournalError] = []

    def click() -> None:
        with open_catalog(Home.at(tmp_path)) as own:
            try:
                confirm(own, LOYAL, "2025-01-01.1", "created")
            except JournalError as error:
                refused.append(error)

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert (len(confirmations(catalog)), len(refused)) == (1, 3)
