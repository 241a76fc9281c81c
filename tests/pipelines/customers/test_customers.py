"""A row a person, and every id ever given leading to today's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from pipelines.customers.customers import customers, person_aliases
from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from pipelines.identifiers.canonical import with_canonical
from schemas.crm import CrmCustomers
from schemas.customers import Customers, PersonAliases
from schemas.settings import Settings

IDENTITY_KEY = "a1" * 32
SETTINGS = Settings(currency="EUR", default_country="FR")
FIRST_NIGHT = date(2024, 6, 1)

JANE = {"customer_id": "jane", "email": "jane@example.com"}
#: Jane's other record, which shares nothing with the first until it has her e-mail.
SHOP = {"customer_id": "shop", "email": "shop@example.com"}


def day(number: int) -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number)


def records_of(*rows: dict[str, object]) -> pl.DataFrame:
    """`PersonRecords` of CRM rows; customer_id is c1, c2 … unless given."""
    numbered = [{"customer_id": f"c{number}", **row} for number, row in enumerate(rows, start=1)]
    crm = pl.DataFrame(numbered, schema=dict(CrmCustomers.create_empty().schema))
    return people(
        canonical_records(with_canonical(crm, default_country=SETTINGS.default_country), SETTINGS.joining),
        SETTINGS.joining,
        identity_key=IDENTITY_KEY,
    )


def id_of(customer_id: str) -> str:
    """The person id of somebody whose earliest record this is."""
    return records_of({"customer_id": customer_id})["person_id"][0]


def aliases_after(*nights: list[dict[str, object]]) -> dict[str, str]:
    """Alias → person of today, after nights that saw these CRM rows."""
    known = pl.DataFrame(PersonAliases.create_empty())
    for number, rows in enumerate(nights):
        known = person_aliases(known, records_of(*rows), as_of=FIRST_NIGHT + timedelta(days=number))
        PersonAliases.validate(known)
    return dict(known.select("alias", "person_id").iter_rows())


@pytest.mark.parametrize(
    ("rows", "country"),
    [
        pytest.param([{"country": "France"}, {"country": None}], "FR", id="the only one known"),
        pytest.param(
            [{"country": "FR", "updated_at": day(1)}, {"country": "DE", "updated_at": day(2)}], "DE", id="newest update"
        ),
        pytest.param(
            [{"country": "FR", "created_at": day(1)}, {"country": "DE", "created_at": day(2)}],
            "DE",
            id="never updated: newest creation",
        ),
        pytest.param(
            [{"country": "FR", "created_at": day(1), "updated_at": day(9)}, {"country": "DE", "created_at": day(5)}],
            "FR",
            id="an old record updated last",
        ),
        pytest.param(
            [{"country": "FR", "created_at": day(1)}, {"country": "Atlantis", "created_at": day(2)}],
            "FR",
            id="the newest is not known",
        ),
        pytest.param([{"country": "DE"}, {"country": "FR", "created_at": day(1)}], "FR", id="a record without times"),
        pytest.param([{"country": "Atlantis"}, {"country": None}], None, id="none known"),
    ],
)
def test_a_persons_country_is_that_of_the_newest_record_that_has_one(
    rows: list[dict[str, object]], country: str | None
) -> None:
    person = customers(records_of(*({"email": "a@example.com", **row} for row in rows)))
    assert person["country"].to_list() == [country]


def test_there_is_a_row_a_person_with_their_records_and_first_day() -> None:
    records = records_of(
        {"email": "a@example.com", "created_at": day(5)},
        {"email": "a@example.com", "created_at": day(3)},
        {"email": "a@example.com"},
        {"email": "b@example.com"},
    )
    found = customers(records)
    Customers.validate(found)
    rows = {(row["person_id"], row["records"], row["created_at"]) for row in found.iter_rows(named=True)}
    assert rows == {(id_of("c2"), 3, day(3)), (id_of("c4"), 1, None)}


def test_on_the_first_night_every_person_stands_for_themselves() -> None:
    known = aliases_after([JANE, SHOP])
    assert (known[id_of("jane")], known[id_of("shop")]) == (id_of("jane"), id_of("shop"))


def test_when_two_people_turn_out_to_be_one_both_ids_lead_to_that_one() -> None:
    known = aliases_after([JANE, SHOP], [JANE, {**SHOP, "email": "jane@example.com"}])
    assert (known[id_of("jane")], known[id_of("shop")]) == (id_of("jane"), id_of("jane"))


def test_when_one_person_turns_out_to_be_two_each_id_follows_its_record() -> None:
    one = [JANE, {**SHOP, "email": "jane@example.com"}]
    known = aliases_after([JANE, SHOP], one, [JANE, SHOP])
    assert (known[id_of("jane")], known[id_of("shop")]) == (id_of("jane"), id_of("shop"))


def test_when_an_older_record_turns_up_the_old_id_leads_to_the_new_one() -> None:
    older = {"customer_id": "older", "email": "jane@example.com", "created_at": day(1)}
    known = aliases_after([JANE], [JANE, older])
    assert known[id_of("jane")] == known[id_of("older")] == id_of("older")


def test_when_a_joined_record_vanishes_its_id_leads_to_the_person_it_was_last() -> None:
    one = [JANE, {**SHOP, "email": "jane@example.com"}]
    known = aliases_after([JANE, SHOP], one, [JANE])
    assert known[id_of("shop")] == id_of("jane")


def test_when_the_earliest_record_vanishes_the_persons_id_leads_to_who_they_are_today() -> None:
    one = [JANE, {**SHOP, "email": "jane@example.com"}]
    known = aliases_after(one, [one[1]])
    assert known[id_of("jane")] == id_of("shop")


def test_when_the_earliest_of_two_joined_records_vanishes_both_ids_lead_to_who_they_are_today() -> None:
    one = [JANE, {**SHOP, "email": "jane@example.com"}]
    known = aliases_after([JANE, SHOP], one, [one[1]])
    assert (known[id_of("jane")], known[id_of("shop")]) == (id_of("shop"), id_of("shop"))


def test_when_a_persons_only_record_vanishes_their_id_is_kept() -> None:
    known = aliases_after([JANE, SHOP], [SHOP])
    assert known[id_of("jane")] == id_of("jane")


def test_a_record_that_comes_back_has_its_id_back() -> None:
    known = aliases_after([JANE, SHOP], [SHOP], [JANE, SHOP])
    assert (known[id_of("jane")], known[id_of("shop")]) == (id_of("jane"), id_of("shop"))


def test_an_alias_remembers_the_first_day_it_was_given() -> None:
    first = person_aliases(pl.DataFrame(PersonAliases.create_empty()), records_of(JANE), as_of=FIRST_NIGHT)
    next_night = FIRST_NIGHT + timedelta(days=1)
    known = person_aliases(first, records_of(JANE, SHOP), as_of=next_night)
    since = dict(known.select("alias", "since").iter_rows())
    assert (since[id_of("jane")], since[id_of("shop")]) == (FIRST_NIGHT, next_night)


def test_a_repeated_night_changes_no_alias() -> None:
    records = records_of(JANE, {**SHOP, "email": "jane@example.com"})
    before = person_aliases(
        pl.DataFrame(PersonAliases.create_empty()),
        records_of(JANE, SHOP),
        as_of=FIRST_NIGHT,
    )
    once = person_aliases(before, records, as_of=FIRST_NIGHT + timedelta(days=1))
    twice = person_aliases(once, records, as_of=FIRST_NIGHT + timedelta(days=1))
    assert twice.equals(once)
