"""A company whose CRM changes every day, and that knows by itself whose keys no network may hold."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

from tests.simulation.declared import declare
from tests.simulation.export import Record, export, new_record
from tests.simulation.keys import PURPOSES, Key, key_of
from tests.simulation.kin import Kin


@dataclass
class Company:
    """Its CRM, in `folder`, and its config beside it. The same seed lives the same life."""

    folder: Path
    people: int
    seed: int
    first_day: date
    records: dict[str, Record] = field(default_factory=dict)
    orders: list[list[str]] = field(default_factory=list)
    consents: list[tuple[str, ...]] = field(default_factory=list)
    erasures: list[tuple[str, ...]] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    #: How often each kind of thing happened.
    happened: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - a life, not a secret
        self._made = 0
        self._clock = datetime.combine(self.first_day - timedelta(days=400), time(9))
        #: The last word of a record or an address on a purpose.
        self._said: dict[tuple[str, str], str] = {}
        #: The record and addresses that are forgotten, and when they asked, by the request's id.
        self._forgotten: dict[str, tuple[str, set[str], datetime]] = {}
        #: When a record consented last.
        self._granted: dict[str, datetime] = {}
        #: The id or address of whom each request to be forgotten meant.
        self._meant: dict[str, str] = {}
        self._kin = Kin()
        #: Whose CRM record goes when.
        self._leaving: list[tuple[date, str]] = []
        #: Of a night on which the CRM was cut off: the records that were there.
        self._shown: list[Record] | None = None
        declare(self.config)
        for _ in range(self.people):
            self._join(self.first_day - timedelta(days=self.random.randrange(20, 400)))

    @property
    def config(self) -> Path:
        return self.folder / "config"

    def live(self, day: date, *, cut: bool = False, quiet: bool = False) -> None:
        """A day passes, and the CRM is exported at its end. `cut`: the export of customers breaks off half way;
        `quiet`: nobody comes, goes or says anything."""
        self._clock = max(self._clock, datetime.combine(day, time(6)))
        for record in self._some(0.02):
            self._order(record, day)
        # The day that a night is of is the newest order's.
        self._order(self._one(), day)
        for record in self._some(0.002):
            self._late_order(record, day)
        for _ in self._some(0.002):
            self._correct_order()
        if not quiet:
            self._come_and_go(day)
        self._export(cut=cut)

    def _come_and_go(self, day: date) -> None:  # noqa: C901 - what happens in a day
        some = self._some
        for _ in some(0.003):
            self._join(day)
        for record in some(0.003):
            self._change_address(record)
        for record in some(0.001):
            self._move(record)
        for record in some(0.003):
            self._refuse(record)
        for record in self._refusing(some(0.004)):
            self._grant(record)
        for record in some(0.0003):
            self._ask_to_be_forgotten(record, day)
        for record in some(0.0004):
            self._count("record left the CRM")
            self.records.pop(record.id)
        for record in some(0.0005):
            self._renumber(record)
        for record in some(0.0004):
            self._count("address blocked")
            self.blocked.append(record.email.upper())
        self._come_back()
        for leaves, name in self._leaving:
            if leaves <= day:
                self.records.pop(name, None)
        self._leaving = [each for each in self._leaving if each[0] > day]

    def forget(self, record: Record, request: str) -> None:
        """Somebody asked the company outside the CRM, by the record's id: `relance forget` calls it that request."""
        self._count("forgotten by command")
        self._forget(request, self._tick(), record.id, record.email, record.phone)

    def somebody(self) -> Record:
        """A record that the last export had."""
        return self.random.choice(self._shown) if self._shown else self._one()

    def forbidden(self, network: str) -> set[Key]:
        """Keys that may be in no file for the network, by the last export and all requests since.

        They are not all: whoever is joined with somebody who refuses is refused too, for example. But each is surely.
        """
        shown = list(self.records.values()) if self._shown is None else self._shown
        is_cut = len(shown) < len(self.records) / 2
        users: dict[str, int] = {}
        for record in shown:
            for address in filter(None, (record.email, record.phone)):
                users[address] = users.get(address, 0) + 1
        blocked = {address.lower() for address in self.blocked}
        addresses: set[str] = set(blocked)
        for record in shown:
            # On a night that lacks customers silence is no word: a yes may stand on another record of the person.
            alone = not is_cut and users[record.email] == users.get(record.phone, 1) == 1
            if record.email in blocked or self._is_refusing(record, PURPOSES[network], alone=alone):
                addresses |= {record.email, record.phone}
        return {key_of(network, address) for address in addresses | self._still_forgotten(shown) if address}

    def forgotten_for_good(self, closed: set[str], network: str) -> set[Key]:
        """Keys that the closed requests leave nobody: no other request may be watching them, and nobody consented."""
        asked = set().union(*(self._forgotten[request][1] for request in closed))
        keys = {key_of(network, address) for address in asked & self._still_forgotten(self.records.values()) if address}
        watching = self._meant.keys() - closed
        return keys.difference(*(self._kin.keys_of(self._meant[request], network) for request in watching))

    def _still_forgotten(self, shown: Iterable[Record]) -> set[str]:
        """Addresses of requests that no record with such an address has consented after."""
        granted: dict[Key, datetime] = {}
        for record in shown:
            at = self._granted.get(record.id, datetime.min)
            for key in (key_of("google_ads", address) for address in (record.email, record.phone) if address):
                granted[key] = max(at, granted.get(key, at))
        asked = ((address, at) for _, theirs, at in self._forgotten.values() for address in theirs if address)
        return {address for address, at in asked if granted.get(key_of("google_ads", address), at) <= at}

    def forgotten_keys(self, network: str) -> set[Key]:
        """Every key that a request to be forgotten may ever have taken along, rather too many than too few."""
        return set().union(*(self._kin.keys_of(name, network) for name in self._meant.values()))

    def _is_refusing(self, record: Record, purposes: Iterable[str], *, alone: bool) -> bool:
        for purpose in purposes:
            words = {self._said.get((name, purpose)) for name in (record.id, record.email)} - {None}
            if words - {"granted"} or (not words and alone):
                return True
        return False

    # What happens in a day.

    def _join(self, day: date) -> None:
        number = self._made
        self._made += 1
        record = new_record(number, day)
        others = list(self.records.values())
        if others and number % 31 == 0:
            # A second record of somebody: same address and name.
            other = self.random.choice(others)
            record = replace(record, email=other.email, first=other.first, last=other.last)
        elif others and number % 37 == 0:
            # Two who share a phone, and are two people.
            record = replace(record, phone=self.random.choice(others).phone)
        elif others and number % 41 == 0:
            # Two addresses that are one to Google.
            other = self.random.choice(others)
            if other.email.endswith("@gmail.com"):
                record = replace(record, email=other.email.split("@")[0].replace(".", "") + "@gmail.com")
        self._keep(record)
        for _ in range(self.random.choice((0, 1, 2, 3, 5))):
            self._order(record, day + timedelta(days=self.random.randrange(0, 20)) if len(self.orders) < 10 else day)
        if number % 10 < 8:
            self._say(record.id, "", ("ads_upload", "ads_personalization"), "granted")
        elif number % 10 == 8:
            self._say(record.id, "", ("ads_upload",), "granted")

    def _order(self, record: Record, day: date) -> None:
        at = f"{day} {self.random.randrange(7, 22):02d}:{self.random.randrange(60):02d}:00"
        amount = f"{self.random.randrange(5, 300)}.50"
        self.orders.append([f"o{len(self.orders)}", record.id, at, amount, "EUR", "completed"])

    def _late_order(self, record: Record, day: date) -> None:
        self._count("late order")
        self._order(record, day - timedelta(days=self.random.randrange(1, 30)))

    def _correct_order(self) -> None:
        self._count("corrected order")
        order = self.random.choice(self.orders)
        what = self.random.randrange(3)
        if what == 0:
            order[3] = f"{self.random.randrange(5, 300)}.00"
        elif what == 1:
            order[5] = "refunded"
        else:
            order[1] = self._one().id

    def _change_address(self, record: Record) -> None:
        self._count("address changed")
        self._made += 1
        if record.phone and self.random.random() < 0.3:
            changed = replace(record, phone=f"061{self._made:07d}")
        else:
            changed = replace(record, email=f"new{self._made}@example.org")
        self._keep(changed)

    def _move(self, record: Record) -> None:
        """A record becomes one of somebody else's, by their address and name."""
        self._count("record moved to another person")
        other = self._one()
        self._keep(replace(record, email=other.email, first=other.first))

    def _renumber(self, record: Record) -> None:
        """The CRM gives somebody whom the last export had as they are another id, and copies their oldest yes."""
        if not self._was_shown(record):
            return
        self._count("record given another id")
        self._made += 1
        name = f"n{self._made}"
        del self.records[record.id]
        self._keep(replace(record, id=name))
        yes: dict[str, tuple[str, ...]] = {}
        for statement in self.consents:
            if statement[1] == record.id and statement[4] == "granted":
                yes.setdefault(statement[3], statement)
        self.consents += [
            (f"s{len(self.consents) + number}", name, *statement[2:]) for number, statement in enumerate(yes.values())
        ]
        # What they refuse by the old id they go on refusing.
        self._said |= {(name, purpose): word for (who, purpose), word in self._said.items() if who == record.id}

    def _keep(self, record: Record) -> None:
        self.records[record.id] = record
        self._kin.note(record)

    def _refuse(self, record: Record) -> None:
        self._count("consent withdrawn")
        upload, personalization = ("ads_upload",), ("ads_personalization",)
        purposes = self.random.choice((upload, personalization, upload + personalization))
        if self.random.random() < 0.2:
            self._say("", record.email, purposes, "withdrawn")
        else:
            self._say(record.id, "", purposes, self.random.choice(("withdrawn", "denied")))

    def _refusing(self, records: list[Record]) -> list[Record]:
        """Some of those, and as many who refuse something."""
        names = [name for (name, _), word in self._said.items() if word != "granted"]
        refusing = [self.records[name] for name in names if name in self.records]
        return self.random.sample(refusing, min(len(records), len(refusing)))

    def _grant(self, record: Record) -> None:
        self._count("consented again")
        self._say(record.id, "", ("ads_upload", "ads_personalization"), "granted")

    def _ask_to_be_forgotten(self, record: Record, day: date) -> None:
        """By the CRM's own table: the id, the e-mail or the phone; the record itself goes some days later."""
        self._count("forgotten by the CRM")
        name, at = f"r{len(self.erasures)}", self._tick()
        how = self.random.randrange(4)
        if how < 2 or not record.phone:
            self.erasures.append((name, record.id, "", "", f"{at}"))
            self._forget(name, at, record.id, record.email, record.phone)
            # Of a record that goes before it was exported as it is, nobody else could know what it was.
            first = 0 if self._was_shown(record) else 1
            self._leaving.append((day + timedelta(days=self.random.randrange(first, 6)), record.id))
        elif how == 2:
            self.erasures.append((name, "", record.email, "", f"{at}"))
            self._forget(name, at, "", record.email)
        else:
            self.erasures.append((name, "", "", record.phone, f"{at}"))
            self._forget(name, at, "", record.phone)

    def _forget(self, request: str, at: datetime, name: str, *addresses: str) -> None:
        self._forgotten[request] = (name, set(addresses), at)
        self._meant[request] = name or addresses[0]

    def _come_back(self) -> None:
        """Now and then somebody who was forgotten consents again, and their record is there again."""
        names = [name for name, _, _ in self._forgotten.values() if name in self.records]
        if names and self.random.random() < 0.3:
            self._count("consented after being forgotten")
            self._grant(self.records[self.random.choice(names)])

    def _say(self, name: str, address: str, purposes: Iterable[str], status: str) -> None:
        for purpose in purposes:
            self.consents.append((f"s{len(self.consents)}", name, address, purpose, status, f"{self._tick()}"))
            self._said[name or address, purpose] = status
        if status == "granted":
            # Whoever consents after they were forgotten is brought back.
            self._granted[name] = self._clock
            for request, (who, _, at) in self._forgotten.items():
                if who == name:
                    self._forgotten[request] = ("", set(), at)

    def _some(self, share: float) -> list[Record]:
        """So many of the records, about; never none for long."""
        wanted = share * self.people
        count = int(wanted) + (self.random.random() < wanted % 1)
        return self.random.sample(list(self.records.values()), min(count, len(self.records)))

    def _was_shown(self, record: Record) -> bool:
        """Whether the last export had it as it is."""
        return self._shown is not None and record in self._shown

    def _one(self) -> Record:
        return self.random.choice(list(self.records.values()))

    def _tick(self) -> datetime:
        self._clock += timedelta(seconds=1)
        return self._clock

    def _count(self, what: str) -> None:
        self.happened[what] = self.happened.get(what, 0) + 1

    # What relance is given.

    def _export(self, *, cut: bool) -> None:
        records = list(self.records.values())
        self._shown = records[: len(records) * 2 // 5] if cut else records
        export(self.folder, self._shown, self.orders, self.consents, self.erasures, self.blocked)
