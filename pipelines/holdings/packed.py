"""Published files as they are read again."""

from __future__ import annotations

import zipfile
from pathlib import Path


def unzipped(file: Path) -> Path | bytes:
    """The file, or what it holds if it is a zip: what Polars reads, which unpacks gzip itself."""
    if file.suffix != ".zip":
        return file
    with zipfile.ZipFile(file) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())
