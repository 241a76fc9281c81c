"""Night after night only keys of people of whom something changed are weighed, and those are refused that all give."""

from __future__ import annotations

from datetime import date
from unittest.mock import patch

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from pipelines.customers.customers import customers
from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from pipelines.customers.refused_emails import REFUSED_EMAILS
from pipelines.identifiers import nightly
from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.nightly import update_identifiers
from pipelines.identifiers.stored import read_identifiers
from pipelines.tables.intervals import replace
from pipelines.uploads.refused_keys import doubtful
from pipelines.uploads.refused_keys.doubtful import is_forbidding, weigh_keys
from pipelines.uploads.refused_keys.keys import refused_keys
from pipelines.uploads.refused_keys.weighed import is_weighed, note_weighed, weighing_rules
from schemas.crm import CanonicalCustomers
from schemas.customers import CustomerRecords, Permissions
from tests.pipelines.uploads.refused_keys.test_doubtful import EMAILS, PHONES, record, refused_somewhere
from tests.pipelines.uploads.refused_keys.test_keys import COLUMNS, DOE, IDENTITY_KEY, NETWORKS, SETTINGS, crm, erased

Held = dict[str, tuple[str | None, str | None, str, bool]]
Allowed = dict[str, set[str]]

names = st.sampled_from("abcdef")
#: Who holds what and may be sent where, which e-mail is forgotten and which are refused; whether the night is killed
#: before its keys are weighed.
night = st.tuples(
    st.dictionaries(names, record, max_size=3),
    st.dictionaries(names, st.sets(st.sampled_from(sorted(NETWORKS))), max_size=3),
    st.sampled_from([None, *EMAILS[:3]]),
    refused_somewhere,
    st.booleans(),
)


def read(warehouse: Warehouse, held: Held, allowed: Allowed) -> pl.DataFrame:
    """The CRM's records, whose they are, where these may be sent, and their identifiers, in the warehouse."""
    rows = [
        {"customer_id": name, "email": email, "phone": phone, **(DOE if located else {}), "first_name": first}
        for name, (email, phone, first, located) in held.items()
    ]
    records = crm(*rows)
    canonical = with_canonical(records, default_country="FR", prehashed={"email": "sha256"})
    persons = people(canonical_records(canonical, SETTINGS.joining), SETTINGS.joining, identity_key=IDENTITY_KEY)
    firsts = persons.filter(position=1).select("person_id", "customer_id")
    permitted = pl.DataFrame(
        [
            {"person_id": person, "network": network, "assumed": False, "by_other_purpose": False}
            for person, name in firsts.iter_rows()
            for network in sorted(allowed.get(name, ()))
        ],
        schema=dict(Permissions.create_empty().schema),
    )
    tables = {
        "crm_customers": canonical.select(CanonicalCustomers.column_names()),
        "customer_records": persons.select(CustomerRecords.column_names()),
        "permissions": permitted,
    }
    with warehouse.transaction():
        for table, frame in tables.items():
            replace(warehouse, table, frame, day=date(2025, 6, 1), kept_days=3)
        warehouse.replace("customers", customers(persons))
    update_identifiers(warehouse, COLUMNS)
    return records


def check(warehouse: Warehouse, stones: pl.DataFrame, emails: pl.DataFrame) -> None:
    """What is weighed tonight gives what everything gives, and is kept for the next night."""
    rules = weighing_rules(NETWORKS, forbidding=is_forbidding(stones, emails))
    refused, holders = weigh_keys(warehouse, NETWORKS, stones, IDENTITY_KEY, emails, rules)
    everything = read_identifiers(warehouse, "FROM warehouse.identifiers"), warehouse.read("FROM warehouse.permissions")
    assert refused.equals(refused_keys(*everything, stones, NETWORKS, IDENTITY_KEY, emails))
    with warehouse.transaction():
        warehouse.replace("refused_keys", refused)
        note_weighed(warehouse, rules, holders)
    assert is_weighed(warehouse, rules)


@given(st.lists(night, min_size=4, max_size=4))
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_changes_between_nights_the_keys_are_refused_that_all_give(
    warehouse: Warehouse, nights: list[tuple[Held, Allowed, str | None, list[tuple[str | None, str]], bool]]
) -> None:
    held: Held = {"a": (EMAILS[0], None, "Jane", True), "b": (EMAILS[2], PHONES[0], "Jo", True)}
    allowed: Allowed = {"a": {"meta", "google_ads"}}
    for place, (come, may, forgotten, refused, killed) in enumerate(nights):
        # On one night all keys are weighed, on the others those that are asked about.
        most = 0 if place == 2 else 9
        with patch.object(nightly, "_MOST", 1), patch.object(doubtful, "_MOST", most):
            held, allowed = {**held, **come}, {**allowed, **may}
            records = read(warehouse, held, allowed)
            if not killed:
                requests: list[dict[str, object]] = [] if forgotten is None else [{"email": forgotten}]
                emails = pl.DataFrame(refused, REFUSED_EMAILS, orient="row")
                check(warehouse, erased(*requests, records=records), emails)


def test_keys_of_which_nothing_changed_are_not_marked_again(warehouse: Warehouse) -> None:
    crowd: Held = {f"z{number}": (f"z{number}@x.fr", None, "Zoe", False) for number in range(30)}
    held: Held = {**crowd, "a": (EMAILS[0], None, "Jane", True), "b": (EMAILS[2], None, "Jo", True)}
    allowed: Allowed = {"a": {"meta", "google_ads"}, "b": {"meta"}}
    nobody = pl.DataFrame(schema=REFUSED_EMAILS)
    records = read(warehouse, held, allowed)
    check(warehouse, erased({"email": EMAILS[2]}, records=records), nobody)
    records = read(warehouse, {**held, "c": (EMAILS[1], None, "Al", True)}, allowed)
    with patch.object(doubtful, "mark_everybody", side_effect=AssertionError):
        # An address that is forgotten later is found by the marks of before.
        check(warehouse, erased({"email": "z3@x.fr"}, {"email": EMAILS[2]}, records=records), nobody)
    assert warehouse.height("doubtful_people") == 4
