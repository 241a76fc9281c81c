"""A request is closed when no network holds a key of the person that is still forbidden, not when time has passed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from catalog.erasures import (
    add_request,
    erasure_requests,
    mark_erased,
    mark_rewritten,
    note_records,
    removals,
    sealed_records,
)
from pipelines.erasure.carried import erased_keys, note_erased_keys
from pipelines.erasure.erasing import KEPT_DAYS, Erasing
from pipelines.erasure.settle import settle, update_removals
from pipelines.holdings.audience_keys import file_keys
from pipelines.holdings.confirming import confirm
from pipelines.holdings.outbox import Outbox
from schemas.config import read_config
from schemas.crm import CanonicalCustomers
from tests.conftest import ROOT
from tests.pipelines.tombstones.test_tombstones import request, stones
from tests.pipelines.uploads.versions.test_publication import AUDIENCE, opened, published, sha256

ADDRESSES = ("jane@x.fr", "jane@work.fr")
ASKED = datetime.now(UTC)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Meta was given both of Jane's addresses and Bob's; Jane's request names hers, and is applied."""
    folder = tmp_path_factory.mktemp("applied")
    with opened(folder) as outbox:
        published(outbox, *ADDRESSES, "bob@x.fr")
        confirm(outbox.catalog, AUDIENCE, "2019-06-30.1", "created")
        erasures = pl.concat(stones(request(email=email), key=outbox.keys.identity) for email in ADDRESSES)
        add_request(outbox.catalog, "r1", "email", ASKED, erasures)
        outbox.warehouse.ensure("crm_customers", CanonicalCustomers)
        outbox.warehouse.replace("crm_erasures", erasures)
        note_erased_keys(outbox.warehouse, erasures, erasing(outbox).config.networks, outbox.keys.identity)
        mark_erased(outbox.catalog, ["r1"])
        mark_rewritten(outbox.catalog, ["r1"])
    return folder


@pytest.fixture
def asked(applied: Path, tmp_path: Path) -> Path:
    shutil.copytree(applied, tmp_path, dirs_exist_ok=True, symlinks=True)
    return tmp_path


def erasing(outbox: Outbox, now: datetime = ASKED) -> Erasing:
    config = read_config(ROOT / "tests" / "companies" / "small" / "config")
    return Erasing(outbox.home, outbox.keys, outbox.warehouse, outbox.catalog, config, now)


def told(outbox: Outbox) -> tuple[str, str]:
    """The state of the request, and of its only removal."""
    [asked], [removal] = erasure_requests(outbox.catalog), removals(outbox.catalog)
    return asked.state, removal.state


def lift(outbox: Outbox, *emails: str) -> None:
    forms = pl.concat([stones(request(email=email), key=outbox.keys.identity) for email in emails])["tombstone"]
    lifted = pl.when(pl.col("tombstone").is_in(forms.implode())).then("requested_at")
    known = outbox.warehouse.read("FROM warehouse.crm_erasures")
    outbox.warehouse.replace("crm_erasures", known.with_columns(lifted_at=lifted))


def test_a_removal_that_no_version_does_yet_keeps_the_request_open_and_its_keys_known(asked: Path) -> None:
    with opened(asked) as outbox:
        for _ in range(2):
            settle(erasing(outbox))
            assert told(outbox) == ("removing", "due")
            assert set(erased_keys(outbox.warehouse)["value"]) == set(map(sha256, ADDRESSES))


def test_who_consented_again_with_one_address_is_still_forgotten_with_the_other(asked: Path) -> None:
    with opened(asked) as outbox:
        for addresses, expected in (
            (ADDRESSES[:1], ("removing", "due")),
            (ADDRESSES, ("closed", "consented")),
            (ADDRESSES[:1], ("removing", "due")),
        ):
            lift(outbox, *addresses)
            update_removals(erasing(outbox))
            assert told(outbox) == expected


def test_keys_at_a_network_that_relance_no_longer_knows_stay_forbidden(asked: Path) -> None:
    with opened(asked) as outbox:
        here = erasing(outbox)
        others = {name: each for name, each in here.config.networks.items() if name != AUDIENCE.network}
        without = replace(here, config=replace(here.config, networks=others))
        # Nothing there says any more what a consent lifts.
        lift(outbox, *ADDRESSES)
        update_removals(without)
        assert told(outbox) == ("removing", "due")
        assert erased_keys(outbox.warehouse).height == len(ADDRESSES)


def test_after_long_enough_nothing_is_kept_of_a_request_that_nobody_confirmed_and_it_stays_open(asked: Path) -> None:
    with opened(asked) as outbox:
        lift(outbox, ADDRESSES[0])
        note_records(outbox.catalog, [("r1", "mark", "sealed")])
        settle(erasing(outbox, ASKED + timedelta(days=KEPT_DAYS - 1)))
        assert erased_keys(outbox.warehouse).height == len(ADDRESSES)
        assert sealed_records(outbox.catalog, "r1") == ["sealed"]

        settle(erasing(outbox, ASKED + timedelta(days=KEPT_DAYS + 1)))

        assert sealed_records(outbox.catalog, "r1") == []
        assert outbox.catalog.versions(AUDIENCE) == [], "its file holds what nobody could find in it any more"
    with opened(asked) as outbox:
        assert erased_keys(outbox.warehouse).is_empty()
        left = outbox.warehouse.read(f"SELECT value FROM {file_keys()}")["value"]
        assert set(left) == {sha256(ADDRESSES[0]), sha256("bob@x.fr")}
        settle(erasing(outbox, ASKED + timedelta(days=KEPT_DAYS + 2)))
        assert told(outbox)[0] == "removing"
