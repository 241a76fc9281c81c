"""A disk that is full: what the system and SQLite say of it, each in its words, as a sentence."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import exc

from schemas.errors import DISK_FULL, DiskError
from schemas.said import Said


def disk_failure(error: BaseException | None, place: Path | None = None) -> DiskError | None:
    """The failure of a disk that an error tells of, by the file that it names if no `place` is; None if it tells of
    anything else.
    """
    if isinstance(error, exc.DBAPIError):
        error = error.orig
    if isinstance(error, sqlite3.OperationalError):
        return _of_sqlite(error)
    if not isinstance(error, OSError) or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return None
    msg = Said(
        "The disk of {place} is full. Free some space and run again; what was published until then stays as it is.",
        place=place or error.filename or "what was to be written",
    )
    return DiskError(msg)


def _of_sqlite(error: sqlite3.OperationalError) -> DiskError | None:
    # One that was raised by hand has no code.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return DiskError(DISK_FULL)
        case sqlite3.SQLITE_IOERR:
            # So it says of a full disk too, where a file is to grow that it shares with other processes.
            msg = Said(
                "The disk of the home is full, or it fails ({kind}). Free some space or mend the disk, and run again; "
                "what was published until then stays as it is.",
                kind=error.sqlite_errorname,
            )
            return DiskError(msg)
        case _:
            return None


@contextmanager
def full_disk_told(place: Path | None = None) -> Iterator[None]:
    """What fails inside for a full disk leaves as a sentence.

    Raises:
        DiskError: the disk is full.
    """
    try:
        yield
    except (OSError, exc.DBAPIError, sqlite3.Error) as error:
        failure = disk_failure(error, place)
        if failure is None:
            raise
        raise failure from None
