"""The catalog: what was published, what became of each audience, and how each night went."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from catalog.home import Home
from catalog.store import Catalog, open_catalog
from schemas.segment import Audience
from schemas.uploads import FileEntry, Ledger, Manifest

LOYAL = Audience("meta", "main", "loyal")
LOYAL_FR = Audience("google_ads", "fr", "loyal")
DAY = date(2025, 6, 30)
NEXT_DAY = date(2025, 7, 1)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


@pytest.fixture
def catalog(home: Home) -> Iterator[Catalog]:
    with open_catalog(home) as opened:
        yield opened


def manifest(audience: Audience = LOYAL, version: str = "2025-06-30.1", people: int = 120) -> Manifest:
    ledger = Ledger(segment_people=people + 3, dropped={"no_consent": 3}, file_people=people, file_rows=people)
    return Manifest(
        network=audience.network, account=audience.account, segment=audience.segment, public_name="club_b",
        version=version, as_of=version.rsplit(".", 1)[0], base=None, rules_version="r1", assumptions=(),
        withheld={}, ledger=ledger,
        files=(FileEntry(name="club_b.full.csv", kind="full", rows=people, bytes=9, sha256="0" * 64),),
    )  # fmt: skip


def publish(catalog: Catalog, *versions: str, audience: Audience = LOYAL) -> None:
    for version in versions:
        catalog.add_version(audience, manifest(audience, version), content=f"digest of {version}")


def told(rows: list[sa.RowMapping], column: str) -> list[object]:
    return [row[column] for row in rows]


def test_a_new_home_has_an_empty_catalog_for_its_owner_only(home: Home, catalog: Catalog) -> None:
    assert catalog.versions() == []
    assert catalog.last_night() is None
    assert home.catalog.stat().st_mode & 0o777 == 0o600
    assert home.root.stat().st_mode & 0o777 == 0o700


def test_a_time_is_kept_as_utc_without_its_zone_and_given_with_it(
    home: Home, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime(2025, 6, 30, 23, 30, tzinfo=ZoneInfo("America/New_York"))
    monkeypatch.setattr("catalog.store.now", lambda: at)
    night = catalog.begin_night(DAY)
    begun = catalog.night(night)["started_at"]
    assert (begun, begun.tzinfo) == (at, UTC)
    with closing(sqlite3.connect(home.catalog)) as plain:
        assert plain.execute("SELECT started_at FROM nights").fetchall() == [("2025-07-01 03:30:00.000000",)]
    monkeypatch.setattr("catalog.store.now", lambda: at.replace(tzinfo=None))
    with pytest.raises(sa.exc.StatementError, match="has no zone"):
        catalog.end_night(night, "done", [], 0)


def test_a_published_version_is_found_with_what_its_manifest_says(catalog: Catalog) -> None:
    publish(catalog, "2025-06-30.1")
    (row,) = catalog.versions(LOYAL)
    assert (row["version"], row["public_name"], row["as_of"], row["state"]) == (
        "2025-06-30.1", "club_b", DAY, "published",
    )  # fmt: skip
    assert row["content"] == "digest of 2025-06-30.1"
    assert Manifest.model_validate_json(row["manifest"]) == manifest()


def test_what_was_written_is_there_when_the_catalog_is_opened_again(home: Home) -> None:
    with open_catalog(home) as catalog:
        publish(catalog, "2025-06-30.1")
    with open_catalog(home) as catalog:
        assert told(catalog.versions(), "version") == ["2025-06-30.1"]


def test_versions_come_oldest_first_and_the_tenth_of_a_day_after_the_second(catalog: Catalog) -> None:
    publish(catalog, "2025-07-01.1", "2025-06-30.10", "2025-06-30.2", "2025-06-30.9")
    assert told(catalog.versions(LOYAL), "version") == [
        "2025-06-30.2", "2025-06-30.9", "2025-06-30.10", "2025-07-01.1",
    ]  # fmt: skip


def test_audiences_have_their_own_versions(catalog: Catalog) -> None:
    publish(catalog, "2025-06-30.1")
    publish(catalog, "2025-06-30.1", "2025-06-30.2", audience=LOYAL_FR)
    assert told(catalog.versions(LOYAL), "version") == ["2025-06-30.1"]
    assert told(catalog.versions(LOYAL_FR), "version") == ["2025-06-30.1", "2025-06-30.2"]
    assert catalog.versions(Audience("google_ads", "main", "loyal")) == []
    assert len(catalog.versions()) == 3


def test_a_version_is_published_once(catalog: Catalog) -> None:
    publish(catalog, "2025-06-30.1")
    with pytest.raises(sa.exc.IntegrityError):
        publish(catalog, "2025-06-30.1")
    assert len(catalog.versions(LOYAL)) == 1


def test_a_refused_write_does_not_block_the_next(catalog: Catalog) -> None:
    publish(catalog, "2025-06-30.1")
    with pytest.raises(sa.exc.IntegrityError):
        publish(catalog, "2025-06-30.1")
    publish(catalog, "2025-06-30.2")
    assert len(catalog.versions(LOYAL)) == 2


def test_a_lost_version_is_listed_no_more_but_its_number_is_never_given_again(catalog: Catalog) -> None:
    publish(catalog, "2025-06-30.1", "2025-06-30.2", "2025-07-01.1")
    catalog.set_state(LOYAL, "2025-06-30.2", "lost")
    assert told(catalog.versions(LOYAL), "version") == ["2025-06-30.1", "2025-07-01.1"]
    assert told(catalog.versions(LOYAL, "lost"), "version") == ["2025-06-30.2"]
    assert sorted(catalog.numbers(LOYAL, DAY)) == [1, 2]
    assert catalog.has_version(LOYAL, "2025-06-30.2")


def test_a_state_is_of_one_audiences_version_only(catalog: Catalog) -> None:
    publish(catalog, "2025-06-30.1")
    publish(catalog, "2025-06-30.1", audience=LOYAL_FR)
    catalog.set_state(LOYAL, "2025-06-30.1", "lost")
    assert told(catalog.versions(), "network") == ["google_ads"]


def test_a_version_that_was_withdrawn_stays_so_whoever_tidies_up_beside(catalog: Catalog) -> None:
    publish(catalog, "2025-06-30.1")
    for state in ("withdrawn", "expired", "lost"):
        catalog.set_state(LOYAL, "2025-06-30.1", state)
    assert told(catalog.versions(LOYAL, None), "state") == ["withdrawn"]
    assert told(catalog.audit_lines(), "action") == ["published", "withdrawn"]


def test_a_version_that_never_was_is_not_there(catalog: Catalog) -> None:
    assert not catalog.has_version(LOYAL, "2025-06-30.1")
    assert catalog.numbers(LOYAL, DAY) == []


def test_a_night_begins_runs_and_ends(catalog: Catalog) -> None:
    night = catalog.begin_night(DAY)
    running = catalog.last_night()
    assert running is not None
    assert (running["night"], running["as_of"], running["outcome"], running["ended_at"]) == (
        night,
        DAY,
        "running",
        None,
    )
    catalog.end_night(night, "failed", ["Table orders: not there."], 1)
    ended = catalog.last_night()
    assert ended is not None
    assert (ended["outcome"], ended["messages"], ended["exit_code"]) == ("failed", ["Table orders: not there."], 1)
    assert ended["ended_at"] >= ended["started_at"]


def test_the_last_night_is_the_one_begun_last_whatever_its_day(catalog: Catalog) -> None:
    first, second = catalog.begin_night(NEXT_DAY), catalog.begin_night(DAY)
    assert second > first
    last = catalog.last_night()
    assert last is not None
    assert (last["night"], last["as_of"]) == (second, DAY)


def test_each_night_tells_what_became_of_the_audiences_it_reached(catalog: Catalog) -> None:
    night = catalog.begin_night(DAY)
    catalog.record_outcome(LOYAL, DAY, "published", night=night, version="2025-06-30.1", ledger={"file_people": 120})
    catalog.record_outcome(LOYAL_FR, DAY, "held", night=night, reason="it shrank by a half")
    rows = catalog.outcomes_of_night(night)
    assert [(row["network"], row["account"], row["outcome"]) for row in rows] == [
        ("google_ads", "fr", "held"), ("meta", "main", "published"),
    ]  # fmt: skip
    assert told(rows, "reason") == ["it shrank by a half", None]
    assert told(rows, "ledger") == [None, {"file_people": 120}]
    assert catalog.outcomes_of_night(night + 1) == []


def test_a_repeated_night_tells_its_own_outcome(catalog: Catalog) -> None:
    first = catalog.begin_night(DAY)
    catalog.record_outcome(LOYAL, DAY, "held", night=first, reason="it shrank by a half")
    second = catalog.begin_night(DAY)
    catalog.record_outcome(LOYAL, DAY, "published", night=second, version="2025-06-30.1")
    assert catalog.outcomes_of_night(first) == []
    assert told(catalog.outcomes_of_night(second), "outcome") == ["published"]


def test_another_days_outcome_stays(catalog: Catalog) -> None:
    first, second = catalog.begin_night(DAY), catalog.begin_night(NEXT_DAY)
    catalog.record_outcome(LOYAL, DAY, "published", night=first)
    catalog.record_outcome(LOYAL, NEXT_DAY, "fresh", night=second)
    assert told(catalog.outcomes_of_night(first), "outcome") == ["published"]
    assert told(catalog.outcomes_of_night(second), "outcome") == ["fresh"]


def test_the_page_can_read_while_a_night_writes(home: Home, catalog: Catalog) -> None:
    publish(catalog, "2025-06-30.1")
    with closing(sqlite3.connect(home.catalog, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE versions SET state = 'lost'")
        with open_catalog(home) as reader:
            assert told(reader.versions(), "version") == ["2025-06-30.1"]
        writer.execute("ROLLBACK")


def test_writers_wait_for_each_other_and_none_is_lost(home: Home) -> None:
    failures: list[BaseException] = []

    def write(first: int) -> None:
        try:
            with open_catalog(home) as opened:
                for number in range(first, first + 10):
                    publish(opened, f"2025-06-30.{number}")
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)

    with open_catalog(home):
        pass
    threads = [threading.Thread(target=write, args=(first,)) for first in (1, 11, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_catalog(home) as catalog:
        assert sorted(catalog.numbers(LOYAL, DAY)) == list(range(1, 31))
