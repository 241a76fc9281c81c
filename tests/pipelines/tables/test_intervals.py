from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from pipelines.history.nights import kept_days_of
from pipelines.tables.changes import are_noted, begin_notes
from pipelines.tables.intervals import (
    Staying,
    forget_marks,
    history_begins,
    last_change,
    replace,
    replace_by,
    rows_on,
)
from schemas.crm import RAW_MARK

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
        "crm_other",
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


def test_a_row_is_the_same_in_another_time_zone_and_when_a_column_knows_more_words(warehouse: Warehouse) -> None:
    clear(warehouse)
    select = "SELECT 'a' AS customer_id, '{}'::ENUM({}) AS name, TIMESTAMPTZ '2025-07-01 12:00:00Z' AS created_at"
    nights = (("UTC", "y", "'y'"), ("Asia/Tokyo", "y", "'x', 'y'"), ("UTC", "x", "'x', 'y'"), ("UTC", "y", "'x', 'y'"))
    for number, (zone, word, words) in enumerate(nights):
        warehouse.execute(f"SET TimeZone = '{zone}'")
        with warehouse.transaction():
            replace_by(
                warehouse, "crm_customers", select.format(word, words), day=FIRST + timedelta(days=number), kept_days=9
            )
        gone = warehouse.height("past_crm_customers") if number else 0
        assert gone == max(0, number - 1)
    days = [FIRST + timedelta(days=number) for number in range(len(nights))]
    for zone in ("Asia/Tokyo", "UTC"):
        warehouse.execute(f"SET TimeZone = '{zone}'")
        said = [warehouse.read(f"SELECT name FROM ({rows_on(warehouse, 'crm_customers', day)})").rows() for day in days]
        assert said == [[("y",)], [("y",)], [("x",)], [("y",)]]


def test_the_last_change_is_when_a_row_last_came_or_went(warehouse: Warehouse) -> None:
    clear(warehouse)
    states = ([("a", "x")], [("a", "x"), ("b", "x")], [("a", "y"), ("b", "x")], [("a", "y")])
    for number, rows in enumerate(states):
        night(warehouse, rows, FIRST + timedelta(days=number), 9)

    def changed(of: str, number: int) -> int | None:
        day = last_change(warehouse, "crm_customers", "customer_id", [of], FIRST + timedelta(days=number))
        return None if day is None else (day - FIRST).days

    assert [changed("a", number) for number in range(4)] == [None, None, 2, 2]
    assert [changed("b", number) for number in range(4)] == [None, 1, 1, 3]


def test_what_came_and_what_went_is_known_for_as_many_days_as_are_kept(warehouse: Warehouse) -> None:
    clear(warehouse)
    known = []
    for number, name in enumerate("abbb"):
        night(warehouse, [(name, "x")], FIRST + timedelta(days=number), 2)
        if number:
            known.append([warehouse.height(f"{kind}_crm_customers") for kind in ("past", "new")])
    assert known == [[1, 1], [1, 1], [0, 0]]


def test_marks_are_forgotten_of_the_rows_that_are_meant_and_no_others(warehouse: Warehouse) -> None:
    clear(warehouse)
    for number, names in enumerate(("a", "abc")):
        night(warehouse, [(name, "x") for name in names], FIRST + timedelta(days=number), 9)
    forget_marks(warehouse, "crm_customers", "customer_id = 'b'")
    last = FIRST + timedelta(days=1)
    found = [last_change(warehouse, "crm_customers", "customer_id", [name], last) for name in "abc"]
    assert found == [None, None, last]


def test_history_of_a_table_that_had_none_begins_with_the_night(warehouse: Warehouse) -> None:
    clear(warehouse)
    with warehouse.transaction():
        replace(warehouse, "crm_other", pl.DataFrame({"a": [1]}), day=FIRST, kept_days=9)
        warehouse.replace("crm_customers", pl.DataFrame({"customer_id": ["a"], "name": ["x"]}))
    night(warehouse, [("b", "x")], FIRST + timedelta(days=1), 9)
    assert history_begins(warehouse, "crm_customers") == FIRST + timedelta(days=1)


def test_history_begins_for_all_tables_when_it_begins_for_the_last(warehouse: Warehouse) -> None:
    clear(warehouse)
    assert history_begins(warehouse) is None
    night(warehouse, [("a", "x")], FIRST, 9)
    with warehouse.transaction():
        replace(warehouse, "crm_other", pl.DataFrame({"a": [1]}), day=FIRST + timedelta(days=1), kept_days=9)
        replace(warehouse, "crm_other", pl.DataFrame({"b": []}), day=FIRST + timedelta(days=2), kept_days=9)
    assert warehouse.read("FROM warehouse.crm_other").columns == ["b"]
    assert history_begins(warehouse, "crm_customers") == FIRST
    assert history_begins(warehouse, "crm_other") == history_begins(warehouse) == FIRST + timedelta(days=2)
    assert warehouse.height("history_begins") == 2


def test_a_repeated_day_keeps_nothing_of_what_came_in_its_first_try(warehouse: Warehouse) -> None:
    clear(warehouse)
    for later, rows in ((0, ["a"]), (1, ["a", "b"]), (1, ["a", "c"]), (1, ["a"])):
        night(warehouse, [(name, "x") for name in rows], FIRST + timedelta(days=later), 9)
    assert warehouse.height("past_crm_customers") == warehouse.height("new_crm_customers") == 0
    assert last_change(warehouse, "crm_customers", "customer_id", ["a", "b", "c"], FIRST + timedelta(days=9)) is None


def test_a_row_that_went_in_a_days_first_try_and_is_back_in_its_second_was_never_gone(warehouse: Warehouse) -> None:
    clear(warehouse)
    for later, rows in ((0, ["a"]), (1, ["a", "b"]), (3, []), (3, ["a", "b"])):
        night(warehouse, [(name, "x") for name in rows], FIRST + timedelta(days=later), 9)
    last = {of: last_change(warehouse, "crm_customers", "customer_id", [of], FIRST + timedelta(days=9)) for of in "ab"}
    assert last == {"a": None, "b": FIRST + timedelta(days=1)}
    assert warehouse.height("past_crm_customers") == 0


def marked(
    warehouse: Warehouse, rows: list[tuple[str, str, int]], words: str, later: int, staying: Staying | None = None
) -> None:
    values = ", ".join(f"('{name}', '{word}', {mark})" for name, word, mark in rows)
    columns = f"a AS customer_id, b::ENUM({words}) AS name, c::UBIGINT AS {RAW_MARK}"
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE arriving AS SELECT {columns} FROM (VALUES {values}) AS _(a, b, c)")
    with warehouse.transaction():
        day = FIRST + timedelta(days=later)
        replace_by(warehouse, "crm_customers", "FROM arriving", day=day, kept_days=9, staying=staying)


def test_rows_that_stay_are_on_every_day_whatever_comes_beside_them(warehouse: Warehouse) -> None:
    clear(warehouse)
    crowd = [(f"z{number:02}", "x", number) for number in range(20)]
    marked(warehouse, [*crowd, ("a", "x", 77)], "'x'", 0)
    # Another that is like one that stays, and one with a new word.
    marked(warehouse, [("a", "x", 78), *[("b", "w", 79)] * 2], "'w', 'x'", 1, Staying("true", may_repeat=True))
    crowded = [(name, word) for name, word, _ in crowd]
    # Of two that are alike history knows one.
    assert ("a", "x") in held(warehouse, FIRST)
    assert set(held(warehouse, FIRST)) == {("a", "x"), *crowded}
    assert held(warehouse, FIRST + timedelta(days=1)) == sorted([*[("a", "x"), ("b", "w")] * 2, *crowded])
    assert warehouse.height("past_crm_customers") == 0
    # One of the two goes, and the other was there all the time.
    marked(warehouse, [("c", "x", 80)], "'w', 'x'", 2, Staying(f"{RAW_MARK} <> 78", may_repeat=True))
    assert held(warehouse, FIRST + timedelta(days=2)) == sorted([("a", "x"), *[("b", "w")] * 2, ("c", "x"), *crowded])
    assert warehouse.height("past_crm_customers") == 0


def test_marks_of_raw_rows_are_those_of_the_last_night_though_nothing_else_changed(warehouse: Warehouse) -> None:
    clear(warehouse)
    for later in (0, 1):
        marked(warehouse, [(f"z{number}", "x", number + later) for number in range(20)], "'x'", later)
    marks = warehouse.read(f"SELECT {RAW_MARK} FROM warehouse.crm_customers")[RAW_MARK].sort().to_list()
    assert marks == list(range(1, 21))
    assert warehouse.height("past_crm_customers") == warehouse.height("new_crm_customers") == 0
