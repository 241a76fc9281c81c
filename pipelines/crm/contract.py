"""Rows that keep their table's contract, and rows set aside with the rule they broke."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import dataframely as dy
import polars as pl

#: Where a row stood in the select's result, from 0.
ROW = "source_row"
#: Set by the reader when a text could not be cast: the rule it broke, and the text.
BROKEN_RULE = "broken_rule"
BROKEN_TEXT = "broken_text"

_WORDS = {"nullability": "missing", "check": "not allowed"}


class Judged(NamedTuple):
    """`accepted` has the contract's columns and `source_row`; `broken` has these, rule and shape."""

    accepted: pl.DataFrame
    broken: pl.DataFrame


def judge(rows: pl.DataFrame, contract: type[dy.Schema]) -> Judged:
    """Split typed rows by their contract.

    In: the contract's columns, `source_row`, `broken_rule`, `broken_text`.
    Each row comes out once: accepted, or broken by its first rule. Of rows that are equal in every column one stays.
    """
    # Of most tables no row is doubtful, and to judge none takes as long as to judge hundreds: a fortieth of a small
    # night (measured).
    return _judged_of_none(contract, tuple(rows.schema.items())) if rows.is_empty() else _judged(rows, contract)


@cache
def _judged_of_none(contract: type[dy.Schema], schema: tuple[tuple[str, pl.DataType], ...]) -> Judged:
    return _judged(pl.DataFrame(schema=schema), contract)


def _judged(rows: pl.DataFrame, contract: type[dy.Schema]) -> Judged:
    unreadable = rows.filter(pl.col(BROKEN_RULE).is_not_null()).select(
        *contract.column_names(), ROW, rule=pl.col(BROKEN_RULE), shape=shape(pl.col(BROKEN_TEXT))
    )
    readable = rows.filter(pl.col(BROKEN_RULE).is_null()).drop(BROKEN_RULE, BROKEN_TEXT)
    located = type(f"Located{contract.__name__}", (contract,), {ROW: dy.UInt32()})
    accepted, failure = located.filter(readable, cast=True)
    accepted = pl.DataFrame(accepted).select(*contract.column_names(), ROW)
    details = failure.details() if len(failure) else None
    if details is None:
        return Judged(accepted, unreadable)
    keepers = _keepers(details, contract)
    every = pl.concat([accepted, keepers]).sort(ROW) if keepers.height else accepted
    failed = details.filter(~pl.col(ROW).is_in(keepers[ROW].implode()))
    broken = failed.select(*contract.column_names(), ROW, *_first_rule(failed, contract))
    return Judged(every, pl.concat([unreadable, broken]).sort(ROW))


def shape(column: pl.Expr) -> pl.Expr:
    """A text's shape, never the text: letters as a or A, digits as 9, what nobody sees as ?, at most 40."""
    return (
        column.str.replace_all(r"\p{Lu}", "A")
        .str.replace_all(r"[\p{L}\p{M}--A]", "a")
        .str.replace_all(r"\p{N}", "9")
        # A terminal would obey them.
        .str.replace_all(r"\p{C}", "?")
        .str.slice(0, 40)
    )


def _rules(details: pl.DataFrame, contract: type[dy.Schema]) -> list[str]:
    return [column for column in details.columns if column not in {*contract.column_names(), ROW}]


def _keepers(details: pl.DataFrame, contract: type[dy.Schema]) -> pl.DataFrame:
    """Rows whose only fault is that they stand twice, equal in every column: the first of them is kept."""
    columns = contract.column_names()
    if "primary_key" not in details.columns:
        return details.select(*columns, ROW).clear()
    other_rules = [pl.col(rule) != "invalid" for rule in _rules(details, contract) if rule != "primary_key"]
    repeated = details.filter(pl.col("primary_key") == "invalid", *other_rules)
    distinct = repeated.unique(subset=columns, keep="first", maintain_order=True)
    return distinct.filter(pl.len().over(contract.primary_key()) == 1).select(*columns, ROW)


def _first_rule(details: pl.DataFrame, contract: type[dy.Schema]) -> tuple[pl.Expr, pl.Expr]:
    rule = pl.lit(None, dtype=pl.String)
    text = pl.lit(None, dtype=pl.String)
    # The key is judged last: rows without one are missing it, not repeating it.
    for name in sorted(_rules(details, contract), key=lambda rule: rule != "primary_key"):
        column, _, fault = name.rpartition("|")
        if name == "primary_key":
            column, fault = contract.primary_key()[0], "repeated"
        broken = pl.col(name) == "invalid"
        sentence = f"{column} {_WORDS.get(fault, fault)}" if column else name.replace("_", " ") + " not so"
        rule = pl.when(broken).then(pl.lit(sentence)).otherwise(rule)
        value = pl.col(column).cast(pl.String) if column else pl.lit(None, dtype=pl.String)
        text = pl.when(broken).then(shape(value)).otherwise(text)
    return rule.alias("rule"), text.alias("shape")
