"""A request stays open at a network while any list there may hold a key of the person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from pipelines.erasure.removals import Carrier, gone_anew, removals_of
from pipelines.holdings.holdings import possible_lists
from schemas.erasure import ErasureRequest, Removal
from schemas.journal import Confirmation, ConfirmationKind, UploadStep
from schemas.segment import Audience

AUDIENCE = Audience("meta", "main", "buyers")
ASKED = datetime(2025, 6, 2, 12, tzinfo=UTC)
REQUEST = ErasureRequest(
    request_id="r1", kind="email", requested_at=ASKED, received_at=ASKED, received_by="os:dpo", state="removing"
)
#: Two versions carried the key; the third, after the request, has a removal file, and a full file without the key.
FILES = [
    (1, "2025-06-01.1", "full"),
    (2, "2025-06-02.1", "full"),
    (3, "2025-06-03.1", "full"),
    (4, "2025-06-03.1", "remove"),
]
HOLDING = (1, 2, 4)
PUBLISHED = {version: datetime.fromisoformat(f"{version[:10]}T00:00+00:00") for _, version, _ in FILES}


#: The steps of each version's plan; of no other version anybody has confirmed one.
PLANS: dict[str, tuple[ConfirmationKind, ...]] = {
    "2025-06-01.1": ("created",),
    "2025-06-02.1": ("created",),
    "2025-06-03.1": ("removed", "added"),
}


def steps(version: str, plans: dict[str, tuple[ConfirmationKind, ...]] = PLANS) -> list[UploadStep]:
    kinds = plans.get(version, ("added",))
    return [UploadStep(kind=kind, version=version, file=None, says="Do it.") for kind in kinds]


def carrier(*said: tuple[ConfirmationKind, str], files: list[tuple[int, str, str]] = FILES) -> Carrier:
    schema = {"version_id": pl.UInt32, "version": pl.String, "kind": pl.String}
    every = pl.DataFrame(files, schema=schema, orient="row").with_columns(list=pl.lit(""), whole=pl.lit(True))
    keyed = every.filter(pl.col("version_id").is_in(HOLDING)).with_columns(
        request_id=pl.lit("r1"), key=pl.lit("email"), value=pl.lit("a" * 64)
    )
    standing = [
        Confirmation(
            number=number, version=version, kind=kind, **AUDIENCE._asdict(), confirmed_by="os:marketer",
            confirmed_at=ASKED + timedelta(days=number),
        )
        for number, (kind, version) in enumerate(said, 1)
    ]  # fmt: skip
    there = {version: at for version, at in PUBLISHED.items() if version in {name for _, name, _ in files}}
    return Carrier(AUDIENCE, keyed, standing, there, steps, lambda lines: possible_lists(lines, every, PUBLISHED), {})


def removal(*said: tuple[ConfirmationKind, str], before: Removal | None = None, consented: bool = False) -> Removal:
    known = {"r1": before} if before else {}
    [found] = removals_of(carrier(*said), {"r1": REQUEST}, known, {"r1"} if consented else set())
    return found


def test_what_nobody_confirmed_counts_as_carried() -> None:
    found = removal()
    assert (found.state, found.removed_by) == ("published", "2025-06-03.1")
    assert found.carried_by == ("2025-06-01.1", "2025-06-02.1")


def test_until_a_version_takes_the_key_out_the_removal_is_due() -> None:
    [found] = removals_of(carrier(files=FILES[:2]), {"r1": REQUEST}, {}, set())
    assert (found.state, found.removed_by) == ("due", None)


def test_a_confirmed_removal_closes_and_is_named() -> None:
    before = removal(("created", "2025-06-02.1"))
    assert before.state == "published"
    found = removal(("created", "2025-06-02.1"), ("removed", "2025-06-03.1"), before=before)
    assert (found.state, found.confirmation) == ("closed", "removed 2025-06-03.1")
    assert found.confirmed_at == ASKED + timedelta(days=2)


def test_a_confirmed_replacement_closes() -> None:
    found = removal(("created", "2025-06-01.1"), ("replaced", "2025-06-03.1"), ("added", "2025-06-03.1"))
    assert (found.state, found.confirmation) == ("closed", "replaced 2025-06-03.1")


def test_a_new_list_closes_nothing_while_the_old_one_is_open() -> None:
    said: list[tuple[ConfirmationKind, str]] = [("created", "2025-06-01.1"), ("created", "2025-06-03.1")]
    assert removal(*said).state == "published"
    found = removal(*said, ("deleted", "2025-06-01.1"))
    assert found.state == "published", "2025-06-02.1 may be in a list that nobody spoke of"
    closed = removal(*said, ("deleted", "2025-06-01.1"), ("replaced", "2025-06-03.1"))
    assert (closed.state, closed.confirmation) == ("closed", "replaced 2025-06-03.1")


def test_a_confirmation_that_is_taken_back_opens_it_again() -> None:
    said: list[tuple[ConfirmationKind, str]] = [("created", "2025-06-02.1"), ("removed", "2025-06-03.1")]
    closed = removal(*said)
    no_keys = replace(carrier(said[0]), found=carrier().found.clear())
    [again] = removals_of(no_keys, {"r1": REQUEST}, {"r1": closed}, set())
    assert (again.state, again.confirmation, again.confirmed_at) == ("published", None, None)
    assert removal(*said, before=closed).state == "closed"
    # Nobody knows the keys any more: it stays open until the list is filled with a version that never had them.
    [still] = removals_of(no_keys, {"r1": REQUEST}, {"r1": again}, set())
    assert still.state == "published"
    replaced = replace(carrier(said[0], ("replaced", "2025-06-03.1")), found=carrier().found.clear())
    [closed_again] = removals_of(replaced, {"r1": REQUEST}, {"r1": still}, set())
    assert (closed_again.state, closed_again.confirmation) == ("closed", "replaced 2025-06-03.1")


def without_keys(carried: Carrier) -> Carrier:
    """After what closed the removal, on which the keys were forgotten, was taken back."""
    return replace(carried, found=carried.found.clear(), forgotten_on={"r1": {"removed 2025-06-03.1"}})


def test_forgotten_keys_that_additions_brought_are_in_the_list_until_it_is_filled_without_them() -> None:
    said: list[tuple[ConfirmationKind, str]] = [("created", "2025-06-01.1"), ("added", "2025-06-02.1")]
    closed = removal(*said, ("removed", "2025-06-03.1")).model_copy(update={"carried_by": ("2025-06-02.1",)})
    taken_back = without_keys(carrier(*said))
    [open_again] = removals_of(taken_back, {"r1": REQUEST}, {"r1": closed}, set())
    assert (open_again.state, open_again.confirmation) == ("published", None)
    assert not gone_anew(taken_back, [open_again])

    filled = without_keys(carrier(*said, ("replaced", "2025-06-03.1"), ("added", "2025-06-03.1")))
    [over] = removals_of(filled, {"r1": REQUEST}, {"r1": open_again}, set())
    assert over.state == "closed"
    assert gone_anew(filled, [over]) == {"r1": "added 2025-06-03.1"}


def test_a_replacement_that_had_no_file_for_one_of_the_network_s_lists_leaves_it_as_it_was() -> None:
    said: list[tuple[ConfirmationKind, str]] = [("created", "2025-06-02.1"), ("replaced", "2025-06-03.1")]
    closed = removal(("created", "2025-06-02.1"), ("removed", "2025-06-03.1"))
    for labels, state in ((("emails", "phones"), "closed"), (("emails",), "published")):
        rows = [(2, "2025-06-02.1", label) for label in ("emails", "phones")]
        rows += [(3, "2025-06-03.1", label) for label in labels]
        schema = {"version_id": pl.UInt32, "version": pl.String, "list": pl.String}
        files = pl.DataFrame(rows, schema=schema, orient="row").with_columns(kind=pl.lit("full"), whole=pl.lit(True))
        taken_back = replace(
            without_keys(carrier(*said)), lists=lambda lines, files=files: possible_lists(lines, files, {})
        )
        [found] = removals_of(taken_back, {"r1": REQUEST}, {"r1": closed}, set())
        assert found.state == state


def test_keys_that_are_known_and_in_no_list_do_not_speak_for_those_that_were_forgotten() -> None:
    taken_back = replace(carrier(("created", "2025-06-02.1")), forgotten_on={"r1": {"removed 2025-06-03.1"}})
    before = removal(("created", "2025-06-02.1"), ("removed", "2025-06-03.1"))
    in_no_list, allowed = (taken_back.found.filter(version=name) for name in ("2025-06-01.1", "2025-06-02.1"))
    for known, consented in ((in_no_list, set[str]()), (allowed, {"r1"})):
        [found] = removals_of(replace(taken_back, found=known), {"r1": REQUEST}, {"r1": before}, consented)
        assert (found.state, found.confirmation) == ("published", None)
        assert not gone_anew(taken_back, [found])

    said: list[tuple[ConfirmationKind, str]] = [("created", "2025-06-02.1"), ("replaced", "2025-06-03.1")]
    filled = replace(carrier(*said), forgotten_on=taken_back.forgotten_on, found=in_no_list)
    [over] = removals_of(filled, {"r1": REQUEST}, {"r1": found}, set())
    assert (over.state, over.confirmation) == ("closed", "replaced 2025-06-03.1")
    assert gone_anew(filled, [over]) == {"r1": "replaced 2025-06-03.1"}


def test_who_has_consented_again_needs_no_removal_and_one_that_was_confirmed_stays_so() -> None:
    assert removal(consented=True).state == "consented"
    said: list[tuple[ConfirmationKind, str]] = [("created", "2025-06-02.1"), ("removed", "2025-06-03.1")]
    closed = removal(*said)
    assert removal(*said, before=closed, consented=True) == removal(*said, consented=True) == closed


def test_a_closed_removal_is_open_again_while_a_list_holds_another_key_of_the_request() -> None:
    closed = removal(("created", "2025-06-02.1"), ("removed", "2025-06-03.1"))
    other = carrier().found.with_columns(value=pl.lit("b" * 64)).filter(pl.col("kind") == "full")
    named = carrier(("created", "2025-06-02.1"), ("removed", "2025-06-03.1"))
    [found] = removals_of(replace(named, found=pl.concat([named.found, other])), {"r1": REQUEST}, {"r1": closed}, set())
    assert (found.state, found.confirmation) == ("published", None)


def test_a_deletion_closes_and_no_version_that_carried_the_key_is_said_to_take_it_out() -> None:
    created: tuple[ConfirmationKind, str] = ("created", "2025-06-02.1")
    deleted: tuple[ConfirmationKind, str] = ("deleted", "2025-06-02.1")
    before = removal(created)
    for known, removed_by in ((None, None), (before, "2025-06-03.1")):
        found = removal(created, deleted, before=known)
        assert (found.state, found.confirmation) == ("closed", "deleted 2025-06-02.1")
        assert (found.removed_by, found.published_at) == (removed_by, removed_by and PUBLISHED[removed_by])


def test_without_its_keys_a_closed_removal_says_what_it_said_unless_one_of_its_confirmations_is_gone() -> None:
    said: list[tuple[ConfirmationKind, str]] = [("created", "2025-06-02.1"), ("removed", "2025-06-03.1")]
    closed = removal(*said)
    by_nothing = closed.model_copy(update={"confirmation": None, "confirmed_at": None})
    no_keys = replace(carrier(*said), found=carrier().found.clear())
    stands = replace(no_keys, forgotten_on={"r1": {"created 2025-06-02.1", "removed 2025-06-03.1"}})
    gone = replace(no_keys, forgotten_on={"r1": {"removed 2025-06-02.1", "removed 2025-06-03.1"}})
    for known in (closed, by_nothing):
        assert removals_of(no_keys, {"r1": REQUEST}, {"r1": known}, set()) == [known]
        assert removals_of(stands, {"r1": REQUEST}, {"r1": known}, set()) == [known]
        [found] = removals_of(gone, {"r1": REQUEST}, {"r1": known}, set())
        assert (found.state, found.confirmation) == ("published", None)


def test_a_file_took_the_key_out_whenever_it_was_made_and_a_full_one_without_it_only_since_the_request() -> None:
    later = REQUEST.model_copy(update={"received_at": ASKED + timedelta(days=9)})
    without_removals = FILES[:3]
    for files, request, expected in (
        (FILES, later, ("published", "2025-06-03.1")),
        (without_removals, REQUEST, ("published", "2025-06-03.1")),
        (without_removals, later, ("due", None)),
    ):
        [found] = removals_of(carrier(files=files), {"r1": request}, {}, set())
        assert (found.state, found.removed_by) == expected


def test_a_version_that_carries_the_key_does_not_take_it_out_and_one_with_a_removal_file_is_named_first() -> None:
    early = REQUEST.model_copy(update={"received_at": ASKED - timedelta(days=9)})
    [found] = removals_of(carrier(files=FILES[:2]), {"r1": early}, {}, set())
    assert (found.state, found.removed_by) == ("due", None)
    # A list that is added to loses the key by the removal file only.
    other = replace(carrier(), published_at={"2025-06-02.2": ASKED, **PUBLISHED})
    [found] = removals_of(other, {"r1": REQUEST}, {}, set())
    assert found.removed_by == "2025-06-03.1"


@pytest.mark.parametrize(
    ("kind", "expected"), [("replaced", "2025-06-03.1"), ("deleted", "2025-06-03.1"), ("added", None)]
)
def test_a_plan_that_was_made_before_the_request_takes_the_key_out_where_it_empties_the_list(
    kind: ConfirmationKind, expected: str | None
) -> None:
    """The person had withdrawn, or the audience was retired: no later night publishes anything for the request."""
    later = REQUEST.model_copy(update={"received_at": ASKED + timedelta(days=9)})
    planned = replace(carrier(files=FILES[:3]), plan_of=lambda version: steps(version, {"2025-06-03.1": (kind,)}))
    [found] = removals_of(planned, {"r1": later}, {}, set())
    assert (found.state, found.removed_by) == ("published" if expected else "due", expected)


def test_what_took_the_key_out_before_it_was_put_in_again_is_not_named() -> None:
    """Who consented again was put in again, and then their consent went."""
    files = [*FILES, (2, "2025-06-04.1", "full"), (5, "2025-06-05.1", "full")]
    published = {version: datetime.fromisoformat(f"{version[:10]}T00:00+00:00") for _, version, _ in files}
    again = replace(
        carrier(("created", "2025-06-02.1"), ("removed", "2025-06-03.1"), files=files), published_at=published
    )
    [found] = removals_of(again, {"r1": REQUEST}, {}, set())
    assert (found.state, found.removed_by) == ("published", "2025-06-05.1")


def test_a_plan_of_which_everything_was_confirmed_is_named_only_where_there_is_no_other() -> None:
    """An older file was uploaded after it."""
    said: list[tuple[ConfirmationKind, str]] = [("created", "2025-06-01.1"), ("replaced", "2025-06-03.1")]
    said.append(("replaced", "2025-06-02.1"))
    plans: dict[str, tuple[ConfirmationKind, ...]] = {"2025-06-03.1": ("replaced",), "2025-06-04.1": ("replaced",)}
    done = replace(carrier(*said, files=FILES[:3]), plan_of=lambda version: steps(version, plans))
    [found] = removals_of(done, {"r1": REQUEST}, {}, set())
    assert (found.state, found.removed_by) == ("published", "2025-06-03.1")
    newer = replace(done, published_at={**PUBLISHED, "2025-06-04.1": ASKED + timedelta(days=5)})
    [found] = removals_of(newer, {"r1": REQUEST}, {}, set())
    assert (found.state, found.removed_by) == ("published", "2025-06-04.1")


def test_the_tenth_version_of_a_day_comes_after_the_ninth() -> None:
    files = [(1, "2025-06-01.10", "full"), (2, "2025-06-01.9", "full")]
    [found] = removals_of(carrier(files=files), {"r1": REQUEST}, {}, set())
    assert found.carried_by == ("2025-06-01.9", "2025-06-01.10")
    later = {version: ASKED + timedelta(days=1) for version in ("2025-06-03.10", "2025-06-03.9")}
    [found] = removals_of(replace(carrier(files=FILES[:2]), published_at=later), {"r1": REQUEST}, {}, set())
    assert found.removed_by == "2025-06-03.9"


def test_a_version_of_which_only_the_additions_carried_the_key_carried_it() -> None:
    files = [(1, "2025-06-01.1", "full"), (2, "2025-06-02.1", "add"), *FILES[2:]]
    [found] = removals_of(carrier(files=files), {"r1": REQUEST}, {}, set())
    assert found.carried_by == ("2025-06-01.1", "2025-06-02.1")
