"""A copy of a home to try a night in. It lies in the home itself, so it is as safe and has as much disk."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from catalog.belonging import check_warehouse_is_there
from catalog.database import METADATA, database, writing
from catalog.durable import write_durably
from catalog.full_disk import full_disk_told
from catalog.home import Home
from catalog.warehouse_key import write_ahead_log

_PREFIX = ".dry-run-"
#: Locked as long as somebody works in the copy.
_HELD = "held"


@contextmanager
def temporary_copy(home: Home) -> Iterator[Home]:
    """A home that starts where `home` stands and is deleted afterwards; one of nothing, elsewhere, if there is none.

    Raises:
        HomeLockedError: another process works in the home.
        DiskError: the copy has no room in it.
    """
    with ExitStack() as stack:
        if home.root.exists():
            with home.locked(), full_disk_told(home.root):
                remove_left_copies(home)
                copy = Home.at(Path(stack.enter_context(TemporaryDirectory(prefix=_PREFIX, dir=home.root))))
                held = stack.enter_context((copy.root / _HELD).open("w", encoding="utf-8"))
                fcntl.flock(held, fcntl.LOCK_EX)
                _copy(home, copy)
        else:
            copy = Home.at(Path(stack.enter_context(TemporaryDirectory(prefix="relance-"))))
        yield copy


def remove_left_copies(home: Home) -> None:
    """Delete the copies whose process was killed. The caller holds the home's lock."""
    for folder in home.root.glob(f"{_PREFIX}*"):
        with suppress(BlockingIOError):
            if (folder / _HELD).exists():
                with (folder / _HELD).open(encoding="utf-8") as held:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def copy_database(home: Home, copy: Home) -> None:
    """Bring the rows of the home's catalog, as they are at one moment, into the new catalog of `copy`, which takes the
    home's id: of all tables that this process knows, so the page's own (users, sessions) stay behind unless it has
    loaded them.
    """
    with (
        database(home) as source,
        database(copy, of_any_home=True) as target,
        source.connect().execution_options(
            isolation_level="REPEATABLE READ" if home.catalog_url else "AUTOCOMMIT"
        ) as reading,
        writing(target) as connection,
    ):
        if home.catalog_url is None:
            reading.exec_driver_sql("BEGIN")
        for table in METADATA.sorted_tables:
            rows = [dict(row) for row in reading.execute(sa.select(table)).mappings()]
            if rows:
                connection.execute(sa.insert(table), rows)
        write_durably(copy.id_file, f"{home.id}\n")


def _copy(home: Home, copy: Home) -> None:
    if home.has_catalog or home.warehouse.exists():
        check_warehouse_is_there(home)
        copy_database(home, copy)
    # After a kill the log beside the warehouse holds what the file does not.
    for part in (home.warehouse, write_ahead_log(home.warehouse)):
        if part.exists():
            shutil.copyfile(part, copy.root / part.name)
    # Read and left out of the copy, never written: what was published is asked for, not made again, and no copy of the
    # keys lies beside what they open.
    for folder, there in ((home.keys, copy.keys), (home.outbox, copy.outbox)):
        if folder.exists():
            shutil.copytree(folder, there, copy_function=os.symlink)
    if home.sample.exists():
        (copy.root / "sample").symlink_to(home.sample)
