"""Whoever asked to be forgotten is in no row, and what is kept of the request tells nobody who they were."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.matching import hashed_address
from pipelines.tombstones.erased import (
    erased_addresses,
    erased_marks,
    erased_values,
    own_tombstones,
    without_erased,
)
from pipelines.tombstones.tombstones import Compared, tombstones
from schemas.crm import CrmCustomers, CrmErasures, ErasureRequests
from schemas.network import match_columns, networks

KEY = "5" * 64
NETWORKS = {name: networks()[name].allowing(()) for name in ("google_ads", "meta")}
COLUMNS = match_columns(NETWORKS.values())
ASKED_AT = datetime(2025, 6, 1, tzinfo=UTC)

#: customer_id, email, phone, country.
Record = tuple[str, str | None, str | None, str | None]


def request(
    customer_id: str | None = None, email: str | None = None, phone: str | None = None, request_id: str = "r1"
) -> dict[str, object]:
    return {
        "request_id": request_id, "customer_id": customer_id, "email": email, "phone": phone, "requested_at": ASKED_AT,
    }  # fmt: skip


def frame(schema: pl.Schema, rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame([{**dict.fromkeys(schema), **row} for row in rows], schema=schema)


def customers(*records: Record) -> pl.DataFrame:
    rows = [dict(zip(("customer_id", "email", "phone", "country"), record, strict=True)) for record in records]
    return frame(pl.DataFrame(CrmCustomers.create_empty()).schema, rows)


def stones(
    *requests: dict[str, object], records: pl.DataFrame | None = None, key: str = KEY, country: str | None = "FR"
) -> pl.DataFrame:
    asked = frame(pl.DataFrame(ErasureRequests.create_empty()).schema, list(requests))
    ids = asked["customer_id"].drop_nulls()
    known = customers() if records is None else records
    return tombstones(
        asked,
        known.filter(pl.col("customer_id").is_in(ids.implode())),
        Compared(key, country),
        networks=NETWORKS,
    )


def left(rows: pl.DataFrame, erasures: pl.DataFrame, *, key: str = KEY, country: str | None = "FR") -> list[tuple]:
    canonical = with_canonical(rows, default_country=country)
    kept = without_erased(
        canonical,
        erased_marks(canonical, own_tombstones(canonical, key), erasures, Compared(key, country)),
    )
    return kept.select("customer_id", "email", "phone").rows()


JANE: Record = ("1", "jane@x.fr", "06 12 34 56 78", "FR")
#: 0612345678 as Japanese and Chinese keyboards write it.
FULL_WIDTH = "".join(chr(ord(digit) + 0xFEE0) for digit in "0612345678")
BOB: Record = ("2", "bob@x.fr", "06 99 99 99 99", "FR")


def test_an_erased_record_is_gone_and_the_others_stay() -> None:
    records = customers(JANE, BOB)
    assert left(records, stones(request("1"), records=records)) == [BOB[:3]]


def test_a_request_by_record_covers_its_addresses_under_every_other_record() -> None:
    records = customers(JANE, ("3", "JANE@X.FR", None, None), ("4", "bob@x.fr", "+33 6 12 34 56 78", "FR"))
    assert left(records, stones(request("1"), records=records)) == [("4", "bob@x.fr", None)]


@pytest.mark.parametrize("typed", ["jane@x.fr", "Jane@X.fr", " jane@x.fr ", "JANE@X.FR"])
def test_an_erased_email_stands_in_no_row_however_it_is_typed(typed: str) -> None:
    records = customers(("1", typed, None, "FR"), BOB)
    assert left(records, stones(request(email="JANE@x.fr"))) == [BOB[:3]]


@pytest.mark.parametrize(
    ("asked", "typed", "country"),
    [
        ("+33612345678", "06 12 34 56 78", "FR"),
        ("06 12 34 56 78", "+33 6 12 34 56 78", None),
        ("06 12 34 56 78", "0612345678", "France"),
        (FULL_WIDTH, "0612345678", "FR"),
        ("0612345678", FULL_WIDTH, "FR"),
        ("06.12.34.56.78", "0033612345678", None),
        ("+32 470 12 34 56", "0470 12 34 56", "Belgium"),
        ("+33612345678", "0612345678", "Atlantis"),
    ],
)
def test_an_erased_phone_stands_in_no_row_however_it_is_typed(asked: str, typed: str, country: str | None) -> None:
    records = customers(("1", None, typed, country), BOB)
    assert left(records, stones(request(phone=asked))) == [BOB[:3]]


def test_a_record_that_keeps_another_address_loses_the_erased_one_only() -> None:
    records = customers(JANE)
    assert left(records, stones(request(email="jane@x.fr"))) == [("1", None, "06 12 34 56 78")]
    assert left(records, stones(request(phone="0612345678"))) == [("1", "jane@x.fr", None)]
    full_width = customers(("1", "jane@x.fr", FULL_WIDTH, "FR"))
    assert left(full_width, stones(request(email="jane@x.fr"))) == [("1", None, FULL_WIDTH)]


def test_a_record_without_its_last_address_is_gone_but_not_one_that_never_had_any() -> None:
    records = customers(("1", "jane@x.fr", None, "FR"), ("2", None, None, "FR"))
    assert left(records, stones(request(email="jane@x.fr"))) == [("2", None, None)]


@pytest.mark.parametrize(
    ("email", "phone"),
    [
        ("None@None.com", "06 12 34 56 78"), ("no address", "06 12 34 56 78"), ("jane@x.fr", "0000000000"),
        ("jane@x.fr", "n/a"),
    ],
)  # fmt: skip
def test_a_filler_is_no_other_address_and_nobody_else_s(email: str, phone: str) -> None:
    filled = (("2", email, None, "FR"), ("3", None, phone, "FR"))
    stranger = next(record for record in filled if record[1] != "jane@x.fr" and record[2] != "06 12 34 56 78")
    records = customers(("1", email, phone, "FR"), stranger)
    asked = request(phone=phone) if email != "jane@x.fr" else request(email=email)
    for erased in (stones(asked, records=records), stones(request("1"), records=records)):
        assert left(records, erased) == [stranger[:3]]


@pytest.mark.parametrize("other", ["jane@x", "06 12", "\uff10\uff16 \uff11\uff12", "a1" * 32])
def test_an_address_that_is_no_match_key_is_somebody_s_all_the_same(other: str) -> None:
    records = customers(("1", other, "06 12 34 56 78", "FR"))
    assert left(records, stones(request(phone="0612345678"), records=records)) == [("1", other, None)]


@pytest.mark.parametrize("how", ["sha256", "sha1", "md5"])
def test_an_address_that_was_erased_as_its_digest_stands_nowhere_in_plain(how: str) -> None:
    digest = hashlib.new(how, b"jane@x.fr").hexdigest()
    records = customers(("1", digest.upper(), None, "FR"), ("2", " Jane@x.fr", "06 99 99 99 99", "FR"), BOB)
    erased = stones(request("1"), records=records)
    assert left(records, erased) == [("2", None, "06 99 99 99 99"), BOB[:3]]
    written = pl.Series(["JANE@x.fr", "bob@x.fr"])
    assert erased_addresses(written, erased, Compared(KEY, "FR")).to_list() == ["JANE@x.fr"]


def test_a_digest_in_hex_or_base64_of_an_erased_address_is_found_in_statements() -> None:
    erased = stones(request(email="jane@x.fr"))
    digest = hashlib.sha256(b"jane@x.fr").digest()
    written = [hashlib.md5(b"jane@x.fr").hexdigest().upper(), digest.hex(), base64.b64encode(digest).decode()]
    others = [hashlib.md5(b"bob@x.fr").hexdigest()]
    found = erased_addresses(pl.Series([*written, *others]), erased, Compared(KEY, "FR"))
    assert found.to_list() == written


@pytest.mark.parametrize("written", ["Jane <Jane@x.fr>", "bob@x.fr; jane@x.fr", "ask jane@x.fr", "mailto:jane@x.fr"])
def test_an_erased_address_is_found_in_statements_whatever_stands_around_it(written: str) -> None:
    for asked in (request(email="jane@x.fr"), request(email=hashlib.sha256(b"jane@x.fr").hexdigest())):
        typed = pl.Series([written, written.replace("ane@x.fr", "ana@x.fr"), "06 12 34 56 78"])
        assert erased_addresses(typed, stones(asked), Compared(KEY, "FR")).to_list() == [written]


def test_an_email_in_a_phone_column_and_a_phone_in_an_email_column_are_erased_too() -> None:
    records = customers(("1", None, "jane@x.fr", "FR"), ("2", "06 12 34 56 78", None, "FR"), BOB)
    erased = stones(request(email="jane@x.fr"), request(phone="+33612345678", request_id="r2"))
    assert left(records, erased) == [BOB[:3]]


def test_no_request_changes_nothing() -> None:
    records = customers(JANE, BOB)
    assert stones().is_empty()
    assert left(records, stones()) == [JANE[:3], BOB[:3]]


def test_rows_without_an_identifier_stay_when_somebody_else_is_erased() -> None:
    erased = stones(request("1", "jane@x.fr"))
    addresses = pl.Series(["bob@x.fr", "jane@x.fr"])
    assert erased_addresses(addresses, erased, Compared(KEY, "FR")).to_list() == ["jane@x.fr"]
    assert erased_values(pl.Series(["1", "2"]), "customer_id", erased, KEY).to_list() == ["1"]


@pytest.mark.parametrize(
    ("erased", "typed"),
    [
        ("+32470123456", "0470 12 34 56"),
        ("+32470123456", "(0)470/12.34.56"),
        ("+32470123456", "\uff10\uff14\uff17\uff10 \uff11\uff12 \uff13\uff14 \uff15\uff16"),
        ("+493012345678", "030 12345678"),
        ("+36301234567", "06 30 123 4567"),
        ("+14155550132", "(415) 555-0132"),
        ("+5491123456789", "011 15 2345-6789"),
    ],
)
@pytest.mark.parametrize("country", ["FR", None])
def test_a_form_has_an_erased_phone_as_it_is_written_in_its_own_country(
    erased: str, typed: str, country: str | None
) -> None:
    asked = stones(request(phone=erased), country=country)
    others = ["jane@x.fr", "+33 6 12 34 56 78", "0611111111", "9123456", "call me", "++"]
    found = erased_addresses(pl.Series([typed, *others]), asked, Compared(KEY, country))
    assert found.to_list() == [typed]


# What is kept


def test_a_tombstone_is_kept_for_every_form_in_which_a_network_sees_the_address_or_a_form_has_it() -> None:
    forms = set(stones(request(email="jane@x.fr", phone="0612345678"))["form"])
    seen_by_networks = {column.name for column in COLUMNS if column.kind in {"email", "phone"}}
    held_as_digests = {"digest_sha256", "digest_sha1", "digest_md5"}
    # A CRM may take the e-mail for the customer's id.
    assert forms == {"customer_id", "email", "phone", "phone_ending"} | seen_by_networks | held_as_digests


def test_name_and_place_of_an_erased_record_are_refused_however_it_was_asked_for() -> None:
    place = {"first_name": "Jane", "last_name": "Doe", "postal_code": "75011", "country": "FR"}
    schema = pl.DataFrame(CrmCustomers.create_empty()).schema
    record = frame(schema, [{"customer_id": "1", "email": "jane@x.fr", **place}])
    forms = {}
    for name, asked in {"record": request("1"), "e-mail": request(email="jane@x.fr")}.items():
        erased = tombstones(
            frame(pl.DataFrame(ErasureRequests.create_empty()).schema, [asked]),
            record,
            Compared(KEY, "FR"),
            networks=NETWORKS,
        )
        forms[name] = set(erased.select("form", "tombstone").iter_rows())
    assert len({form for form, _ in forms["record"]}) > 3
    assert forms["record"] < forms["e-mail"]
    assert {form for form, _ in forms["e-mail"] - forms["record"]} == {"customer_id"}


def test_an_address_that_a_network_takes_for_the_erased_one_is_refused_there_only() -> None:
    erased = stones(request(email="jane.doe+shop@gmail.com"))
    twin = pl.Series(["janedoe@gmail.com", "jane.doe+shop@gmail.com", "john@gmail.com"])
    refused = {
        column.name: hashed_address(twin, column).is_in(
            erased_values(hashed_address(twin, column), column.name, erased, KEY).implode()
        ).to_list()
        for column in COLUMNS
        if column.kind == "email"
    }  # fmt: skip
    assert refused == {"email_google_sha256": [True, True, False], "email_plain_sha256": [False, True, False]}


@settings(max_examples=15, deadline=None)
@given(
    name=st.from_regex(r"[a-z]{6,12}", fullmatch=True),
    digits=st.from_regex(r"6[0-9]{8}", fullmatch=True),
    customer_id=st.from_regex(r"[A-Z]{8}", fullmatch=True),
)
def test_tombstones_reveal_nothing(name: str, digits: str, customer_id: str) -> None:
    email = f"{name}@example.com"
    erased = stones(request(customer_id, email, f"+33{digits}"))
    assert CrmErasures.is_valid(erased)
    kept = str(erased.rows())
    assert not any(secret in kept for secret in (name, digits, customer_id))
    assert erased["tombstone"].str.contains("^[0-9a-f]{64}$").all()
    hashes = {value for column in COLUMNS if column.kind == "email"
              for value in hashed_address(pl.Series([email]), column)}  # fmt: skip
    assert not hashes & set(erased["tombstone"])


def test_the_same_address_has_another_tombstone_under_another_key_and_in_another_form() -> None:
    ours, theirs = stones(request(email="jane@x.fr")), stones(request(email="jane@x.fr"), key="6" * 64)
    assert not set(ours["tombstone"]) & set(theirs["tombstone"])
    assert ours["tombstone"].n_unique() == ours.height


def test_the_same_request_makes_the_same_tombstones_every_night() -> None:
    asked = (request("1"), request(email="jane@x.fr", request_id="r2"))
    assert stones(*asked, records=customers(JANE)).equals(stones(*reversed(asked), records=customers(JANE)))


def test_tombstones_of_another_home_erase_nobody() -> None:
    assert left(customers(JANE), stones(request("1", "jane@x.fr")), key="6" * 64) == [JANE[:3]]


def test_requests_keep_their_name_and_date() -> None:
    erased = stones(request(email="jane@x.fr"), request(email="bob@x.fr", request_id="r2"))
    assert set(erased["request_id"]) == {"r1", "r2"}
    assert set(erased["requested_at"]) == {ASKED_AT}


def test_a_phone_that_is_no_number_is_an_address_too() -> None:
    def named(asked: dict[str, object], phone: str | None) -> pl.DataFrame:
        asks = frame(pl.DataFrame(ErasureRequests.create_empty()).schema, [asked])
        record = customers(("1", "jane@x.fr", phone, "FR"))
        return tombstones(asks, record, Compared(KEY, "FR"), networks=NETWORKS)

    # Who has another address has not asked for the whole record.
    record = named(request("1"), None).filter(form="customer_id")["tombstone"].item()
    assert record in named(request(email="jane@x.fr"), None)["tombstone"]
    assert record not in named(request(email="jane@x.fr"), "12 34")["tombstone"]
    # It is forgotten with the record, wherever a form has it.
    erasures = named(request("1"), "12 34")
    typed = pl.Series(["12-34", "12 35", "jane@x.fr"])
    gone = erased_addresses(typed, erasures, Compared(KEY, "FR"))
    assert gone.to_list() == ["12-34", "jane@x.fr"]


@pytest.mark.parametrize(
    ("email", "phone"),
    [
        ("Jane <jane@x.fr>", None),
        ("jane@x.fr, al@x.fr", None),
        ("al@x.fr; jane@x.fr", None),
        ("al@x.fr", "mailto:jane@x.fr"),
        ("al@x.fr", hashlib.sha256(b"jane@x.fr").hexdigest()),
        (None, f"{hashlib.sha256(b'al@x.fr').hexdigest()}, {hashlib.sha256(b'jane@x.fr').hexdigest()}"),
        (base64.b64encode(hashlib.sha256(b"jane@x.fr").digest()).decode(), None),
    ],
)
def test_a_request_by_record_covers_its_email_whatever_stands_around_it_and_wherever(
    email: str, phone: str | None
) -> None:
    records = customers(("1", email, phone, "FR"), ("2", "Jane@x.fr", "06 12 34 56 78", "FR"), BOB)
    assert left(records, stones(request("1"), records=records)) == [("2", None, "06 12 34 56 78"), BOB[:3]]


def test_a_request_by_record_covers_a_phone_that_stands_where_the_email_belongs() -> None:
    records = customers(("1", "06 12 34 56 78", None, "FR"), ("2", "jane@x.fr", "+33612345678", "FR"))
    assert left(records, stones(request("1"), records=records)) == [("2", "jane@x.fr", None)]
