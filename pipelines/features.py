"""People as of a day: value, recency, frequency. Time enters here, so that a segment is a pure condition."""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.crm.money import converted, with_rate
from schemas.features import Features
from schemas.money import exponent
from schemas.settings import Settings


def measured(  # noqa: PLR0913 - one bucket of people and what is known of them
    customers: pl.DataFrame,
    orders: pl.DataFrame,
    visits: pl.DataFrame,
    rates: pl.DataFrame,
    *,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """One bucket of people with what needs no other people: `Features` without ranks.

    In: `Customers`; orders (person_id, ordered_at, amount, currency, status); visits (person_id, occurred_at); rates.
    Orders and visits count up to the end of `as_of` in the company's time zone; an order without a time always counts.
    """
    day = pl.lit(as_of)
    orders = orders.filter(pl.col("status") == "completed")
    rated = with_rate(orders, rates, currency=settings.currency, time_zone=settings.time_zone)
    amount = converted(currency=settings.currency, currencies=rated["currency"].unique().to_list())
    bought = (
        rated.lazy()
        .select("person_id", day=_local_day("ordered_at", settings), is_order=pl.col("amount") >= 0, amount=amount)
        .filter(pl.col("day").is_null() | (pl.col("day") <= day))
        .group_by("person_id")
        .agg(
            orders_count=pl.col("is_order").sum().cast(pl.UInt32),
            revenue_minor=pl.col("amount").sum(),
            first_day=pl.col("day").filter("is_order").min(),
            last_day=pl.col("day").filter("is_order").max(),
        )
    )
    visited = (
        visits.lazy()
        .select("person_id", day=_local_day("occurred_at", settings))
        .filter(pl.col("day") <= day)
        .group_by("person_id")
        .agg(last_visit=pl.col("day").max())
    )
    known_since = pl.min_horizontal(
        pl.col("created_at").dt.convert_time_zone(settings.time_zone).dt.date(), "first_day"
    )
    ordered = pl.col("orders_count") > 0
    digits = exponent(settings.currency)
    return (
        customers.lazy()
        .join(bought, on="person_id", how="left")
        .join(visited, on="person_id", how="left")
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
    buyers = measured.filter(pl.col("orders_count") > 0)
    count = buyers.height
    percentile = (pl.lit(10000, dtype=pl.Int64) * (count - _rank("revenue"))) // max(count - 1, 1)
    percentile = pl.when(pl.lit(count) == 1).then(pl.lit(10000, dtype=pl.Int64)).otherwise(percentile)
    ranks = buyers.select(
        "person_id",
        value_percentile=_major(percentile, 2).cast(pl.Decimal(5, 2)),
        recency_score=_quintile(_rank("recency_days", best="lowest"), count),
        frequency_score=_quintile(_rank("orders_count"), count),
        monetary_score=_quintile(_rank("revenue"), count),
    )
    table = measured.join(ranks, on="person_id", how="left").select(Features.column_names()).sort("person_id")
    # Products of Decimals are 38 digits wide, which DuckDB reads many times slower than 18.
    return table.cast(Features.create_empty().schema)


def _local_day(column: str, settings: Settings) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone(settings.time_zone).dt.date()


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


def _rank(column: str, best: str = "highest") -> pl.Expr:
    return pl.col(column).rank("min", descending=best == "highest").cast(pl.Int64)


def _quintile(rank: pl.Expr, count: int) -> pl.Expr:
    return (5 - (5 * (rank - 1)) // max(count, 1)).cast(pl.UInt8)
