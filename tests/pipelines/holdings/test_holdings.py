"""What a network may hold without anybody having said so, until what was said makes that impossible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from catalog.home import Home
from catalog.secret_keys import SecretKeys
from catalog.warehouse import Warehouse
from pipelines.holdings.holdings import holdings, possible_lists, unsaid_versions
from schemas.journal import Confirmation, ConfirmationKind
from tests.pipelines.holdings.journal import LOYAL
from tests.pipelines.uploads.versions.test_deltas import (  # noqa: F401 - `stores` is a fixture
    JANE,
    JOHN,
    MARY,
    forbid,
    stores,
    two_lists,
    world,
)

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
OLD, NEW, NEWEST = "2025-01-01.9", "2025-01-01.10", "2025-01-02.1"
#: Version, kind and list of the files whose keys are kept.
File = tuple[str, str, str]


def said(*confirmed: tuple[ConfirmationKind, str]) -> list[Confirmation]:
    return [
        Confirmation(
            number=number, version=version, kind=kind, **LOYAL._asdict(), confirmed_by="os:marketer",
            confirmed_at=NOON + timedelta(days=number),
        )
        for number, (kind, version) in enumerate(confirmed, 1)
    ]  # fmt: skip


def kept(*files: File, thin: tuple[str, ...] = ()) -> pl.DataFrame:
    rows = [(number, *file, file[0] not in thin) for number, file in enumerate(files, 1)]
    schema = {"version_id": pl.UInt32, "version": pl.String, "kind": pl.String, "list": pl.String, "whole": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def published(*versions: str) -> dict[str, datetime]:
    """All of them before anything was said."""
    return dict.fromkeys(versions, NOON)


def test_a_replacement_says_nothing_of_a_list_that_it_had_no_file_for() -> None:
    files = kept((OLD, "full", "emails"), (OLD, "full", "phones"), (NEWEST, "full", "emails"))
    standing = said(("created", NEWEST), ("replaced", NEWEST))
    found = holdings(standing, files, published(OLD, NEWEST))
    assert [(event.version, event.list) for event in found.carried] == [(OLD, "phones")]


def test_a_list_whose_keys_are_no_longer_kept_whole_is_known_again_once_it_was_replaced() -> None:
    files = kept((OLD, "full", ""), (NEWEST, "full", ""), thin=(OLD,))
    for standing, unknown in ((said(("created", OLD)), (OLD,)), (said(("created", OLD), ("replaced", NEWEST)), ())):
        assert holdings(standing, files, {}).unknown == unknown


def test_every_open_list_is_possible_and_so_is_what_nobody_spoke_of() -> None:
    files = kept((OLD, "full", ""), (NEW, "full", ""), (NEWEST, "full", ""))
    possible = possible_lists(said(("created", OLD), ("created", NEWEST)), files, {})
    assert [[event.version for event in each] for each in possible] == [[OLD], [NEWEST], [NEW]]


def test_unsaid_versions_come_in_the_order_of_their_making_without_those_that_only_took_out() -> None:
    files = kept((NEW, "full", ""), (OLD, "add", ""), (NEWEST, "remove", ""))
    assert unsaid_versions(holdings(said(("removed", NEWEST)), files, {})) == (OLD, NEW)


def test_after_a_known_list_is_deleted_another_that_nobody_spoke_of_may_still_be_there(
    stores: tuple[Home, SecretKeys, Warehouse],  # noqa: F811
) -> None:
    with world("google_ads", stores) as company:
        company.run({0: JANE, 1: JOHN, 2: MARY})
        company.do(two_lists(company, {0: JANE}, {0: JANE, 1: JOHN}))
        forbid(company, "google_ads", 2)
        found = company.run({0: JANE, 1: JOHN}).manifest
        assert found is not None
        assert (found.removes, found.forbidden) == (1, 1)


def test_of_the_versions_that_carried_a_key_the_newest_is_named(
    stores: tuple[Home, SecretKeys, Warehouse],  # noqa: F811
) -> None:
    with world("x", stores) as company:
        _, newest = (company.run({0: JANE, 1: JOHN, **more}).version for more in ({}, {2: MARY}))
        forbid(company, "x", 1)
        found = company.run({0: JANE}).manifest
        assert found is not None
        assert [step.version for step in found.plan if step.kind == "deleted"] == [newest]
