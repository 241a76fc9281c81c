"""A request by record covers the person as records are joined everywhere, however far, and nobody who shares a line."""

from __future__ import annotations

import base64
import hashlib

import polars as pl
import pytest

from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.digests import HEX_LENGTHS, Digest
from pipelines.tombstones.covered import Covered, among, covered_by
from pipelines.tombstones.erased import erased_marks, own_tombstones
from pipelines.tombstones.tombstones import Compared, tombstones
from schemas.crm import CrmCustomers, ErasureRequests
from schemas.settings import Settings
from tests.pipelines.tombstones.test_met import erasures_of
from tests.pipelines.tombstones.test_tombstones import KEY, NETWORKS, frame, request

SETTINGS = Settings(currency="EUR", default_country="FR")


def covered(records: pl.DataFrame, *asked: str, how: Digest = "sha256", by: str = "customer_id") -> Covered:
    """What requests by these records, or addresses, cover; each is called after what it names. Some records may have a
    digest for an e-mail."""
    customers = with_canonical(records, default_country="FR", prehashed={"email": how})
    stones = erasures_of({by: list(asked)}, records)
    marks = erased_marks(customers, own_tombstones(customers, KEY), stones, Compared(KEY, "FR"))
    return covered_by(
        customers,
        marks,
        stones,
        settings=SETTINGS,
        networks=NETWORKS,
        identity_key=KEY,
        whole=lambda ids: customers.filter(pl.col("customer_id").is_in(ids.implode())),
        having=among(customers),
    )


def crm(*records: tuple[str, str | None, str | None]) -> pl.DataFrame:
    """Records of customer_id, email, phone; all have one family name and no country."""
    schema = pl.DataFrame(CrmCustomers.create_empty()).schema
    names = ("customer_id", "email", "phone")
    return frame(schema, [{**dict(zip(names, each, strict=True)), "last_name": "Zquist"} for each in records])


def pairs(found: Covered) -> set[tuple[str, str]]:
    return set(found.records.select("request_id", "customer_id").iter_rows())


def test_records_are_followed_from_one_shared_address_to_the_next() -> None:
    chain = crm(
        ("a", "one@x.fr", None), ("b", "one@x.fr", "06 12 34 56 78"), ("c", "two@x.fr", "0612345678"),
        ("d", "TWO@x.fr", None), ("other", "three@x.fr", "06 99 99 99 99"),
    )  # fmt: skip
    assert pairs(covered(chain, "a")) == {("r-a", name) for name in "abcd"}


@pytest.mark.parametrize("how", HEX_LENGTHS)
@pytest.mark.parametrize("asked", "abc")
def test_a_record_with_the_digest_of_an_email_is_of_whoever_has_the_email(how: Digest, asked: str) -> None:
    one, three = (hashlib.new(how, email).hexdigest() for email in (b"one@x.fr", b"three@x.fr"))
    records = crm(
        ("a", "One@x.fr", None), ("b", one.upper(), "06 12 34 56 78"), ("c", None, "0612345678"),
        ("other", three, "06 99 99 99 99"),
    )  # fmt: skip
    assert pairs(covered(records, asked, how=how)) == {(f"r-{asked}", name) for name in "abc"}


@pytest.mark.parametrize("how", HEX_LENGTHS)
def test_a_request_by_an_email_covers_who_has_only_its_digest_and_one_by_a_digest_who_has_only_the_email(
    how: Digest,
) -> None:
    one = hashlib.new(how, b"one@x.fr").hexdigest()
    records = crm(("a", "One@x.fr", None), ("b", one.upper(), None), ("c", one, "06 12 34 56 78"))
    for asked in ("one@x.fr", one):
        assert pairs(covered(records, asked, how=how, by="email")) == {(f"r-{asked}", name) for name in "ab"}


@pytest.mark.parametrize("many", [False, True])
def test_an_email_that_too_many_have_is_nobody_s_by_its_digest_either(many: bool) -> None:
    records = SETTINGS.joining.shared_by_more_than + many
    digest = hashlib.sha256(b"one@x.fr").hexdigest()
    emails = ["one@x.fr", *[digest] * (records - 1)]
    found = pairs(covered(crm(*((f"{number}", email, None) for number, email in enumerate(emails))), "0", "1", "2"))
    everybody = {str(number) for number in range(records)}
    assert found == {(f"r-{name}", each) for name in "012" for each in ({name} if many else everybody)}


@pytest.mark.parametrize("many", [False, True])
def test_an_address_of_too_many_records_makes_them_nobody_s_relatives(many: bool) -> None:
    records = SETTINGS.joining.shared_by_more_than + many
    found = pairs(covered(crm(*((f"{number}", None, "06 12 34 56 78") for number in range(records))), "0", "1"))
    everybody = {str(number) for number in range(records)}
    assert found == {(f"r-{name}", each) for name in "01" for each in ({name} if many else everybody)}


def test_every_form_of_what_a_covered_record_holds_is_forbidden_as_if_the_record_had_asked() -> None:
    records = crm(("a", "one@x.fr", None), ("b", "one@x.fr", "06 12 34 56 78"))
    found = covered(records, "a").tombstones.select("request_id", "form", "tombstone")
    phone = frame(
        pl.DataFrame(ErasureRequests.create_empty()).schema, [request(phone="+33612345678", request_id="r-a")]
    )
    nobody = pl.DataFrame(CrmCustomers.create_empty())
    wanted = tombstones(phone, nobody, Compared(KEY, None), networks=NETWORKS)
    assert wanted.select(found.columns).join(found, on=found.columns, how="anti").is_empty()
    known = erasures_of({"customer_id": ["a"]}, records)
    assert found.join(known, on=found.columns, how="semi").is_empty(), "they are kept already"


@pytest.mark.parametrize(
    ("by", "asked", "record"),
    [
        ("email", "one@x.fr", ("a", base64.b64encode(hashlib.sha256(b"one@x.fr").digest()).decode(), None)),
        ("email", "one@x.fr", ("a", "Ann <one@x.fr>", None)),
        ("email", "one@x.fr", ("a", None, "one@x.fr")),
        ("phone", "+33612345678", ("a", "06 12 34 56 78", None)),
    ],
)
def test_a_record_that_goes_for_its_only_address_is_counted_however_that_is_written(
    by: str, asked: str, record: tuple[str, str | None, str | None]
) -> None:
    kept = ("kept", "two@x.fr", "06 12 34 56 78") if by == "phone" else ("kept", "one@x.fr", "06 99 99 99 99")
    assert pairs(covered(crm(record, kept), asked, by=by)) == {(f"r-{asked}", "a")}
