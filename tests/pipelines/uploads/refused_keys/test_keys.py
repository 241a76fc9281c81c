"""Refused keys: what a network would match somebody by who must not be matched, whoever's row it stands in."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime

import polars as pl
import pytest

from pipelines.customers.consent_rules import ConsentRules, instant_of
from pipelines.customers.customers import customers
from pipelines.customers.people import people
from pipelines.customers.permissions import decisions
from pipelines.customers.records import canonical_records
from pipelines.customers.refused_emails import REFUSED_EMAILS
from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.identifiers import identifiers
from pipelines.tombstones.erased import erased_marks, own_tombstones, without_erased
from pipelines.tombstones.tombstones import Compared, tombstones
from pipelines.uploads.refused_keys.keys import refused_keys
from pipelines.uploads.rows.audience_rows import AudienceRows, audience_rows
from pipelines.uploads.rows.lost import Lost
from schemas.crm import CrmConsents, CrmCustomers, CrmErasures, ErasureRequests
from schemas.network import match_columns, networks
from schemas.settings import Settings
from schemas.uploads import RefusedKeys
from tests.pipelines.uploads.helpers import lost_on, of_any_size, people_of

IDENTITY_KEY = "a1" * 32
SETTINGS = Settings(currency="EUR", default_country="FR")
NETWORKS = {name: of_any_size(networks()[name].allowing(())) for name in ("google_ads", "meta")}
COLUMNS = match_columns(NETWORKS.values())
AS_OF = date(2024, 6, 30)
NO_EMAILS = pl.DataFrame(schema=REFUSED_EMAILS)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def crm(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(CrmCustomers.create_empty().schema))


def granted(*customer_ids: str, network: str | None = None) -> list[dict[str, object]]:
    captured = datetime(2024, 1, 1, tzinfo=UTC)
    return [
        {
            "customer_id": customer_id,
            "purpose": purpose,
            "status": "granted",
            "captured_at": captured,
            "network": network,
        }
        for customer_id in customer_ids
        for purpose in ("ads_upload", "ads_personalization")
    ]


def erased(*requests: dict[str, object], records: pl.DataFrame) -> pl.DataFrame:
    """`CrmErasures` of requests, given the CRM as it was."""
    numbered = [
        {"request_id": f"q{number}", "requested_at": datetime(2024, 1, 1, tzinfo=UTC), **request}
        for number, request in enumerate(requests)
    ]
    return tombstones(
        pl.DataFrame(numbered, schema=dict(ErasureRequests.create_empty().schema)),
        records,
        Compared(IDENTITY_KEY, "FR"),
        networks=NETWORKS,
    )


def audiences(
    records: pl.DataFrame, consents: list[dict[str, object]], erasures: pl.DataFrame | None = None
) -> tuple[dict[str, AudienceRows], pl.DataFrame]:
    """Everybody's rows on each network, and the refused keys, by way of all stages."""
    erasures = pl.DataFrame(CrmErasures.create_empty()) if erasures is None else erasures
    canonical = with_canonical(records, default_country=SETTINGS.default_country)
    kept = without_erased(
        canonical,
        erased_marks(
            canonical,
            own_tombstones(canonical, IDENTITY_KEY),
            erasures,
            Compared(IDENTITY_KEY, "FR"),
        ),
    )
    persons = people(
        canonical_records(kept, SETTINGS.joining),
        SETTINGS.joining,
        identity_key=IDENTITY_KEY,
    )
    statements = pl.DataFrame(consents, schema=dict(CrmConsents.create_empty().schema))
    decided = decisions(
        persons,
        customers(persons),
        statements,
        ConsentRules(NETWORKS, SETTINGS, instant_of(statements["captured_at"].max(), SETTINGS, AS_OF)),
    )
    permitted = decided.permissions
    held = identifiers(persons, COLUMNS)
    refused = refused_keys(held, permitted, erasures, NETWORKS, IDENTITY_KEY, NO_EMAILS)
    RefusedKeys.validate(refused)
    rows = {
        name: audience_rows(
            customers(persons).select("person_id"),
            people_of(permitted.filter(network=name), held, network, refused=refused.filter(network=name)),
            network,
            Lost(lost_on(decided.refusals, name), {}),
        )
        for name, network in NETWORKS.items()
    }
    return rows, refused


def keys_of(rows: dict[str, AudienceRows], network: str) -> set[tuple[str, str]]:
    return set(rows[network].keys.iter_rows())


JANE = {"customer_id": "jane", "email": "jane.doe@gmail.com", "first_name": "Jane"}
TWIN = {"customer_id": "twin", "email": "janedoe@gmail.com", "first_name": "Jo"}


def test_one_box_at_gmail_is_dropped_for_google_and_kept_for_meta() -> None:
    rows, refused = audiences(crm(JANE, TWIN), granted("twin"))
    assert refused.rows() == [("google_ads", "email", sha256("janedoe@gmail.com"))]
    assert keys_of(rows, "google_ads") == set()
    assert rows["google_ads"].ledger.dropped["key_refused"] == 1
    assert keys_of(rows, "meta") == {("email", sha256("janedoe@gmail.com"))}


def test_both_permitted_nothing_is_refused() -> None:
    rows, refused = audiences(crm(JANE, TWIN), granted("jane", "twin"))
    assert refused.is_empty()
    assert keys_of(rows, "google_ads") == {("email", sha256("janedoe@gmail.com"))}


def test_a_key_that_only_refused_people_hold_is_in_no_row_and_not_listed() -> None:
    rows, refused = audiences(crm(JANE, TWIN), [])
    assert refused.is_empty()
    assert [audience.ledger.file_rows for audience in rows.values()] == [0, 0]


COUPLE = (
    {"customer_id": "jane", "email": "us@example.com", "first_name": "Jane", "phone": "+33612345678"},
    {"customer_id": "john", "email": "us@example.com", "first_name": "John", "phone": "+33687654321"},
)


def test_of_a_couple_the_shared_address_is_sent_only_if_both_allow_it() -> None:
    both, _ = audiences(crm(*COUPLE), granted("jane", "john"))
    one, refused = audiences(crm(*COUPLE), granted("jane"))
    assert ("email", sha256("us@example.com")) in keys_of(both, "meta")
    assert keys_of(one, "meta") == {("phone", sha256("33612345678"))}
    assert keys_of(one, "google_ads") == {("phone", sha256("+33612345678"))}
    assert set(refused.rows()) == {(network, "email", sha256("us@example.com")) for network in NETWORKS}


def test_a_refusal_for_one_network_takes_the_key_out_there_only() -> None:
    rows, refused = audiences(crm(*COUPLE), [*granted("jane"), *granted("john", network="meta")])
    assert ("email", sha256("us@example.com")) in keys_of(rows, "meta")
    assert keys_of(rows, "google_ads") == {("phone", sha256("+33612345678"))}
    assert refused.rows() == [("google_ads", "email", sha256("us@example.com"))]


def test_a_shared_phone_is_refused_as_the_network_sees_it() -> None:
    rows, refused = audiences(
        crm(
            {"customer_id": "jane", "email": "jane@example.com", "phone": "06 12 34 56 78"},
            {"customer_id": "john", "email": "john@example.com", "phone": "+33612345678"},
        ),
        granted("jane"),
    )
    assert set(refused.rows()) == {
        ("google_ads", "phone", sha256("+33612345678")),
        ("meta", "phone", sha256("33612345678")),
    }
    assert keys_of(rows, "meta") == {("email", sha256("jane@example.com"))}


DOE = {"first_name": "Jane", "last_name": "Doe", "postal_code": "75001", "country": "FR"}
DOES_ADDRESS = "\t".join([sha256("jane"), sha256("doe"), "FR", "75001"])


def test_a_mailing_address_that_a_refused_person_has_too_is_not_sent_to_google() -> None:
    records = crm(
        {"customer_id": "jane", "email": "jane@example.com", **DOE},
        {"customer_id": "other", "email": "other@example.com", **DOE, "first_name": "JANE"},
    )
    rows, refused = audiences(records, granted("jane"))
    assert refused.rows() == [("google_ads", "address", DOES_ADDRESS)]
    assert keys_of(rows, "google_ads") == {("email", sha256("jane@example.com"))}
    assert rows["google_ads"].lists[0].rows.select("First Name 1", "Zip 1").row(0) == (None, None)
    assert keys_of(rows, "meta") == {("email", sha256("jane@example.com"))}


def test_a_mailing_address_of_any_record_of_a_refused_person_is_not_sent_to_google() -> None:
    """The network knows the person by the address that they had before they moved as well."""
    moved = {**DOE, "postal_code": "69002", "updated_at": datetime(2024, 6, 1, tzinfo=UTC)}
    records = crm(
        {"customer_id": "jane", "email": "jane@example.com", **DOE},
        {"customer_id": "moved", "email": "jane@example.com", **moved},
        {"customer_id": "other", "email": "other@example.com", **DOE},
    )
    rows, refused = audiences(records, granted("other"))
    assert refused.rows() == [("google_ads", "address", DOES_ADDRESS)]
    assert keys_of(rows, "google_ads") == {("email", sha256("other@example.com"))}
    both, _ = audiences(records, granted("jane", "moved", "other"))
    sent = both["google_ads"].lists[0].rows.filter(pl.col("Zip 1").is_not_null())
    assert sorted(sent["Zip 1"]) == ["69002", "75001"]


@pytest.mark.parametrize("part", [{"first_name": "Ann"}, {"last_name": "Roe"}, {"postal_code": "75002"}])
def test_another_mailing_address_is_sent_though_parts_of_it_are_a_refused_persons(part: dict[str, object]) -> None:
    records = crm(
        {"customer_id": "jane", "email": "jane@example.com", **DOE},
        {"customer_id": "other", "email": "other@example.com", **DOE, **part},
    )
    rows, refused = audiences(records, granted("jane"))
    assert refused.is_empty()
    assert ("address", DOES_ADDRESS) in keys_of(rows, "google_ads")


def test_an_erased_persons_address_is_refused_in_every_form() -> None:
    records = crm(JANE, TWIN)
    rows, refused = audiences(records, granted("twin"), erased({"customer_id": "jane"}, records=records))
    assert refused.rows() == [("google_ads", "email", sha256("janedoe@gmail.com"))]
    assert keys_of(rows, "google_ads") == set()
    assert keys_of(rows, "meta") == {("email", sha256("janedoe@gmail.com"))}


@pytest.mark.parametrize(
    "request_", [{"email": " US@Example.com"}, {"phone": "06 12 34 56 78"}, {"customer_id": "jane"}]
)
def test_an_erased_address_is_in_nobodys_row(request_: dict[str, object]) -> None:
    records = crm(
        {"customer_id": "jane", "email": "us@example.com", "phone": "+33612345678", "first_name": "Jane"},
        {"customer_id": "john", "email": "us@example.com", "phone": "+33612345678", "first_name": "John"},
    )
    rows, _ = audiences(records, granted("jane", "john"), erased(request_, records=records))
    gone = {"email", "phone"} & set(request_) or {"email", "phone"}
    for name in NETWORKS:
        assert not {key for key, _ in keys_of(rows, name)} & gone


def test_an_erased_persons_mailing_address_is_not_sent_from_another_record() -> None:
    records = crm(
        {"customer_id": "jane", "email": "jane@example.com", **DOE},
        {"customer_id": "again", "email": "new@example.com", **DOE},
    )
    rows, _ = audiences(records, granted("again"), erased({"customer_id": "jane"}, records=records))
    assert keys_of(rows, "google_ads") == {("email", sha256("new@example.com"))}


def test_tombstones_made_with_another_identity_key_refuse_nobody() -> None:
    held = pl.DataFrame({"person_id": ["twin"]}).with_columns(
        pl.lit(None, dtype=pl.String).alias(column.name) for column in COLUMNS
    )
    held = held.with_columns(email_google_sha256=pl.lit(sha256("janedoe@gmail.com")))
    permitted = pl.DataFrame({"person_id": ["twin"], "network": ["google_ads"], "assumed": [False]})
    stones = erased({"customer_id": "jane"}, records=crm(JANE))
    found = {
        key: refused_keys(held, permitted, stones, NETWORKS, key, NO_EMAILS).height for key in (IDENTITY_KEY, "b2" * 32)
    }
    assert found == {IDENTITY_KEY: 1, "b2" * 32: 0}
