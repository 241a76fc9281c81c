"""A column of ready-made digests: of use where declared and where the form is the plain one; refusals reach it."""

from __future__ import annotations

import base64
import hashlib

import polars as pl
import pytest

from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.identifiers import identifier_refusals, identifiers
from pipelines.tombstones.erased import erased_marks, own_tombstones, without_erased
from pipelines.tombstones.tombstones import Compared, tombstones
from schemas.crm import CrmCustomers, ErasureRequests
from schemas.identifiers import FORMS, MatchColumn
from schemas.network import networks
from schemas.settings import Joining

KEY = "a1" * 32
EMAIL = "jane@example.com"
DIGESTS = {how: hashlib.new(how, EMAIL.encode()).hexdigest() for how in ("sha256", "sha1", "md5")}
COLUMNS = tuple(MatchColumn("email", form, "sha256") for form in FORMS["email"])


def canonical(*emails: str, prehashed: dict[str, str] | None) -> pl.DataFrame:
    rows = [{"customer_id": f"c{number}", "email": email} for number, email in enumerate(emails)]
    crm = pl.DataFrame(rows, schema=dict(CrmCustomers.create_empty().schema))
    return with_canonical(crm, default_country=None, prehashed=prehashed)


def records(*emails: str, prehashed: dict[str, str] | None) -> pl.DataFrame:
    joining = Joining()
    return people(canonical_records(canonical(*emails, prehashed=prehashed), joining), joining, identity_key=KEY)


def test_a_declared_digest_reaches_the_plain_form_and_no_other() -> None:
    found = identifiers(records(DIGESTS["sha256"].upper(), prehashed={"email": "sha256"}), COLUMNS)
    shown = found.row(0, named=True)
    assert {column.form: shown[column.name] for column in COLUMNS if shown[column.name]} == {"plain": DIGESTS["sha256"]}


@pytest.mark.parametrize("how", ["sha256", "sha1", "md5"])
@pytest.mark.parametrize("around", ["0x{}", r"\x{}", "{how}:{}", '"{}"', " {} "])
def test_a_declared_digest_is_the_same_however_a_database_prints_it(how: str, around: str) -> None:
    column = MatchColumn("email", "plain", how)
    held = records(around.format(DIGESTS[how].upper(), how=how), prehashed={"email": how})
    assert identifiers(held, (column,))[column.name].to_list() == [DIGESTS[how]]


def test_a_declared_digest_in_base64_is_the_one_in_hex() -> None:
    column = MatchColumn("email", "plain", "sha256")
    held = records(base64.b64encode(bytes.fromhex(DIGESTS["sha256"])).decode(), prehashed={"email": "sha256"})
    assert identifiers(held, (column,))[column.name].to_list() == [DIGESTS["sha256"]]


def test_a_declared_digest_has_the_same_base64_as_the_address() -> None:
    column = MatchColumn("email", "plain", "sha256_base64")
    both = [
        identifiers(records(email, prehashed={"email": "sha256"}), (column,))[column.name].item()
        for email in (EMAIL, DIGESTS["sha256"])
    ]
    assert both[0] == both[1]


@pytest.mark.parametrize("how", ["sha256", "sha1", "md5"])
@pytest.mark.parametrize("text", ["", " ", "null", "N/A"])
def test_a_declared_digest_of_nothing_is_nobody_s_address(how: str, text: str) -> None:
    nothing = hashlib.new(how, text.encode()).hexdigest()
    held = records(nothing, nothing.upper(), DIGESTS[how], prehashed={"email": how})
    assert held["person_id"].n_unique() == 3
    refused = identifier_refusals(held).select("identifier", "refusal", "records").rows()
    assert refused == [("email", "placeholder", 1)] * 2
    column = MatchColumn("email", "plain", how)
    assert identifiers(held, (column,))[column.name].drop_nulls().to_list() == [DIGESTS[how]]


@pytest.mark.parametrize("prehashed", [None, {"email": "md5"}, {"email": "sha1"}])
def test_an_undeclared_digest_is_dropped_and_counted(prehashed: dict[str, str] | None) -> None:
    held = records(DIGESTS["sha256"], prehashed=prehashed)
    assert identifiers(held, COLUMNS).is_empty()
    assert identifier_refusals(held).select("identifier", "refusal", "records").rows() == [
        ("email", "already_hashed", 1)
    ]


@pytest.mark.parametrize("how", DIGESTS)
def test_erasing_the_address_erases_its_digest(how: str) -> None:
    held = canonical(DIGESTS[how], "john@example.com", prehashed={"email": how})
    request = {"request_id": "r", "requested_at": None, "email": EMAIL}
    stones = tombstones(
        pl.DataFrame([request], schema=dict(ErasureRequests.create_empty().schema)),
        pl.DataFrame(schema=dict(CrmCustomers.create_empty().schema)),
        Compared(KEY, None),
        networks=networks(),
    )
    kept = without_erased(held, erased_marks(held, own_tombstones(held, KEY), stones, Compared(KEY, None)))
    assert kept["email"].to_list() == ["john@example.com"]


def test_what_is_refused_is_counted_by_reason_and_what_was_not_given_is_not() -> None:
    held = records("none@none.com", "x", "", EMAIL, prehashed=None)
    assert sorted(identifier_refusals(held)["refusal"]) == ["not_an_email", "placeholder"]
