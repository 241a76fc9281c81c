"""People as of a day: what counts, when the day ends, and how people are ranked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.features.measures import measured, ranked
from schemas.customers import Customers
from schemas.features import Features
from schemas.money import exponent
from schemas.rates import RATE_DECIMALS
from schemas.settings import Settings

AS_OF = date(2024, 6, 30)
NOON = datetime(2024, 6, 15, 12, tzinfo=UTC)
EURO = Settings(currency="EUR", time_zone="Europe/Paris")

ORDERS = {
    "person_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "amount": pl.Int64,
    "currency": pl.String,
    "status": pl.String,
}
VISITS = {"person_id": pl.String, "occurred_at": pl.Datetime("us", "UTC")}
RATES = {"currency": pl.String, "valid_from": pl.Date, "rate": pl.Decimal(20, RATE_DECIMALS)}


def order(amount: int, ordered_at: datetime | None = NOON, person: str = "jane", **fields: str) -> dict[str, object]:
    return {
        "person_id": person,
        "ordered_at": ordered_at,
        "amount": amount,
        "currency": "EUR",
        "status": "completed",
        **fields,
    }


def features_of(
    *orders: dict[str, object],
    people: tuple[dict[str, object], ...] = (),
    visits: tuple[tuple[str, datetime], ...] = (),
    rates: tuple[tuple[str, date, str], ...] = (),
    settings: Settings = EURO,
    as_of: date = AS_OF,
) -> pl.DataFrame:
    """`Features` of the given people, or of Jane and whoever ordered."""
    names = dict.fromkeys(["jane", *(str(row["person_id"]) for row in orders)])
    rows = people or tuple({"person_id": name} for name in names)
    table = measured(
        pl.DataFrame([{"records": 1, **row} for row in rows], schema=dict(Customers.create_empty().schema)),
        pl.DataFrame(orders, schema=ORDERS),
        pl.DataFrame(visits, schema=VISITS, orient="row"),
        pl.DataFrame([(code, start, Decimal(rate)) for code, start, rate in rates], schema=RATES, orient="row"),
        settings=settings,
        as_of=as_of,
    )
    return ranked(table.collect())


def jane(*orders: dict[str, object], **kwargs: object) -> dict[str, object]:
    return features_of(*orders, **kwargs).row(by_predicate=pl.col("person_id") == "jane", named=True)


def test_features_keep_their_contract() -> None:
    found = features_of(order(12_990), order(500, person="bob"), visits=(("jane", NOON),))
    assert found.schema == Features.create_empty().schema
    Features.validate(found)


def test_somebody_without_orders_has_no_revenue_and_no_rank() -> None:
    assert jane() == {
        "person_id": "jane",
        "country": None,
        "orders_count": 0,
        "revenue": Decimal(0),
        "average_order_value": None,
        "recency_days": None,
        "days_since_first_order": None,
        "tenure_days": None,
        "value_percentile": None,
        "recency_score": None,
        "frequency_score": None,
        "monetary_score": None,
        "last_visit_days": None,
    }


def test_nobody_has_no_features() -> None:
    table = measured(
        pl.DataFrame(Customers.create_empty()),
        pl.DataFrame(schema=ORDERS),
        pl.DataFrame(schema=VISITS),
        pl.DataFrame(schema=RATES),
        settings=EURO,
        as_of=AS_OF,
    )
    assert ranked(table.collect()).is_empty()


@pytest.mark.parametrize(
    ("orders", "count", "revenue"),
    [
        ([order(1000)], 1, "10"),
        ([order(1000), order(250)], 2, "12.50"),
        ([order(1000), order(400, status="refunded")], 1, "10"),
        ([order(1000), order(400, status="cancelled")], 1, "10"),
        ([order(1000), order(400, status="pending")], 1, "10"),
        ([order(1000, status="refunded")], 0, "0"),
        ([order(1000), order(-400)], 1, "6"),
        ([order(-400)], 0, "-4"),
        ([order(1000), order(-400, status="pending")], 1, "10"),
        ([order(0)], 1, "0"),
    ],
)
def test_only_completed_orders_count_and_money_given_back_is_no_order(
    orders: list[dict[str, object]], count: int, revenue: str
) -> None:
    found = jane(*orders)
    assert (found["orders_count"], found["revenue"]) == (count, Decimal(revenue))


def test_money_given_back_later_does_not_make_somebody_a_recent_buyer() -> None:
    found = jane(order(1000, datetime(2024, 1, 1, 12, tzinfo=UTC)), order(-1000))
    assert (found["recency_days"], found["days_since_first_order"]) == (181, 181)


def test_money_given_back_without_an_order_is_no_order_at_all() -> None:
    found = jane(order(-1000))
    assert (found["recency_days"], found["value_percentile"], found["monetary_score"]) == (None, None, None)


def test_money_given_back_that_is_worth_less_than_a_cent_is_no_order_either() -> None:
    found = jane(order(-100, currency="IDR"), rates=(("IDR", date(2024, 1, 1), "0.00006"),))
    assert (found["orders_count"], found["revenue"], found["recency_days"]) == (0, Decimal(0), None)


@pytest.mark.parametrize(
    ("amount", "currency", "rate", "revenue"),
    [
        (1000, "USD", "0.93", "9.30"),
        (125, "USD", "0.5", "0.63"),
        (-125, "USD", "0.5", "-0.63"),
        (124, "USD", "0.5", "0.62"),
        (1, "USD", "0.4999999999", "0"),
        (1000, "JPY", "0.0058", "5.80"),
        (1, "JPY", "0.0058", "0.01"),
        (1_000, "TND", "0.3", "0.30"),
        (15, "TND", "1", "0.02"),
        (14, "TND", "1", "0.01"),
        (10**12, "USD", "0.9999999999", "9999999999"),
    ],
)
def test_a_foreign_amount_is_converted_exactly_and_rounded_half_away_from_zero(
    amount: int, currency: str, rate: str, revenue: str
) -> None:
    found = jane(order(amount, currency=currency), rates=((currency, date(2024, 1, 1), rate),))
    assert found["revenue"] == Decimal(revenue)


def test_foreign_amounts_are_rounded_one_by_one() -> None:
    found = jane(*[order(1, currency="USD")] * 3, rates=(("USD", date(2024, 1, 1), "0.5"),))
    assert found["revenue"] == Decimal("0.03")


@pytest.mark.parametrize(
    ("ordered_at", "revenue"),
    [
        (datetime(2024, 3, 31, 21, 59, 59, tzinfo=UTC), "5"),
        (datetime(2024, 3, 31, 22, 0, tzinfo=UTC), "8"),
        (datetime(2024, 4, 1, 12, tzinfo=UTC), "8"),
        (datetime(2024, 2, 29, 22, 59, 59, tzinfo=UTC), "2"),
        (datetime(2024, 2, 29, 23, 0, tzinfo=UTC), "5"),
    ],
)
def test_a_foreign_amount_takes_the_rate_of_its_local_day(ordered_at: datetime, revenue: str) -> None:
    rates = (
        ("USD", date(2024, 1, 1), "0.2"),
        ("USD", date(2024, 4, 1), "0.8"),
        ("USD", date(2024, 3, 1), "0.5"),
        ("GBP", date(2024, 4, 1), "9"),
    )
    assert jane(order(1000, ordered_at, currency="USD"), rates=rates)["revenue"] == Decimal(revenue)


def test_the_companys_own_currency_needs_no_rate() -> None:
    assert jane(order(1000), rates=(("EUR", date(2024, 1, 1), "2"),))["revenue"] == Decimal(10)


@pytest.mark.parametrize(
    ("currency", "revenue"), [("EUR", "123.45"), ("JPY", "12345"), ("TND", "12.345"), ("CLF", "1.2345")]
)
def test_revenue_is_in_major_units_of_the_companys_currency(currency: str, revenue: str) -> None:
    found = jane(order(12_345, currency=currency), settings=Settings(currency=currency))
    assert (found["revenue"], found["average_order_value"]) == (Decimal(revenue), Decimal(revenue))


@pytest.mark.parametrize(
    ("amounts", "average"),
    [
        ([1000], "10"),
        ([1000, 2001], "15.01"),
        ([1000, 1000, 1001], "10"),
        ([1000, 1000, 1001, 1001], "10.01"),
        ([1000, -400], "6"),
        ([2, 2, -9], "-0.03"),
        ([1000, -1000], "0"),
    ],
)
def test_the_average_is_revenue_by_order_rounded_half_away_from_zero(amounts: list[int], average: str) -> None:
    assert jane(*(order(amount) for amount in amounts))["average_order_value"] == Decimal(average)


def test_money_is_exact_where_floats_are_not() -> None:
    found = jane(*[order(10)] * 3, order(2**53 + 1))
    assert found["revenue"] == Decimal("90071992547410.23")


@pytest.mark.parametrize(
    ("as_of", "zone", "moment", "counts"),
    [
        (date(2024, 6, 30), "Europe/Paris", "2024-06-30T21:59:59.999999", True),
        (date(2024, 6, 30), "Europe/Paris", "2024-06-30T22:00:00", False),
        (date(2024, 12, 31), "Europe/Paris", "2024-12-31T22:59:59", True),
        (date(2024, 12, 31), "Europe/Paris", "2024-12-31T23:00:00", False),
        (date(2024, 3, 30), "Europe/Paris", "2024-03-30T22:59:59", True),
        (date(2024, 3, 30), "Europe/Paris", "2024-03-30T23:00:00", False),
        (date(2024, 3, 31), "Europe/Paris", "2024-03-31T21:59:59", True),
        (date(2024, 3, 31), "Europe/Paris", "2024-03-31T22:00:00", False),
        (date(2024, 10, 27), "Europe/Paris", "2024-10-27T22:59:59", True),
        (date(2024, 10, 27), "Europe/Paris", "2024-10-27T23:00:00", False),
        (date(2024, 6, 30), "America/New_York", "2024-07-01T03:59:59", True),
        (date(2024, 6, 30), "America/New_York", "2024-07-01T04:00:00", False),
        (date(2024, 6, 30), "Asia/Kolkata", "2024-06-30T18:29:59", True),
        (date(2024, 6, 30), "Asia/Kolkata", "2024-06-30T18:30:00", False),
        (date(2024, 6, 30), "UTC", "2024-07-01T00:00:00", False),
    ],
)
def test_orders_and_visits_count_up_to_the_end_of_the_local_day(
    as_of: date, zone: str, moment: str, *, counts: bool
) -> None:
    instant = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    settings = Settings(currency="EUR", time_zone=zone)
    found = jane(order(1000, instant), visits=(("jane", instant),), settings=settings, as_of=as_of)
    expected = (1, Decimal(10), 0, 0) if counts else (0, Decimal(0), None, None)
    assert (found["orders_count"], found["revenue"], found["recency_days"], found["last_visit_days"]) == expected


def test_money_given_back_after_the_day_does_not_reduce_revenue_yet() -> None:
    assert jane(order(1000), order(-400, datetime(2024, 7, 1, 12, tzinfo=UTC)))["revenue"] == Decimal(10)


def test_days_are_counted_from_the_newest_and_the_first_order_in_local_days() -> None:
    found = jane(
        order(1, datetime(2024, 6, 20, 22, 30, tzinfo=UTC)),
        order(1, datetime(2024, 6, 1, 21, 30, tzinfo=UTC)),
        order(1, datetime(2024, 6, 10, 12, tzinfo=UTC)),
    )
    assert (found["recency_days"], found["days_since_first_order"]) == (9, 29)


@pytest.mark.parametrize(
    ("created_at", "orders", "tenure"),
    [
        (datetime(2024, 6, 1, 12, tzinfo=UTC), [], 29),
        (datetime(2024, 6, 1, 22, 30, tzinfo=UTC), [], 28),
        (datetime(2024, 6, 1, 12, tzinfo=UTC), [order(1, datetime(2024, 5, 31, 12, tzinfo=UTC))], 30),
        (datetime(2024, 6, 1, 12, tzinfo=UTC), [order(1, datetime(2024, 6, 20, 12, tzinfo=UTC))], 29),
        (None, [order(1, datetime(2024, 6, 20, 12, tzinfo=UTC))], 10),
        (None, [], None),
        (datetime(2024, 6, 30, 12, tzinfo=UTC), [], 0),
        (datetime(2024, 7, 2, 12, tzinfo=UTC), [], None),
        (datetime(2024, 7, 2, 12, tzinfo=UTC), [order(1, datetime(2024, 6, 20, 12, tzinfo=UTC))], 10),
    ],
)
def test_tenure_counts_from_the_first_record_or_the_first_order(
    created_at: datetime | None, orders: list[dict[str, object]], tenure: int | None
) -> None:
    assert jane(*orders, people=({"person_id": "jane", "created_at": created_at},))["tenure_days"] == tenure


def test_the_last_visit_is_the_newest_of_the_persons_own() -> None:
    visits = (
        ("jane", datetime(2024, 6, 20, 12, tzinfo=UTC)),
        ("jane", datetime(2024, 6, 3, 12, tzinfo=UTC)),
        ("bob", datetime(2024, 6, 29, 12, tzinfo=UTC)),
        ("jane", datetime(2024, 7, 3, 12, tzinfo=UTC)),
    )
    assert jane(visits=visits)["last_visit_days"] == 10


def test_the_country_is_the_persons() -> None:
    assert jane(people=({"person_id": "jane", "country": "FR"},))["country"] == "FR"


def test_without_order_times_money_counts_and_time_is_not_known() -> None:
    found = features_of(order(1000, None), order(500, None), order(700, None, "bob"), order(300, None, "bob"))
    table = {row["person_id"]: row for row in found.iter_rows(named=True)}
    assert (table["jane"]["orders_count"], table["jane"]["revenue"]) == (2, Decimal(15))
    assert [table["jane"]["value_percentile"], table["bob"]["value_percentile"]] == [Decimal(100), Decimal(0)]
    assert found.select("recency_days", "days_since_first_order", "recency_score").null_count().row(0) == (2, 2, 2)
    assert found["frequency_score"].null_count() == 0


def test_without_order_times_a_foreign_amount_takes_the_newest_rate() -> None:
    rates = (("USD", date(2024, 1, 1), "0.5"), ("USD", date(2024, 5, 1), "0.8"))
    assert jane(order(1000, None, currency="USD"), rates=rates)["revenue"] == Decimal(8)


def ranks_of(column: str, *orders: dict[str, object]) -> dict[str, object]:
    """Person → the column, of everyone."""
    return dict(features_of(*orders).select("person_id", column).iter_rows())


@pytest.mark.parametrize(
    ("revenues", "percentiles"),
    [
        ([7], ["100"]),
        ([1, 2], ["0", "100"]),
        ([10, 20, 30, 40, 50], ["0", "25", "50", "75", "100"]),
        ([10, 20, 30, 40], ["0", "33.33", "66.66", "100"]),
        ([5, 5, 5], ["100", "100", "100"]),
        ([5, 9, 9], ["0", "100", "100"]),
        ([5, 5, 9], ["50", "50", "100"]),
        ([-4, 5], ["0", "100"]),
    ],
)
def test_the_percentile_ranks_revenue_among_buyers_and_100_is_best(revenues: list[int], percentiles: list[str]) -> None:
    orders = [order(0, person=f"p{number}") for number in range(len(revenues))]
    orders += [order(revenue, person=f"p{number}") for number, revenue in enumerate(revenues)]
    found = ranks_of("value_percentile", *orders)
    assert found.pop("jane") is None
    assert [found[f"p{number}"] for number in range(len(revenues))] == [Decimal(value) for value in percentiles]


@pytest.mark.parametrize(
    ("counts", "scores"),
    [
        ([1], [5]),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        ([3, 3, 3, 3], [5, 5, 5, 5]),
        ([1, 1, 1, 1, 9], [4, 4, 4, 4, 5]),
    ],
)
def test_scores_are_quintiles_of_buyers_and_5_is_best(counts: list[int], scores: list[int]) -> None:
    by_frequency = [order(1, person=f"p{number}") for number, count in enumerate(counts) for _ in range(count)]
    by_money = [order(count, person=f"p{number}") for number, count in enumerate(counts)]
    by_recency = [
        order(1, NOON - timedelta(days=20 - count), person=f"p{number}") for number, count in enumerate(counts)
    ]
    for column, orders in {
        "frequency_score": by_frequency,
        "monetary_score": by_money,
        "recency_score": by_recency,
    }.items():
        found = ranks_of(column, *orders)
        assert found.pop("jane") is None
        assert [found[f"p{number}"] for number in range(len(counts))] == scores, column


people_names = st.sampled_from(["p0", "p1", "p2", "p3", "p4"])
moments = st.datetimes(datetime(2024, 5, 1), datetime(2024, 7, 5), timezones=st.just(UTC))
some_orders = st.lists(
    st.builds(
        lambda amount, when, person, currency, status: order(amount, when, person, currency=currency, status=status),
        st.integers(-5_000, 100_000) | st.integers(-(10**13), 10**13),
        moments,
        people_names,
        st.sampled_from(["EUR", "EUR", "USD", "JPY", "TND"]),
        st.sampled_from(["completed", "completed", "completed", "refunded", "cancelled", "pending"]),
    ),
    max_size=25,
)
SOME_RATES = (
    ("USD", date(2024, 1, 1), "0.9234567891"),
    ("USD", date(2024, 6, 1), "0.5"),
    ("JPY", date(2024, 1, 1), "0.0059"),
    ("TND", date(2024, 1, 1), "0.295"),
)


def rounded(value: Fraction) -> int:
    """To the nearest integer, half away from zero."""
    whole = int(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


def counted(orders: list[dict[str, object]], person: str) -> list[tuple[bool, int]]:
    """The person's completed orders up to the day: whether money came in, and how much in cents."""
    amounts = []
    for row in orders:
        local = row["ordered_at"].astimezone(ZoneInfo("Europe/Paris")).date()
        if row["person_id"] != person or row["status"] != "completed" or local > AS_OF:
            continue
        rate = Fraction(1)
        if row["currency"] != "EUR":
            valid = [(start, value) for code, start, value in SOME_RATES if code == row["currency"] and start <= local]
            rate = Fraction(max(valid)[1])
        value = Fraction(row["amount"], 10 ** exponent(row["currency"])) * rate * 100
        amounts.append((row["amount"] >= 0, rounded(value)))
    return amounts


@given(some_orders)
@settings(max_examples=50, deadline=None)
def test_revenue_is_that_of_a_slow_exact_sum(orders: list[dict[str, object]]) -> None:
    table = {row["person_id"]: row for row in features_of(*orders, rates=SOME_RATES).iter_rows(named=True)}
    for person, row in table.items():
        amounts = counted(orders, person)
        total = sum(cents for _, cents in amounts)
        assert row["revenue"] == Decimal(total) / 100
        assert row["orders_count"] == sum(is_order for is_order, _ in amounts)
        if row["orders_count"]:
            average = rounded(Fraction(total, row["orders_count"]))
            assert row["average_order_value"] == Decimal(average) / 100


@given(some_orders)
@settings(max_examples=25, deadline=None)
def test_ranks_are_those_of_a_slow_count_of_who_is_better(orders: list[dict[str, object]]) -> None:
    rows = list(features_of(*orders, rates=SOME_RATES).iter_rows(named=True))
    buyers = [row for row in rows if row["orders_count"]]
    for row in rows:
        if not row["orders_count"]:
            assert (row["value_percentile"], row["monetary_score"]) == (None, None)
            continue
        better = {
            "monetary_score": sum(other["revenue"] > row["revenue"] for other in buyers),
            "frequency_score": sum(other["orders_count"] > row["orders_count"] for other in buyers),
            "recency_score": sum(other["recency_days"] < row["recency_days"] for other in buyers),
        }
        for score, ahead in better.items():
            assert row[score] == 5 - 5 * ahead // len(buyers)
        behind = len(buyers) - 1 - better["monetary_score"]
        share = Fraction(behind, len(buyers) - 1) if len(buyers) > 1 else Fraction(1)
        assert row["value_percentile"] == Decimal(int(share * 10_000)) / 100


@given(some_orders, st.randoms(use_true_random=False))
@settings(max_examples=12, deadline=None)
def test_the_order_of_the_rows_changes_nothing(orders: list[dict[str, object]], random: Random) -> None:
    people = tuple({"person_id": f"p{number}"} for number in range(5))
    shuffled = [list(orders), list(people)]
    for rows in shuffled:
        random.shuffle(rows)
    one = features_of(*orders, people=people, rates=SOME_RATES)
    other = features_of(*shuffled[0], people=tuple(shuffled[1]), rates=SOME_RATES[::-1])
    assert one.equals(other)
