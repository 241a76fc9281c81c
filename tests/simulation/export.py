"""The simulated company's CRM as files: its records, and its tables as they are exported."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from pathlib import Path

HEADERS = {
    "customers": ("id", "email", "phone", "first", "last", "postcode", "created"),
    "orders": ("id", "customer", "time", "amount", "currency", "status"),
    "consents": ("id", "customer", "address", "purpose", "status", "time"),
    "erasures": ("id", "customer", "email", "phone", "time"),
    "blocked": ("address",),
}

_FIRST = ("Ada", "Bruno", "Claire", "Denis", "Elsa", "Fabien", "Gaelle", "Hugo", "Irene", "Jules", "Karine")
_LAST = ("Martin", "Bernard", "Thomas", "Petit", "Robert", "Richard", "Durand", "Dubois", "Moreau")


@dataclass(frozen=True)
class Record:
    """A CRM record; its fields are the table's columns."""

    id: str
    email: str
    phone: str
    first: str
    last: str
    postcode: str
    created: str


def new_record(number: int, day: date) -> Record:
    """The record of somebody new, whom nobody else is like."""
    first, last = _FIRST[number % len(_FIRST)], f"{_LAST[number // 7 % len(_LAST)]}{_letters(number)}"
    host = "gmail.com" if number % 8 == 0 else "example.org"
    return Record(
        f"c{number}", f"{first.lower()}.{last.lower()}@{host}", f"061{number:07d}" if number % 3 else "",
        first, last, f"{75001 + number % 20}", f"{day} 08:00:00",
    )  # fmt: skip


def export(
    folder: Path,
    records: Iterable[Record],
    orders: Iterable[Sequence[str]],
    consents: Iterable[Sequence[str]],
    erasures: Iterable[Sequence[str]],
    blocked: Iterable[str],
) -> None:
    """Write every table anew."""
    tables = {
        "customers": map(attrgetter(*HEADERS["customers"]), records),
        "orders": orders,
        "consents": consents,
        "erasures": erasures,
        "blocked": ((address,) for address in blocked),
    }
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADERS[name])
            writer.writerows(rows)


def _letters(number: int) -> str:
    """A number in letters, so that it may stand in a name."""
    letters = ""
    while number:
        number, digit = divmod(number, 26)
        letters += chr(ord("a") + digit)
    return letters
