"""Mending what a crash left of a publication, by what the manifests sign."""

from __future__ import annotations

import shutil
from pathlib import Path

import sqlalchemy as sa

from catalog.dry_home import remove_left_copies
from catalog.secret_keys import is_signed, public_keys
from pipelines.holdings.audience_keys import settle_pending_keys
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.withdrawal import delete_folder
from pipelines.uploads.versions.digests import content_digest
from pipelines.uploads.versions.staging import torn_files
from schemas.segment import Audience
from schemas.uploads import Manifest


def reconcile(outbox: Outbox) -> None:
    """Mend what a crash left: staged files and copies for a trial go, folders and rows are brought together, by signed
    manifests."""
    remove_left_copies(outbox.home)
    shutil.rmtree(outbox.staging, ignore_errors=True)
    known = set(map(_identity, outbox.catalog.versions()))
    for path in outbox.home.manifests():
        *names, version = path.parent.relative_to(outbox.home.outbox).parts
        audience = Audience(*names)
        if (audience, version) not in known and not outbox.catalog.has_version(audience, version):
            manifest = _own_manifest(path, audience, version, outbox)
            if manifest is None:
                continue
            outbox.catalog.add_version(audience, manifest, content_digest(manifest))
            known.add((audience, version))
    for audience, version in sorted(known):
        if not outbox.folder(audience, version).is_dir():
            outbox.catalog.set_state(audience, version, "lost")
    taken = [*outbox.catalog.versions(state="withdrawn"), *outbox.catalog.versions(state="expired")]
    for audience, version in map(_identity, taken):
        delete_folder(outbox.folder(audience, version))
    for half_deleted in outbox.home.outbox.glob("*/*/*/.*"):
        shutil.rmtree(half_deleted, ignore_errors=True)
    # A version that is no longer here may be at the network all the same.
    settle_pending_keys(outbox.warehouse, set(map(_identity, outbox.catalog.versions(state=None))))


def _identity(row: sa.RowMapping) -> tuple[Audience, str]:
    return Audience.of(row), row["version"]


def _own_manifest(path: Path, audience: Audience, version: str, outbox: Outbox) -> Manifest | None:
    """The folder's manifest; None unless this home signed it for this very folder, and its files are whole."""
    try:
        manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    # The signing key may have been rotated since.
    if not is_signed(manifest.signed_bytes(), manifest.signature, public_keys(outbox.home).values()):
        return None
    named = (manifest.network, manifest.account, manifest.segment, manifest.version)
    return manifest if named == (*audience, version) and not torn_files(path.parent, manifest.files) else None
