"""An ad network as somebody outside would build it: it knows files and buttons, and nothing of how files are made."""

from __future__ import annotations

import csv
import io
from collections import deque
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


class AdNetwork:
    """The lists that one audience has there, oldest first. Buttons change the newest; `undo` unmakes a change."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lists: list[set[Member]] = []
        #: Nobody takes back more than a few of the last changes.
        self._before: deque[list[set[Member]]] = deque(maxlen=10)

    def create(self, files: list[Path]) -> None:
        self._remember()
        self.lists.append(self.members(files))

    def replace(self, files: list[Path]) -> None:
        self._remember()
        labels = {label_of(file) for file in files}
        kept = {member for member in self.lists[-1] if member[0] not in labels}
        self.lists[-1] = kept | self.members(files)

    def add(self, files: list[Path]) -> None:
        self._remember()
        self.lists[-1] |= self.members(files)

    def remove(self, files: list[Path]) -> None:
        self._remember()
        if self.lists:
            self.lists[-1] -= self.members(files)

    def delete(self, place: int | None) -> None:
        """The list in that place; none if there is no such list."""
        self._remember()
        if place is not None:
            del self.lists[place]

    def undo(self) -> None:
        self.lists = self._before.pop()

    def members(self, files: list[Path]) -> set[Member]:
        return {member for file in files for member in self._read(file)}

    def _remember(self) -> None:
        self._before.append([set(each) for each in self.lists])

    def _read(self, file: Path) -> set[Member]:
        rows = list(csv.reader(io.StringIO(file.read_bytes().decode(), newline="")))
        label = label_of(file)
        if self.name in ONE_COLUMN:
            return {(label, ONE_COLUMN[self.name][label], value) for (value,) in rows}
        header = [str(place) for place in range(len(rows[0]))] if self.name == "x" else rows.pop(0)
        found: set[Member] = set()
        for row in rows:
            for key, columns in KEYS[self.name].items():
                if len(columns) == 1:
                    values = [cell for name, cell in zip(header, row, strict=True) if name == columns[0]]
                    found |= {(label, key, value) for value in values if value}
                elif set(columns) <= set(header):
                    cells = [row[header.index(column)] for column in columns]
                    found |= {(label, key, "\t".join(cells))} if all(cells) else set()
        return found


def label_of(file: Path) -> str:
    """`emails` of club.emails.full.txt; empty where the network keeps one list."""
    _, *label, _, _ = file.name.split(".")
    return ".".join(label)
