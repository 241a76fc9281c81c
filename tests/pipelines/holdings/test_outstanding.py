"""What is still to be done of a plan, whatever was done since."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.journal import confirmations
from catalog.store import Catalog, open_catalog
from pipelines.holdings.confirming import confirm, unconfirm
from pipelines.holdings.outstanding import outstanding, outstanding_instead
from schemas.errors import JournalError
from schemas.journal import ConfirmationKind, UploadStep
from schemas.network_file import FileKind
from schemas.uploads import Manifest
from tests.pipelines.holdings.journal import LOYAL, publish

_FILES: dict[ConfirmationKind, FileKind] = {"created": "full", "replaced": "full", "added": "add", "removed": "remove"}


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(Home.at(tmp_path)) as opened:
        yield opened.acting_as("marie")


def step(kind: ConfirmationKind, version: str) -> UploadStep:
    return UploadStep(kind=kind, version=version, file=_FILES.get(kind), says=kind)


def planned(manifest: Manifest, *kinds: ConfirmationKind, instead: tuple[ConfirmationKind, ...] = ()) -> Manifest:
    """The version with a plan of these uploads of it."""
    plan, alternative = (tuple(step(kind, manifest.version) for kind in each) for each in (kinds, instead))
    return manifest.model_copy(update={"plan": plan, "alternative": alternative})


def left(catalog: Catalog, manifest: Manifest) -> list[tuple[ConfirmationKind, str]]:
    return [(each.kind, each.version) for each in outstanding(manifest, confirmations(catalog))]


def left_instead(catalog: Catalog, manifest: Manifest) -> list[str]:
    return [each.kind for each in outstanding_instead(manifest, confirmations(catalog))]


def test_the_steps_still_to_do_are_those_not_confirmed(catalog: Catalog) -> None:
    manifest = publish(catalog, "2025-01-01.1")
    steps = (step("created", "2025-01-01.1"), step("deleted", "2024-12-31.1"))
    planned = manifest.model_copy(update={"plan": steps})
    assert outstanding(planned, confirmations(catalog)) == steps
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    assert outstanding(planned, confirmations(catalog)) == steps[1:]


def test_a_list_that_is_to_be_deleted_is_named_by_what_filled_it_and_not_by_what_left_it(catalog: Catalog) -> None:
    first = publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    publish(catalog, "2025-01-02.1", "remove")
    confirm(catalog, LOYAL, "2025-01-02.1", "removed")
    publish(catalog, "2025-01-03.1")
    confirm(catalog, LOYAL, "2025-01-03.1", "created")
    third = planned(publish(catalog, "2025-01-04.1"), "replaced")
    assert left(catalog, third) == [("replaced", "2025-01-04.1"), ("deleted", "2025-01-01.1")]
    confirm(catalog, LOYAL, first.version, "deleted")
    assert left(catalog, third) == [("replaced", "2025-01-04.1")]


def test_a_step_is_to_be_done_again_when_what_it_made_is_gone(catalog: Catalog) -> None:
    first = publish(catalog, "2025-01-01.1")
    steps = (step("created", "2025-01-01.1"),)
    planned = first.model_copy(update={"plan": steps})
    for _ in range(2):
        confirm(catalog, LOYAL, "2025-01-01.1", "created")
        assert outstanding(planned, confirmations(catalog)) == ()
        confirm(catalog, LOYAL, "2025-01-01.1", "deleted")
        assert outstanding(planned, confirmations(catalog)) == steps
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    second = publish(catalog, "2025-01-02.1")
    steps = (step("created", "2025-01-02.1"), step("deleted", "2025-01-01.1"))
    planned = second.model_copy(update={"plan": steps})
    assert outstanding(planned, confirmations(catalog)) == steps
    confirm(catalog, LOYAL, "2025-01-02.1", "created")
    assert outstanding(planned, confirmations(catalog)) == steps[1:]
    confirm(catalog, LOYAL, "2025-01-01.1", "deleted")
    assert outstanding(planned, confirmations(catalog)) == ()


@pytest.mark.parametrize("planned_as", [("replaced",), ("added", "removed")])
def test_a_list_that_an_older_version_filled_last_is_not_up_to_date(
    catalog: Catalog, planned_as: tuple[ConfirmationKind, ...]
) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    newest = planned(publish(catalog, "2025-01-02.1", "full", "add", "remove"), *planned_as)
    for kind in planned_as:
        confirm(catalog, LOYAL, "2025-01-02.1", kind)
    assert left(catalog, newest) == []
    confirm(catalog, LOYAL, "2025-01-01.1", "replaced")
    assert left(catalog, newest) == [("replaced", "2025-01-02.1")]
    confirm(catalog, LOYAL, "2025-01-02.1", "replaced")
    assert left(catalog, newest) == []


@pytest.mark.parametrize("planned_as", [("replaced",), ("added", "removed"), ("removed",)])
@pytest.mark.parametrize("gone", ["taken back", "deleted"])
def test_without_the_list_that_it_was_planned_for_a_new_one_is_made_of_the_full_file(
    catalog: Catalog, planned_as: tuple[ConfirmationKind, ...], gone: str
) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    newest = planned(publish(catalog, "2025-01-02.1", "full", "add", "remove"), *planned_as, instead=planned_as)
    if gone == "deleted":
        confirm(catalog, LOYAL, "2025-01-01.1", "deleted")
    else:
        unconfirm(catalog, LOYAL)
    assert left(catalog, newest) == [("created", "2025-01-02.1")]
    assert left_instead(catalog, newest) == []
    confirm(catalog, LOYAL, "2025-01-02.1", "created")
    assert left(catalog, newest) == []


@pytest.mark.parametrize("replaceable", [True, False])
def test_deltas_that_start_from_another_state_of_the_list_give_way_to_the_full_file(
    catalog: Catalog, replaceable: bool
) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    newest = publish(catalog, "2025-01-02.1", "full", "add", "remove", replaceable=replaceable)
    newest = planned(newest, "added", "removed")
    assert left(catalog, newest) == [("added", "2025-01-02.1"), ("removed", "2025-01-02.1")]
    publish(catalog, "2025-01-01.2")
    confirm(catalog, LOYAL, "2025-01-01.2", "created")
    with pytest.raises(JournalError, match="another state of the list"):
        confirm(catalog, LOYAL, "2025-01-02.1", "added")
    upload, *deletions = left(catalog, newest)
    assert upload == ("replaced" if replaceable else "created", "2025-01-02.1")
    old = {"2025-01-01.1"} if replaceable else {"2025-01-01.1", "2025-01-01.2"}
    assert deletions == [("deleted", version) for version in sorted(old)]
    for kind, version in (upload, *deletions):
        confirm(catalog, LOYAL, version, kind)
    assert left(catalog, newest) == []


def test_a_list_that_was_filled_otherwise_than_planned_is_up_to_date(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    newest = publish(catalog, "2025-01-02.1", "full", "add", "remove")
    replaced = planned(newest, "replaced", instead=("added", "removed"))
    assert left_instead(catalog, replaced) == ["added", "removed"]
    confirm(catalog, LOYAL, "2025-01-02.1", "removed")
    assert (left(catalog, replaced), left_instead(catalog, replaced)) == ([("replaced", "2025-01-02.1")], ["added"])
    confirm(catalog, LOYAL, "2025-01-02.1", "added")
    assert (left(catalog, replaced), left_instead(catalog, replaced)) == ([], [])
    for _ in range(2):
        unconfirm(catalog, LOYAL)
    confirm(catalog, LOYAL, "2025-01-02.1", "replaced")
    deltas = planned(newest, "added", "removed")
    assert (left(catalog, deltas), left_instead(catalog, replaced)) == ([], [])


def test_a_list_made_where_one_was_to_be_replaced_leaves_the_old_one_to_be_deleted(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    newest = planned(publish(catalog, "2025-01-02.1"), "replaced")
    confirm(catalog, LOYAL, "2025-01-02.1", "created")
    assert left(catalog, newest) == [("deleted", "2025-01-01.1")]
    confirm(catalog, LOYAL, "2025-01-01.1", "deleted")
    assert left(catalog, newest) == []


@pytest.mark.parametrize("order", [("removed", "created"), ("created", "removed")])
def test_removals_from_a_list_that_nobody_spoke_of_are_done_once_in_any_order(
    catalog: Catalog, order: tuple[ConfirmationKind, ...]
) -> None:
    publish(catalog, "2025-01-01.1")
    newest = planned(publish(catalog, "2025-01-02.1", "full", "remove"), "removed", "created")
    confirm(catalog, LOYAL, "2025-01-02.1", order[0])
    assert left(catalog, newest) == [(order[1], "2025-01-02.1")]
    confirm(catalog, LOYAL, "2025-01-02.1", order[1])
    assert left(catalog, newest) == []
    assert left_instead(catalog, newest) == []


@pytest.mark.parametrize("kinds", [("full", "remove"), ("remove",)])
def test_nothing_is_removed_from_a_list_that_nobody_spoke_of_once_it_is_said_to_be_deleted(
    catalog: Catalog, kinds: tuple[FileKind, ...]
) -> None:
    publish(catalog, "2025-01-01.1")
    remove, create, delete = (
        step("removed", "2025-01-02.1"), step("created", "2025-01-02.1"), step("deleted", "2025-01-01.1"),
    )  # fmt: skip
    ways = (
        {"plan": (remove, create), "alternative": (delete, create)} if "full" in kinds else {"plan": (remove, delete)}
    )
    newest = publish(catalog, "2025-01-02.1", *kinds).model_copy(update=ways)
    confirm(catalog, LOYAL, "2025-01-01.1", "deleted")
    assert left(catalog, newest) == [("created", "2025-01-02.1")] * ("full" in kinds)
    # One way is left, and is told once.
    assert left_instead(catalog, newest) == []
    if "full" in kinds:
        confirm(catalog, LOYAL, "2025-01-02.1", "created")
        assert (left(catalog, newest), left_instead(catalog, newest)) == ([], [])


@pytest.mark.parametrize("order", [("removed", "deleted"), ("deleted",)])
def test_nothing_is_taken_out_of_a_list_that_was_deleted(catalog: Catalog, order: tuple[ConfirmationKind, ...]) -> None:
    publish(catalog, "2025-01-01.1")
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    last = publish(catalog, "2025-01-02.1", "remove")
    last = last.model_copy(update={"plan": (step("removed", "2025-01-02.1"), step("deleted", "2025-01-01.1"))})
    assert [kind for kind, _ in left(catalog, last)] == ["removed", "deleted"]
    for kind in order:
        confirm(catalog, LOYAL, "2025-01-02.1" if kind == "removed" else "2025-01-01.1", kind)
    assert left(catalog, last) == []


def test_the_other_way_of_a_list_that_nobody_spoke_of_deletes_it_once_it_is_known(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    ways = {
        "plan": (step("removed", "2025-01-02.1"), step("created", "2025-01-02.1")),
        "alternative": (step("deleted", "2025-01-01.1"), step("created", "2025-01-02.1")),
    }
    newest = publish(catalog, "2025-01-02.1", "full", "remove").model_copy(update=ways)
    confirm(catalog, LOYAL, "2025-01-01.1", "created")
    assert left(catalog, newest) == [("replaced", "2025-01-02.1")]
    assert left_instead(catalog, newest) == ["deleted", "created"]


def test_a_list_made_of_the_version_and_filled_with_an_older_one_since_is_not_made_twice(catalog: Catalog) -> None:
    publish(catalog, "2025-01-01.1")
    newest = planned(publish(catalog, "2025-01-02.1"), "created")
    confirm(catalog, LOYAL, "2025-01-02.1", "created")
    confirm(catalog, LOYAL, "2025-01-01.1", "replaced")
    assert left(catalog, newest) == [("replaced", "2025-01-02.1")]
