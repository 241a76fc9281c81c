"""What erasure takes out, wherever it stands: rows of whoever is wholly gone, and how soon no page may hold them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import dataframely as dy
import polars as pl
import pytest

from catalog.rewrite import note_rewrite, rewrite_is_due
from catalog.warehouse import Warehouse
from pipelines.customers.people import person_ids
from pipelines.erasure.urgent import Waiting
from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.ids.forms import canonical_mobile_ad_id
from pipelines.identifiers.matching import hashed_address
from pipelines.identifiers.stored import DIGESTS
from pipelines.tables.changes import begin_notes
from pipelines.tombstones.tombstones import Compared, tombstones
from schemas.crm import CanonicalCustomers, CrmConsents, CrmCustomers, ErasureRequests
from schemas.customers import CustomerRecords, PersonAliases
from schemas.network import match_columns, networks
from schemas.uploads import RefusedKeys
from tests.pipelines.erasure.purged import purge_at_once
from tests.pipelines.tombstones.test_tombstones import COLUMNS, KEY, request, stones
from tests.pipelines.uploads.versions.test_publication import sha256

TODAY, UNTIL = date(2025, 6, 30), date(2025, 7, 7)
JANE = {"customer_id": "jane", "email": "Jane@x.fr", "phone": "06 12 34 56 78", "country": "FR"}
BOB = {"customer_id": "bob", "email": "bob@x.fr", "phone": None, "country": "FR"}
[PHONE, *_] = [column for column in COLUMNS if column.name == "phone_e164_sha256"]


def rows(contract: type[dy.Schema], *written: Mapping[str, object]) -> pl.DataFrame:
    schema = pl.DataFrame(contract.create_empty()).schema
    return pl.DataFrame([{**dict.fromkeys(schema), **row} for row in written], schema=schema)


def crm(*records: Mapping[str, object]) -> pl.DataFrame:
    typed = rows(CrmCustomers, *records)
    return with_canonical(typed, default_country="FR").select(CanonicalCustomers.column_names())


@pytest.fixture
def emptied(warehouse: Warehouse) -> Warehouse:
    names = warehouse.read("SELECT table_name FROM duckdb_tables() WHERE database_name = 'warehouse'")["table_name"]
    for name in names:
        warehouse.execute(f"DROP TABLE warehouse.{name}")
    warehouse.replace("crm_customers", crm(BOB))
    return warehouse


def forget(warehouse: Warehouse, erasures: pl.DataFrame, *, waiting: pl.DataFrame | None = None) -> None:
    held = None if waiting is None else Waiting(waiting, UNTIL)
    purge_at_once(warehouse, erasures, COLUMNS, Compared(KEY, "FR"), waiting=held)


#: By where something of Jane's stands: her request, the table, and its rows.
LEFT = {
    "a record": (request("jane"), "crm_customers", crm(BOB, JANE)),
    "an order of nobody": (request("jane"), "crm_orders", pl.DataFrame({"customer_id": ["jane", "bob"]})),
    "an address of a record": (request(email="jane@x.fr"), "past_crm_customers", crm(BOB, JANE)),
    "a statement": (
        request(email="jane@x.fr"),
        "crm_consents",
        rows(CrmConsents, {"address": "JANE@x.fr", "status": "denied"}, {"address": "eve@x.fr", "status": "denied"}),
    ),
    "an address where the phone belongs": (
        request(email="jane@x.fr"),
        "past_crm_customers",
        crm(BOB, {**BOB, "customer_id": "ann", "phone": "Jane <jane@x.fr>"}),
    ),
    "its digest there": (
        request(email="jane@x.fr"),
        "crm_customers",
        crm(BOB, {**BOB, "customer_id": "ann", "phone": sha256("jane@x.fr")}),
    ),
    "a statement by a text around an address": (
        request(email="jane@x.fr"),
        "crm_consents",
        rows(CrmConsents, {"address": "Jane <jane@x.fr>", "status": "granted"}, {"address": "e", "status": "granted"}),
    ),
    "an identifier": (
        request(phone="06 12 34 56 78"),
        "identifiers",
        pl.DataFrame({"person_id": ["p1", "p2"], PHONE.name: [sha256("+33612345678"), sha256("+33612345679")]}),
    ),
    "a refused key": (
        request(email="jane@x.fr"),
        "refused_keys",
        rows(RefusedKeys, *({"network": "meta", "value": sha256(of)} for of in ("jane@x.fr", "eve@x.fr"))),
    ),
}


@pytest.mark.parametrize("place", LEFT)
def test_what_is_taken_out_waits_in_the_file_only_if_all_of_it_may(emptied: Warehouse, place: str) -> None:
    asked, table, held = LEFT[place]
    jane, eve = stones(asked), stones(request("eve", request_id="r2"))
    for waiting, waits in ((None, False), (eve, False), (jane, True)):
        emptied.replace(table, held)
        forget(emptied, pl.concat([jane, eve]), waiting=waiting)
        assert not emptied.read(f"FROM warehouse.{table}").equals(held)
        assert rewrite_is_due(emptied, TODAY) != waits
        assert rewrite_is_due(emptied, UNTIL)
        for name in ("rewrite_due", "rewrite_waiting"):
            emptied.execute(f"DROP TABLE IF EXISTS warehouse.{name}")


def test_where_nothing_is_taken_out_nothing_is_due(emptied: Warehouse) -> None:
    forget(emptied, stones(request("jane")))
    forget(emptied, stones(request("jane")), waiting=stones(request("jane")))
    assert not rewrite_is_due(emptied, UNTIL + timedelta(days=400))


def test_what_was_due_before_does_not_wait(emptied: Warehouse) -> None:
    asked, table, held = LEFT["a record"]
    emptied.replace(table, held)
    note_rewrite(emptied)
    forget(emptied, stones(asked), waiting=stones(asked))
    assert rewrite_is_due(emptied, TODAY)


def test_a_request_that_a_consent_has_lifted_takes_nothing_out(emptied: Warehouse) -> None:
    emptied.replace("crm_customers", crm(BOB, JANE))
    forget(emptied, stones(request("jane")).with_columns(lifted_at="requested_at"))
    assert emptied.height("crm_customers") == 2
    assert not rewrite_is_due(emptied, UNTIL)


def test_rows_of_a_person_go_with_their_last_record_by_whatever_id_they_are_kept(emptied: Warehouse) -> None:
    names = ["jane", "jane2", "bob", "bob2", "eve"]
    own = dict(zip(names, person_ids(pl.Series(names), KEY), strict=True))
    first = {"jane": "jane", "jane2": "jane", "bob": "bob", "bob2": "bob"}
    emptied.replace("crm_customers", crm(JANE, BOB, {**JANE, "customer_id": "jane2"}, {**BOB, "customer_id": "bob2"}))
    written = ({"customer_id": name, "person_id": own[of], "own_id": own[name]} for name, of in first.items())
    emptied.replace("customer_records", rows(CustomerRecords, *written))
    begin_notes(emptied, "customer_records")
    given = ({"alias": own[name], "person_id": own[of]} for name, of in first.items())
    emptied.replace("person_aliases", rows(PersonAliases, *given))
    # Of Eve, who is of an earlier night, only what bears her ids is left.
    emptied.replace("crm_visits", pl.DataFrame({"customer_id": ["eve", "bob"]}))
    tables = {"features": "person_id", "past_features": "person_id", "seen": "own_id", "given": "alias"}
    for table, column in tables.items():
        emptied.replace(table, pl.DataFrame({column: [own["jane"], own["bob"], own["eve"]]}))

    forget(emptied, pl.concat(stones(request(name, request_id=name)) for name in ("jane", "jane2", "bob2", "eve")))

    for table, column in {"customer_records": "customer_id", "crm_visits": "customer_id"}.items():
        assert emptied.read(f"FROM warehouse.{table}")[column].to_list() == ["bob"]
    for table, column in {**tables, "person_aliases": "alias"}.items():
        assert emptied.read(f"FROM warehouse.{table}")[column].to_list() == [own["bob"]], table
    # What is left of Bob came from both of his records: it is worked out again.
    assert own["bob"] in emptied.read("FROM warehouse.changed_customer_records")["person_id"]


def test_whose_address_was_taken_out_is_worked_out_again(emptied: Warehouse) -> None:
    emptied.replace("crm_customers", crm({**JANE, "email": "bob@x.fr"}, BOB))
    keys = [sha256("+33612345678"), sha256("+33612345679")]
    emptied.replace("identifiers", pl.DataFrame({"person_id": ["p1", "p2"], PHONE.name: keys}))
    begin_notes(emptied, "crm_customers", "crm_consents", "customer_records")
    forget(emptied, stones(request(phone="0612345678")))
    assert emptied.read("SELECT email, phone FROM warehouse.crm_customers ORDER BY customer_id").rows() == [
        ("bob@x.fr", None),
        ("bob@x.fr", None),
    ]
    for table, changed in (("crm_customers", "jane"), ("crm_consents", "jane"), ("customer_records", "p1")):
        assert emptied.read(f"FROM warehouse.changed_{table}").rows() == [(changed,)]


def test_a_digest_that_only_an_erased_person_had_is_kept_nowhere(emptied: Warehouse) -> None:
    own = person_ids(pl.Series(["jane", "bob"]), KEY).to_list()
    emptied.replace("crm_customers", crm(JANE, BOB))
    written = ({"customer_id": name, "person_id": each} for name, each in zip(("jane", "bob"), own, strict=True))
    emptied.replace("customer_records", rows(CustomerRecords, *written))
    names = {"last_name_letters_sha256": [0, 2], "first_name_letters_sha256": [1, 1]}
    numbered = pl.DataFrame({"person_id": own, **names}, schema_overrides=dict.fromkeys(names, pl.UInt32))
    emptied.replace("identifiers", numbered)
    digests = pl.DataFrame({"number": [0, 1, 2], "digest": ["jane's", "both's", "bob's"]})
    emptied.replace(DIGESTS, digests.cast({"number": pl.UInt32}))
    forget(emptied, stones(request("jane")))
    assert emptied.read(f"FROM warehouse.{DIGESTS} ORDER BY number")["digest"].to_list() == [None, "both's", "bob's"]


def test_whoever_stays_without_an_erased_phone_stays_refused_by_what_was_said_of_it(emptied: Warehouse) -> None:
    emptied.replace(
        "crm_customers", crm({**JANE, "email": None}, {**BOB, "phone": "0612345678"}, {**BOB, "customer_id": "eve"})
    )
    refusal = {"address": "06 12 34 56 78", "purpose": "ads_upload", "status": "denied"}
    # A statement that names a record too keeps that.
    emptied.replace("crm_consents", rows(CrmConsents, refusal, {**refusal, "customer_id": "eve"}))
    forget(emptied, stones(request(phone="0612345678")))
    said = emptied.read("SELECT customer_id, address, purpose, status FROM warehouse.crm_consents").rows()
    assert set(said) == {(name, None, "ads_upload", "denied") for name in ("bob", "eve")}


def test_an_advertising_id_and_a_hashed_record_id_of_an_erased_record_go(emptied: Warehouse) -> None:
    known = {column.kind: column for column in match_columns(networks().values())}
    kept = [known["external_id"], known["mobile_ad_id"]]
    ids, device = pl.Series(["jane", "bob"]), pl.Series(["6D92078A-8246-4BA4-AE5B-76104861E7DC"])
    device = device.to_frame("id").select(canonical_mobile_ad_id(pl.col("id")))["id"]
    shown = hashed_address(ids, kept[0]).to_list(), [hashed_address(device, kept[1]).item(), None]
    records = rows(CrmCustomers, {"customer_id": "jane", "email": "jane@x.fr", "mobile_ad_id": device.item()})
    asked = rows(ErasureRequests, request("jane"))
    compared = Compared(KEY, "FR")
    erasures = tombstones(asked, records, compared, networks=networks())
    for column, values in zip(kept, shown, strict=True):
        emptied.replace("identifiers", pl.DataFrame({"person_id": ["p1", "p2"], column.name: values}))
        purge_at_once(emptied, erasures, kept, compared)
        assert emptied.read("SELECT person_id FROM warehouse.identifiers").rows() == [("p2",)], column
