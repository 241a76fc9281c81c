"""Rules over features, and stays in a segment over several nights."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.segments.memberships import stays_after
from pipelines.segments.rules import condition, members
from schemas.config import read_config
from schemas.customers import PersonAliases
from schemas.errors import ConfigError, DayError, StageError
from schemas.features import NEED_ORDER_TIMES, Features
from schemas.segment import Segment
from schemas.segments import Memberships

CONFIG = Path(__file__).parents[3] / "config"
NIGHT = date(2024, 6, 1)


def segment(where: str) -> Segment:
    return Segment(
        title="Best", public_name="club", purpose="loyalty", where=where, networks=("meta",), owner="team:growth"
    )


def rule(where: str, *, has_order_times: bool = True) -> pl.Expr:
    return condition("best", segment(where), has_order_times=has_order_times)


def person(name: str = "jane", **values: object) -> dict[str, object]:
    return {"person_id": name, "orders_count": 0, "revenue": Decimal(0), **values}


def members_of(where: str, *people: dict[str, object]) -> list[str]:
    features = pl.DataFrame(people, schema=dict(Features.create_empty().schema))
    return members(features, rule(where), segment="best", as_of=NIGHT)["person_id"].to_list()


@pytest.mark.parametrize(
    ("where", "values", "is_member"),
    [
        ("revenue >= 500", {"revenue": Decimal("500")}, True),
        ("revenue >= 500", {"revenue": Decimal("499.99")}, False),
        ("revenue > 129.90", {"revenue": Decimal("129.90")}, False),
        ("revenue >= 0.3", {"revenue": Decimal("0.3")}, True),
        ("orders_count >= 5 AND recency_days <= 180", {"orders_count": 5, "recency_days": 180}, True),
        ("orders_count >= 5 AND recency_days <= 180", {"orders_count": 5, "recency_days": 181}, False),
        ("country IN ('FR', 'BE')", {"country": "BE"}, True),
        ("country = 'FR' OR revenue > 1000", {"country": "DE", "revenue": Decimal(2000)}, True),
        ("NOT country = 'FR'", {"country": "DE"}, True),
        ("value_percentile BETWEEN 80 AND 90", {"value_percentile": Decimal("80")}, True),
        ("value_percentile >= 66.66", {"value_percentile": Decimal("66.66")}, True),
        ("last_visit_days IS NULL", {}, True),
        ("orders_count - 5 > 0", {"orders_count": 4}, False),
        ("orders_count - 5 > 0", {"orders_count": 6}, True),
        ("recency_score - monetary_score < 0", {"recency_score": 1, "monetary_score": 5}, True),
        ("frequency_score * 100 > 300", {"frequency_score": 5}, True),
        ("recency_score = 5 AND monetary_score > 3", {"recency_score": 5, "monetary_score": 4}, True),
    ],
)
def test_a_rule_is_a_condition_over_the_columns_of_features(
    where: str, values: dict[str, object], *, is_member: bool
) -> None:
    assert bool(members_of(where, person(**values))) == is_member


@given(st.decimals(0, 10_000, places=2))
@settings(max_examples=60, deadline=None)
def test_a_bound_written_in_a_rule_is_met_by_exactly_that_amount(bound: Decimal) -> None:
    cent = Decimal("0.01")
    people = [person("less", revenue=bound - cent), person("same", revenue=bound), person("more", revenue=bound + cent)]
    assert members_of(f"revenue >= {bound}", *people) == ["more", "same"]
    assert members_of(f"revenue > {bound}", *people) == ["more"]


@pytest.mark.parametrize(
    "where",
    [
        "recency_days > 365",
        "recency_days <= 365",
        "NOT recency_days > 365",
        "country = 'FR'",
        "country <> 'FR'",
        "country NOT IN ('FR')",
        "average_order_value < 10",
        "value_percentile < 50",
        "last_visit_days >= 0 AND orders_count = 0",
    ],
)
def test_whoever_has_no_value_is_no_member(where: str) -> None:
    assert members_of(where, person()) == []


def test_members_are_people_and_sorted() -> None:
    people = [person("c", orders_count=1), person("a", orders_count=2), person("b")]
    assert members_of("orders_count > 0", *people) == ["a", "c"]


def test_a_rule_that_nobody_meets_gives_an_empty_segment() -> None:
    assert members_of("orders_count > 5", person()) == []


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("revenu >= 500", "revenu is no column"),
        ("orders_count IN (SELECT 1)", "a rule is a condition and cannot hold a SELECT"),
        ("revenue >= 500 AND email = 'jane@example.com'", "email is no column"),
        ("revenue", "not true or false"),
        ("revenue + 5", "not true or false"),
        ("'yes'", "not true or false"),
        ("revenue >=", None),
        ("revenue >= 500 AND", None),
        ("revenue >> >> 500", None),
        ("(revenue >= 500", None),
        ("no_such_function(revenue) > 5", None),
        ("country > 5", None),
        ("recency_days >= '5'", None),
        ("revenue >= 'a lot'", None),
        ("revenue >= '500'", None),
        ("orders_count AND country", None),
        ("SELECT * FROM features", None),
        ("revenue >= 500; DROP TABLE features", None),
        ("revenue IN (SELECT 5)", None),
    ],
)
def test_a_rule_that_cannot_be_asked_is_refused_before_there_is_data(where: str, sentence: str | None) -> None:
    with pytest.raises(ConfigError, match=r"^segments/best\.toml, where: .*\.$") as refusal:
        rule(where)
    assert "\n" not in str(refusal.value)
    if sentence:
        assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("where", "values"),
    [
        ("revenue / orders_count >= 5", "orders_count = 0"),
        ("orders_count > 0 AND revenue / orders_count >= 5", "orders_count = 0"),
        ("revenue / recency_days >= 5", "recency_days = 0"),
        ("average_order_value / (orders_count + tenure_days) >= 5", "orders_count = 0, tenure_days = 0"),
        ("average_order_value / (orders_count - 1) >= 5", "orders_count = 1"),
    ],
)
def test_a_rule_that_divides_by_zero_for_somebody_is_refused_before_there_is_data(where: str, values: str) -> None:
    with pytest.raises(ConfigError, match=rf"with [^()]*{values}, .* NULLIF.* average_order_value\.$"):
        rule(where)


def test_a_rule_that_fails_for_a_country_is_refused_before_there_is_data() -> None:
    with pytest.raises(ConfigError, match=r"with country = FR .*TRY_CAST"):
        rule("CAST(country AS INT) > 5")
    rule("TRY_CAST(country AS INT) > 5")


@pytest.mark.parametrize(
    "where",
    [
        "revenue / NULLIF(orders_count, 0) >= 5",
        "CASE WHEN orders_count > 0 THEN revenue / orders_count >= 5 ELSE FALSE END",
        "revenue / 2 >= 5 AND average_order_value >= 5",
    ],
)
def test_a_rule_may_divide_by_what_is_never_zero(where: str) -> None:
    assert members_of(where, person(), person("bob", orders_count=2, revenue=Decimal(20), average_order_value=10)) == [
        "bob"
    ]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("country = 'cl' AND revenue > 1", "country is compared with cl, and holds two capital letters"),
        ("revenue > 1 OR 'France' <> country", "country is compared with France, and"),
        ("NOT country IN ('FR', 'UK', 'de')", "country is compared with UK, de, and"),
        ("CASE country WHEN 'fr' THEN revenue > 1 ELSE revenue > 2 END", "country is compared with fr, and"),
        ("recency_days = NULL", "a comparison with NULL is neither"),
        ("orders_count > 1 AND revenue <> NULL", "a comparison with NULL is neither"),
    ],
)
def test_a_comparison_that_is_never_true_is_refused(where: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        rule(where)


@pytest.mark.parametrize(
    "where",
    [
        "country IN ('FR', 'GB', NULL) OR country <> ''",
        "LOWER(country) = 'fr' OR country LIKE 'F%' OR COALESCE(country, 'none') = 'none'",
        "recency_days IS NULL OR NULLIF(revenue, 0) > 1 OR country IS NOT DISTINCT FROM NULL",
    ],
)
def test_a_comparison_that_may_be_true_is_none_of_these(where: str) -> None:
    rule(where)


@pytest.mark.parametrize(
    "where",
    [
        "CURRENT_DATE > DATE '2020-01-01'",
        "orders_count > 1 AND EXTRACT(MONTH FROM CURRENT_DATE) = 11",
        "STRFTIME(NOW(), '%m') = '11' OR country IN ('FR')",
        "CASE WHEN CURRENT_TIME > TIME '10:00:00' THEN TRUE ELSE orders_count > 1 END",
        "LOCALTIMESTAMP > TIMESTAMP '2020-01-01 00:00:00'",
    ],
)
def test_a_rule_with_a_clock_is_refused(where: str) -> None:
    with pytest.raises(ConfigError, match="reads a clock or names a date"):
        rule(where)


@pytest.mark.parametrize(
    "where",
    [
        "FIRST(orders_count) > 1",
        "LAST(country) = 'FR'",
        "orders_count > AVG(orders_count)",
        "COUNT(*) > 1000",
        "revenue > QUANTILE_CONT(revenue, 0.5)",
        "CORR(orders_count, recency_days) > 0.5",
        "ROW_NUMBER() OVER () <= 1000",
        "ROW_NUMBER() OVER (ORDER BY revenue) <= 1000",
        "LAG(orders_count) OVER (ORDER BY revenue) < 3",
        "RANK() OVER (ORDER BY revenue) < 3",
        "SUM(orders_count) OVER (PARTITION BY country) > 10",
    ],
)
def test_a_rule_that_looks_at_other_peoples_rows_is_refused(where: str) -> None:
    with pytest.raises(ConfigError, match="looks at other people's rows"):
        rule(where)


@pytest.mark.parametrize(
    "where",
    [
        "LOWER(country) IN ('Agg', 'Len', 'Date') OR LOWER(country) = 'Over'",
        "country IS NULL OR country LIKE 'F%' OR UPPER(country) = 'FR' OR LENGTH(country) = 2",
        "COALESCE(recency_days, 0) > 3 OR GREATEST(orders_count, 3) > LEAST(recency_days, 9)",
        "CASE WHEN orders_count % 2 = 0 THEN NULL ELSE ROUND(revenue, 1) > 3 END",
        "CAST(revenue AS DOUBLE) > 3.5 OR orders_count BETWEEN 3 AND 5 OR TRUE",
    ],
)
def test_a_rule_over_a_persons_own_values_may_say_it_in_any_words(where: str) -> None:
    rule(where)


def test_a_rule_that_fails_at_night_names_its_segment_and_no_value() -> None:
    features = pl.DataFrame([person(orders_count=77)], schema=dict(Features.create_empty().schema))
    with pytest.raises(StageError, match=r"^segments/best\.toml, where: .*NULLIF") as failure:
        members(features, rule("revenue / (orders_count - 77) >= 5"), segment="best", as_of=NIGHT)
    assert "77" not in str(failure.value)


def test_an_unknown_column_is_answered_with_those_there_are() -> None:
    with pytest.raises(ConfigError) as refusal:
        rule("revenu >= 500")
    assert all(column in str(refusal.value) for column in Features.column_names())


@pytest.mark.parametrize("column", NEED_ORDER_TIMES)
def test_a_rule_that_needs_order_times_is_refused_where_the_source_has_none(column: str) -> None:
    with pytest.raises(ConfigError, match=f"{column} needs order times"):
        rule(f"{column} <= 5 AND revenue >= 500", has_order_times=False)
    rule(f"{column} <= 5 AND revenue >= 500")


def test_a_rule_without_times_is_fine_where_the_source_has_none() -> None:
    rule("revenue >= 500 AND orders_count > 1 AND frequency_score = 5", has_order_times=False)


def test_every_shipped_rule_can_be_asked() -> None:
    shipped = read_config(CONFIG).segments
    assert len(shipped) >= 4
    for name, declared in shipped.items():
        condition(name, declared, has_order_times=True)


def test_a_day_whose_features_are_not_kept_says_so() -> None:
    with pytest.raises(DayError, match="2024-06-01"):
        members(pl.DataFrame(Features.create_empty()), rule("revenue > 1"), segment="best", as_of=NIGHT)


Stay = tuple[str, int, int | None]


def nights(*each: set[str] | tuple[int, set[str]], merged: dict[str, str] | None = None) -> set[Stay]:
    """person, first night, night of leaving: after these nights, numbered from 1 unless they say their number.

    From the last night on, `merged` people are who it says.
    """
    numbered = [night if isinstance(night, tuple) else (number, night) for number, night in enumerate(each, start=1)]
    known = pl.DataFrame(Memberships.create_empty())
    newest = 0
    for place, (number, today) in enumerate(numbered, start=1):
        newest = max(newest, number)
        current = (merged or {}) if place == len(numbered) else {}
        known = after(known, today, number, newest=newest, aliases=current)
    return stays(known)


def after(
    known: pl.DataFrame, today: set[str], number: int, *, newest: int | None, aliases: dict[str, str] | None = None
) -> pl.DataFrame:
    known = stays_after(
        known,
        pl.DataFrame({"person_id": sorted(today)}, schema={"person_id": pl.String}),
        pl.DataFrame(
            [(alias, name, NIGHT) for alias, name in (aliases or {}).items()],
            schema=dict(PersonAliases.create_empty().schema),
            orient="row",
        ),
        segment="best",
        as_of=on(number),
        newest=None if newest is None else on(newest),
    )
    Memberships.validate(known)
    return known


def on(number: int) -> date:
    return NIGHT + timedelta(days=number)


def stays(known: pl.DataFrame) -> set[Stay]:
    rows = known.select("person_id", "valid_from", "valid_to").rows()
    assert len(set(rows)) == len(rows)
    return {(name, (start - NIGHT).days, None if end is None else (end - NIGHT).days) for name, start, end in rows}


def test_whoever_enters_stays_until_they_leave() -> None:
    assert nights({"jane"}) == {("jane", 1, None)}
    assert nights({"jane"}, {"jane", "bob"}) == {("jane", 1, None), ("bob", 2, None)}
    assert nights({"jane"}, {"jane"}, {"bob"}) == {("jane", 1, 3), ("bob", 3, None)}


def test_whoever_comes_back_has_a_second_stay() -> None:
    assert nights({"jane"}, set(), set(), {"jane"}) == {("jane", 1, 2), ("jane", 4, None)}


def test_nights_that_were_skipped_break_no_stay() -> None:
    assert nights({"jane"}, (9, {"jane"})) == {("jane", 1, None)}
    assert nights({"jane"}, (9, set())) == {("jane", 1, 9)}


@pytest.mark.parametrize(
    ("first", "again", "expected"),
    [
        ({"jane"}, {"jane"}, {("jane", 1, None)}),
        ({"jane"}, set(), {("jane", 1, 2)}),
        (set(), {"jane"}, {("jane", 1, None)}),
        ({"jane", "bob"}, {"jane"}, {("jane", 1, None)}),
        ({"bob"}, {"jane", "ann"}, {("jane", 1, None), ("ann", 2, None)}),
    ],
)
def test_a_repeated_night_forgets_what_it_wrote_the_first_time(
    first: set[str], again: set[str], expected: set[Stay]
) -> None:
    assert nights({"jane"}, (2, first), (2, again)) == expected


def test_an_older_night_changes_nothing() -> None:
    assert nights({"jane"}, {"jane"}, {"jane"}, (2, {"bob"})) == {("jane", 1, None)}
    assert nights({"jane"}, set(), (1, {"bob"})) == {("jane", 1, 2)}


def test_the_first_night_of_a_new_segment_in_an_old_home_counts() -> None:
    found = after(pl.DataFrame(Memberships.create_empty()), {"jane"}, 5, newest=5)
    assert stays(found) == {("jane", 5, None)}
    assert stays(after(pl.DataFrame(Memberships.create_empty()), {"jane"}, 5, newest=None)) == {("jane", 5, None)}


def test_two_people_who_turn_out_to_be_one_keep_the_longer_stay() -> None:
    one = {"shop": "jane"}
    assert nights({"jane"}, {"jane", "shop"}, {"jane"}, merged=one) == {("jane", 1, None)}
    assert nights({"shop"}, {"jane", "shop"}, {"jane"}, merged=one) == {("jane", 1, None)}
    assert nights({"shop"}, {"shop"}, {"jane"}, merged=one) == {("jane", 1, None)}
    assert nights({"shop"}, {"shop", "jane"}, set(), merged=one) == {("jane", 1, 3)}


def test_a_past_stay_follows_its_person_too() -> None:
    assert nights({"shop"}, set(), {"jane"}, merged={"shop": "jane"}) == {("jane", 1, 2), ("jane", 3, None)}


def test_a_person_whom_the_crm_lost_leaves() -> None:
    assert nights({"jane"}, {"bob"}, merged={"bob": "bob"}) == {("jane", 1, 2), ("bob", 2, None)}


some_nights = st.lists(st.sets(st.sampled_from(["ann", "bob", "jane"])), min_size=1, max_size=6)


@given(some_nights)
@settings(max_examples=30, deadline=None)
def test_after_every_night_the_open_stays_are_todays_members_and_no_two_stays_overlap(each: list[set[str]]) -> None:
    found = nights(*each)
    assert {name for name, _, end in found if end is None} == each[-1]
    for number, today in enumerate(each, start=1):
        there = [name for name, start, end in found if start <= number and (end is None or number < end)]
        assert sorted(there) == sorted(today)


@given(some_nights, st.sets(st.sampled_from(["ann", "bob", "jane"])), st.sampled_from([{}, {"bob": "jane"}]))
@settings(max_examples=30, deadline=None)
def test_a_row_keeps_its_place_exactly_where_nothing_of_it_changed(
    each: list[set[str]], today: set[str], one: dict[str, str]
) -> None:
    known = pl.DataFrame(Memberships.create_empty())
    for number, there in enumerate(each, start=1):
        known = after(known, there, number, newest=number)
    last = len(each) + 1
    plain = after(known, today - set(one), last, newest=last, aliases=one)
    places = pl.int_range(known.height, eager=True).alias("place")
    placed = after(known.with_columns(places), today - set(one), last, newest=last, aliases=one)
    assert placed.select(plain.columns).sort(pl.all()).equals(plain.sort(pl.all()))
    unchanged = placed.filter(pl.col("place").is_not_null())
    assert known[unchanged["place"]].equals(unchanged.select(known.columns))
    # Whoever became another person may be given a row that the other one has already.
    written = placed.filter(pl.col("place").is_null(), ~pl.col("person_id").is_in(list(one.values())))
    assert written.select(known.columns).join(known, on=known.columns, how="semi", nulls_equal=True).is_empty()


@given(some_nights, st.data())
@settings(max_examples=20, deadline=None)
def test_nights_that_are_repeated_or_come_late_end_where_each_once_ends(
    each: list[set[str]], data: st.DataObject
) -> None:
    played: list[tuple[int, set[str]]] = []
    for number, today in enumerate(each, start=1):
        wrong = data.draw(st.sets(st.sampled_from(["ann", "bob", "jane"])))
        late = data.draw(st.integers(1, number))
        played += [(number, wrong), (number, today)]
        if late < number:
            played.append((late, wrong))
    assert nights(*played) == nights(*each)
