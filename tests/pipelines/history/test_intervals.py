from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from pipelines.history.changes import are_noted, begin_notes
from pipelines.history.intervals import history_begins, replace, rows_on
from pipelines.history.nights import kept_days_of

FIRST = date(2026, 1, 1)

rows = st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.sampled_from("xy")), unique=True, max_size=5)
#: How many days after the night before, and what the CRM held: 0 repeats the day.
nights = st.lists(st.tuples(st.integers(0, 3), rows), min_size=1, max_size=5)


#: Of a table with these, few rows change; they stay as they are.
crowds = st.sampled_from([[], [(f"z{number}", None) for number in range(20)]])


def night(warehouse: Warehouse, rows: list[tuple[str, str | None]], day: date, kept_days: int) -> None:
    frame = pl.DataFrame(rows, schema={"customer_id": pl.String, "name": pl.String}, orient="row")
    with warehouse.transaction():
        replace(warehouse, "crm_customers", frame, day=day, kept_days=kept_days)
        warehouse.append("pulls", pl.DataFrame({"as_of": [day], "table": ["customers"]}))


def held(warehouse: Warehouse, day: date) -> list[tuple[str, str | None]]:
    found = warehouse.read(f"FROM ({rows_on(warehouse, 'crm_customers', day)})").rows()
    return sorted(found, key=str)


def clear(warehouse: Warehouse) -> None:
    for name in (
        "crm_customers",
        "past_crm_customers",
        "new_crm_customers",
        "changed_crm_customers",
        "history_begins",
        "pulls",
    ):
        warehouse.execute(f"DROP TABLE IF EXISTS warehouse.{name}")


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=nights, kept_days=st.integers(1, 5), crowd=crowds)
def test_each_kept_day_shows_what_its_last_try_held_and_older_days_are_forgotten(
    warehouse: Warehouse,
    nights: list[tuple[int, list[tuple[str, str | None]]]],
    kept_days: int,
    crowd: list[tuple[str, str | None]],
) -> None:
    clear(warehouse)
    day, expected = FIRST, {}
    for later, rows in nights:
        day += timedelta(days=later)
        night(warehouse, [*crowd, *rows], day, kept_days)
        expected[day] = sorted([*crowd, *rows], key=str)

    days = kept_days_of(warehouse, kept_days)
    assert days == [known for known in expected if known > day - timedelta(days=kept_days)]
    for known in days:
        assert held(warehouse, known) == expected[known]
    if warehouse.has("past_crm_customers"):
        oldest = warehouse.read("SELECT min(held_until) FROM warehouse.past_crm_customers").item()
        assert oldest is None or oldest > day - timedelta(days=kept_days)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=st.lists(st.lists(st.sampled_from([("a", "x"), ("a", None), ("b", "x")]), max_size=4), min_size=2))
def test_rows_that_are_alike_stay_as_many_as_they_are(
    warehouse: Warehouse, nights: list[list[tuple[str, str | None]]]
) -> None:
    clear(warehouse)
    for number, rows in enumerate(nights):
        both = [*rows, *((f"z{crowd}", None) for crowd in range(20))]
        night(warehouse, both, FIRST + timedelta(days=number), 3)
        assert sorted(warehouse.read("FROM warehouse.crm_customers").rows(), key=str) == sorted(both, key=str)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=nights, read=st.integers(0, 4), crowd=crowds)
def test_whatever_changed_since_it_was_read_is_noted_also_of_a_repeated_day(
    warehouse: Warehouse,
    nights: list[tuple[int, list[tuple[str, str | None]]]],
    read: int,
    crowd: list[tuple[str, str | None]],
) -> None:
    clear(warehouse)
    day, differing = FIRST, set[str]()
    for number, (later, rows) in enumerate(nights):
        before = held(warehouse, day) if number else []
        day += timedelta(days=later)
        night(warehouse, [*crowd, *rows], day, 3)
        if number > read:
            differing |= {customer_id for customer_id, _ in set(before) ^ {*crowd, *rows}}
        if number == read:
            begin_notes(warehouse)
    if len(nights) > read:
        assert set(warehouse.read("FROM warehouse.changed_crm_customers")["customer_id"]) == differing


def test_a_first_night_writes_the_table_and_nothing_beside_it(warehouse: Warehouse, tmp_path: Path) -> None:
    clear(warehouse)
    night(warehouse, [("a", "x")], FIRST, 35)
    assert not warehouse.has("past_crm_customers")


def test_a_table_whose_columns_changed_begins_anew(warehouse: Warehouse) -> None:
    clear(warehouse)
    begin_notes(warehouse)
    night(warehouse, [("a", "x")], FIRST, 35)
    begin_notes(warehouse)
    night(warehouse, [("b", "x")], FIRST + timedelta(days=1), 35)
    assert are_noted(warehouse)
    with warehouse.transaction():
        replace(
            warehouse,
            "crm_customers",
            pl.DataFrame({"customer_id": ["a"]}),
            day=FIRST + timedelta(days=2),
            kept_days=35,
        )
    assert not warehouse.has("past_crm_customers")
    assert not are_noted(warehouse)
    assert history_begins(warehouse) == FIRST + timedelta(days=2)
