"""Versions of an audience without a night, for what is said of them."""

from __future__ import annotations

from catalog.journal import confirmations
from catalog.store import Catalog
from pipelines.holdings.open_lists import base_of, open_lists
from schemas.network_file import FileKind
from schemas.segment import Audience
from schemas.uploads import FileEntry, Ledger, Manifest

LOYAL = Audience("meta", "main", "loyal")


def publish(catalog: Catalog, version: str, *kinds: FileKind, replaceable: bool = True) -> Manifest:
    """A version with files of these kinds, on what is confirmed now."""
    files = tuple(
        FileEntry(name=f"club.{kind}.csv", kind=kind, rows=9, bytes=9, sha256="0") for kind in kinds or ("full",)
    )
    manifest = Manifest(
        **LOYAL._asdict(), public_name="club", version=version, as_of=version[:10], rules_version="r", assumptions=(),
        base=base_of(open_lists(confirmations(catalog, LOYAL))), withheld={}, files=files, replaceable=replaceable,
        ledger=Ledger(segment_people=9, dropped={}, file_people=9, file_rows=9),
    )  # fmt: skip
    catalog.add_version(LOYAL, manifest, version)
    return manifest
