"""Source files that change, or go, while they are read: what was read is neither the old export nor the new one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.crm.sources.opened import OpenSource
from schemas.errors import SourceError, UnreachableSourceError
from schemas.said import Said


@contextmanager
def steady(reader: str, opened: Sequence[OpenSource]) -> Iterator[None]:
    """Reading inside; `reader` is whose, for the message.

    Raises:
        UnreachableSourceError: a file is another one afterwards, whatever reading it said: later it may be whole.
    """
    before = {path: stamp(path) for source in opened for path in source.files}
    try:
        yield
    except SourceError:
        _check(reader, before)
        raise
    _check(reader, before)


def check_not_lost(reader: str, places: str, error: Exception) -> None:
    """Tell a database that gave up in the middle of being read from a select that does not fit it.

    Raises:
        UnreachableSourceError: DuckDB's reader of SQLite says so; it has no error of its own.
    """
    if isinstance(error, RuntimeError) or type(error) is duckdb.Error:
        msg = Said(
            "{reader}: {places} was lost while it was read: it is damaged, or somebody writes it. Nobody "
            "is added to a list; if it says so again, restore it.",
            reader=reader,
            places=places,
        )
        raise UnreachableSourceError(msg) from None


def _check(reader: str, before: dict[Path, tuple[int, ...] | None]) -> None:
    changed = [str(path) for path, known in before.items() if stamp(path) != known]
    if changed:
        msg = Said(
            "{reader}: {changed} changed while it was read, so what was read is no whole export. Nobody is "
            "added to a list; let the night begin when exports are done, or write them aside and rename them.",
            reader=reader,
            changed=", ".join(changed),
        )
        raise UnreachableSourceError(msg) from None


def stamp(path: Path) -> tuple[int, ...] | None:
    """What another content has another of; None if the file is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
