"""Foreign orders: the rate of their day, and their amount in the company's currency."""

from __future__ import annotations

import polars as pl

from schemas.money import exponent
from schemas.rates import RATE_DECIMALS


def with_rate(orders: pl.DataFrame, rates: pl.DataFrame, *, currency: str, time_zone: str) -> pl.DataFrame:
    """Orders plus `rate` (Decimal): 1 for the company's currency, else the newest valid on the order's local day.

    Null where there is none. An order without a time takes the newest rate of its currency.
    """
    # A day is wanted for each order; without a time it is one after all rates.
    day = pl.col("ordered_at").dt.convert_time_zone(time_zone).dt.date()
    foreign = pl.col("currency") != currency
    dtype = rates.schema["rate"]
    numbered = orders.with_row_index("order_number")
    rated = (
        numbered.with_columns(day=day.fill_null(pl.date(9999, 12, 31)))
        .sort("day")
        .join_asof(
            rates.sort("valid_from"), left_on="day", right_on="valid_from", by="currency", check_sortedness=False
        )
        .select("order_number", "rate")
    )
    return (
        numbered.join(rated, on="order_number", how="left", maintain_order="left")
        .with_columns(rate=pl.when(foreign).then("rate").otherwise(pl.lit(1, dtype=dtype)))
        .drop("order_number")
    )


def converted(*, currency: str, currencies: list[str]) -> pl.Expr:
    """`amount` × `rate` in minor units of `currency` (Int64), rounded half away from zero, order by order.

    `currencies` are the currencies that occur. Integers throughout: a sum of floats would differ from run to run.
    """
    scale = pl.col("currency").replace_strict(
        {code: 10 ** (RATE_DECIMALS + exponent(code)) for code in currencies},
        default=None,
        return_dtype=pl.Int128,
    )
    rate = (pl.col("rate").cast(pl.Decimal(38, RATE_DECIMALS)) * 10**RATE_DECIMALS).cast(pl.Int128)
    numerator = pl.col("amount").abs().cast(pl.Int128) * rate * 10 ** exponent(currency)
    rounded = ((numerator * 2 + scale) // (scale * 2)).cast(pl.Int64)
    return rounded * pl.col("amount").sign()
