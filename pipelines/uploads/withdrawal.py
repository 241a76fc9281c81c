"""Taking a version's files away, for good: because they hold what they must not, or because they are old."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from catalog.durable import sync
from catalog.store import Catalog
from schemas.segment import Audience


def withdraw(
    outbox_folder: Path,
    catalog: Catalog,
    audience: Audience,
    version: str,
    state: Literal["withdrawn", "expired"] = "withdrawn",
) -> None:
    """Delete the version's folder; its manifest and checksums stay in the catalog, its keys in the warehouse.

    Needs no warehouse, so that it works while a night runs. A crash between the two steps is mended by `reconcile`.
    """
    catalog.set_state(audience, version, state)
    delete_folder(outbox_folder.joinpath(*audience, version))


def delete_folder(folder: Path) -> None:
    """Delete a version's folder, under a name that nobody lists first: half a version is never seen."""
    if not folder.is_dir():
        return
    gone = folder.with_name(f".{folder.name}")
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)
    sync(folder.parent)
    shutil.rmtree(gone)
