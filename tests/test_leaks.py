"""Whole companies at random: a night's files hold the keys that a slow reading of the rules gives, and no others.

The reading is plain Python over the CSV rows; it shares nothing with the pipeline.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import tempfile
from base64 import urlsafe_b64encode
from collections import Counter
from decimal import Decimal
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from catalog.allowances import allow
from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from schemas.network import networks
from schemas.segment import Audience
from schemas.uploads import Ledger, Manifest
from tests.companies_at_random import DAY, EMAILS, NETWORKS, PHONES, Crm, random_company
from tests.nights import night
from tests.pipelines.uploads.helpers import of_any_size

Key = tuple[str, str]

#: What the company's clerks type where nobody gave an e-mail: nobody's address.
FILLERS = {"none@none.com", "no address"}


class Person(NamedTuple):
    """A record, of which each is a person here, as erasure left it."""

    customer_id: str
    email: str
    phone: str
    first: str
    country: str
    orders: int
    #: Erased addresses that the CRM still gives for the record.
    withheld: set[str]


def addresses_of(row: dict[str, str]) -> set[str]:
    """The addresses that a row of customers gives, fillers aside."""
    return {row["email"].strip().lower(), row["phone"]} - {"", *FILLERS}


class Reading:
    """What the rules say of a company."""

    def __init__(self, crm: Crm, identity_key: str) -> None:
        self.crm, self.identity_key = crm, identity_key

    @cached_property
    def erased(self) -> tuple[set[str], set[str]]:
        """Customer ids and addresses."""
        ids = {row["customer"] for row in self.crm.tables["erasures"] if row["customer"]}
        addresses = {row["email"] for row in self.crm.tables["erasures"] if row["email"]}
        for row in self.crm.tables["customers"]:
            if row["id"] in ids:
                addresses |= addresses_of(row)
        return ids, addresses

    @cached_property
    def people(self) -> dict[str, Person]:
        ids, addresses = self.erased
        ordered = Counter(row["customer"] for row in self.crm.tables["orders"] if row["status"] == "completed")
        found = {}
        for row in self.crm.tables["customers"]:
            given = addresses_of(row)
            if row["id"] in ids or (given and given <= addresses):
                # Who only shared what was erased comes back with another address.
                continue
            email = row["email"].strip().lower()
            email = email if email in EMAILS and email not in addresses else ""
            phone = row["phone"] if row["phone"] not in addresses else ""
            withheld = given & addresses
            found[row["id"]] = Person(
                row["id"], email, phone, row["first"], row["country"], ordered[row["id"]], withheld
            )
        return found

    def word(self, person: Person, purpose: str, network: str) -> str:
        """`no`, `yes` or nothing: the least permissive of the newest statements of each scope, and of every refusal for
        an erased address of theirs."""
        words = set()
        for scope in ({"customer": person.customer_id}, {"address": person.email}, {"address": person.phone}):
            for about in ("", network):
                said = [
                    row["status"]
                    for row in self.crm.tables["consents"]
                    if row["purpose"] == purpose
                    and row["network"] == about
                    and all(value and row[name] == value for name, value in scope.items())
                ]
                words |= {"yes" if status == "granted" else "no" for status in said[-1:]}
        refusals = [row for row in self.crm.tables["consents"] if row["status"] != "granted"]
        about = [row for row in refusals if row["purpose"] == purpose and row["network"] in {"", network}]
        words |= {"no" for row in about if row["address"] in person.withheld}
        return min(words, default="")

    @cached_property
    def listed(self) -> set[str]:
        """Ids and addresses that bounced; whoever was erased is in no list."""
        ids, addresses = self.erased
        return {row["customer"] or row["address"] for row in self.crm.tables["bounced"]} - ids - addresses

    def refusal(self, person: Person, network: str) -> str | None:
        asked = ["ads_upload"]
        if network == "google_ads" and person.country != "US":
            asked.append("ads_personalization")
        for purpose in asked:
            if self.word(person, purpose, network) != "yes":
                return f"no_consent_to_{purpose}"
        if self.word(person, "profiling", network) == "no":
            return "objected_to_profiling"
        bounced = {row["address"] for row in self.crm.tables["bounced"]}
        if self.listed & {person.customer_id, person.email, person.phone} or bounced & person.withheld:
            return "suppressed_by_bounced"
        given = {person.email, *person.withheld}
        return "suppressed_by_staff" if any(address.endswith("@staff.example") for address in given) else None

    def keys(self, email: str, phone: str, network: str) -> set[Key]:
        if network == "google_ads" and email.endswith("@gmail.com"):
            email = email.removesuffix("@gmail.com").split("+")[0].replace(".", "") + "@gmail.com"
        shown = {"email": email, "phone": phone if network == "google_ads" else phone.removeprefix("+")}
        return {(kind, hashlib.sha256(text.encode()).hexdigest()) for kind, text in shown.items() if text}

    def keys_of(self, people: set[str], network: str) -> set[Key]:
        return {key for name in people for key in self.keys(self.people[name].email, self.people[name].phone, network)}

    def forbidden(self, network: str) -> set[Key]:
        """What no file of the network may hold, whoever else has it."""
        refused = {name for name, person in self.people.items() if self.refusal(person, network)}
        gone = {*self.erased[1], *self.listed}
        texts = [(text, "") if "@" in text else ("", text) for text in gone & {*EMAILS, *PHONES}]
        return self.keys_of(refused, network) | {key for text in texts for key in self.keys(*text, network)}

    def inside(self, segment: str) -> set[str]:
        least = self.crm.segments[segment]["least"]
        return {name for name, person in self.people.items() if person.orders >= int(str(least))}

    def left_out(self, segment: str) -> dict[str, str]:
        segments = self.crm.segments
        own, reasons = segments[segment], {}
        for other in own.get("exclude", ()):
            reasons |= {name: f"excluded_by_{other}" for name in self.inside(other) - reasons.keys()}
        if "priority" in own:
            places = {name: other["priority"] for name, other in segments.items() if "priority" in other}
            above = [name for name, place in places.items() if place > own["priority"]]
            for rival in sorted(above, key=places.__getitem__, reverse=True):
                keeps = self.inside(rival).difference(*map(self.inside, segments[rival].get("exclude", ())))
                reasons |= {name: f"outranked_by_{rival}" for name in keeps - reasons.keys()}
        return reasons

    def is_drawn(self, name: str, segment: str) -> bool:
        holdout = self.crm.segments[segment].get("holdout")
        if not holdout:
            return False
        digest = self._keyed(f"person:{name}")[:18]
        person_id = urlsafe_b64encode(bytes.fromhex(digest)).decode()
        drawn = int(self._keyed(f"holdout:{holdout.get('name', segment)}:{person_id}")[:16], 16)
        return drawn < Decimal(holdout["share"].rstrip("%")) / 100 * 2**64

    def _keyed(self, text: str) -> str:
        return hmac.new(self.identity_key.encode(), text.encode(), hashlib.sha256).hexdigest()

    def audience(self, segment: str, network: str) -> tuple[set[Key], Counter[str], int]:
        """The keys of its files, who was dropped why, and how many people are in."""
        reasons, dropped = self.left_out(segment), Counter[str]()
        gone = self.forbidden(network) | self.keys_of(set(reasons), network)
        rowed: dict[str, set[Key]] = {}
        for name in self.inside(segment):
            theirs = self.keys_of({name}, network)
            reason = self.refusal(self.people[name], network) or reasons.get(name)
            reason = reason or ("key_refused" if theirs else "no_usable_identifier") * (not theirs - gone)
            if reason:
                dropped[reason] += 1
            else:
                rowed[name] = theirs - gone
        drawn = {name for name in rowed if self.is_drawn(name, segment)}
        held_out = self.keys_of(drawn, network)
        kept = {name: keys - held_out for name, keys in rowed.items() if name not in drawn and keys - held_out}
        dropped["holdout"] = len(rowed) - len(kept)
        # Meta also gets first names, of which no two are the same.
        looks = {(*sorted(keys), name if network == "meta" else "") for name, keys in kept.items()}
        dropped["duplicate_after_hashing"] = len(kept) - len(looks)
        return set().union(*kept.values()), +dropped, len(looks)


def keys_in(folder: Path) -> set[Key]:
    """The keys that a version's full files show."""
    manifest, found = Manifest.model_validate_json((folder / "manifest.json").read_text()), set[Key]()
    for entry in manifest.files:
        if entry.kind == "full":
            with (folder / entry.name).open(encoding="utf-8", newline="") as file:
                rows = list(csv.reader(file))
            header = rows.pop(0) if not entry.list else [entry.list]
            kinds = [
                "email" if "mail" in name.lower() else "phone" if "phone" in name.lower() else "" for name in header
            ]
            found |= {(kind, cell) for row in rows for kind, cell in zip(kinds, row, strict=True) if kind and cell}
    return found


@given(st.integers(0, 2**32))
@example(59982)
@settings(max_examples=5, deadline=None, phases=[Phase.explicit, Phase.generate], database=None)
def test_no_file_of_a_company_holds_a_key_it_must_not_and_every_ledger_is_a_slow_count(seed: int) -> None:
    crm = random_company(seed)
    of_one_row = {name: of_any_size(networks()[name].allowing(())) for name in NETWORKS}
    with tempfile.TemporaryDirectory() as name, patch("schemas.config.networks", lambda: of_one_row):
        folder = Path(name)
        home = Home.at(folder / "home")
        home.create()
        with open_catalog(home) as catalog:
            # Of the few whom a list names, none may be a customer, and that holds every audience.
            for network, segment in product(NETWORKS, crm.segments):
                assert allow(catalog, Audience(network, "main", segment), "whom a list names is drawn at random")
        night(crm.write(folder), home.root, DAY)
        reading = Reading(crm, open_keys(home).identity)
        with open_catalog(home) as catalog:
            last = catalog.last_night()
            assert last is not None
            outcomes = catalog.outcomes_of_night(last["night"])
        assert len(outcomes) == len(NETWORKS) * len(crm.segments)
        for row in outcomes:
            audience = (row["network"], row["account"], row["segment"])
            keys, dropped, people = reading.audience(row["segment"], row["network"])
            ledger = Ledger.model_validate(row["ledger"])
            published = keys_in(home.outbox.joinpath(*audience, row["version"])) if row["version"] else set[Key]()
            assert published == keys, audience
            assert {reason: lost for reason, lost in ledger.dropped.items() if lost} == dropped, audience
            assert (ledger.file_people, ledger.closes) == (people, True), audience
            inside = people + dropped["duplicate_after_hashing"]
            assert all(held.people + sum(held.lost.values()) == inside for held in ledger.identifiers.values())
