"""After a request the warehouse is a file that never held what went; where nothing went, it is left as it is."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from catalog import rewrite
from catalog.home import Home
from catalog.rewrite import rewrite_is_due
from catalog.secret_keys import open_keys
from catalog.warehouse import open_warehouse
from pipelines.erasure.taking_in import DAYS_TO_REWRITE
from tests.conftest import Company
from tests.nights import night, night_killed_at_a_stage
from tests.processes import forked
from tests.rewrites.conftest import after_a_night, come_as_another, theirs
from tests.test_forgetting import dump, state

DAYS = ("2024-06-30", "2024-07-01", "2024-07-02")
#: In place of the customer's id, consents may name an address.
BY_ADDRESS = (
    "customer AS customer_id, unnest",
    "CASE WHEN customer NOT LIKE '%@%' THEN customer END AS customer_id, "
    "CASE WHEN customer LIKE '%@%' THEN customer END AS address, unnest",
)


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after its first night, and its company, whose CRM had been asked to forget Carla, and keeps her record."""
    return after_a_night(tmp_path_factory.mktemp("first"), DAYS[0], "r1,3,2024-06-01 10:00:00\n")


def changed(company: Company, old: str, new: str) -> None:
    for table in ("customers", "orders", "consents"):
        text = (company.folder / f"{table}.csv").read_text(encoding="utf-8")
        (company.folder / f"{table}.csv").write_text(text.replace(old, new), encoding="utf-8")


def file(home: Path) -> int:
    """What tells the warehouse's file from one that took its name."""
    return (home / "warehouse.duckdb").stat().st_ino


def due(home: Path, in_days: int = 0) -> bool:
    with open_warehouse(Home.at(home), open_keys(Home.at(home)), "2GB") as warehouse:
        return rewrite_is_due(warehouse, (datetime.now(UTC) + timedelta(days=in_days)).date())


def test_an_erased_person_who_moves_leaves_the_file_as_it_is(company: Company, home: Path) -> None:
    first = file(home)
    changed(company, "carla@example.org,0471 12 34 56", "moved@example.org,0499 12 34 56")
    night(company.config, home, DAYS[1])
    assert file(home) == first
    assert state(home) == {"r1": "removing"}


def test_one_row_that_goes_later_makes_the_file_anew_though_the_night_is_killed(company: Company, home: Path) -> None:
    first = file(home)
    changed(company, "carla@example.org", "bob@example.org")
    assert forked(night_killed_at_a_stage, company.config, home, DAYS[1], 3) == -signal.SIGKILL
    assert file(home) == first
    assert due(home)
    night(company.config, home, DAYS[1])
    assert file(home) != first
    assert not due(home)
    assert "bob@example.org" not in dump(home)


def come_back(company: Company, home: Path) -> int:
    """Let Carla consent after her request, and move a day later; the file before she moved."""
    consents = company.folder / "consents.csv"
    consents.write_text(consents.read_text(encoding="utf-8") + "again,3,granted,2024-06-20\n", encoding="utf-8")
    night(company.config, home, DAYS[0])
    assert "carla@example.org" in dump(home)
    first = file(home)
    changed(company, "carla@example.org", "moved@example.org")
    return first


def test_what_somebody_left_who_came_back_may_wait_for_the_file_to_be_made_anew(
    company: Company, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = come_back(company, home)
    night(company.config, home, DAYS[1])
    assert "carla@example.org" not in dump(home)
    assert "moved@example.org" in dump(home)
    assert file(home) == first
    assert not due(home)
    assert due(home, in_days=DAYS_TO_REWRITE)
    changed(company, "bob@example.org", "other@example.org")
    in_a_week = datetime.now(UTC) + timedelta(days=DAYS_TO_REWRITE)
    monkeypatch.setattr("assets.resources.datetime", SimpleNamespace(now=lambda zone: in_a_week))
    night(company.config, home, DAYS[2])
    assert file(home) != first
    assert not due(home, in_days=365)


def test_what_somebody_left_may_wait_though_it_was_the_only_address_of_their_record(
    company: Company, home: Path
) -> None:
    changed(company, "carla@example.org,0471 12 34 56", "carla@example.org,")
    first = come_back(company, home)
    night(company.config, home, DAYS[1])
    assert "carla@example.org" not in dump(home)
    assert "moved@example.org" in dump(home)
    assert file(home) == first
    assert due(home, in_days=DAYS_TO_REWRITE)


def test_whoever_takes_their_consent_back_need_not_wait(company: Company, home: Path) -> None:
    first = come_back(company, home)
    consents = company.folder / "consents.csv"
    consents.write_text(consents.read_text(encoding="utf-8").replace("again,3,", "again,2,"), encoding="utf-8")
    night(company.config, home, DAYS[1])
    assert "carla@example.org" not in dump(home)
    assert file(home) != first


def test_a_file_for_which_there_was_no_space_is_made_by_the_next_night(
    company: Company, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1000

    first = file(home)
    changed(company, "carla@example.org", "bob@example.org")
    with monkeypatch.context() as patched:
        patched.setattr(rewrite.shutil, "disk_usage", lambda path: Usage)
        night(company.config, home, DAYS[1])
    assert file(home) == first
    night(company.config, home, DAYS[2])
    assert file(home) != first
    assert not due(home)


def test_a_record_that_a_later_night_shows_to_be_theirs_leaves_no_earlier_row(company: Company, home: Path) -> None:
    # Bob's record gets Carla's address and no other: it was hers all along.
    assert "bob@example.org" in dump(home)
    changed(company, "bob@example.org", "carla@example.org")
    changed(company, "Bob,Béranger", "Carla,Claes")
    night(company.config, home, DAYS[1])
    assert "bob@example.org" not in dump(home)
    assert "Béranger" not in dump(home)


def test_a_covered_record_that_came_back_leaves_the_file_as_it_is(company: Company, home: Path) -> None:
    company.write("customers", theirs(company) + "4,other@example.org,0471 12 34 56,Carla,Claes,1000,BE,2023-04-01\n")
    consents = company.folder / "consents.csv"
    consents.write_text(consents.read_text(encoding="utf-8") + "again,4,granted,2024-06-20\n", encoding="utf-8")
    night(company.config, home, DAYS[0])
    assert "other@example.org" in dump(home)
    first = file(home)
    night(company.config, home, DAYS[1])
    assert "other@example.org" in dump(home)
    assert "carla@example.org" not in dump(home)
    assert file(home) == first


def test_a_statement_by_an_address_that_a_repeated_day_shows_to_be_theirs_leaves_no_earlier_row(
    company: Company, home: Path
) -> None:
    company.declare("sources.toml", (company.config / "sources.toml").read_text().replace(*BY_ADDRESS))
    consents = (company.folder / "consents.csv").read_text(encoding="utf-8")
    company.write("consents", consents + "said,shared@example.org,granted,2024-05-01\n")
    night(company.config, home, DAYS[0])
    assert "shared@example.org" in dump(home)
    first = file(home)
    come_as_another(company)
    night(company.config, home, DAYS[0])
    assert "shared@example.org" not in dump(home)
    assert file(home) != first


def test_another_record_of_theirs_leaves_the_file_as_it_is_on_a_later_day(company: Company, home: Path) -> None:
    first = file(home)
    come_as_another(company)
    night(company.config, home, DAYS[1])
    assert "shared@example.org" not in dump(home)
    assert file(home) == first
