"""A copy of a home to try a night in. It lies in the home itself, so it is as safe and has as much disk."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from catalog.database import copy_database
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


def _copy(home: Home, copy: Home) -> None:
    # After a kill the log beside the warehouse holds what the file does not.
    for part in (home.warehouse, write_ahead_log(home.warehouse)):
        if part.exists():
            shutil.copyfile(part, copy.root / part.name)
    if home.has_catalog:
        copy_database(home, copy)
    # Read and left out of the copy, never written: what was published is asked for, not made again, and no copy of the
    # keys lies beside what they open.
    for folder, there in ((home.keys, copy.keys), (home.outbox, copy.outbox)):
        if folder.exists():
            shutil.copytree(folder, there, copy_function=os.symlink)
    if home.sample.exists():
        (copy.root / "sample").symlink_to(home.sample)
