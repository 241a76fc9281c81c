"""The journal replayed: which lists an audience has open at its network, and what went into each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from schemas.canonical import canonical_json
from schemas.journal import Confirmation, ConfirmationKind

#: A file of a version that went into a list, and how.
Upload = tuple[str, ConfirmationKind]


class OpenList(NamedTuple):
    """A list at the network (where the network keeps several for an audience: all of them), by what went into it."""

    uploads: tuple[Upload, ...]
    #: When each was confirmed (UTC).
    confirmed_at: tuple[datetime, ...]
    #: Which of the network's lists they are, in the order in which they were filled: what a later version has no file
    #: for is still there.
    lists: tuple[str, ...] = ()
    #: What its name has behind the audience's public name, by `mark_of_new_list`.
    mark: str = ""

    @property
    def versions(self) -> set[str]:
        return {version for version, _ in self.uploads}

    @property
    def since_full(self) -> tuple[Upload, ...]:
        """What makes it hold what it does: the full file that filled it last, and what came after that."""
        return self.uploads[self._filled :]

    @property
    def filled_at(self) -> datetime:
        """When it was confirmed that a full file filled it last (UTC)."""
        return self.confirmed_at[self._filled]

    @property
    def _filled(self) -> int:
        return max(place for place, (_, kind) in enumerate(self.uploads) if kind in {"created", "replaced"})

    @property
    def newest_version(self) -> str:
        """The version that put somebody into it last: what the list is called by. Removals fill nothing."""
        return next(version for version, kind in reversed(self.uploads) if kind != "removed")


def open_lists(standing: Iterable[Confirmation]) -> tuple[OpenList, ...]:
    """The lists that are open after the standing confirmations of one audience, oldest first.

    Additions, removals and replacements go into the newest; a deletion closes the oldest that the version went into.
    """
    lists: tuple[OpenList, ...] = ()
    before: list[Confirmation] = []
    for confirmation in standing:
        lists = _after(lists, confirmation, before)
        before.append(confirmation)
    return lists


def mark_of_new_list(version: str, standing: Iterable[Confirmation]) -> str:
    """What the name of a list made now of the version has behind the audience's public name; empty for the first.

    Networks show of two lists nothing but their names, and may refuse one that a deleted list had, also where nobody
    said that it was made.
    """
    marked: list[str] = []
    is_first = True
    for each in standing:
        if each.kind == "created" and not is_first:
            marked.append(each.version)
        is_first = is_first and each.kind not in {"created", "deleted"}
    again = marked.count(version)
    return "" if is_first else f"{version} ({again + 1})" if again else version


def _after(
    lists: tuple[OpenList, ...], confirmation: Confirmation, before: Iterable[Confirmation]
) -> tuple[OpenList, ...]:
    version, kind, at = confirmation.version, confirmation.kind, confirmation.confirmed_at
    if kind == "created":
        mark = mark_of_new_list(version, before)
        return (*lists, OpenList(((version, kind),), (at,), confirmation.lists, mark))
    if kind == "deleted":
        closed = next((place for place, each in enumerate(lists) if version in each.versions), None)
        return lists if closed is None else lists[:closed] + lists[closed + 1 :]
    if not lists:
        return lists
    *older, current = lists
    filled = tuple(dict.fromkeys((*current.lists, *confirmation.lists)))
    return (*older, OpenList((*current.uploads, (version, kind)), (*current.confirmed_at, at), filled, current.mark))


def base_of(lists: tuple[OpenList, ...], *, without_deltas_of: str | None = None) -> str | None:
    """A name for what the newest list holds, without a clock: equal for equal uploads. None if no list is open.

    The deltas of one version start from one base, in whatever order they are uploaded: `without_deltas_of` leaves
    those of a version away.
    """
    if not lists:
        return None
    uploads = [
        (version, kind)
        for version, kind in lists[-1].uploads
        if version != without_deltas_of or kind not in {"added", "removed"}
    ]
    return hashlib.sha256(canonical_json(uploads).encode()).hexdigest()[:16]
