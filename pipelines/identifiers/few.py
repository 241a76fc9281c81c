"""Work that only a few rows of a column need, done on those rows alone; and values that a rule names several times."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

Rule = Callable[[pl.Expr], pl.Expr]


def where_few(values: pl.Expr, few: Rule, changed: Rule, *, keep_others: bool = True) -> pl.Expr:
    """`changed` of the values of which `few` holds; the others as they are, or null (texts).

    `pl.when` would work `changed` out on every row, of which even nulls cost something. Both rules get the values as a
    column, so that the expression they come from is worked out once.
    """

    def batch(series: pl.Series) -> pl.Series:
        column = series.to_frame("value")
        mask = column.select(few(pl.col("value"))).to_series().fill_null(value=False)
        others = series if keep_others else pl.repeat(None, series.len(), dtype=pl.String, eager=True)
        if not mask.any():
            return others
        return placed(column.filter(mask).select(changed(pl.col("value"))).to_series(), mask, others)

    return values.map_batches(batch, return_dtype=pl.String, is_elementwise=True)


def once(values: pl.Expr, rule: Rule) -> pl.Expr:
    """`rule` of the values, which are worked out once however often the rule names them.

    Polars plans an expression written out, and only then finds what is equal in it: with a few rules on top of one
    another that takes a hundredth of a second and more, whatever the rows (measured).
    """

    def batch(series: pl.Series) -> pl.Series:
        return series.to_frame("value").select(rule(pl.col("value"))).to_series()

    return values.map_batches(batch, return_dtype=pl.String, is_elementwise=True)


def placed(done: pl.Series, mask: pl.Series, others: pl.Series) -> pl.Series:
    """`done`, one for each true of `mask`, in the places of `mask`; `others` elsewhere."""
    return others.clone().scatter(mask.arg_true(), done)
