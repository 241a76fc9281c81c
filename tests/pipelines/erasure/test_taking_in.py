"""What a new request covers is known, and gone, before the customers are read anew; its state says so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from catalog.erasures import (
    REQUESTS,
    add_request,
    adopt_requests,
    erasure_requests,
    mark_erased,
    note_records,
    sealed_records,
)
from catalog.home import Home
from catalog.rewrite import rewrite_is_due
from catalog.sealed import sealed, unsealed
from catalog.secret_keys import open_keys
from catalog.store import Catalog, open_catalog
from catalog.warehouse import Warehouse
from pipelines.customers.people import person_ids
from pipelines.erasure.applied import not_applied
from pipelines.erasure.erasing import KEPT_DAYS, Erasing
from pipelines.erasure.known import known_erasures, note_changed
from pipelines.erasure.requests import request_tombstones
from pipelines.erasure.taking_in import take_in
from pipelines.identifiers.hashes import keyed_hash
from pipelines.tombstones.erased import erased_values
from pipelines.tombstones.tombstones import Compared, person_tombstones, tombstones
from schemas.config import Config, read_config
from schemas.crm import ErasureRequests
from schemas.customers import CustomerRecords, PersonAliases
from schemas.erasure import RequestKind
from tests.conftest import ROOT
from tests.pipelines.erasure.test_purge import crm, emptied, rows
from tests.pipelines.tombstones.test_tombstones import ASKED_AT, customers, frame, request, stones

NOW = datetime.now(UTC)
ZOE = {"customer_id": "zoe", "email": "zoe@x.fr", "phone": None, "country": "FR"}
BOB = {"customer_id": "bob", "email": "bob@x.fr", "phone": "06 12 34 56 78", "country": "FR"}

__all__ = ["emptied"]


@pytest.fixture(scope="module")
def config() -> Config:
    return read_config(ROOT / "tests" / "companies" / "small" / "config")


@pytest.fixture
def erasing(tmp_path: Path, emptied: Warehouse, config: Config) -> Iterator[Erasing]:
    home = Home.at(tmp_path / "home")
    keys = open_keys(home)
    with open_catalog(home) as catalog:
        yield Erasing(home, keys, emptied, catalog, config, NOW)


def asked(erasing: Erasing, kind: RequestKind, **names: str) -> None:
    """A request made with `relance forget`."""
    made = request(**names)
    requests = frame(pl.DataFrame(ErasureRequests.create_empty()).schema, [made])
    found = request_tombstones(requests, erasing.config.networks, erasing.keys.identity)
    add_request(erasing.catalog, str(made["request_id"]), kind, ASKED_AT, found)


def states(catalog: Catalog) -> dict[str, str]:
    return {each.request_id: each.state for each in erasure_requests(catalog)}


def records(erasing: Erasing, request_id: str = "r1") -> list[str]:
    return sorted(unsealed(each, erasing.keys.identity) for each in sealed_records(erasing.catalog, request_id))


def test_before_customers_were_ever_read_a_request_has_nothing_to_wait_for(erasing: Erasing) -> None:
    erasing.warehouse.execute("DROP TABLE warehouse.crm_customers")
    asked(erasing, "customer_id", customer_id="zoe")
    take_in(erasing)
    assert states(erasing.catalog) == {"r1": "removing"}
    for place in ("rows", "keys"):
        assert not_applied(erasing.warehouse, place).is_empty()


def test_a_request_of_the_crm_that_names_more_than_it_did_is_new_again_and_no_other(erasing: Erasing) -> None:
    first = [stones(request(email=f"{name}@x.fr", request_id=name), key=erasing.keys.identity) for name in ("r1", "r2")]
    erasing.warehouse.replace("crm_erasures", pl.concat(first))
    adopt_requests(erasing.catalog, [(name, "email", ASKED_AT) for name in ("r1", "r2")])
    mark_erased(erasing.catalog, ["r1", "r2"])
    note_changed(erasing, pl.concat(first))
    assert states(erasing.catalog) == {"r1": "erased", "r2": "erased"}
    more = stones(request(email="r1@x.fr", phone="0612345678", request_id="r1"), key=erasing.keys.identity)
    note_changed(erasing, pl.concat([more, first[1]]))
    assert states(erasing.catalog) == {"r1": "received", "r2": "erased"}


def held_before(*records: dict[str, str | None]) -> pl.DataFrame:
    """Rows of earlier nights, each until the day after the one before it."""
    days = [date(2025, 5, day) for day in range(1, len(records) + 1)]
    kept = pl.DataFrame({"held_from": [None, *days[:-1]], "held_until": days}, schema_overrides={"held_from": pl.Date})
    return pl.concat([crm(*records), kept], how="horizontal")


def test_a_customer_who_was_dropped_before_they_asked_is_whom_the_kept_nights_have_last(erasing: Erasing) -> None:
    erasing.warehouse.replace("past_crm_customers", held_before({**ZOE, "email": "old@x.fr"}, ZOE))
    again = {**ZOE, "customer_id": "again", "phone": "06 99 99 99 99"}
    erasing.warehouse.replace("crm_customers", crm(BOB, again, {**BOB, "customer_id": "eve", "email": "old@x.fr"}))
    asked(erasing, "customer_id", customer_id="zoe")

    take_in(erasing)

    # Every record that joins with the named one is of the person; who has an earlier address may be somebody else.
    assert records(erasing) == ["again", "zoe"]
    assert erasing.warehouse.height("past_crm_customers") == 0
    left = erasing.warehouse.read("SELECT email FROM warehouse.crm_customers ORDER BY email")["email"].to_list()
    assert left == ["bob@x.fr", "old@x.fr"]


def test_an_earlier_row_of_a_customer_whom_the_last_night_has_covers_nobody(erasing: Erasing) -> None:
    erasing.warehouse.replace("past_crm_customers", held_before({**ZOE, "email": "old@x.fr"}))
    erasing.warehouse.replace("crm_customers", crm(ZOE, {**BOB, "email": "old@x.fr", "phone": None}))
    asked(erasing, "customer_id", customer_id="zoe")
    take_in(erasing)
    assert records(erasing) == ["zoe"]
    assert erasing.warehouse.read("SELECT email FROM warehouse.crm_customers").rows() == [("old@x.fr",)]


@pytest.mark.parametrize("is_theirs", [False, True])
@pytest.mark.parametrize(("held", "how"), [("plain", "plain"), ("plain", "md5"), ("sha256", "plain")])
def test_an_earlier_email_that_somebody_else_had_later_is_theirs_be_it_as_a_digest(
    erasing: Erasing, held: str, how: str, is_theirs: bool
) -> None:
    email = "old@x.fr"
    shown = {name: hashlib.new(name, email.encode()).hexdigest() for name in ("md5", "sha256")} | {"plain": email}
    earlier = [{**ZOE, "email": shown[held]}, {**BOB, "email": shown[how]}]
    erasing.warehouse.replace("past_crm_customers", held_before(*(earlier if is_theirs else reversed(earlier))))
    erasing.warehouse.replace("crm_customers", crm(ZOE, BOB))
    for table, schema in (("customer_records", CustomerRecords), ("person_aliases", PersonAliases)):
        erasing.warehouse.ensure(table, schema)
    erasing.warehouse.ensure("past_customer_records", CustomerRecords)
    asked(erasing, "customer_id", customer_id="zoe")
    take_in(erasing)
    forbidden = erased_values(pl.Series([shown[how]]), "email", known_erasures(erasing), erasing.keys.identity)
    assert forbidden.is_empty() == is_theirs


@pytest.mark.parametrize("gone", [None, "zoe", "hashed"])
@pytest.mark.parametrize("named", ["zoe", "hashed"])
def test_a_record_with_the_digest_of_their_email_is_theirs_whether_it_is_there_or_gone(
    erasing: Erasing, named: str, gone: str | None
) -> None:
    digest = hashlib.sha256(b"zoe@x.fr").hexdigest()
    hashed = {**ZOE, "customer_id": "hashed", "email": digest, "phone": "06 99 99 99 99"}
    others = [
        {**BOB, "customer_id": f"bob-{number}", "email": hashlib.sha256(b"%d" % number).hexdigest()}
        for number in range(2)
    ]
    two = crm(ZOE, hashed, *others).with_columns(email_refusal=pl.lit(None, pl.String))
    erasing.warehouse.replace("crm_customers", two.filter(pl.col("customer_id") != (gone or "")))
    days = {"held_from": pl.lit(None, pl.Date), "held_until": pl.lit(date(2025, 5, 1))}
    erasing.warehouse.replace("past_crm_customers", two.filter(customer_id=gone or "").with_columns(**days))
    asked(erasing, "customer_id", customer_id=named)
    take_in(erasing)
    # Of the people of a record that is there, those who are gone are not asked for.
    assert records(erasing) == (["hashed", "zoe"] if gone in {None, named} else [named])


@pytest.mark.parametrize("is_given_again", [False, True])
def test_an_id_that_was_given_long_ago_means_who_succeeded_it_until_somebody_else_has_it(
    erasing: Erasing, is_given_again: bool
) -> None:
    """Zoe's record was merged into Bob's, and Eve is one with whom Zoe was one person; no kept night has hers."""
    eve = {**ZOE, "customer_id": "eve", "email": "eve@x.fr"}
    living = [BOB, eve, {**ZOE, "customer_id": "jane", "email": "jane@x.fr"}, *([ZOE] if is_given_again else [])]
    names = [str(each["customer_id"]) for each in living]
    known = dict(zip([*names, "zoe"], person_ids(pl.Series([*names, "zoe"]), erasing.keys.identity), strict=True))
    given = {name: known["bob" if name == "zoe" and not is_given_again else name] for name in known}
    erasing.warehouse.replace("crm_customers", crm(*living))
    people = [{"customer_id": name, "person_id": known[name], "own_id": known[name], "position": 1} for name in names]
    erasing.warehouse.replace("customer_records", rows(CustomerRecords, *people))
    aliases = [{"alias": known[name], "person_id": person, "since": NOW.date()} for name, person in given.items()]
    erasing.warehouse.replace("person_aliases", rows(PersonAliases, *aliases))
    succeeded = pl.DataFrame({"alias": [known["zoe"]], "person_id": [known["eve"]]})
    erasing.warehouse.replace("successors", succeeded)
    asked(erasing, "customer_id", customer_id="zoe")

    take_in(erasing)

    forgotten = ["zoe"] if is_given_again else ["bob", "eve"]
    assert records(erasing) == forgotten
    left = erasing.warehouse.read("SELECT customer_id FROM warehouse.crm_customers")["customer_id"].to_list()
    assert left == [name for name in names if name not in forgotten]


def test_what_a_covered_record_holds_leaves_other_records_at_once(erasing: Erasing) -> None:
    jane = {**BOB, "customer_id": "jane", "email": "jane@x.fr"}
    erasing.warehouse.replace("crm_customers", crm(jane, BOB))
    asked(erasing, "customer_id", customer_id="jane")
    take_in(erasing)
    assert erasing.warehouse.read("SELECT customer_id, phone FROM warehouse.crm_customers").rows() == [("bob", None)]
    assert rewrite_is_due(erasing.warehouse, NOW.date())
    assert not_applied(erasing.warehouse, "rows").is_empty()
    assert states(erasing.catalog) == {"r1": "received"}


def test_a_record_is_noted_once_and_only_while_its_request_is_young_enough(erasing: Erasing) -> None:
    erasing.warehouse.replace("crm_customers", crm(ZOE, BOB))
    mark = keyed_hash(pl.Series(["record:zoe"]), erasing.keys.identity).item()
    asked(erasing, "customer_id", customer_id="zoe")
    asked(erasing, "customer_id", customer_id="bob", request_id="r2")
    note_records(erasing.catalog, [("r1", mark, sealed("zoe", erasing.keys.identity))])
    old = NOW - timedelta(days=KEPT_DAYS + 1)
    with erasing.catalog.writing() as connection:
        connection.execute(sa.update(REQUESTS).where(REQUESTS.c.request_id == "r2").values(received_at=old))
    take_in(erasing)
    assert records(erasing) == ["zoe"]
    assert records(erasing, "r2") == []


def test_whoever_came_back_and_takes_the_consent_back_is_taken_out_again(erasing: Erasing) -> None:
    asked(erasing, "customer_id", customer_id="zoe")
    left = []
    for lifted_at in (None, NOW, None):
        erasing.warehouse.replace("crm_customers", crm(ZOE, BOB))
        kept = known_erasures(erasing).with_columns(lifted_at=pl.lit(lifted_at, dtype=pl.Datetime("us", "UTC")))
        erasing.warehouse.replace("crm_erasures", kept)
        take_in(erasing)
        left.append(erasing.warehouse.height("crm_customers"))
    assert left == [1, 2, 1]


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ({"customer_id": "zoe", "email": "zoe@x.fr"}, "customer_id"),
        ({"email": "zoe@x.fr", "phone": "0612345678"}, "email"),
        ({"email": "zoe@x.fr"}, "email"),
        ({"phone": "+33612345678"}, "phone"),
    ],
)
def test_what_a_request_of_the_crm_names_is_known_by_its_tombstones(
    erasing: Erasing, names: dict[str, str], kind: str
) -> None:
    made = frame(pl.DataFrame(ErasureRequests.create_empty()).schema, [request(**names)])
    key = erasing.keys.identity
    # Of whom an address is all there is, the record is meant too.
    records = customers(("zoe", "zoe@x.fr", None, "FR"))
    by_record = tombstones(made, records, Compared(key, "FR"), networks=erasing.config.networks)
    assert names.keys() == {"phone"} or "customer_id" in by_record["form"]
    found = pl.concat([by_record, person_tombstones(made, key)])
    erasing.warehouse.replace("crm_erasures", found.unique())
    take_in(erasing)
    [adopted] = erasure_requests(erasing.catalog)
    assert (adopted.kind, adopted.received_by) == (kind, "crm")
    take_in(erasing)
    assert len(erasure_requests(erasing.catalog)) == 1
