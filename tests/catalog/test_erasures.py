"""What the catalog keeps of requests: each removal by its own audience, and forgotten keys by what closed them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

from catalog.erasures import (
    add_request,
    adopt_requests,
    catalog_tombstones,
    erasure_requests,
    forget_on,
    forget_records,
    forgotten_on,
    mark_closed,
    mark_erased,
    mark_rewritten,
    note_forgotten,
    note_records,
    noted_records,
    open_removals,
    receive_again,
    removals,
    reopen,
    requests_in,
    sealed_records,
    write_removals,
)
from catalog.home import Home
from catalog.store import Catalog, open_catalog
from schemas.crm import CrmErasures
from schemas.erasure import Removal, RemovalState
from schemas.segment import Audience

LOYAL, LOYAL_FR, LAPSED = (
    Audience("meta", "main", "loyal"),
    Audience("meta", "fr", "loyal"),
    Audience("meta", "main", "lapsed"),
)
ASKED = datetime(2025, 6, 30, 12, tzinfo=UTC)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(Home.at(tmp_path / "home")) as opened:
        adopt_requests(opened, [("r1", "email", ASKED), ("r2", "customer_id", ASKED)])
        yield opened.acting_as("os:root")


def removal(request_id: str, audience: Audience, state: RemovalState, confirmation: str | None = None) -> Removal:
    at = None if confirmation is None else ASKED
    return Removal(
        request_id=request_id,
        **audience._asdict(),
        carried_by=("2025-06-29.1",),
        state=state,
        confirmation=confirmation,
        confirmed_at=at,
    )


def test_each_audience_has_its_own_removal_and_the_last_word_on_it_counts(catalog: Catalog) -> None:
    first = [removal("r1", audience, "due") for audience in (LAPSED, LOYAL, LOYAL_FR)]
    write_removals(catalog, [*first, removal("r2", LOYAL, "due")])
    closed = removal("r1", LOYAL, "closed", "removed 2025-06-30.1")
    write_removals(catalog, [closed])
    expected = [removal("r1", LOYAL_FR, "due"), removal("r1", LAPSED, "due"), closed]
    assert removals(catalog, "r1") == expected
    assert removals(catalog) == [*expected, removal("r2", LOYAL, "due")]


def test_a_removal_is_open_until_it_is_confirmed_or_its_person_has_consented(catalog: Catalog) -> None:
    states: dict[str, RemovalState] = {"a": "due", "b": "published", "c": "closed", "d": "consented"}
    adopt_requests(catalog, [(request_id, "email", ASKED) for request_id in states])
    write_removals(catalog, [removal(request_id, LOYAL, state) for request_id, state in states.items()])
    write_removals(catalog, [removal("r1", LOYAL_FR, "due"), removal("r2", LAPSED, "due")])
    assert open_removals(catalog, LOYAL) == {"a", "b"}


def test_keys_are_forgotten_on_what_closed_their_removal_and_nothing_else(catalog: Catalog) -> None:
    write_removals(
        catalog,
        [
            removal("r1", LOYAL, "closed", "removed 2025-06-30.1"),
            removal("r1", LOYAL_FR, "closed", "deleted 2025-06-29.1"),
            removal("r1", LAPSED, "due", "removed 2025-06-29.1"),
            removal("r2", LOYAL, "closed"),
            removal("r2", LOYAL_FR, "closed", "deleted 2025-06-29.1"),
        ],
    )
    for _ in range(2):
        note_forgotten(catalog, ["r1"])
    assert forgotten_on(catalog, LOYAL) == {"r1": {"removed 2025-06-30.1"}}
    assert forgotten_on(catalog, LOYAL_FR) == {"r1": {"deleted 2025-06-29.1"}}
    assert forgotten_on(catalog, LAPSED) == {}
    note_forgotten(catalog, ["r2"])
    write_removals(catalog, [removal("r1", LOYAL, "closed", "replaced 2025-07-01.1")])
    note_forgotten(catalog, ["r1"])
    assert forgotten_on(catalog, LOYAL) == {"r1": {"removed 2025-06-30.1", "replaced 2025-07-01.1"}}

    forget_on(catalog, LOYAL, {"r1": "deleted 2025-07-02.1"})

    assert forgotten_on(catalog, LOYAL) == {"r1": {"deleted 2025-07-02.1"}}
    assert forgotten_on(catalog, LOYAL_FR) == {"r1": {"deleted 2025-06-29.1"}, "r2": {"deleted 2025-06-29.1"}}


def test_a_request_that_is_open_again_has_no_date_on_which_it_closed(catalog: Catalog) -> None:
    for state in ("removing", "received"):
        mark_erased(catalog, ["r1"])
        mark_rewritten(catalog, ["r1"])
        mark_closed(catalog, ["r1"])
        assert [request.closed_at is None for request in erasure_requests(catalog)] == [False, True]
        if state == "removing":
            reopen(catalog, "r1")
        else:
            receive_again(catalog, ["r1"])
        [opened, other] = erasure_requests(catalog)
        assert (opened.state, opened.closed_at) == (state, None)
        assert opened.erased_at is not None
        assert (other.state, other.erased_at, other.closed_at) == ("received", None, None)
    assert requests_in(catalog, "received") == ["r1", "r2"]
    assert requests_in(catalog, "received", new=True) == ["r2"]


def test_every_step_of_a_request_is_a_line_of_the_audit_log(catalog: Catalog) -> None:
    mark_erased(catalog, ["r1", "r2"])
    mark_closed(catalog, ["r2"])
    reopen(catalog, "r2")
    assert [(line["action"], line["subject"]) for line in catalog.audit_lines()] == [
        ("forgot", "r1"),
        ("forgot", "r2"),
        ("erased", "r1"),
        ("erased", "r2"),
        ("erasure_closed", "r2"),
        ("erasure_reopened", "r2"),
    ]


def test_when_somebody_asked_is_the_same_instant_wherever_they_did(catalog: Catalog) -> None:
    there = ASKED.astimezone(timezone(timedelta(hours=9)))
    stones = pl.DataFrame(
        {"request_id": ["r3", "r3"], "form": ["email"] * 2, "tombstone": ["a"] * 2, "requested_at": [ASKED] * 2},
    )
    add_request(catalog, "r3", "email", there, stones)
    assert erasure_requests(catalog)[-1].requested_at == ASKED
    kept = catalog_tombstones(catalog)
    assert kept.schema == CrmErasures.create_empty().schema
    assert kept.select("request_id", "requested_at", "form", "tombstone", "lifted_at").rows() == [
        ("r3", ASKED, "email", "a", None)
    ]


def test_ids_of_records_are_kept_until_they_are_old_and_each_once(catalog: Catalog) -> None:
    note_records(catalog, [("r1", "mark b", "sealed b"), ("r1", "mark a", "sealed a"), ("r2", "mark a", "other")])
    now = datetime.now(UTC)
    forget_records(catalog, now - timedelta(hours=1))
    assert sealed_records(catalog, "r1") == ["sealed a", "sealed b"]
    assert noted_records(catalog) == {("r1", "mark a"), ("r1", "mark b"), ("r2", "mark a")}
    forget_records(catalog, now + timedelta(hours=1))
    assert noted_records(catalog) == set()
