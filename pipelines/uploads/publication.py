"""Publishing a version: staged, checked, then renamed into the outbox, so that no half version is ever seen.

Commit order: files staged and synced; the version's keys pending in the warehouse; the folder renamed; the catalog's
row; the keys final. `reconciliation` mends what a crash left between two of these steps.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from catalog.durable import sync
from catalog.home import Home
from catalog.secret_keys import SecretKeys
from catalog.store import Catalog
from catalog.warehouse import Warehouse
from pipelines.uploads.audience_keys import add_pending_keys, finish_keys
from pipelines.uploads.checker import complaints
from pipelines.uploads.manifest import content_digest, new_manifest, readme, signed
from pipelines.uploads.rows import AudienceRows
from pipelines.uploads.writer import write_list
from schemas.errors import DayError, PublicationError
from schemas.network import Network
from schemas.segment import Audience, Segment
from schemas.settings import Settings
from schemas.uploads import FileEntry, Manifest


@dataclass(frozen=True)
class Outbox:
    """All that publishing needs beside the rows."""

    home: Home
    keys: SecretKeys
    warehouse: Warehouse
    catalog: Catalog
    settings: Settings
    night: int

    def folder(self, audience: Audience, version: str) -> Path:
        return self.home.outbox.joinpath(*audience, version)

    @property
    def staging(self) -> Path:
        return self.home.outbox / ".staging"


class Published(NamedTuple):
    """What became of an audience: a new version, the last one still `fresh`, or `held` with the reason."""

    outcome: Literal["published", "fresh", "held"]
    version: str | None
    reason: str | None
    manifest: Manifest | None


def check_newest(as_of: date, newest: date | None) -> None:
    """Refuse to publish a day that is not the newest.

    Raises:
        DayError: the day is past.
    """
    if newest is None or as_of < newest:
        msg = f"Only the newest day is published, which is {newest}, not {as_of}. Choose the partition {newest}."
        raise DayError(msg)


def publish(  # noqa: PLR0913 - an audience, its rows and where they go
    audience: Audience,
    segment: Segment,
    network: Network,
    audience_rows: AudienceRows,
    outbox: Outbox,
    *,
    as_of: date,
) -> Published:
    """Publish the audience's full files, unless nothing changed or the audience is too small.

    Raises:
        PublicationError: the ledger does not close, a file would be refused, or the disk is full.
    """
    published = _publish(audience, segment, network, audience_rows, outbox, as_of=as_of)
    outbox.catalog.record_outcome(
        audience,
        as_of,
        published.outcome,
        night=outbox.night,
        version=published.version,
        reason=published.reason,
        ledger=audience_rows.ledger.model_dump(),
    )
    return published


def _publish(  # noqa: PLR0913
    audience: Audience,
    segment: Segment,
    network: Network,
    audience_rows: AudienceRows,
    outbox: Outbox,
    *,
    as_of: date,
) -> Published:
    ledger = audience_rows.ledger
    if not ledger.closes:
        msg = (
            f"{audience}: the ledger does not close: {ledger.segment_people} people in the segment, "
            f"{ledger.file_people} in the file, {sum(ledger.dropped.values())} dropped with a reason. "
            "This is a defect; nothing was published."
        )
        raise PublicationError(msg, check="ledger_closes")
    if audience_rows.below_minimum:
        return Published("held", None, _why_held(audience_rows, network), None)
    staged = outbox.staging / "-".join(audience)
    with _clear_disk_errors(outbox.home, staged):
        shutil.rmtree(staged, ignore_errors=True)
        # `parents=True` would give the folders above the umask's mode.
        for folder in (outbox.home.outbox, outbox.staging, staged):
            folder.mkdir(mode=0o700, exist_ok=True)
        files = _checked_files(audience, segment, network, audience_rows, staged)
        version = f"{as_of}.{_next_number(audience, outbox, as_of)}"
        manifest = new_manifest(
            audience,
            segment,
            network,
            audience_rows,
            settings=outbox.settings,
            files=files,
            version=version,
            as_of=as_of,
        )
        content = content_digest(manifest)
        versions = outbox.catalog.versions(audience)
        if (
            versions
            and versions[-1]["content"] == content
            and outbox.folder(audience, versions[-1]["version"]).is_dir()
        ):
            shutil.rmtree(staged)
            return Published(
                "fresh", versions[-1]["version"], None, Manifest.model_validate_json(versions[-1]["manifest"])
            )
        manifest = signed(manifest, outbox.catalog.audit_head(), outbox.keys)
        (staged / "manifest.json").write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (staged / "README.txt").write_text(readme(manifest, segment, network), encoding="utf-8")
        _commit(audience, manifest, audience_rows.keys, staged, outbox)
    return Published("published", version, None, manifest)


def _checked_files(
    audience: Audience, segment: Segment, network: Network, audience_rows: AudienceRows, staged: Path
) -> tuple[FileEntry, ...]:
    """Write every list's files and read them a second time.

    Raises:
        PublicationError: the network would refuse one, or a row was lost on the way.
    """
    files: list[FileEntry] = []
    for upload_list, rows in audience_rows.lists:
        written = write_list([rows], upload_list, network, staged, stem=segment.public_name, kind="full")
        files += written
        found = [
            f"{entry.name}: {complaint}"
            for entry in written
            for complaint in complaints(staged / entry.name, upload_list, network)
        ]
        if found:
            shutil.rmtree(staged)
            msg = f"{audience}: a file would be refused: {'; '.join(found)}. Nothing of it was published."
            raise PublicationError(msg, check="file_is_accepted")
    rows_written = sum(entry.rows for entry in files)
    if rows_written != audience_rows.ledger.file_rows:
        shutil.rmtree(staged)
        msg = (
            f"{audience}: the ledger does not close: it counts {audience_rows.ledger.file_rows} rows, the files hold "
            f"{rows_written}. This is a defect; nothing was published."
        )
        raise PublicationError(msg, check="ledger_closes")
    return tuple(files)


def _next_number(audience: Audience, outbox: Outbox, as_of: date) -> int:
    """One more than any version of the day, in the catalog or (not ours) in the outbox."""
    folders = outbox.folder(audience, "").glob(f"{as_of}.*")
    there = [int(end) for end in (folder.name.rsplit(".", 1)[1] for folder in folders) if end.isdecimal()]
    return max([*outbox.catalog.numbers(audience, as_of), *there], default=0) + 1


def _commit(audience: Audience, manifest: Manifest, keys: pl.DataFrame, staged: Path, outbox: Outbox) -> None:
    for path in staged.iterdir():
        path.chmod(0o600)
        sync(path)
    sync(staged)
    add_pending_keys(outbox.warehouse, audience, manifest.version, keys)
    folder = outbox.folder(audience, manifest.version)
    for parent in reversed(folder.relative_to(outbox.home.outbox).parents):
        (outbox.home.outbox / parent).mkdir(mode=0o700, exist_ok=True)
    staged.rename(folder)
    sync(folder.parent)
    outbox.catalog.add_version(audience, manifest, content_digest(manifest))
    finish_keys(outbox.warehouse, audience, manifest.version)


def _why_held(audience_rows: AudienceRows, network: Network) -> str:
    """How many rows are missing, and what cost the most people."""
    ledger, minimum = audience_rows.ledger, network.file.minimum_rows.full
    if not ledger.segment_people:
        return "nobody is left to upload: the segment is empty"
    if not ledger.file_rows:
        lost = (f"{people} {reason.replace('_', ' ')}" for reason, people in ledger.dropped.items() if people)
        return "nobody is left to upload: " + ", ".join(lost)
    label, rows = max(audience_rows.withheld.items(), key=lambda item: item[1])
    name = f"its largest list, {label}, has" if label else "it has"
    main = ledger.main_reason
    cost = f"; most people were lost to {main.replace('_', ' ')} ({ledger.dropped[main]})" if main else ""
    return f"{name} {rows} rows, {minimum - rows} short of {network.title}'s minimum of {minimum}{cost}"


@contextmanager
def _clear_disk_errors(home: Home, staged: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)
        if error.errno != errno.ENOSPC:
            raise
        msg = f"The disk of {home.outbox} is full. Free some space and run again; no half file was published."
        raise PublicationError(msg) from None
