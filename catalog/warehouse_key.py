"""Exchanging the warehouse's key, so that a kill at any moment leaves a key that fits the file.

The new key waits in `warehouse.key.next` from before the new file takes the old one's name until it is itself renamed
to `warehouse.key`. Whoever opens the warehouse meanwhile tries both and calls `settle` with the one that fits.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from catalog.durable import sync, unfinished, write_durably
from catalog.home import Home
from catalog.secret_keys import key_path, new_key, read_key


def begin(home: Home) -> str:
    """Make the key that follows, on disk before anything is encrypted with it."""
    key = new_key()
    write_durably(_next_key_path(home), key + "\n")
    return key


def following(home: Home) -> str | None:
    """The key of a rotation that has not ended; None if there is none.

    Raises:
        KeyFileError: its file holds no key.
    """
    path = _next_key_path(home)
    return read_key(path.read_text("ascii", "replace"), str(path)) if path.exists() else None


def settle(home: Home, fitting: str) -> None:
    """End a rotation, done or interrupted: keep the key that fits the warehouse, and only the file that it opens."""
    unfinished(_next_key_path(home)).unlink(missing_ok=True)
    key = following(home)
    if key is None:
        # A rewrite under the same key may have been killed, too.
        discard_copy(home)
        return
    if key == fitting:
        _next_key_path(home).replace(key_path(home, "warehouse"))
    # The half-written copy goes before the only key that could open it.
    discard_copy(home)
    _next_key_path(home).unlink(missing_ok=True)
    sync(home.root)
    sync(home.keys)
    shutil.rmtree(home.spill, ignore_errors=True)


def discard_copy(home: Home) -> None:
    """Delete a copy that did not come to take the warehouse's name."""
    for path in (next_warehouse(home), write_ahead_log(next_warehouse(home))):
        path.unlink(missing_ok=True)


def next_warehouse(home: Home) -> Path:
    """The copy that a rewrite makes, until it takes the warehouse's name."""
    return home.warehouse.with_name("warehouse.next.duckdb")


def write_ahead_log(warehouse: Path) -> Path:
    """Where DuckDB keeps what is not yet in the file."""
    return warehouse.with_name(f"{warehouse.name}.wal")


def _next_key_path(home: Home) -> Path:
    return home.keys / "warehouse.key.next"
