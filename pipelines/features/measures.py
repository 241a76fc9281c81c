"""People as of a day: value, recency, frequency. Time enters here, so that a segment is a pure condition."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from pipelines.crm.money import converted, with_rate
from pipelines.local_days import midnight_after
from schemas.features import Features
from schemas.money import exponent
from schemas.settings import Settings


def measured(  # noqa: PLR0913 - people and what is known of them
    customers: pl.DataFrame,
    orders: pl.DataFrame,
    visits: pl.DataFrame,
    rates: pl.DataFrame,
    *,
    settings: Settings,
    as_of: date,
    summed: pl.DataFrame | None = None,
) -> pl.LazyFrame:
    """The people with what needs no other people: `Features` without ranks.

    In: `Customers`; orders (person_id, ordered_at, amount, currency, status); visits (person_id, occurred_at); rates;
    and, beside `orders`, those of which sums are enough (`Totals.orders`).
    Orders and visits count up to the end of `as_of` in the company's time zone; an order without a time always counts.
    """
    day, end = pl.lit(as_of), pl.lit(end_of(as_of, settings))
    one_by_one = _in_one_currency(_counted(orders, end), rates, settings)
    every = one_by_one if summed is None else pl.concat([one_by_one, summed.select(one_by_one.columns)])
    known_since = pl.min_horizontal(_local_day(pl.col("created_at"), settings), "first_day")
    ordered = pl.col("orders_count") > 0
    digits = exponent(settings.currency)
    return (
        customers.lazy()
        .join(_bought(every, settings), on="person_id", how="left")
        .join(_visited(visits, end, settings), on="person_id", how="left")
        .with_columns(pl.col("orders_count", "revenue_minor").fill_null(0))
        .select(
            "person_id",
            "country",
            "orders_count",
            revenue=_major(pl.col("revenue_minor"), digits),
            average_order_value=pl.when(ordered).then(
                _major(_rounded_ratio(pl.col("revenue_minor"), pl.col("orders_count")), digits)
            ),
            recency_days=_days(day, "last_day"),
            days_since_first_order=_days(day, "first_day"),
            tenure_days=pl.when(known_since <= day).then((day - known_since).dt.total_days().cast(pl.Int32)),
            last_visit_days=_days(day, "last_visit"),
        )
    )


def ranked(measured: pl.DataFrame) -> pl.DataFrame:
    """`Features`: everyone's measures with their ranks among people with orders.

    The best has rank 1, equal values have the same rank. Of n people, rank r is percentile 100 × (n − r) / (n − 1), cut
    to two decimals, and quintile 5 − ⌊5 × (r − 1) / n⌋.
    """
    # An order that the rows' own does not change; by the ids themselves it would take five times as long (measured). It
    # comes first: what is added afterwards need not be copied.
    measured = measured.sort(pl.col("person_id").hash())
    is_buyer = pl.col("orders_count") > 0
    count = measured.select(is_buyer.sum().cast(pl.Int64)).item()
    among = {name: pl.when(is_buyer).then(name) for name in ("revenue", "recency_days", "orders_count")}
    by_revenue = _rank(among["revenue"])
    percentile = (pl.lit(10000, dtype=pl.Int64) * (count - by_revenue)) // max(count - 1, 1)
    percentile = pl.when(count == 1, is_buyer).then(pl.lit(10000, dtype=pl.Int64)).otherwise(percentile)
    table = measured.with_columns(
        value_percentile=_major(percentile, 2).cast(pl.Decimal(5, 2)),
        recency_score=_quintile(_rank(among["recency_days"], best="lowest"), count),
        frequency_score=_quintile(_rank(among["orders_count"]), count),
        monetary_score=_quintile(by_revenue, count),
    )
    # Products of Decimals are 38 digits wide, which DuckDB reads many times slower than 18.
    return table.select(Features.column_names()).cast(Features.create_empty().schema)


def _counted(orders: pl.DataFrame, end: pl.Expr) -> pl.DataFrame:
    """The orders that count up to `end`: as `totals` says it in SQL."""
    before = pl.col("ordered_at").is_null() | (pl.col("ordered_at") < end)
    return orders.filter((pl.col("status") == "completed") & before)


def _bought(orders: pl.DataFrame, settings: Settings) -> pl.LazyFrame:
    """person_id, orders_count, revenue_minor, first_day, last_day."""
    # An instant's day is looked up once a person, not once an order: days never run backwards.
    return (
        orders.lazy()
        .group_by("person_id")
        .agg(
            pl.col("orders_count", "revenue_minor").sum(),
            first_day=pl.col("first_order").min(),
            last_day=pl.col("last_order").max(),
        )
        .with_columns(_local_day(pl.col("first_day", "last_day"), settings), pl.col("orders_count").cast(pl.UInt32))
    )


def _visited(visits: pl.DataFrame, end: pl.Expr, settings: Settings) -> pl.LazyFrame:
    """person_id, last_visit."""
    return (
        visits.lazy()
        .filter(pl.col("occurred_at") < end)
        .group_by("person_id")
        .agg(last_visit=pl.col("occurred_at").max())
        .with_columns(_local_day(pl.col("last_visit"), settings))
    )


def _in_one_currency(orders: pl.DataFrame, rates: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Each order as `Totals.orders` has them: person_id, orders_count (0 of money given back), revenue_minor in the
    company's currency, first_order and last_order (null if it is none). Few orders need a rate.
    """
    own, is_order = pl.col("currency") == settings.currency, pl.col("amount") >= 0
    ordered_at = pl.when(is_order).then("ordered_at")
    shape = {"orders_count": is_order.cast(pl.Int64), "first_order": ordered_at, "last_order": ordered_at}
    rated = with_rate(orders.filter(~own), rates, currency=settings.currency, time_zone=settings.time_zone)
    amount = converted(currency=settings.currency, currencies=rated["currency"].unique().to_list())
    return pl.concat(
        [
            orders.filter(own).select("person_id", revenue_minor="amount", **shape),
            rated.select("person_id", revenue_minor=amount, **shape),
        ]
    )


def end_of(day: date, settings: Settings) -> datetime:
    """The instant at which the local day is over, in UTC."""
    return midnight_after(day, settings.zone)


def _local_day(instant: pl.Expr, settings: Settings) -> pl.Expr:
    return instant.dt.convert_time_zone(settings.time_zone).dt.date()


def _days(day: pl.Expr, since: str) -> pl.Expr:
    return (day - pl.col(since)).dt.total_days().cast(pl.Int32)


def _major(minor: pl.Expr, digits: int) -> pl.Expr:
    """Minor units as Decimal(18, 4) in major units, exactly."""
    units = (minor.cast(pl.Int128) * 10 ** (4 - digits)).cast(pl.Decimal(38, 0))
    return (units * pl.lit("0.0001").cast(pl.Decimal(4, 4))).cast(pl.Decimal(18, 4))


def _rounded_ratio(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """Integer division, rounded half away from zero."""
    whole = denominator.cast(pl.Int64)
    return numerator.sign() * ((numerator.abs() * 2 + whole) // (whole * 2))


def _rank(values: pl.Expr, best: str = "highest") -> pl.Expr:
    return values.rank("min", descending=best == "highest").cast(pl.Int64)


def _quintile(rank: pl.Expr, count: int) -> pl.Expr:
    return (5 - (5 * (rank - 1)) // max(count, 1)).cast(pl.UInt8)
