"""What the second reader counted, held against the ledger and against what the files are for.

A row lost anywhere between people and disk stops the publication.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipelines.uploads.checker.second_reading import SecondReading
from pipelines.uploads.rows.audience_rows import ListRows
from pipelines.uploads.versions.changes import Changes, Deltas
from schemas.errors import PublicationError
from schemas.network import Network
from schemas.network_file import FileKind
from schemas.said import Said
from schemas.segment import Audience
from schemas.uploads import FileEntry, Ledger


class CheckedFile(NamedTuple):
    """A staged file, and what the second reader found in it."""

    entry: FileEntry
    reading: SecondReading


def check_full_files(audience: Audience, ledger: Ledger, network: Network, files: Iterable[CheckedFile]) -> None:
    """Refuse full files that do not hold what the ledger counts.

    The ledger counts people; the files were counted by reading them again.

    Raises:
        PublicationError: rows, or rows that carry some key, are missing or too many.
    """
    full = [file.reading for file in files if file.entry.kind == "full"]
    rows = sum(reading.rows for reading in full)
    if rows != ledger.file_rows:
        raise _defect(audience, f"it counts {ledger.file_rows:,} rows, the files hold {rows:,}")
    if network.file.rows != "people":
        return
    alike = ledger.dropped.get("duplicate_after_hashing", 0)
    carrying = sum((reading.carrying for reading in full), Counter[str]())
    # In one list, people who look the same have one row; in several, who does so in one need not in all.
    one_list = len({column.list for column in network.columns}) == 1
    for key, held in ledger.identifiers.items():
        if carrying[key] > held.people or (one_list and carrying[key] < held.people - alike):
            counted = f"it counts {held.people:,} people with their {key}, {alike:,} of all look like another"
            raise _defect(audience, f"{counted}, and {carrying[key]:,} rows of the files have one")


def check_as_made(
    audience: Audience, parts: Mapping[FileKind, Sequence[ListRows]], files: Iterable[CheckedFile]
) -> None:
    """Refuse files that have more or fewer rows than were made for them.

    Raises:
        PublicationError: naming the list, if the network keeps several.
    """
    found = _rows_by_list(files)
    for kind, lists in parts.items():
        for part in lists:
            label, made = part.upload_list.label, part.rows.height
            if found[kind, label] != made:
                said = f"{made:,} rows were made for the {kind} file, and it holds {found[kind, label]:,}"
                raise _defect(audience, said, label)


def check_deltas(
    audience: Audience, change: Changes, delta: Deltas, files: Iterable[CheckedFile], *, filled: bool
) -> None:
    """Refuse add and remove files that do not do what they are for. Nothing is added where no list is `filled` yet.

    Raises:
        PublicationError: a key that must come is in no row of its list's add files, or the remove files have more or
            fewer rows than keys must go.
    """
    found = _rows_by_list(files)
    parts = {part.upload_list.label: part for part in delta.add}
    for label in change.sent["list"].unique().sort() if filled else ():
        wanted, part = change.sent.filter(list=label), parts.get(label)
        lost = wanted.height if part is None else wanted.join(part.keys, on=["key", "value"], how="anti").height
        if lost:
            raise _defect(audience, f"of {wanted.height:,} keys to add, {lost:,} are in no row", label)
    for label in change.removes["list"].unique().sort():
        going, there = change.removes.filter(list=label).height, found["remove", label]
        if going != there:
            raise _defect(audience, f"{going:,} keys are to be removed, the remove file has {there:,} rows", label)


def _rows_by_list(files: Iterable[CheckedFile]) -> Counter[tuple[FileKind, str]]:
    found: Counter[tuple[FileKind, str]] = Counter()
    for file in files:
        found[file.entry.kind, file.entry.list] += file.reading.rows
    return found


def _defect(audience: Audience, what: str, label: str = "") -> PublicationError:
    says = "{audience}: the ledger does not close: {what}. This is a defect; nobody is added to a list."
    msg = Said(says, audience=audience, what=f"list {label}: {what}" if label else what)
    return PublicationError(msg, check="ledger_closes")
