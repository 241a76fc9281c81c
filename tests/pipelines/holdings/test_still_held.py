"""Where files were withdrawn: whether the list may hold who must leave it, by what the catalog knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from catalog.erasures import add_request, forget_on, mark_closed, mark_erased, mark_rewritten, write_removals
from catalog.home import Home
from catalog.journal import confirmations
from catalog.offered import offered
from catalog.store import Catalog, open_catalog
from pipelines.holdings.confirming import confirm, unconfirm
from pipelines.holdings.steps import Steps
from pipelines.holdings.still_held import FORGOTTEN, may_hold_forbidden
from schemas.erasure import Removal
from schemas.journal import ConfirmationKind
from schemas.uploads import Manifest
from tests.pipelines.holdings.journal import LOYAL, publish

FIRST, NEXT = "2025-01-01.1", "2025-01-02.1"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """A list was made, and the files of the version after it are to be added and removed."""
    with open_catalog(Home.at(tmp_path)) as opened:
        publish(opened, FIRST)
        confirm(opened, LOYAL, FIRST, "created")
        yield opened.acting_as("marie")


def withdraw_next(catalog: Catalog, *kinds: ConfirmationKind, **changes: object) -> None:
    """Publish a version with these steps, and take its files away."""
    with_files = publish(catalog, "2000-01-01.1", "full", "add", "remove")
    steps = Steps(NEXT, with_files.files)
    plan = tuple(steps.upload(kind) for kind in kinds)
    fields = with_files.model_dump() | {"version": NEXT, "as_of": NEXT[:10], "plan": plan, **changes}
    catalog.add_version(LOYAL, Manifest.model_validate(fields), NEXT)
    catalog.set_state(LOYAL, NEXT, "withdrawn")


def may_hold(catalog: Catalog) -> bool:
    offer = offered(catalog)[LOYAL]
    assert offer.withdrawn is not None and offer.version is None
    return may_hold_forbidden(catalog, LOYAL, offer.withdrawn, confirmations(catalog, LOYAL))


def test_who_must_leave_may_be_there_until_the_removals_of_the_withdrawn_version_are_confirmed(
    catalog: Catalog,
) -> None:
    withdraw_next(catalog, "removed", "added", forbidden=1)
    assert may_hold(catalog)
    confirm(catalog, LOYAL, NEXT, "removed")
    assert not may_hold(catalog)
    unconfirm(catalog, LOYAL)
    assert may_hold(catalog)


def test_nobody_is_said_to_be_there_who_must_leave_where_there_is_no_list_or_nobody_had_to(catalog: Catalog) -> None:
    withdraw_next(catalog, "removed", "added", forbidden=0)
    assert not may_hold(catalog)
    confirm(catalog, LOYAL, FIRST, "deleted")
    catalog.record_outcome(LOYAL, date(2025, 1, 2), "held", night=1, reason=FORGOTTEN)
    assert not may_hold(catalog)


def test_who_must_leave_may_be_there_where_the_last_night_could_not_publish_it(catalog: Catalog) -> None:
    withdraw_next(catalog)
    assert not may_hold(catalog)
    catalog.record_outcome(LOYAL, date(2025, 1, 3), "held", night=2, reason=FORGOTTEN)
    assert may_hold(catalog)


def test_somebody_forgotten_may_be_there_until_the_request_is_settled_and_the_removal_closed(catalog: Catalog) -> None:
    withdraw_next(catalog, "removed", "added", forbidden=1)
    confirm(catalog, LOYAL, NEXT, "removed")
    stones = pl.DataFrame({"form": ["google"], "tombstone": ["0"]})
    add_request(catalog, "r1", "email", datetime(2025, 1, 1, tzinfo=UTC), stones)
    assert may_hold(catalog)
    mark_erased(catalog, ["r1"])
    assert may_hold(catalog)
    mark_rewritten(catalog, ["r1"])
    removal = Removal(request_id="r1", **LOYAL._asdict(), carried_by=(FIRST,), state="published")
    write_removals(catalog, [removal])
    assert may_hold(catalog)
    closed = removal.model_copy(update={"state": "closed", "confirmation": f"removed {NEXT}"})
    write_removals(catalog, [closed])
    mark_closed(catalog, ["r1"])
    assert not may_hold(catalog)
    # What its keys were forgotten on was taken back.
    forget_on(catalog, LOYAL, {"r1": f"replaced {FIRST}"})
    assert may_hold(catalog)
