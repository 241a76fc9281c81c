"""What the second reader counted, held against the ledger and against what the files are for.

A row lost anywhere between people and disk stops the publication.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from pipelines.uploads.changes import Changes, Deltas
from pipelines.uploads.checker import Reading
from schemas.errors import PublicationError
from schemas.network import Network
from schemas.network_file import FileKind
from schemas.segment import Audience
from schemas.uploads import FileEntry, Ledger


class CheckedFile(NamedTuple):
    """A staged file, and what the second reader found in it."""

    entry: FileEntry
    reading: Reading


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


def check_deltas(
    audience: Audience, change: Changes, delta: Deltas, files: Iterable[CheckedFile], *, filled: bool
) -> None:
    """Refuse add and remove files that do not do what they are for. Nothing is added where no list is `filled` yet.

    Raises:
        PublicationError: a key that must come is in no row of its list's add files, or these or the remove files have
            more or fewer rows than they should.
    """
    found: Counter[tuple[FileKind, str]] = Counter()
    for file in files:
        found[file.entry.kind, file.entry.list] += file.reading.rows
    parts = {part.upload_list.label: part for part in delta.add}
    for label in change.sent["list"].unique().sort() if filled else ():
        wanted, part = change.sent.filter(list=label), parts.get(label)
        lost = wanted.height if part is None else wanted.join(part.keys, on=["key", "value"], how="anti").height
        if lost:
            raise _defect(audience, f"of {wanted.height:,} keys to add, {lost:,} are in no row", label)
    due: Counter[tuple[FileKind, str]] = Counter({("add", label): part.rows.height for label, part in parts.items()})
    for label in change.removes["list"].unique():
        due["remove", label] = change.removes.filter(list=label).height
    for kind, label in sorted(due):
        if found[kind, label] != due[kind, label]:
            rows, there = due[kind, label], found[kind, label]
            raise _defect(audience, f"{rows:,} rows are to {kind}, the files hold {there:,}", label)


def _defect(audience: Audience, what: str, label: str = "") -> PublicationError:
    where = f" (list {label})" if label else ""
    msg = f"{audience}: the ledger does not close{where}: {what}. This is a defect; nothing was published."
    return PublicationError(msg, check="ledger_closes")
