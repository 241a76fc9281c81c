"""A home that was restored from a backup: it says that it does not know its lists, until they were filled anew."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.erasures import erasure_requests
from catalog.home import Home
from catalog.journal import confirmations
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from commands.main import app
from pipelines.erasure.certificate import certificate_of
from pipelines.holdings.confirming import confirm, unconfirm
from schemas.segment import Audience
from tests.conftest import Company, small_company
from tests.nights import night

DAYS = ("2024-06-30", "2024-07-01", "2024-07-02", "2024-07-03")
META, GOOGLE = Audience("meta", "main", "buyers"), Audience("google_ads", "main", "buyers")


@pytest.fixture
def restored(company: Company, home_after_a_night: Path) -> Home:
    """A home whose list at Google Ads was made, and that `deploy/restore` has made of a backup since."""
    home = Home.at(home_after_a_night)
    with open_catalog(home) as catalog:
        confirm(catalog, GOOGLE, f"{DAYS[0]}.1", "created")
    mark_restored(home)
    return home


@pytest.fixture(scope="module")
def first_night_since(first_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("restored")
    shutil.copytree(first_night, folder / "home", symlinks=True)
    home = Home.at(folder / "home")
    with open_catalog(home) as catalog:
        confirm(catalog, GOOGLE, f"{DAYS[0]}.1", "created")
    mark_restored(home)
    night(small_company(folder / "company").config, home.root, DAYS[1])
    return home.root


@pytest.fixture
def a_night_since(first_night_since: Path, tmp_path: Path) -> Home:
    """Such a home after a night."""
    shutil.copytree(first_night_since, tmp_path / "home", symlinks=True)
    return Home.at(tmp_path / "home")


def mark_restored(home: Home) -> None:
    """As `deploy/restore` does, now to the microsecond: the clock of files is coarser."""
    home.restored.touch()
    os.utime(home.restored, ns=(time.time_ns(), time.time_ns()))


def said(*arguments: str, home: Home, company: Company) -> str:
    ran = CliRunner().invoke(app, [*arguments, "--home", str(home.root), "--config", str(company.config)])
    assert ran.exit_code == 0, ran.output
    return ran.output


def outcome(home: Home, audience: Audience) -> str:
    with open_catalog(home) as catalog:
        last = catalog.last_night()
        assert last is not None
        return catalog.outcome_on(audience, last["as_of"])["outcome"]


def test_a_list_filled_before_the_restoration_is_to_be_filled_anew_whatever_it_is_known_to_hold(
    company: Company, a_night_since: Home
) -> None:
    restored = a_night_since
    manifest = json.loads((restored.outbox.joinpath(*GOOGLE, f"{DAYS[1]}.1") / "manifest.json").read_text())
    assert [step["kind"] for step in manifest["plan"]] == ["replaced"]
    assert {entry["kind"] for entry in manifest["files"]} == {"full"}
    assert "nobody knows what the list was given since" in json.dumps(manifest["because"])
    # No list of it was confirmed: what its plan says still is to be done.
    assert outcome(restored, META) == "fresh"
    status = said("status", home=restored, company=company)
    assert "Look: This home was restored from a backup" in " ".join(status.split())

    # Nothing is new until the list was filled; then all is as ever.
    night(company.config, restored.root, DAYS[2])
    assert outcome(restored, GOOGLE) == "fresh"
    with open_catalog(restored) as catalog:
        confirm(catalog, GOOGLE, f"{DAYS[1]}.1", "replaced")
    night(company.config, restored.root, DAYS[3])
    assert outcome(restored, GOOGLE) == "fresh"
    assert "restored" not in said("status", home=restored, company=company)


def test_until_a_run_the_status_says_that_all_is_of_before_the_backup(company: Company, restored: Home) -> None:
    told = " ".join(said("status", home=restored, company=company).split())
    assert "Look: This home was restored from a backup" in told
    assert "All below is of before the backup: run once first." in told
    night(company.config, restored.root, DAYS[1])
    assert "All below is of before" not in said("status", home=restored, company=company)


def test_a_request_made_since_is_not_closed_while_a_list_may_hold_the_person(
    company: Company, a_night_since: Home
) -> None:
    restored = a_night_since
    # Nobody of this address is known: who was in later nights' files is not known either.
    said("forget", "stranger@example.org", home=restored, company=company)
    night(company.config, restored.root, DAYS[2])
    assert _states(restored) == ["removing"]

    with open_catalog(restored) as catalog:
        confirm(catalog, GOOGLE, f"{DAYS[1]}.1", "replaced")
    night(company.config, restored.root, DAYS[3])

    assert _states(restored) == ["closed"]
    # Of a list that was made after the backup only its network knows, whatever is closed here.
    with open_catalog(restored) as catalog:
        [request] = erasure_requests(catalog)
    told = " ".join(said("certificate", request.request_id, home=restored, company=company).split())
    assert "restored from a backup on" in told and "made between the backup and then" in told


def test_a_request_made_before_the_first_run_is_not_closed_by_it_and_says_why(company: Company, restored: Home) -> None:
    said("forget", "stranger@example.org", home=restored, company=company)
    night(company.config, restored.root, DAYS[1])
    assert _states(restored) == ["removing"]
    with open_catalog(restored) as catalog:
        [request] = erasure_requests(catalog)
    told = " ".join(said("certificate", request.request_id, home=restored, company=company).split())
    assert "google_ads/buyers: this home was restored from a backup since a list was filled" in told


def test_a_request_that_was_closed_is_open_again_where_the_list_is_unknown_again(
    company: Company, a_night_since: Home
) -> None:
    restored = a_night_since
    said("forget", "stranger@example.org", home=restored, company=company)
    with open_catalog(restored) as catalog:
        confirm(catalog, GOOGLE, f"{DAYS[1]}.1", "replaced")
    night(company.config, restored.root, DAYS[2])
    assert _states(restored) == ["closed"]

    with open_catalog(restored) as catalog:
        unconfirm(catalog, GOOGLE)
        [request] = erasure_requests(catalog)
        certificate = certificate_of(catalog, request.request_id, open_keys(restored))
    # It is signed as it stands, before any night has counted that.
    assert (certificate.request.state, certificate.lists_unknown) == ("removing", (GOOGLE,))
    night(company.config, restored.root, DAYS[3])
    assert _states(restored) == ["removing"]


def test_an_old_list_that_is_still_open_keeps_a_request_open_although_the_new_one_is_filled(
    company: Company, tmp_path: Path
) -> None:
    """Amazon replaces no list: a new one is made beside the old."""
    segment = (company.config / "segments" / "buyers.toml").read_text(encoding="utf-8")
    company.declare("segments/buyers.toml", segment.replace('["meta", "google_ads"]', '["amazon_ads"]'))
    home, amazon = Home.at(tmp_path / "home"), Audience("amazon_ads", "main", "buyers")
    night(company.config, home.root, DAYS[0])
    with open_catalog(home) as catalog:
        confirm(catalog, amazon, f"{DAYS[0]}.1", "created")
    mark_restored(home)
    night(company.config, home.root, DAYS[1])
    said("forget", "stranger@example.org", home=home, company=company)
    with open_catalog(home) as catalog:
        confirm(catalog, amazon, f"{DAYS[1]}.1", "created")
    night(company.config, home.root, DAYS[2])
    assert _states(home, amazon) == ["removing"]
    assert "Look: This home was restored" in " ".join(said("status", home=home, company=company).split())

    with open_catalog(home) as catalog:
        confirm(catalog, amazon, f"{DAYS[0]}.1", "deleted")
    night(company.config, home.root, DAYS[3])
    assert _states(home, amazon) == ["closed"]
    assert "restored" not in said("status", home=home, company=company)


def test_a_home_that_never_was_restored_trusts_its_journal(company: Company, home_after_a_night: Path) -> None:
    home = Home.at(home_after_a_night)
    with open_catalog(home) as catalog:
        confirm(catalog, GOOGLE, f"{DAYS[0]}.1", "created")
    night(company.config, home.root, DAYS[1])
    assert outcome(home, GOOGLE) == "fresh"


def _states(home: Home, audience: Audience = GOOGLE) -> list[str]:
    with open_catalog(home) as catalog:
        assert confirmations(catalog, audience)
        return [request.state for request in erasure_requests(catalog)]
