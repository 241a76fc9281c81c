"""What a test sees of the disk: what is written down for good, and what takes another's name, in which order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

#: `sync` or `rename`; the file or folder, renamed: as it is called then; what a synced file holds, None of others.
Call = tuple[str, Path, bytes | None]


def disk_calls(patched: pytest.MonkeyPatch) -> list[Call]:
    """The calls that are made while `patched` is, to be read afterwards."""
    calls: list[Call] = []
    fsync, rename, replace = os.fsync, Path.rename, Path.replace

    def synced(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        calls.append(("sync", path, path.read_bytes() if path.is_file() else None))
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        calls.append(("rename", target, None))
        return rename(path, target)

    def replaced(path: Path, target: Path) -> Path:
        calls.append(("rename", target, None))
        return replace(path, target)

    patched.setattr(os, "fsync", synced)
    patched.setattr(Path, "rename", renamed)
    patched.setattr(Path, "replace", replaced)
    return calls
