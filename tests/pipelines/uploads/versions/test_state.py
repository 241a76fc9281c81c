"""What is known of an audience before a night: whether old and new keys are alike, and lists are cut as they were."""

from __future__ import annotations

import polars as pl
import pytest

from catalog.erasures import forget_on, write_removals
from catalog.home import Home
from catalog.secret_keys import SecretKeys
from catalog.warehouse import Warehouse
from pipelines.holdings.confirming import confirm
from pipelines.uploads.versions.state import state_of
from schemas.erasure import ErasedKeys, Removal
from schemas.journal import UploadStep
from tests.pipelines.uploads.versions.test_deltas import (  # noqa: F401 - `stores` is a fixture
    JANE,
    JOHN,
    MARY,
    Person,
    World,
    forbid,
    settle,
    stores,
    to_do,
    world,
)
from tests.pipelines.uploads.versions.test_reduced import changed

Stores = tuple[Home, SecretKeys, Warehouse]
THREE = {0: JANE, 1: JOHN, 2: MARY}


def asked(company: World) -> list[str]:
    return [step.kind for step in to_do(company)]


def full(company: World, kind: str) -> UploadStep:
    manifest = company.newest()
    assert manifest is not None
    return UploadStep(kind=kind, version=manifest.version, file="full", says="")


def test_keys_of_an_unsaid_list_under_other_rules_are_not_taken_out_by_what_they_are_now(stores: Stores) -> None:  # noqa: F811
    with world("google_ads", stores) as company:
        company.run({0: JANE, 1: JOHN})
        settle(company)
        company.run(THREE)
        company.network = changed(company.network, newline="\r\n")
        company.run({0: JANE})
        company.do(full(company, "created"))
        company.follow(to_do(company))
        forbid(company, "google_ads", 2)
        found = company.run({0: JANE}).manifest
        assert found is not None
        assert "network's files have changed" in str(found.because)
        assert asked(company) == ["replaced"]


@pytest.mark.parametrize("parts", ["one list", "a list each"])
def test_a_list_for_each_part_is_replaced_by_as_many_parts_only(parts: str, stores: Stores) -> None:  # noqa: F811
    with world("linkedin", stores) as company:
        company.network = changed(company.network, maximum_rows=2, parts=parts)
        company.run({0: JANE, 1: JOHN})
        settle(company)
        company.run({0: JANE})
        assert asked(company) == ["replaced"]
        company.run(THREE)
        assert asked(company) == (["replaced"] if parts == "one list" else ["created", "deleted"])
        # However it was done, there is a list for each now.
        company.do(full(company, "replaced"))
        company.run({0: JANE, 1: JOHN, 3: Person(emails=(3,))})
        assert asked(company) == ["replaced"]


def test_parts_are_counted_for_each_list_of_its_own(stores: Stores) -> None:  # noqa: F811
    with world("snapchat, undocumented", stores) as company:
        company.network = changed(company.network, maximum_rows=2, parts="a list each")
        two = {0: Person(phones=(0,)), 1: Person(phones=(1,))}
        company.run({**two, 2: JANE, 3: JOHN, 4: MARY})
        catalog = company.outbox.catalog
        confirm(catalog, company.audience, full(company, "created").version, "created")
        company.run({**two, 2: Person(phones=(2,)), 3: JANE, 4: JOHN})
        manifest = company.newest()
        assert manifest is not None
        found = state_of(company.audience, catalog, company.outbox.warehouse)
        # Three files each time.
        assert not found.same_parts(manifest.files)


def test_keys_forgotten_on_a_confirmation_that_no_longer_stands_may_be_in_the_list(stores: Stores) -> None:  # noqa: F811
    with world("google_ads", stores) as company:
        version = company.run({0: JANE}).version
        settle(company)
        catalog, warehouse = company.outbox.catalog, company.outbox.warehouse

        def holds_forgotten(**confirmed: str) -> bool:
            forget_on(catalog, company.audience, confirmed)
            return state_of(company.audience, catalog, warehouse).holds_forgotten

        assert not holds_forgotten(r1=f"created {version}")
        assert holds_forgotten(r2=f"removed {version}")
        assert not holds_forgotten(r2=f"created {version}")


def test_keys_of_a_request_that_is_open_and_that_nobody_knows_may_be_in_the_list(stores: Stores) -> None:  # noqa: F811
    with world("google_ads", stores) as company:
        catalog, warehouse = company.outbox.catalog, company.outbox.warehouse
        warehouse.ensure("erased_keys", ErasedKeys)
        write_removals(
            catalog,
            [
                Removal(request_id=name, **company.audience._asdict(), carried_by=("2025-01-01.1",), state="published")
                for name in ("r1", "r2")
            ],
        )
        for known, holds in ((("r1",), True), (("r1", "r2"), False)):
            rows = [(name, "google_ads", "email", "0" * 64) for name in known]
            warehouse.replace("erased_keys", pl.DataFrame(rows, schema=ErasedKeys.column_names(), orient="row"))
            assert state_of(company.audience, catalog, warehouse).holds_forgotten == holds
        warehouse.execute("DROP TABLE warehouse.erased_keys")
        assert not state_of(company.audience, catalog, warehouse).holds_forgotten
