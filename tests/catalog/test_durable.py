"""Files written durably are the old or the new, whole; and a full disk is told whatever words it is told in."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import exc

from catalog.durable import unfinished, write_durably
from catalog.full_disk import disk_failure
from schemas.errors import DiskError
from tests.disk import disk_calls


def test_what_a_killed_write_left_is_no_part_of_the_next(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    unfinished(path).write_text("half of a text that was longer")
    write_durably(path, "new\n")
    assert path.read_text() == "new\n"
    assert [path.name for path in tmp_path.iterdir()] == ["signing.key"]


def test_what_is_written_is_its_owners_only(tmp_path: Path) -> None:
    write_durably(tmp_path / "signing.key", "new\n")
    assert (tmp_path / "signing.key").stat().st_mode & 0o777 == 0o600


def test_a_text_is_on_the_disk_before_it_takes_the_old_one_s_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "signing.key"
    calls = disk_calls(monkeypatch)
    write_durably(path, "new\n")
    assert calls == [("sync", unfinished(path), b"new\n"), ("rename", path, None), ("sync", tmp_path, None)]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_on_a_full_disk_the_old_text_stays_and_a_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "signing.key"
    write_durably(path, "old\n")

    def full(descriptor: int) -> None:
        raise OSError(number, "full", f"{descriptor}")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match=f"The disk of {tmp_path} is full"):
        write_durably(path, "new\n")
    assert path.read_text() == "old\n"


def test_another_failure_is_no_full_disk() -> None:
    assert disk_failure(OSError(errno.EACCES, "no")) is None
    assert disk_failure(sqlite3.OperationalError("raised by hand")) is None
    assert disk_failure(None) is None


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (sqlite3.SQLITE_FULL, "full"),
        (sqlite3.SQLITE_IOERR_WRITE, "is full, or it fails"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "is full, or it fails"),
        (sqlite3.SQLITE_BUSY, None),
    ],
)
def test_sqlite_tells_of_a_disk_in_extended_codes_too(code: int, says: str | None) -> None:
    error = sqlite3.OperationalError("as SQLite says")
    error.sqlite_errorcode, error.sqlite_errorname = code, "NAME"
    for told in (error, exc.OperationalError("SELECT 1", {}, error)):
        failure = disk_failure(told)
        assert (failure is None) if says is None else (says in str(failure))


def test_a_database_that_may_grow_no_more_is_a_full_disk(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as connection:
        connection.execute("CREATE TABLE any_table (text)")
        connection.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as caught:
            connection.execute("INSERT INTO any_table VALUES (zeroblob(100000))")
    assert isinstance(disk_failure(caught.value), DiskError)
