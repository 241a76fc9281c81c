"""Files that are whole after a power cut: written beside, synced, renamed, and the folder synced."""

from __future__ import annotations

import os
from pathlib import Path

from catalog.full_disk import full_disk_told


def write_durably(path: Path, text: str) -> None:
    """Make `text` the whole content of `path`, for its owner only; whoever reads sees the old text or the new.

    Raises:
        DiskError: the disk is full; the old text stays.
    """
    beside = unfinished(path)
    with full_disk_told(path.parent):
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    sync(path.parent)


def unfinished(path: Path) -> Path:
    """Where a write of `path` that was killed may have left its text."""
    return path.with_name(f".{path.name}.new")


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of files, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
