"""The steps by which a staged version becomes one that people see.

Commit order: files staged and synced; the version's keys pending in the warehouse; the folder renamed; the catalog's
row; the keys final. `reconciliation` mends what a crash left between two of these steps.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from catalog.durable import sync
from pipelines.erasure.late import forbidden_meanwhile
from pipelines.holdings.audience_keys import FileKeys, add_pending_keys, drop_keys, finish_keys
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.withdrawal import delete_folder, withdraw
from pipelines.uploads.versions.digests import content_digest
from pipelines.uploads.versions.draft import Draft, Publication
from pipelines.uploads.versions.staging import check_whole, move_into_place
from schemas.errors import PublicationError
from schemas.network import Network
from schemas.uploads import Manifest


def commit(publication: Publication, draft: Draft, manifest: Manifest, staged: Path, outbox: Outbox) -> bool:
    """Whether the draft's version may stay: not if somebody asked to be forgotten meanwhile whose key it adds.

    In: its manifest, signed.

    Raises:
        PublicationError: a file is torn.
    """
    audience, network, keys = publication.audience, publication.network, draft.keys
    if _forbids_by_now(network, keys, outbox):
        return False
    for path in staged.iterdir():
        path.chmod(0o600)
        sync(path)
    sync(staged)
    add_pending_keys(outbox.warehouse, audience, manifest.version, keys, draft.since)
    folder = outbox.folder(audience, manifest.version)
    move_into_place(staged, folder, outbox.home.outbox)
    try:
        check_whole(audience, folder, manifest.files)
    except PublicationError:
        # A folder that stayed would be adopted by the next run.
        delete_folder(folder)
        drop_keys(outbox.warehouse, audience, [manifest.version])
        raise
    outbox.catalog.add_version(audience, manifest, content_digest(manifest))
    finish_keys(outbox.warehouse, audience, manifest.version)
    # Whoever forgets from here on sees the version and withdraws it.
    if _forbids_by_now(network, keys, outbox):
        withdraw(outbox.home, outbox.catalog, audience, manifest.version)
        return False
    return True


def _forbids_by_now(network: Network, keys: list[FileKeys], outbox: Outbox) -> bool:
    added = [file.keys for file in keys if file.kind != "remove"]
    return bool(added) and forbidden_meanwhile(
        pl.concat(added),
        network=network,
        catalog=outbox.catalog,
        warehouse=outbox.warehouse,
        identity_key=outbox.keys.identity,
    )
