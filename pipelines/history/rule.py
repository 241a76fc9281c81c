"""A segment's rule taken apart at AND, OR and NOT, each part true or false for one person."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from pipelines.segments.rule_values import signed
from schemas.why import RulePart

_CONNECTORS: dict[type[exp.Expr], str] = {exp.And: "all of", exp.Or: "any of", exp.Not: "not"}


def parts(where: str, person: pl.DataFrame) -> list[RulePart]:
    """The rule's parts, each connector before its own, in the rule's order.

    In: the rule (Polars SQL), one row of `Features`. What the parser does not know stays one part.
    """
    whole = [RulePart(0, where, _holds(where, person))]
    try:
        root = parse_one(f"SELECT 1 WHERE {where}").find(exp.Where)
        found = list(_parts(root.this, 0, person)) if root is not None else whole
    except (SqlglotError, pl.exceptions.PolarsError):
        return whole
    # Rendered and read again it must be the same rule: else it is shown as it was written.
    return found if found[0].holds == whole[0].holds else whole


def _parts(node: exp.Expr, depth: int, person: pl.DataFrame) -> Iterator[RulePart]:
    node = node.unnest()
    connector = _CONNECTORS.get(type(node))
    text = node.sql()
    yield RulePart(depth, connector or text, _holds(text, person))
    if connector is None:
        return
    # `a AND b AND c` is one list of three.
    below = [node.this] if isinstance(node, exp.Not) else node.flatten()
    for child in below:
        yield from _parts(child, depth + 1, person)


def _holds(condition: str, person: pl.DataFrame) -> bool | None:
    return signed(person).select(pl.sql_expr(condition).alias("holds"))["holds"].item()
