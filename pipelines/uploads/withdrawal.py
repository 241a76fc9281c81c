"""Taking a published version back: its files go at once, its checksums and keys stay."""

from __future__ import annotations

import shutil
from pathlib import Path

from catalog.durable import sync
from catalog.store import Catalog
from schemas.segment import Audience


def withdraw(outbox: Path, catalog: Catalog, audience: Audience, version: str) -> None:
    """Delete the version's folder in the outbox. It needs no warehouse, so it works while a night runs.

    The catalog knows first: killed in between, the folder is of a withdrawn version and `reconcile` deletes it.
    """
    catalog.set_state(audience, version, "withdrawn")
    delete_folder(outbox.joinpath(*audience, version))


def delete_folder(folder: Path) -> None:
    """Delete a version's folder for good; no error if it is gone."""
    if folder.is_dir():
        shutil.rmtree(folder)
        sync(folder.parent)
