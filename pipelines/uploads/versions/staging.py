"""The files of a version before anybody sees them: written, and read a second time."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.durable import sync
from catalog.full_disk import disk_failure
from pipelines.uploads.checker.second_reading import read_again
from pipelines.uploads.files.writer import write_list
from pipelines.uploads.rows.audience_rows import ListRows
from pipelines.uploads.versions.recount import CheckedFile
from schemas.errors import PublicationError
from schemas.network import Network
from schemas.network_file import FileKind
from schemas.said import Said
from schemas.segment import Audience, Segment
from schemas.uploads import FileEntry, Ledger


def check_ledger(audience: Audience, ledger: Ledger) -> None:
    """Refuse a ledger that does not close.

    Raises:
        PublicationError: somebody of the segment is neither in the file nor dropped with a reason.
    """
    if not ledger.closes:
        says = (
            "{audience}: the ledger does not close: {segment_people} people in the segment, {file_people} in the "
            "file, {dropped} dropped with a reason. This is a defect; nobody is added to a list."
        )
        if ledger.open_identifiers:
            says = (
                "{audience}: the ledger does not close: {segment_people} people in the segment, {file_people} in the "
                "file, {dropped} dropped with a reason; the sum of {identifiers} is another. "
                "This is a defect; nobody is added to a list."
            )
        msg = Said(
            says,
            audience=audience,
            segment_people=ledger.segment_people,
            file_people=ledger.file_people,
            dropped=sum(ledger.dropped.values()),
            **({"identifiers": ", ".join(ledger.open_identifiers)} if ledger.open_identifiers else {}),
        )
        raise PublicationError(msg, check="ledger_closes")


@contextmanager
def staging_folder(outbox: Path, staging: Path, staged: Path) -> Iterator[None]:
    """The folder `staged`, new and empty; gone if what happens inside fails.

    Raises:
        PublicationError: the disk is full.
    """
    shutil.rmtree(staged, ignore_errors=True)
    try:
        # `parents=True` would give the folders above the umask's mode.
        for folder in (outbox, staging, staged):
            folder.mkdir(mode=0o700, exist_ok=True)
        yield
    except PublicationError:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)
        if disk_failure(error) is None:
            raise
        msg = Said(
            "The disk of {outbox} is full. Free some space and run again; no half file was published.", outbox=outbox
        )
        raise PublicationError(msg) from None


def move_into_place(staged: Path, folder: Path, root: Path) -> None:
    """Rename the staged folder to `folder`, which lies below `root`, and wait until that is on the disk."""
    # `parents=True` would give the folders above the umask's mode.
    for parent in reversed(folder.relative_to(root).parents):
        (root / parent).mkdir(mode=0o700, exist_ok=True)
    staged.rename(folder)
    sync(folder.parent)


def checked_files(
    audience: Audience,
    segment: Segment,
    network: Network,
    parts: dict[FileKind, tuple[ListRows, ...]],
    staged: Path,
) -> tuple[CheckedFile, ...]:
    """Write the files of each kind, list by list, and read them a second time.

    Raises:
        PublicationError: the network would refuse one, or it is not what was written.
    """
    files: list[CheckedFile] = []
    every: list[tuple[FileKind, ListRows]] = [(kind, part) for kind, lists in parts.items() for part in lists]
    for kind, (upload_list, rows, _) in every:
        written = write_list([rows], upload_list, network, staged, stem=segment.public_name, kind=kind)
        check_whole(audience, staged, written)
        read = [read_again(staged / entry.name, upload_list, network, kind) for entry in written]
        found = [
            f"{entry.name}: {complaint}"
            for entry, reading in zip(written, read, strict=True)
            for complaint in reading.complaints
        ]
        if found:
            msg = Said(
                "{audience}: a file would be refused: {found}. Nothing of it was published.",
                audience=audience,
                found="; ".join(found),
            )
            raise PublicationError(msg, check="file_is_accepted")
        files += map(CheckedFile, written, read)
    return tuple(files)


def check_whole(audience: Audience, folder: Path, files: Iterable[FileEntry]) -> None:
    """Refuse files that are not there, or not as long as they were written.

    Raises:
        PublicationError: naming them.
    """
    torn = torn_files(folder, files)
    if torn:
        msg = Said(
            "{audience}: {torn}: missing, or not as long as written. Nothing of it was published; look at "
            "the disk of {folder}, and run again.",
            audience=audience,
            torn=", ".join(torn),
            folder=folder.parent,
        )
        raise PublicationError(msg, check="file_is_accepted")


def torn_files(folder: Path, files: Iterable[FileEntry]) -> list[str]:
    """Names of those that are not in the folder, or not as long as they were written."""

    def is_whole(path: Path, entry: FileEntry) -> bool:
        return path.is_file() and path.stat().st_size == entry.bytes

    return [entry.name for entry in files if not is_whole(folder / entry.name, entry)]
