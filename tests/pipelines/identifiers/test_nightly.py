"""Night after night only what changed is normalised and hashed, and the tables are those of working out everything."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from unittest.mock import patch

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from pipelines.customers.customers import customers
from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from pipelines.identifiers import batches, nightly
from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.identifiers import identifier_refusals, identifiers
from pipelines.identifiers.nightly import update_identifiers
from pipelines.identifiers.stored import read_identifiers
from pipelines.tables.changes import begin_notes
from pipelines.tables.intervals import replace
from pipelines.tombstones.tombstones import Compared, tombstones
from schemas.crm import CanonicalCustomers, CrmCustomers, CrmErasures, ErasureRequests
from schemas.customers import CustomerRecords
from schemas.identifiers import MatchColumn
from schemas.network import networks
from schemas.settings import Joining
from tests.pipelines.erasure.purged import purge_at_once

KEY = "a1" * 32
#: So few that people share them, some only to Google.
EMAILS = ("jo.a@gmail.com", "joa@gmail.com", "jo@x.fr", "none@none.com", None)
PHONES = ("06 12 34 56 78", "+33612345678", "0699999999", "12", None)
AD_IDS = ("38400000-8cf0-11bd-b23e-10b96e40000d", "00000000-0000-0000-0000-000000000000", None)
record = st.tuples(
    st.sampled_from(EMAILS), st.sampled_from(PHONES), st.sampled_from(("Jo", "Al", None)), st.sampled_from(AD_IDS)
)
#: What the CRM holds, and what happens before and after it is read: a record or an e-mail is forgotten; the networks
#: are others than usual; the night is killed before its identifiers; the next one repeats the day.
night = st.tuples(
    st.dictionaries(st.sampled_from("abcdef"), record, min_size=1),
    st.sampled_from([None, None, None, "a", "joa@gmail.com"]),
    st.sampled_from([*["usual"] * 6, "others", "killed", "repeated"]),
)
COLUMNS = (
    MatchColumn("email", "plain", "sha256"), MatchColumn("email", "google", "sha256"),
    MatchColumn("phone", "digits", "sha256"), MatchColumn("first_name", "lower", "sha256"),
    MatchColumn("mobile_ad_id", "lower", "none"), MatchColumn("external_id", "plain", "none"),
)  # fmt: skip
OTHERS = COLUMNS[1:4]
TABLES = ("crm_customers", "customer_records", "customers", "identifiers", "identifier_refusals", "history_begins",
          "repeated_digests")  # fmt: skip
#: As many strangers that never change, so that a change is of few.
CROWD = {f"z{number}": (f"z{number}@x.fr", None, "Zoe", None) for number in range(100)}


def read_crm(warehouse: Warehouse, held: dict[str, tuple[str | None, ...]], day: date) -> None:
    """The CRM's records, and whose they are, in the warehouse."""
    rows = [
        {"customer_id": name, "email": email, "phone": phone, "first_name": first, "last_name": "Day", "country": "FR",
         "mobile_ad_id": ad_id, "created_at": datetime(2025, 1, 1, ord(name[0]) % 24, tzinfo=UTC)}
        for name, (email, phone, first, ad_id) in held.items()
    ]  # fmt: skip
    typed = pl.DataFrame(rows, schema=dict(CrmCustomers.create_empty().schema))
    canonical = with_canonical(typed, default_country="FR").select(CanonicalCustomers.column_names())
    joining = Joining(shared_by_more_than=4)
    records = people(canonical_records(canonical, joining), joining, identity_key=KEY)
    with warehouse.transaction():
        replace(warehouse, "crm_customers", canonical, day=day, kept_days=3)
        theirs = records.select(CustomerRecords.column_names())
        replace(warehouse, "customer_records", theirs, day=day, kept_days=3)
        warehouse.replace("customers", customers(records))


def everything(warehouse: Warehouse, columns: tuple[MatchColumn, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both tables, worked out of all that the warehouse has."""
    both = warehouse.read(
        "SELECT * EXCLUDE (email, phone, country), canonical_email AS email, canonical_phone AS phone, "
        "country_code AS country FROM (SELECT * EXCLUDE (email_refusal, phone_refusal) FROM warehouse.crm_customers) "
        "JOIN warehouse.customer_records USING (customer_id)"
    )
    return identifiers(both, columns), identifier_refusals(both)


def same_rows(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    return one.select(sorted(one.columns)).sort(pl.all()).equals(other.select(sorted(one.columns)).sort(pl.all()))


def check(warehouse: Warehouse, columns: tuple[MatchColumn, ...]) -> None:
    wanted, refused = everything(warehouse, columns)
    assert same_rows(read_identifiers(warehouse, "FROM warehouse.identifiers"), wanted)
    assert same_rows(warehouse.read("FROM warehouse.identifier_refusals"), refused)


@cache
def erasures_of(asked: str) -> pl.DataFrame:
    """`CrmErasures` of a request that names a record or an e-mail."""
    named = {"email" if "@" in asked else "customer_id": asked}
    request = pl.DataFrame(
        [{"request_id": "r", "requested_at": datetime(2025, 6, 1, tzinfo=UTC), **named}],
        schema=pl.DataFrame(ErasureRequests.create_empty()).schema,
    )
    nobody = pl.DataFrame(CrmCustomers.create_empty())
    stones = tombstones(request, nobody, Compared(KEY, "FR"), networks=networks())
    return pl.concat([pl.DataFrame(CrmErasures.create_empty()), stones.select(CrmErasures.column_names())])


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=st.lists(night, min_size=4, max_size=4))
def test_whatever_happens_between_nights_the_tables_are_those_of_working_out_everything(
    warehouse: Warehouse, nights: list[tuple[dict[str, tuple[str | None, ...]], str | None, str]]
) -> None:
    for table in TABLES:
        for kind in ("", "past_", "new_", "changed_"):
            warehouse.execute(f"DROP TABLE IF EXISTS warehouse.{kind}{table}")
    day = date(2025, 6, 1)
    for held, forgotten, what in nights:
        if forgotten is not None and warehouse.has("identifiers"):
            # The next CRM may well have it again, as that of somebody who came back.
            purge_at_once(warehouse, erasures_of(forgotten), COLUMNS, Compared(KEY, "FR"))
        read_crm(warehouse, {**CROWD, **held}, day)
        day += timedelta(days=what != "repeated")
        if what == "killed":
            continue
        columns = OTHERS if what == "others" else COLUMNS
        update_identifiers(warehouse, columns)
        check(warehouse, columns)


def test_whoever_comes_back_after_they_were_forgotten_has_all_their_identifiers_again(warehouse: Warehouse) -> None:
    # Two addresses that are one to Google: asked to forget one, both people lose that key.
    jo, al = ("jo@x.fr", None, "Jo", None), ("jo.a@gmail.com", "0699999999", "Al", None)
    jo_too = ("jo@x.fr", "0612345678", "Jo", None)
    held = {**CROWD, "jo": jo, "jo2": jo, "jo3": jo_too, "al": al}
    alone = {name: record for name, record in held.items() if name != "jo3"}
    for day, (forgotten, tonight) in enumerate([(None, held), ("joa@gmail.com", held), ("jo3", alone)], 1):
        if forgotten is not None:
            purge_at_once(warehouse, erasures_of(forgotten), COLUMNS, Compared(KEY, "FR"))
        read_crm(warehouse, tonight, date(2025, 8, day))
        update_identifiers(warehouse, COLUMNS)
        check(warehouse, COLUMNS)


def test_who_is_counted_beside_somebody_is_counted_also_if_nothing_of_theirs_changed(warehouse: Warehouse) -> None:
    held = {**CROWD, "al": ("al@x.fr", "0699999999", "Al", None), "ed": ("ed@x.fr", "0699999999", "Ed", None)}
    for day, more in enumerate(({}, {"jo": ("al@x.fr", None, "Jo", None)}, {}), 1):
        read_crm(warehouse, {**held, **more}, date(2025, 9, day))
        update_identifiers(warehouse, COLUMNS)
        check(warehouse, COLUMNS)


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.dictionaries(st.sampled_from("abcdef"), record, min_size=1),
    second=st.dictionaries(st.sampled_from("abcdef"), record, min_size=1),
    at_once=st.sampled_from([1, 2, 3]),
)
def test_however_few_records_are_worked_out_at_once_the_tables_are_those_of_everybody(
    warehouse: Warehouse,
    first: dict[str, tuple[str | None, ...]],
    second: dict[str, tuple[str | None, ...]],
    at_once: int,
) -> None:
    with patch.object(batches, "_RECORDS_AT_ONCE", at_once), patch.object(nightly, "_MOST", 1):
        for held in (first, second):
            read_crm(warehouse, held, date(2025, 6, 1))
            update_identifiers(warehouse, COLUMNS)
            check(warehouse, COLUMNS)
            assert warehouse.read("SELECT count(*) = count(DISTINCT number) FROM warehouse.repeated_digests").item()
    warehouse.execute("DROP TABLE warehouse.made_by")


def test_only_people_of_whom_something_changed_and_whoever_shares_it_are_hashed_again(warehouse: Warehouse) -> None:
    jo, al = ("jo@x.fr", None, "Jo", None), ("jo@x.fr", None, "Al", None)
    read_crm(warehouse, {**CROWD, "a": jo, "b": al}, date(2025, 7, 1))
    begin_notes(warehouse)
    warehouse.execute("DROP TABLE IF EXISTS warehouse.made_by")
    assert update_identifiers(warehouse, COLUMNS) == 102
    assert update_identifiers(warehouse, COLUMNS) == 0
    read_crm(warehouse, {**CROWD, "a": jo, "b": al, "z1": ("new@x.fr", None, "Zoe", None)}, date(2025, 7, 2))
    assert update_identifiers(warehouse, COLUMNS) == 1
    read_crm(warehouse, {**CROWD, "a": jo, "b": ("al@x.fr", None, "Al", None)}, date(2025, 7, 2))
    assert update_identifiers(warehouse, COLUMNS) == 3
    assert update_identifiers(warehouse, OTHERS) == 102


def test_a_name_that_nobody_has_any_more_leaves_no_digest(warehouse: Warehouse) -> None:
    named = {"ann": ("ann@x.fr", None, "Annunziata", None), "bea": ("bea@x.fr", None, "Beatrix", None)}
    digests = {sha256(name.encode()).hexdigest() for name in ("annunziata", "beatrix")}

    def kept() -> set[str]:
        return digests & set(warehouse.read("SELECT digest FROM warehouse.repeated_digests")["digest"])

    read_crm(warehouse, {**CROWD, **named}, date(2025, 9, 1))
    update_identifiers(warehouse, COLUMNS)
    assert kept() == digests
    purge_at_once(warehouse, erasures_of("ann"), COLUMNS, Compared(KEY, "FR"))
    assert kept() == {sha256(b"beatrix").hexdigest()}
    read_crm(warehouse, CROWD, date(2025, 9, 2))
    update_identifiers(warehouse, COLUMNS)
    assert kept() == set()
    read_crm(warehouse, {**CROWD, **named}, date(2025, 9, 3))
    update_identifiers(warehouse, COLUMNS)
    assert kept() == digests
    check(warehouse, COLUMNS)


def test_a_forgotten_record_leaves_no_mark_in_history(warehouse: Warehouse) -> None:
    read_crm(warehouse, CROWD, date(2025, 10, 1))
    read_crm(warehouse, {**CROWD, "ann": ("ann@x.fr", None, "Annunziata", None)}, date(2025, 10, 2))
    assert warehouse.height("new_crm_customers") == warehouse.height("new_customer_records") == 1
    purge_at_once(warehouse, erasures_of("ann"), COLUMNS, Compared(KEY, "FR"))
    assert warehouse.height("new_crm_customers") == warehouse.height("new_customer_records") == 0


def test_a_refused_key_of_somebody_forgotten_since_goes_into_no_history(warehouse: Warehouse) -> None:
    theirs, others = (sha256(address).hexdigest() for address in (b"jo@x.fr", b"al@x.fr"))
    refused = pl.DataFrame({"network": "meta", "key": "email", "value": [theirs, others]})
    replace(warehouse, "refused_keys", refused, day=date(2025, 11, 1), kept_days=35)
    purge_at_once(warehouse, erasures_of("jo@x.fr"), COLUMNS, Compared(KEY, "FR"))
    replace(warehouse, "refused_keys", refused.clear(), day=date(2025, 11, 2), kept_days=35)
    assert warehouse.read("FROM warehouse.past_refused_keys")["value"].to_list() == [others]
