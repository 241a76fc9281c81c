"""What is kept of a version, and for how long; what was taken away stays away."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from catalog.home import Home
from catalog.journal import confirmations
from catalog.secret_keys import SecretKeys
from catalog.warehouse import Warehouse
from pipelines.holdings import withdrawal
from pipelines.holdings.audience_keys import file_keys, key_versions
from pipelines.holdings.confirming import confirm
from pipelines.holdings.withdrawal import withdraw
from pipelines.uploads.versions.reconciliation import reconcile
from pipelines.uploads.versions.retention import FILES_KEPT, expire
from tests.pipelines.uploads.versions.test_deltas import JANE, JOHN, MARY, Person, World, settle, stores, world

__all__ = ["stores"]

Stores = tuple[Home, SecretKeys, Warehouse]


@pytest.fixture
def apart(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """A catalog and an outbox of the test's own: what expires depends on the newest day of all audiences."""
    home, keys, warehouse = stores
    warehouse.execute("DELETE FROM warehouse.audience_keys")
    warehouse.execute("DELETE FROM warehouse.key_versions")
    return replace(home, root=tmp_path_factory.mktemp("home")), keys, warehouse


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def versions_with(company: World, state: str) -> list[str]:
    return [row["version"] for row in company.outbox.catalog.versions(company.audience, state)]


def keys_of(company: World, version: str) -> list[str]:
    files = key_versions(company.outbox.warehouse, company.audience).filter(version=version)
    every = company.outbox.warehouse.read(f"SELECT version_id, value FROM {file_keys()}")
    return sorted(every.join(files.select("version_id"), on="version_id")["value"])


def test_a_withdrawn_version_is_gone_but_for_its_manifest_and_its_keys(apart: Stores) -> None:
    with world("meta", apart) as company:
        version = company.run({0: JANE, 1: JOHN}).version
        assert version is not None
        withdraw(company.outbox.home, company.outbox.catalog, company.audience, version)
        assert not company.outbox.folder(company.audience, version).exists()
        # Nor is there a file of it under another name.
        assert not [path for path in company.outbox.home.outbox.rglob("*") if path.is_file()]
        assert (versions_with(company, "published"), versions_with(company, "withdrawn")) == ([], [version])
        assert company.outbox.catalog.audit_lines()[-1]["action"] == "withdrawn"
        reconcile(company.outbox)
        assert versions_with(company, "withdrawn") == [version]
        assert len(keys_of(company, version)) == 2
        # It was copied before, perhaps.
        confirm(company.outbox.catalog, company.audience, version, "created")
        assert company.run({0: JANE, 1: JOHN}).version == "2025-01-03.1"


@pytest.mark.parametrize("state", ["withdrawn", "expired"])
def test_a_withdrawal_that_was_killed_is_finished_by_the_next_run(
    apart: Stores, monkeypatch: pytest.MonkeyPatch, state: Literal["withdrawn", "expired"]
) -> None:
    with world("meta", apart) as company:
        for step in ("delete_folder", "sync"):
            version = company.run({0: JANE, 1: JOHN}).version
            assert version is not None
            with monkeypatch.context() as patched:
                patched.setattr(withdrawal, step, killed)
                with pytest.raises(KeyboardInterrupt):
                    withdraw(company.outbox.home, company.outbox.catalog, company.audience, version, state)
            reconcile(company.outbox)
            assert versions_with(company, "published") == []
            assert not list(company.outbox.home.outbox.rglob("*.csv"))


def test_a_version_that_forget_and_a_night_take_away_at_once_is_gone(
    apart: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world("meta", apart) as company:
        folder = company.outbox.folder(company.audience, str(company.run({0: JANE, 1: JOHN}).version))
        with monkeypatch.context() as patched:
            patched.setattr(Path, "is_dir", lambda path: company.outbox.home.outbox in path.parents)
            withdrawal.delete_folder(folder)
            withdrawal.delete_folder(folder)
        assert not list(folder.parent.iterdir())


def test_only_the_current_and_the_last_confirmed_version_keep_their_files_after_two_weeks(apart: Stores) -> None:
    with world("meta", apart) as company:
        company.run({0: JANE, 1: JOHN})
        settle(company)
        versions = [company.run({0: JANE, 1: Person(emails=emails)}).version for emails in ((2,), (3,), (2, 3))]
        expire(company.outbox)
        assert versions_with(company, "expired") == []
        company.night += FILES_KEPT.days - 1
        current = company.run({0: JANE, 1: JOHN, 2: MARY}).version
        expire(company.outbox)
        # The third is not older than two weeks to the day.
        assert versions_with(company, "expired") == versions[:2]
        assert versions_with(company, "published") == ["2025-01-02.1", versions[2], current]
        assert not company.outbox.folder(company.audience, str(versions[0])).exists()


def test_the_version_that_was_uploaded_last_keeps_its_files_though_an_older_list_was_deleted_since(
    apart: Stores,
) -> None:
    with world("x", apart) as company:
        company.run({0: JANE})
        settle(company)
        last = company.run({1: JOHN}).version
        settle(company)
        assert confirmations(company.outbox.catalog, company.audience)[-1].kind == "deleted"
        company.night += FILES_KEPT.days + 1
        current = company.run({2: MARY}).version
        expire(company.outbox)
        assert versions_with(company, "published") == [last, current]


def test_what_a_list_was_filled_with_stays_known_however_long_ago_that_was(apart: Stores) -> None:
    with world("google_ads", apart) as company:
        company.run({0: JANE})
        settle(company)
        company.night += FILES_KEPT.days + 1
        company.run({0: JANE, 1: JOHN})
        expire(company.outbox)
        found = company.run({0: JANE, 2: MARY}).manifest
        assert found is not None
        assert ([step.kind for step in found.plan], found.because) == (["added"], None)


def test_of_an_old_version_that_nobody_confirmed_the_keys_stay_that_left_since(apart: Stores) -> None:
    with world("tiktok", apart) as company:
        both = company.run({0: JANE, 1: JOHN}).version
        assert both is not None
        gone = set(keys_of(company, both))
        company.night += FILES_KEPT.days + 1
        one = company.run({0: JANE}).version
        expire(company.outbox)
        assert keys_of(company, both) == sorted(gone - set(keys_of(company, str(one))))
        confirm(company.outbox.catalog, company.audience, both, "created")
        found = company.run({0: JANE}).manifest
        assert found is not None
        assert [step.kind for step in found.plan] == ["replaced"]
        assert "are no longer kept" in str(found.because)


def test_the_newest_full_files_are_known_whole_though_they_were_withdrawn_long_ago(apart: Stores) -> None:
    with world("tiktok", apart) as company, world("meta", apart) as other:
        version = company.run({0: JANE, 1: JOHN}).version
        assert version is not None
        withdraw(company.outbox.home, company.outbox.catalog, company.audience, version)
        other.night += FILES_KEPT.days + 2
        other.run({0: JANE})
        expire(company.outbox)
        assert key_versions(company.outbox.warehouse, company.audience)["whole"].to_list() == [True]
        assert len(keys_of(company, version)) == 2


def test_keys_go_when_no_confirmed_state_rests_on_them_and_nobody_can_have_uploaded_them(apart: Stores) -> None:
    with world("linkedin", apart) as company:
        first = company.run({0: JANE}).version
        settle(company)
        for number in (1, 2, 3, 1, 2, 3):
            company.run({0: JANE, number: Person(emails=(number,))})
            settle(company)
        expire(company.outbox)
        kept = key_versions(company.outbox.warehouse, company.audience)["version"].unique().sort().to_list()
        assert first not in kept
        # Without keys nobody can tell whether its files hold what was forbidden since.
        assert first in versions_with(company, "expired")
        assert kept == versions_with(company, "published")[-6:]


def test_keys_of_what_nobody_confirmed_go_after_400_days(apart: Stores) -> None:
    with world("tiktok", apart) as company:
        company.run({0: JANE, 1: JOHN})
        company.night += 400
        last = company.run({0: JANE}).version
        expire(company.outbox)
        kept = key_versions(company.outbox.warehouse, company.audience)
        assert kept["version"].to_list() == [last]
        assert company.outbox.warehouse.height("audience_keys") == 1


def test_keys_of_every_kind_of_file_are_settled_after_a_crash(apart: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.uploads.versions import commit

    with world("google_ads", apart) as company:
        company.run({0: JANE, 1: JOHN})
        settle(company)
        with monkeypatch.context() as patched:
            patched.setattr(commit, "finish_keys", killed)
            with pytest.raises(KeyboardInterrupt):
                company.run({0: JANE, 2: MARY})
        reconcile(company.outbox)
        newest = company.newest()
        assert newest is not None
        kinds = key_versions(company.outbox.warehouse, company.audience).filter(pl.col("version") == newest.version)
        assert kinds["kind"].to_list() == ["full", "add", "remove"]
        settle(company)
        with monkeypatch.context() as patched:
            patched.setattr(type(company.outbox.catalog), "add_version", killed)
            with pytest.raises(KeyboardInterrupt):
                company.run({0: JANE, 1: JOHN})
        shutil.rmtree(company.outbox.folder(company.audience, "2025-01-04.1"))
        reconcile(company.outbox)
        assert "2025-01-04.1" not in key_versions(company.outbox.warehouse, company.audience)["version"]
        company.run({0: JANE, 1: JOHN})
        settle(company)


def test_a_removal_that_is_still_given_out_keeps_its_keys_until_it_is_confirmed(apart: Stores) -> None:
    with world("google_ads", apart) as company:
        company.run({1: JANE, 2: JOHN})
        settle(company)
        company.forbidden = {(key, value) for _, key, value in company.remote.lists[-1]}
        removal = company.run({}, held_back="the brake holds it")
        assert removal.manifest is not None
        assert {entry.kind for entry in removal.manifest.files} == {"remove"}
        expire(company.outbox)

        company.follow(removal.manifest.plan)

        assert company.remote.lists == [set()]
        assert company.run({}, held_back="the brake holds it").version is None
