"""An ad network as somebody outside would build it: it knows files and buttons, and nothing of how files are made."""

from __future__ import annotations

import csv
import io
from collections import deque
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

#: For each network, what identifies a member, by relance's name for it, and the columns of its files.
KEYS: dict[str, dict[str, tuple[str, ...]]] = {
    "google_ads": {
        "email": ("Email",),
        "phone": ("Phone",),
        "address": ("First Name", "Last Name", "Country", "Zip"),
        "mobile_ad_id": ("Mobile Device ID",),
    },
    "meta": {"email": ("email",), "phone": ("phone",), "mobile_ad_id": ("madid",)},
    "tiktok": {"email": ("Email_SHA256",), "phone": ("Phone_SHA256",), "mobile_ad_id": ("MAID_SHA256",)},
    "linkedin": {"email": ("email",)},
    "x": {"email": ("0",), "phone": ("1",), "mobile_ad_id": ("2",)},
}
#: Networks whose files have one column and no header: what each of their lists holds.
ONE_COLUMN = {"snapchat": {"emails": "email", "phones": "phone", "mobile_ids": "mobile_ad_id"}}

#: A list's label, what identifies, its value.
Member = tuple[str, str, str]


@dataclass
class _List:
    """When it was changed last, and when each member came last."""

    changed: int
    came: dict[Member, int]


class AdNetwork:
    """The lists that one audience has there, oldest first. Buttons change the newest; `undo` unmakes a change.

    It may forget: each member so many days after they came last, or (`lists_expire`) all after the list's last change.
    """

    def __init__(self, name: str, *, forgets_after: int | None = None, lists_expire: bool = False) -> None:
        self.name = name
        #: Its calendar, to be turned.
        self.day = 0
        self._forgets_after, self._lists_expire = forgets_after, lists_expire
        self._lists: list[_List] = []
        #: Nobody takes back more than a few of the last changes.
        self._before: deque[list[_List]] = deque(maxlen=10)

    @property
    def lists(self) -> list[set[Member]]:
        """Who is in each list on its day."""
        return [{member for member, came in each.came.items() if self._keeps(each, came)} for each in self._lists]

    def age_of(self, member: Member) -> int:
        """For how many days the newest list has had the member without hearing of them."""
        return self.day - self._lists[-1].came[member]

    def create(self, files: list[Path]) -> None:
        self._remember()
        self._lists.append(_List(self.day, dict.fromkeys(self.members(files), self.day)))

    def replace(self, files: list[Path]) -> None:
        newest = self._changed()
        labels = {label_of(file) for file in files}
        newest.came = {member: came for member, came in newest.came.items() if member[0] not in labels}
        newest.came |= dict.fromkeys(self.members(files), self.day)

    def add(self, files: list[Path]) -> None:
        self._changed().came |= dict.fromkeys(self.members(files), self.day)

    def remove(self, files: list[Path]) -> None:
        if not self._lists:
            self._remember()
            return
        newest = self._changed()
        for member in self.members(files):
            newest.came.pop(member, None)

    def delete(self, place: int | None) -> None:
        """The list in that place; none if there is no such list."""
        self._remember()
        if place is not None:
            del self._lists[place]

    def undo(self) -> None:
        self._lists = self._before.pop()

    def members(self, files: list[Path]) -> set[Member]:
        return {member for file in files for member in self._read(file)}

    def _remember(self) -> None:
        self._before.append([_List(each.changed, dict(each.came)) for each in self._lists])

    def _changed(self) -> _List:
        """The newest list, about to be changed."""
        self._remember()
        self._lists[-1].changed = self.day
        return self._lists[-1]

    def _keeps(self, each: _List, came: int) -> bool:
        since = each.changed if self._lists_expire else came
        return self._forgets_after is None or self.day - since < self._forgets_after

    def _read(self, file: Path) -> set[Member]:
        rows = list(csv.reader(io.StringIO(file.read_bytes().decode(), newline="")))
        label = label_of(file)
        if self.name in ONE_COLUMN:
            return {(label, ONE_COLUMN[self.name][label], value) for (value,) in rows}
        header = [str(place) for place in range(len(rows[0]))] if self.name == "x" else rows.pop(0)
        assert all(len(row) == len(header) for row in rows), f"{file.name}: a row of another width"
        found: set[Member] = set()
        for key, columns in KEYS[self.name].items():
            if len(columns) == 1:
                for place in (place for place, name in enumerate(header) if name == columns[0]):
                    found |= {(label, key, row[place]) for row in rows if row[place]}
            elif set(columns) <= set(header):
                cells = itemgetter(*(header.index(column) for column in columns))
                found |= {(label, key, "\t".join(values)) for values in map(cells, rows) if all(values)}
        return found


def label_of(file: Path) -> str:
    """`emails` of club.emails.full.txt; empty where the network keeps one list."""
    _, *label, _, _ = file.name.split(".")
    return ".".join(label)
