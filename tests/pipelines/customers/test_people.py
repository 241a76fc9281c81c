"""Records → people: who is joined, who is not, and that only what the rows say decides."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from pipelines.identifiers.canonical import with_canonical
from schemas.crm import CrmCustomers
from schemas.customers import CustomerRecords
from schemas.settings import Joining, Settings

IDENTITY_KEY = "a1" * 32
FRENCH = Settings(currency="EUR", default_country="FR")


def day(number: int) -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number)


def crm(*rows: dict[str, object]) -> pl.DataFrame:
    """`CrmCustomers`; customer_id is c1, c2 … unless given."""
    numbered = [{"customer_id": f"c{number}", **row} for number, row in enumerate(rows, start=1)]
    return pl.DataFrame(numbered, schema=dict(CrmCustomers.create_empty().schema))


def joined(frame: pl.DataFrame, settings: Settings = FRENCH) -> pl.DataFrame:
    return people(
        canonical_records(with_canonical(frame, default_country=settings.default_country), settings.joining),
        settings.joining,
        identity_key=IDENTITY_KEY,
    )


def who_is_who(records: pl.DataFrame) -> set[frozenset[str]]:
    """The people, each as the ids of their records."""
    return {frozenset(ids) for ids in records.group_by("person_id").agg("customer_id")["customer_id"].to_list()}


def together(*ids: str) -> frozenset[str]:
    return frozenset(ids)


MOBILE = "+33612345678"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"email": "jane@example.com"}, {"email": "jane@example.com"}, id="the same e-mail"),
        pytest.param({"email": "jane@example.com"}, {"email": " JANE@Example.COM "}, id="case and spaces"),
        pytest.param({"email": "zoé@example.com"}, {"email": "zoe\u0301@example.com"}, id="NFC and NFD"),
        pytest.param(
            {"email": "jane@example.com", "first_name": "Zoë"},
            {"email": "jane@example.com", "first_name": "ZOE"},
            id="first names that differ by case and accents only",
        ),
        pytest.param(
            {"email": "jane@example.com", "first_name": "Jean-Luc"},
            {"email": "jane@example.com", "first_name": "jean luc"},
            id="first names that differ by a hyphen only",
        ),
        pytest.param(
            {"email": "nikos@example.com", "first_name": "Νίκος"},
            {"email": "nikos@example.com", "first_name": "ΝΙΚΟΣ"},
            id="Greek first names in two cases",
        ),
        pytest.param(
            {"email": "jane@example.com", "first_name": "Jane"},
            {"email": "jane@example.com", "last_name": "Doe"},
            id="a record without a first name",
        ),
        pytest.param(
            {"email": "jane@example.com", "first_name": "Jane"},
            {"email": "jane@example.com", "first_name": " - "},
            id="a first name without a letter is none",
        ),
        pytest.param(
            {"phone": MOBILE, "last_name": "Doe"}, {"phone": MOBILE, "last_name": "Doe"}, id="phone and last name"
        ),
        pytest.param(
            {"phone": "06 12 34 56 78", "last_name": "Müller"},
            {"phone": "+33 (0)6.12.34.56.78", "last_name": " MULLER"},
            id="the phone in another shape, the last name in another case",
        ),
    ],
)
def test_records_that_share_a_key_are_one_person(one: dict[str, object], other: dict[str, object]) -> None:
    assert who_is_who(joined(crm(one, other))) == {together("c1", "c2")}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"phone": MOBILE}, {"phone": MOBILE}, id="a phone without a last name"),
        pytest.param(
            {"phone": MOBILE, "last_name": "Doe"}, {"phone": MOBILE, "last_name": "Roe"}, id="another last name"
        ),
        pytest.param(
            {"last_name": "Doe", "first_name": "Jane", "postal_code": "75001"},
            {"last_name": "Doe", "first_name": "Jane", "postal_code": "75001"},
            id="a name and a postal code",
        ),
        pytest.param({"email": "jane.doe@gmail.com"}, {"email": "janedoe@gmail.com"}, id="one box at Gmail"),
        pytest.param({"email": "jane@example.com"}, {"email": "jane+shop@example.com"}, id="a plus tag"),
        pytest.param(
            {"email": "us@example.com", "first_name": "Jane"},
            {"email": "us@example.com", "first_name": "John"},
            id="a couple's e-mail",
        ),
        pytest.param(
            {"phone": MOBILE, "last_name": "Doe", "first_name": "Jane"},
            {"phone": MOBILE, "last_name": "Doe", "first_name": "John"},
            id="a couple's phone",
        ),
        pytest.param(
            {"email": "us@example.com", "first_name": "कमल"},
            {"email": "us@example.com", "first_name": "कमला"},
            id="first names that differ by a vowel sign, which is no accent",
        ),
        pytest.param({"email": "none@none.com"}, {"email": "none@none.com"}, id="a placeholder e-mail"),
        pytest.param({"email": "not an e-mail"}, {"email": "not an e-mail"}, id="no e-mail at all"),
        pytest.param({"email": "d4" * 32}, {"email": "d4" * 32}, id="an e-mail that is already a hash"),
        pytest.param(
            {"phone": "0000000000", "last_name": "Doe"},
            {"phone": "0000000000", "last_name": "Doe"},
            id="a placeholder phone",
        ),
        pytest.param({"email": None}, {"email": None}, id="nothing"),
        pytest.param({"email": " "}, {"email": " "}, id="blanks"),
    ],
)
def test_records_that_share_no_key_or_differ_in_first_name_are_two_people(
    one: dict[str, object], other: dict[str, object]
) -> None:
    assert who_is_who(joined(crm(one, other))) == {together("c1"), together("c2")}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            [
                {"first_name": "Anna", "created_at": day(1)},
                {"first_name": "Bob", "created_at": day(2)},
                {"created_at": day(3)},
            ],
            {together("c1", "c3"), together("c2")},
            id="Anna's record is the oldest",
        ),
        pytest.param(
            [
                {"first_name": "Anna", "created_at": day(2)},
                {"first_name": "Bob", "created_at": day(1)},
                {"created_at": day(0)},
            ],
            {together("c1"), together("c2", "c3")},
            id="Bob's record is the oldest, though the nameless one is older still",
        ),
        pytest.param(
            [
                {"first_name": "Anna", "created_at": day(1)},
                {"first_name": "Bob", "created_at": day(1)},
                {"created_at": day(1)},
            ],
            {together("c1", "c3"), together("c2")},
            id="equally old: the lower customer_id",
        ),
        pytest.param(
            [{"first_name": "Anna"}, {"first_name": "Bob", "created_at": day(9)}, {"created_at": day(1)}],
            {together("c1"), together("c2", "c3")},
            id="a missing created_at comes last",
        ),
        pytest.param(
            [{"first_name": "Anna"}, {"first_name": "Bob"}, {}],
            {together("c1", "c3"), together("c2")},
            id="no created_at at all: the lower customer_id",
        ),
        pytest.param(
            [
                {"first_name": "Anna", "created_at": day(5), "phone": MOBILE, "last_name": "Doe"},
                {"first_name": "Bob", "created_at": day(3)},
                {"created_at": day(4)},
                {
                    "first_name": "ANNA",
                    "created_at": day(1),
                    "email": "anna@example.com",
                    "phone": MOBILE,
                    "last_name": "Doe",
                },
            ],
            {together("c1", "c3", "c4"), together("c2")},
            id="the person's earliest record counts, also where it has another key",
        ),
    ],
)
def test_a_record_without_a_first_name_joins_the_oldest_person_of_its_key(
    rows: list[dict[str, object]], expected: set[frozenset[str]]
) -> None:
    records = crm(*({"email": "us@example.com", **row} for row in rows))
    for order in permutations(range(len(rows))):
        assert who_is_who(joined(records[list(order)])) == expected


@pytest.mark.parametrize(("anna", "bob", "joins"), [(1, 2, "c1"), (2, 1, "c3")])
def test_a_chain_over_two_keys_does_not_join_two_first_names(anna: int, bob: int, joins: str) -> None:
    records = crm(
        {"email": "us@example.com", "first_name": "Anna", "created_at": day(anna)},
        {"email": "us@example.com", "phone": MOBILE, "last_name": "Doe", "created_at": day(3)},
        {"phone": MOBILE, "last_name": "Doe", "first_name": "Bob", "created_at": day(bob)},
    )
    alone = ({"c1", "c3"} - {joins}).pop()
    assert who_is_who(joined(records)) == {together("c2", joins), together(alone)}


def test_a_chain_of_nameless_records_still_holds_one_first_name() -> None:
    records = crm(
        {"email": "a@example.com", "first_name": "Anna", "created_at": day(1)},
        {"email": "a@example.com", "phone": MOBILE, "last_name": "Doe", "created_at": day(2)},
        {"email": "b@example.com", "phone": MOBILE, "last_name": "Doe", "created_at": day(3)},
        {"email": "b@example.com", "phone": "+33687654321", "last_name": "Doe", "created_at": day(4)},
        {"phone": "+33687654321", "last_name": "Doe", "first_name": "Bob", "created_at": day(5)},
    )
    found = who_is_who(joined(records))
    assert sum(len(person) for person in found) == 5
    assert not any({"c1", "c5"} <= person for person in found)
    assert together("c5") not in found or together("c1", "c2", "c3", "c4") in found


def test_records_of_one_name_are_joined_through_a_record_of_two_keys() -> None:
    records = crm(
        {"email": "a@example.com", "first_name": "Anna"},
        {"email": "a@example.com", "phone": MOBILE, "last_name": "Doe", "first_name": "anna"},
        {"phone": MOBILE, "last_name": "Doe", "first_name": "Ánna"},
    )
    assert who_is_who(joined(records)) == {together("c1", "c2", "c3")}


@pytest.mark.parametrize(
    ("shared", "last_name"), [({"email": "info@example.com"}, None), ({"phone": MOBILE}, "Doe")], ids=["email", "phone"]
)
@pytest.mark.parametrize(("copies", "one_person"), [(3, True), (4, False)])
def test_an_identifier_on_more_records_than_allowed_joins_nobody(
    shared: dict[str, object], last_name: str | None, copies: int, one_person: bool
) -> None:
    at_most_three = Settings(currency="EUR", joining=Joining(shared_by_more_than=3))
    found = joined(crm(*[{**shared, "last_name": last_name}] * copies), at_most_three)
    refusals = set(found[f"{next(iter(shared))}_refusal"])
    assert len(who_is_who(found)) == (1 if one_person else copies)
    assert refusals == ({None} if one_person else {"shared"})


def test_addresses_that_were_blanked_for_an_erasure_are_not_shared_ones() -> None:
    canonical = with_canonical(crm(*[{"email": "us@example.com"}] * 6), default_country="FR")
    blanked = canonical.with_columns(canonical_email=pl.lit(None, dtype=pl.String))
    assert set(canonical_records(blanked, Joining())["email_refusal"]) == {None}


def test_by_default_five_records_may_share_an_identifier() -> None:
    assert len(who_is_who(joined(crm(*[{"email": "us@example.com"}] * 5)))) == 1
    assert len(who_is_who(joined(crm(*[{"email": "us@example.com"}] * 6)))) == 6


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ((("email",),), {together("c1", "c2"), together("c3"), together("c4")}),
        ((("phone",),), {together("c1"), together("c2", "c3"), together("c4")}),
        ((("email", "postal_code"),), {together("c1"), together("c2"), together("c3"), together("c4")}),
        ((("phone", "postal_code"),), {together("c1"), together("c2", "c3"), together("c4")}),
        ((("email",), ("phone",)), {together("c1", "c2", "c3"), together("c4")}),
        ((), {together("c1"), together("c2"), together("c3"), together("c4")}),
    ],
)
def test_the_company_chooses_what_joins(rules: tuple[tuple[str, ...], ...], expected: set[frozenset[str]]) -> None:
    records = crm(
        {"email": "a@example.com", "postal_code": "75001"},
        {"email": "a@example.com", "postal_code": "69 002", "phone": MOBILE, "last_name": "Doe"},
        {"phone": MOBILE, "postal_code": "69002", "last_name": "Roe"},
        {"email": "b@example.com", "last_name": "Doe", "postal_code": "75001"},
    )
    settings = Settings(currency="EUR", joining=Joining.model_validate({"rules": rules}))
    assert who_is_who(joined(records, settings)) == expected


def test_each_record_says_on_what_evidence_it_joined() -> None:
    records = joined(
        crm(
            {"email": "a@example.com", "created_at": day(1)},
            {"email": "a@example.com", "phone": MOBILE, "last_name": "Doe", "created_at": day(2)},
            {"phone": MOBILE, "last_name": "Doe", "created_at": day(3)},
            {"email": "alone@example.com", "created_at": day(4)},
            {"email": "us@example.com", "first_name": "Jane", "created_at": day(5)},
            {"email": "us@example.com", "first_name": "John", "created_at": day(6)},
        )
    )
    evidence = dict(records.select("customer_id", "joined_by").iter_rows())
    assert evidence == {
        "c1": "email",
        "c2": "email, phone+last_name",
        "c3": "phone+last_name",
        "c4": None,
        "c5": None,
        "c6": None,
    }


def test_a_persons_records_are_numbered_from_the_earliest() -> None:
    records = joined(
        crm(
            {"email": "a@example.com"},
            {"email": "a@example.com", "created_at": day(2)},
            {"email": "a@example.com", "created_at": day(1)},
            {"email": "b@example.com", "created_at": day(0)},
        )
    )
    assert dict(records.select("customer_id", "position").iter_rows()) == {"c3": 1, "c2": 2, "c1": 3, "c4": 1}


def test_records_keep_their_contract_and_none_is_lost() -> None:
    records = joined(crm({"email": "a@example.com"}, {"email": "a@example.com"}, {}))
    CustomerRecords.validate(records)
    assert sorted(records["customer_id"]) == ["c1", "c2", "c3"]


def test_nobody_is_no_person() -> None:
    assert joined(crm()).is_empty()


def test_a_person_id_is_that_of_the_earliest_record_whatever_comes_later() -> None:
    first = {"email": "a@example.com", "created_at": day(1)}
    alone = joined(crm(first))["person_id"][0]
    later = joined(crm(first, {"email": "a@example.com", "created_at": day(2)}, {"email": "a@example.com"}))
    assert set(later["person_id"]) == {alone}


def test_two_runs_give_the_same_person_ids_and_another_key_gives_others() -> None:
    records = canonical_records(
        with_canonical(
            crm({"email": "a@example.com"}, {"email": "b@example.com"}), default_country=FRENCH.default_country
        ),
        FRENCH.joining,
    )
    runs = [
        people(records, FRENCH.joining, identity_key=key)["person_id"].to_list()
        for key in (IDENTITY_KEY, IDENTITY_KEY, "b2" * 32)
    ]
    assert runs[0] == runs[1]
    assert not set(runs[0]) & set(runs[2])


def test_a_person_id_reveals_nothing() -> None:
    records = joined(crm(*({"email": f"{number}@example.com"} for number in range(50))))
    ids = records["person_id"].to_list()
    known = [
        base64.urlsafe_b64encode(digest(text.encode()).digest())[:12].decode()
        for digest in (hashlib.sha256, hashlib.md5, hashlib.sha1)
        for customer_id in records["customer_id"]
        for text in (customer_id, f"person:{customer_id}")
    ]
    assert len(set(ids)) == 50
    assert all(re.fullmatch(r"[0-9A-Za-z_-]{12}", person_id) for person_id in ids)
    assert not set(ids) & set(known)


@pytest.mark.parametrize(
    ("email", "canonical", "refusal"),
    [
        (" Jane.Doe+Shop@Example.COM ", "jane.doe+shop@example.com", None),
        (None, None, "blank"),
        ("  ", None, "blank"),
        ("none@none.com", "none@none.com", "placeholder"),
        ("jane@localhost", "jane@localhost", "not_an_email"),
        ("D4" * 32, "d4" * 32, "already_hashed"),
    ],
)
def test_a_record_says_why_its_email_is_no_match_key(
    email: str | None, canonical: str | None, refusal: str | None
) -> None:
    record = canonical_records(
        with_canonical(crm({"email": email}), default_country=FRENCH.default_country), FRENCH.joining
    )
    assert record.select("email", "email_refusal").row(0) == (canonical, refusal)


@pytest.mark.parametrize(
    ("phone", "country", "expected"),
    [
        ("06 12 34 56 78", "France", ("+33612345678", None, "own_country")),
        ("06 12 34 56 78", None, ("+33612345678", None, "default_country")),
        ("+49 30 12345678", "France", ("+493012345678", None, "international")),
        ("030 12345678", "Deutschland", ("+493012345678", None, "own_country")),
        ("0000000000", "France", (None, "placeholder", None)),
        (" ", "France", (None, "blank", None)),
        (None, None, (None, "blank", None)),
        ("call me", "France", (None, "not_a_number", None)),
    ],
)
def test_a_record_says_how_its_phone_was_read(
    phone: str | None, country: str | None, expected: tuple[str | None, ...]
) -> None:
    record = canonical_records(
        with_canonical(crm({"phone": phone, "country": country}), default_country=FRENCH.default_country),
        FRENCH.joining,
    )
    assert record.select("phone", "phone_refusal", "phone_country_source").row(0) == expected


def test_without_a_default_country_a_national_phone_is_refused() -> None:
    record = canonical_records(
        with_canonical(crm({"phone": "06 12 34 56 78"}), default_country=Settings(currency="EUR").default_country),
        Settings(currency="EUR").joining,
    )
    assert record.select("phone", "phone_refusal").row(0) == (None, "no_country")


@pytest.mark.parametrize(("typed", "code"), [("france", "FR"), ("FR", "FR"), (" UK ", "GB"), ("Atlantis", None)])
def test_a_record_has_the_country_that_was_meant_or_none(typed: str, code: str | None) -> None:
    assert canonical_records(
        with_canonical(crm({"country": typed}), default_country=FRENCH.default_country), FRENCH.joining
    )["country"].to_list() == [code]


def test_canonical_records_are_the_crm_records_one_by_one() -> None:
    customers = crm(*({"phone": MOBILE, "country": country} for country in ("FR", None, "Atlantis", "FR")))
    records = canonical_records(with_canonical(customers, default_country=FRENCH.default_country), FRENCH.joining)
    assert records["customer_id"].to_list() == customers["customer_id"].to_list()


FIRST_NAMES = {"Anna": "anna", "ÁNNA ": "anna", "Bob": "bob", "bob": "bob", "Zoë": "zoe", "Zoe": "zoe"}

record = st.fixed_dictionaries(
    {
        "email": st.sampled_from([None, "a@example.com", "b@example.com", "c@example.com"]),
        "phone": st.sampled_from([None, "+33612345671", "+33612345672"]),
        "last_name": st.sampled_from([None, "Doe", "Roe"]),
        "first_name": st.sampled_from([None, None, None, *FIRST_NAMES]),
        "created_at": st.sampled_from([None, *(day(number) for number in range(4))]),
    }
)
records_of_a_crm = st.lists(record, min_size=1, max_size=9)


def canonical(rows: list[dict[str, object]]) -> pl.DataFrame:
    """What `canonical_records` gives for rows that are canonical already."""
    schema = canonical_records(with_canonical(crm(), default_country=FRENCH.default_country), FRENCH.joining).schema
    return pl.DataFrame([{"customer_id": f"c{number}", **row} for number, row in enumerate(rows)], schema=schema)


def unite(person: dict[int, set[int]], one: int, other: int) -> None:
    both = person[one] | person[other]
    person.update(dict.fromkeys(both, both))


def holders_of_each_key(rows: list[dict[str, object]]) -> list[list[int]]:
    keys: dict[tuple[object, ...], list[int]] = {}
    for number, row in enumerate(rows):
        for rule in (("email",), ("phone", "last_name")):
            values = [row[part] for part in rule]
            if None not in values:
                keys.setdefault((rule, *values), []).append(number)
    return list(keys.values())


def people_by_the_rule(rows: list[dict[str, object]]) -> set[frozenset[str]]:
    """The rule of issue 2, point 6, record by record."""
    names = [FIRST_NAMES.get(str(row["first_name"])) for row in rows]
    ages = [(row["created_at"] is None, str(row["created_at"]), f"c{number}") for number, row in enumerate(rows)]
    keys = holders_of_each_key(rows)
    person = {number: {number} for number in range(len(rows))}
    for holders in keys:
        for one, other in product(holders, holders):
            if names[one] is not None and names[one] == names[other]:
                unite(person, one, other)
    earliest = {number: min(ages[member] for member in person[number]) for number in person}
    joins = []
    for holders in keys:
        named = [number for number in holders if names[number] is not None]
        target = min(named or holders, key=lambda number: earliest[number])
        joins += [(earliest[target], ages[number], number, target) for number in holders if names[number] is None]
    for *_, number, target in sorted(joins):
        if len({names[member] for member in person[number] | person[target]} - {None}) <= 1:
            unite(person, number, target)
    return {frozenset(f"c{member}" for member in members) for members in person.values()}


@given(records_of_a_crm)
@settings(max_examples=80, deadline=None)
def test_people_are_those_of_a_slow_reading_of_the_rule(rows: list[dict[str, object]]) -> None:
    assert who_is_who(people(canonical(rows), Joining(), identity_key=IDENTITY_KEY)) == people_by_the_rule(rows)


@given(records_of_a_crm, st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_order_of_the_rows_changes_nothing(rows: list[dict[str, object]], random: Random) -> None:
    frame = canonical(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    one, other = (
        people(records, Joining(), identity_key=IDENTITY_KEY).sort("customer_id") for records in (frame, frame[order])
    )
    assert one.equals(other)


@given(records_of_a_crm)
@settings(max_examples=20, deadline=None)
def test_no_person_ever_has_two_first_names_and_no_nameless_record_with_a_shared_key_is_alone(
    rows: list[dict[str, object]],
) -> None:
    found = people(canonical(rows), Joining(), identity_key=IDENTITY_KEY)
    emails = [row["email"] for row in rows if row["email"] is not None]
    for names in found.group_by("person_id").agg("first_name")["first_name"].to_list():
        assert len({FIRST_NAMES[name] for name in names if name is not None}) <= 1
    for customer_id, person_id, email, first_name in found.select(
        "customer_id", "person_id", "email", "first_name"
    ).iter_rows():
        if first_name is None and emails.count(email) > 1:
            assert found.filter(person_id=person_id).height > 1, customer_id


@given(records_of_a_crm)
@settings(max_examples=12, deadline=None)
def test_every_person_has_the_id_of_their_earliest_record(rows: list[dict[str, object]]) -> None:
    frame = canonical(rows)
    own = {
        customer_id: people(frame.filter(customer_id=customer_id), Joining(), identity_key=IDENTITY_KEY)["person_id"][0]
        for customer_id in frame["customer_id"]
    }
    found = people(frame, Joining(), identity_key=IDENTITY_KEY)
    first = found.filter(position=1)
    assert first["person_id"].to_list() == [own[customer_id] for customer_id in first["customer_id"]]
    assert first["person_id"].n_unique() == found["person_id"].n_unique() == first.height
