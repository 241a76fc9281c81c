"""From a CRM record to the columns that networks match on, with the digests that networks publish."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.identifiers import identifiers
from pipelines.identifiers.matching import hashed_address, with_match_columns
from schemas.crm import CrmCustomers
from schemas.customers import PersonRecords
from schemas.identifiers import FORMS, Hash, Identifiers, MatchColumn
from schemas.network import match_columns, networks
from schemas.settings import Joining, Settings

VECTORS = Path(__file__).parents[4] / "shared" / "vectors"
#: Notes with one of these mark rows that are not to be scored (README of the vectors, section 1).
NOT_SCORED = (
    "HASH_MISMATCH", "CONTRADICTS", "WRONG", "SUSPECT", "do not imitate", "DOC TYPO", "CONSTRUCTED", "low confidence",
    "REAL_DIFFERS", "CONFLICTS", "not what the", "LIBRARY canonicalisation", "imitate only", "formatting disabled",
    "do not use", "docs want", "CONFLICT between", "QUESTIONABLE",
)  # fmt: skip

COLUMNS = match_columns(networks()[name].allowing(()) for name in ("google_ads", "meta"))
#: Joins nobody and shares nothing out, so that each record is looked at alone.
ALONE = Settings(
    currency="EUR", joining=Joining(rules=(("email", "phone", "last_name", "postal_code"),), shared_by_more_than=10_000)
)


def records_of(*rows: dict[str, object], settings: Settings = ALONE) -> pl.DataFrame:
    """`PersonRecords` of CRM rows; customer_id is c0, c1 … unless given."""
    numbered = [{"customer_id": f"c{number}", **row} for number, row in enumerate(rows)]
    crm = pl.DataFrame(numbered, schema=dict(CrmCustomers.create_empty().schema))
    return people(
        canonical_records(with_canonical(crm, default_country=settings.default_country), settings.joining),
        settings.joining,
        identity_key="a1" * 32,
    )


def one_person(*rows: dict[str, object]) -> pl.DataFrame:
    """Identifiers of records that are all one person's."""
    records = records_of(*rows)
    position = pl.Series("position", range(1, records.height + 1), dtype=pl.UInt32)
    ordered = records.sort("customer_id").with_columns(position, person_id=pl.lit("jane"))
    return identifiers(ordered, COLUMNS)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


#: How a field of the vectors is called here, and in which column each network has it.
FIELDS = {
    "email": ("email", {"meta": "email_plain_sha256", "google": "email_google_sha256"}),
    "phone": ("phone", {"meta": "phone_digits_sha256", "google": "phone_e164_sha256"}),
    "fn": ("first_name", {"meta": "first_name_letters_sha256", "google": "first_name_untitled_sha256"}),
    "ln": ("last_name", {"meta": "last_name_letters_sha256", "google": "last_name_untitled_sha256"}),
    "zip": ("postal_code", {"meta": "postal_code_compact_sha256", "google": "postal_code_trimmed"}),
    "country": ("country", {"meta": "country_lower_sha256", "google": "country_upper"}),
}


def published() -> list[dict[str, object]]:
    """Rows for Meta and Google that are to be scored."""
    names = ("google_docs", "google_docs_audience_members", "google_data_manager_java", "meta_docs")
    paths = [VECTORS / f"{name}.jsonl" for name in names]
    if not all(path.exists() for path in paths):
        return []
    rows = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["field"] in FIELDS and is_scored(row)]


def is_scored(row: dict[str, object]) -> bool:
    context = row["context"] or {}
    if any(token in str(row["note"]) for token in NOT_SCORED):
        return False
    # Google's formatter puts a plus in front of any digits; the README's verdict is to drop a phone of no country.
    of_no_country = row["field"] == "phone" and "+" not in row["input"] and "default_region" not in context
    # Meta's Conversions API shows a whole UK code, its customer lists take the sector: README, section 4.
    whole_uk_code = row["field"] == "zip" and context.get("country") == "GB"
    # We know more names of countries than Google's formatter, which takes codes only: README, section 5.
    country_name = row["field"] == "country" and not row["valid"] and row["input"].strip().lower() in {"usa", "u s"}
    return not (of_no_country or whole_uk_code or country_name)


PUBLISHED = published()


@pytest.fixture(scope="module")
def matched() -> dict[str, dict[str, object]]:
    """What each published row's record gives, by customer_id."""
    rows = []
    for row in PUBLISHED:
        context = row["context"] or {}
        home = context.get("default_region") or context.get("country")
        rows.append({"country": home, FIELDS[row["field"]][0]: row["input"]})
    records = records_of(*rows)
    found = identifiers(records, COLUMNS).join(records.select("person_id", "customer_id"), on="person_id")
    merged = found.group_by("customer_id").agg(pl.col(column.name).drop_nulls().first() for column in COLUMNS)
    return {row["customer_id"]: row for row in merged.iter_rows(named=True)}


def expected_of(row: dict[str, object]) -> str | None:
    """What the column should show: SHA-256 in lower-case hex, or plain; sources print hex in either case or Base64."""
    if not row["valid"]:
        return None
    column = FIELDS[row["field"]][1][row["network"]]
    if not column.endswith("_sha256"):
        return row["normalized"]
    digest = row["hash"] or sha256(row["normalized"])
    return digest.lower() if len(digest) == 64 else base64.b64decode(digest).hex()


@pytest.mark.skipif(not PUBLISHED, reason=f"{VECTORS} is not there")
@pytest.mark.parametrize(
    ("number", "row"),
    [
        pytest.param(number, row, id=f"{row['network']} {row['field']} {number}: {row['input']}")
        for number, row in enumerate(PUBLISHED)
    ],
)
def test_a_published_value_has_the_published_digest(
    matched: dict[str, dict[str, object]], number: int, row: dict[str, object]
) -> None:
    column = FIELDS[row["field"]][1][row["network"]]
    assert matched.get(f"c{number}", {}).get(column) == expected_of(row)


@pytest.mark.parametrize(
    ("record", "column", "digest"),
    [
        (
            {"phone": "(650)555-1212", "country": "US"},
            "phone_digits_sha256",
            "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
        ),
        (
            {"phone": "+1 800 555 0100"},
            "phone_e164_sha256",
            "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30",
        ),
        (
            {"email": " John.Doe+News@Gmail.com "},
            "email_plain_sha256",
            "0bce3ed0bcbcc8d9dab97b42bf2ffa075b5782c10f543f0be1d8d53803efab15",
        ),
        (
            {"email": " John.Doe+News@Gmail.com "},
            "email_google_sha256",
            "06a240d11cc201676da976f7b49341181fd180da37cbe40a77432c0a366c80c3",
        ),
        (
            {"last_name": "O'Brien-Smith"},
            "last_name_letters_sha256",
            "16765783f9c8c8a3accf27f1abb877688cb5904c21a4a7afb5f125bcfcb246ba",
        ),
        (
            {"last_name": "O'Brien-Smith"},
            "last_name_untitled_sha256",
            "5349291f7c643970cc1b897c8ffb45a8b630e59c1fecc3d1e4dc8e292a7971a9",
        ),
        (
            {"postal_code": "90001-4656", "country": "USA"},
            "postal_code_compact_sha256",
            "9de3888231a1021acddcaa006b2f2a1ead5e245ae44a6b50e997afa9371e081e",
        ),
        ({"postal_code": "90001-4656", "country": "USA"}, "postal_code_trimmed", "90001-4656"),
        (
            {"country": "United States"},
            "country_lower_sha256",
            "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621",
        ),
        ({"country": "United States"}, "country_upper", "US"),
    ],
)
def test_one_person_has_each_networks_own_digest(record: dict[str, object], column: str, digest: str) -> None:
    assert one_person(record)[column].drop_nulls().to_list() == [digest]


@pytest.mark.parametrize(
    ("form", "digest"),
    [
        ("e164", "a8acc3a90a7b4e4dc65e93db9240ed26523050ef754d63b75b5161de76781436"),
        ("digits", "033134b911b137918338415ee3d20a064b24773d36a3b02e8b99fdd3fcd6b4cd"),
    ],
)
def test_a_phone_has_each_networks_own_digest(form: str, digest: str) -> None:
    # A number that Ofcom keeps for films: read from a record it would be refused as not valid.
    phone = pl.Series(["+447700900123"])
    assert hashed_address(phone, MatchColumn("phone", form, "sha256")).to_list() == [digest]


def test_identifiers_keep_their_contract_and_have_every_networks_columns() -> None:
    found = one_person({"email": "jane@example.com", "phone": "+33612345678", "last_name": "Doe"})
    Identifiers.validate(found.select(Identifiers.column_names()))
    assert found.columns == [*Identifiers.column_names(), *(column.name for column in COLUMNS)]
    assert all(found.schema[column.name] == pl.String for column in COLUMNS)


def test_every_declared_form_can_be_made() -> None:
    # The CRM's contract has neither an age nor a handle; a French number is none of the US or China.
    every = tuple(
        MatchColumn(name, form, how)
        for name, forms in FORMS.items()
        for form in forms
        for how in get_args(Hash)
        if name not in {"age", "social_handle"} and not form.startswith("national_")
    )
    record = records_of(
        {
            "email": "jane@example.com",
            "phone": "+33612345678",
            "first_name": "Jane",
            "last_name": "Doe",
            "postal_code": "75001",
            "country": "FR",
            "city": "Paris",
            "region": "Île-de-France",
            "birth_date": date(1990, 12, 31),
            "gender": "F",
            "mobile_ad_id": "EA7583CD-A667-48BC-B806-42ECB2B48606",
        }
    )
    found = identifiers(record, every)
    assert found.select(pl.col(column.name).drop_nulls().len() for column in every).row(0) == (1,) * len(every)


def test_a_row_holds_the_columns_of_its_kind_only() -> None:
    found = one_person({"email": "jane@example.com", "phone": "+33612345678", "last_name": "Doe", "country": "FR"})
    assert found["kind"].to_list() == ["email", "phone", "mailing_address"]
    for column in COLUMNS:
        others = found.filter(pl.col("kind") != column.kind)[column.name]
        assert others.null_count() == others.len()


def test_nobody_has_no_identifiers() -> None:
    found = identifiers(pl.DataFrame(PersonRecords.create_empty()), COLUMNS)
    assert found.is_empty()
    assert found.columns[-len(COLUMNS) :] == [column.name for column in COLUMNS]


def test_a_person_has_each_distinct_address_once_by_position() -> None:
    found = one_person(
        {"email": "b@example.com", "phone": "+33612345678"},
        {"email": " A@example.com"},
        {"email": "B@EXAMPLE.com", "phone": "06 12 34 56 78", "country": "FR"},
        {"email": "c@example.com", "phone": "+33687654321"},
    )
    emails = found.filter(kind="email").select("position", "email_plain_sha256").rows()
    phones = found.filter(kind="phone").select("position", "phone_e164_sha256").rows()
    assert emails == [(1, sha256("b@example.com")), (2, sha256("a@example.com")), (3, sha256("c@example.com"))]
    assert phones == [(1, sha256("+33612345678")), (2, sha256("+33687654321"))]


def test_two_people_may_have_the_same_address() -> None:
    records = records_of({"email": "us@example.com"}, {"email": "us@example.com"})
    found = identifiers(records, COLUMNS)
    assert found.select("position", "email_plain_sha256").rows() == [(1, sha256("us@example.com"))] * 2
    assert found["person_id"].n_unique() == 2


@pytest.mark.parametrize(
    "record",
    [
        {"email": "none@none.com"},
        {"email": "d4" * 32},
        {"email": "not an e-mail"},
        {"email": ""},
        {"phone": "0000000000", "country": None},
        {"phone": "0612345678"},
        {"phone": "call me"},
        {"first_name": "-"},
        {"postal_code": " "},
        {"country": "Atlantis"},
        {},
    ],
)
def test_what_is_refused_is_no_identifier(record: dict[str, object]) -> None:
    assert one_person(record).is_empty()


def test_an_address_shared_by_too_many_records_is_no_identifier() -> None:
    shared = [{"email": "info@example.com", "first_name": name} for name in ("Ann", "Bob", "Cid")]
    found = identifiers(
        records_of(*shared, settings=Settings(currency="EUR", joining=Joining(shared_by_more_than=2))), COLUMNS
    )
    assert "email" not in set(found["kind"])


def day(number: int) -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number)


DOE = {"first_name": "Jane", "last_name": "Doe", "postal_code": "75001", "country": "FR"}
ROE = {"first_name": "Jane", "last_name": "Roe", "postal_code": "6900", "country": "BE"}


@pytest.mark.parametrize(
    ("rows", "postal_code", "last_name"),
    [
        pytest.param([DOE, {**ROE, "country": None}], "75001", "doe", id="the most complete"),
        pytest.param([{**DOE, "first_name": None}, ROE], "6900", "roe", id="the most complete, though later"),
        pytest.param(
            [{**DOE, "updated_at": day(1)}, {**ROE, "updated_at": day(2)}], "6900", "roe", id="the newest update"
        ),
        pytest.param(
            [{**DOE, "updated_at": day(3)}, {**ROE, "created_at": day(2)}], "75001", "doe", id="or the newest creation"
        ),
        pytest.param([{**DOE, "created_at": day(1)}, ROE], "75001", "doe", id="a record without times is older"),
        pytest.param([DOE, ROE], "75001", "doe", id="equally complete and old: the earlier record"),
        pytest.param(
            [{**DOE, "postal_code": None, "updated_at": day(9)}, {**ROE, "updated_at": day(1)}],
            "6900",
            "roe",
            id="completeness before age",
        ),
        pytest.param([DOE, {**ROE, "postal_code": "n/a", "updated_at": day(9)}], "75001", "doe", id="n/a is nothing"),
    ],
)
def test_the_mailing_address_comes_from_one_record_only(
    rows: list[dict[str, object]], postal_code: str, last_name: str
) -> None:
    found = one_person(*rows).filter(kind="mailing_address", position=1)
    assert found.select("postal_code_trimmed", "last_name_untitled_sha256").rows() == [(postal_code, sha256(last_name))]


def test_the_mailing_addresses_of_a_persons_other_records_come_after_it_each_once() -> None:
    found = one_person(DOE, {**ROE, "updated_at": day(1)}, DOE, {**DOE, "postal_code": "13001"})
    rows = found.filter(kind="mailing_address").select("position", "postal_code_trimmed").rows()
    assert sorted(rows) == [(1, "6900"), (2, "75001"), (3, "13001")]


def test_parts_of_two_records_are_never_mixed() -> None:
    found = one_person({"first_name": "Jane", "last_name": "Doe"}, {"postal_code": "75001", "country": "FR"})
    parts = found.filter(kind="mailing_address").select("last_name_untitled_sha256", "postal_code_trimmed").rows()
    assert parts == [(sha256("doe"), None), (None, "75001")]


def test_blank_parts_do_not_make_a_record_complete() -> None:
    blank = {"first_name": "Jane", "last_name": " ", "postal_code": "-", "country": "FR", "updated_at": day(9)}
    found = one_person(blank, {"first_name": "Jane", "last_name": "Doe", "country": "FR"})
    assert found["last_name_untitled_sha256"].drop_nulls().to_list() == [sha256("doe")]


@pytest.mark.parametrize(
    ("record", "inferred"),
    [
        ({"phone": "06 12 34 56 78"}, True),
        ({"phone": "06 12 34 56 78", "country": "FR"}, False),
        ({"phone": "+33 6 12 34 56 78"}, False),
    ],
)
def test_a_phone_read_with_the_default_country_says_so(record: dict[str, object], *, inferred: bool) -> None:
    records = records_of(record, settings=Settings(currency="EUR", default_country="FR"))
    assert identifiers(records, COLUMNS).filter(kind="phone")["country_inferred"].to_list() == [inferred]
    assert not one_person({"email": "jane@example.com", "last_name": "Doe"})["country_inferred"].any()


@pytest.mark.parametrize(
    ("country", "phone", "number"),
    [
        pytest.param("Tschechei", "601 123 456", None, id="a country that nobody knows"),
        pytest.param("Tschechei", "+420 601 123 456", "+420601123456", id="with its calling code"),
        *(pytest.param(country, "601 123 456", "+33601123456", id=f"no country: {country!r}")
          for country in [None, "", " ", "-", "N/A", "null", "Unknown", "?", "Autre"]),
    ],
)  # fmt: skip
def test_only_a_record_that_names_no_country_has_phones_of_the_default_country(
    country: str | None, phone: str, number: str | None
) -> None:
    typed = pl.DataFrame(
        {"email": [None], "phone": [phone], "country": [country]},
        dict.fromkeys(("email", "phone", "country"), pl.String),
    )
    read = with_canonical(typed, default_country="FR")
    # The default reading stays, so that whoever forbids that number is heard.
    assert read["canonical_phone"].to_list() == [number or "+33601123456"]
    assert read["phone_refusal"].to_list() == [None if number else "unknown_country"]


def test_no_identifier_shows_the_raw_value() -> None:
    found = one_person({"email": "jane@example.com", "phone": "+33612345678", "first_name": "Jane", "last_name": "Doe"})
    text = found.write_csv().lower()
    assert not any(value in text for value in ("example.com", "33612345678", "doe"))


def test_match_columns_keep_the_rows_as_they_were() -> None:
    rows = pl.DataFrame({"email": ["b@example.com", None, "a@gmail.com", "b@example.com"], "number": [1, 2, 3, 4]})
    found = with_match_columns(rows, tuple(column for column in COLUMNS if column.kind == "email"))
    assert found.select(rows.columns).equals(rows)
    assert found["email_plain_sha256"].to_list() == [
        sha256("b@example.com"),
        None,
        sha256("a@gmail.com"),
        sha256("b@example.com"),
    ]


def test_an_address_on_its_own_has_the_same_hash_as_in_the_table() -> None:
    column = MatchColumn("email", "google", "sha256")
    assert hashed_address(pl.Series(["jane.doe@gmail.com", None]), column).to_list() == [
        sha256("janedoe@gmail.com"),
        None,
    ]


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "email": st.sampled_from([None, "a@example.com", "a.b+c@gmail.com", "ab@gmail.com", "none@none.com"]),
                "phone": st.sampled_from([None, "+33612345678", "+33687654321", "junk"]),
                "last_name": st.sampled_from([None, "Doe", "Zoë", "-"]),
                "country": st.sampled_from([None, "FR", "US"]),
                "postal_code": st.sampled_from([None, "75001", "90001-4656"]),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=15, deadline=None)
def test_positions_count_from_one_and_nothing_is_empty(rows: list[dict[str, object]]) -> None:
    found = one_person(*rows)
    for kind in ("email", "phone", "mailing_address"):
        positions = found.filter(kind=kind)["position"].to_list()
        assert positions == list(range(1, len(positions) + 1))
    values = found.select(column.name for column in COLUMNS)
    assert not any((values[name] == "").any() for name in values.columns)
    assert found.filter(~pl.any_horizontal(pl.col(values.columns).is_not_null())).is_empty()
    wanted = {row["email"] for row in rows} - {None, "none@none.com"}
    assert set(found["email_plain_sha256"].drop_nulls()) == {sha256(email) for email in wanted}


def test_a_phone_says_what_kind_of_line_it_is_and_an_address_by_how_many_it_is_shared() -> None:
    found = one_person({"email": "jane@example.com", "phone": "+33 6 12 34 56 78"})
    assert found.select("kind", "phone_type", "shared_by").rows() == [("email", None, 1), ("phone", "mobile", 1)]
    twice = identifiers(records_of({"email": "us@example.com"}, {"email": "us@example.com"}), COLUMNS)
    assert twice["shared_by"].to_list() == [2, 2]
