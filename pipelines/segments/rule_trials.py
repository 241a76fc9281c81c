"""What a segment's rule may ask, and the rule tried on invented people: what is wrong shows before there is data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import polars as pl

from pipelines.segments.rule_values import signed
from schemas.errors import ConfigError
from schemas.features import Features
from schemas.said import Said

#: What Polars says of a Decimal divided by 0, whatever else stands in its message.
_DIVIDED = "division by zero"

#: Of an expression as Polars writes it down: literals that are an instant or a part of one. A clock is read when the
#: rule is parsed, and leaves such a one.
_MOMENTS = frozenset({"Date", "Datetime", "Time"})

#: And what looks at other rows than the person's own: their number and order differ from night to night.
_OTHER_ROWS = frozenset({"Agg", "Correlation", "Explode", "Len", "Over", "Quantile", "Selector"})


def check_own_values(rule: pl.Expr, place: str) -> None:
    """Whether the rule asks for nothing but a person's own values.

    Raises:
        ConfigError: it reads a clock, or looks at other people's rows.
    """
    parts = set(_parts(json.loads(rule.meta.serialize(format="json"))))
    if parts & _MOMENTS:
        msg = Said(
            "{place}: it reads a clock or names a date, and the same data would give another list on another day. Ask "
            "for days since something, e.g. recency_days <= 30.",
            place=place,
        )
        raise ConfigError(msg)
    if parts & _OTHER_ROWS:
        msg = Said(
            "{place}: it looks at other people's rows (AVG, COUNT, FIRST, OVER and the like), and a rule is asked of "
            "each person alone. Compare people by value_percentile or by the scores.",
            place=place,
        )
        raise ConfigError(msg)


def check_on_people(rule: pl.Expr, place: str) -> None:
    """Ask the rule of people as `Features` may have them: without orders, and with 0 in each column that it uses.

    Polars works out both sides of AND, and one person for whom it fails fails the night.

    Raises:
        ConfigError: it divides by 0 for one of them, or fails otherwise.
    """
    used = list(dict.fromkeys(rule.meta.root_names()))
    for person in _people():
        try:
            person.filter(rule.fill_null(False))
        except pl.exceptions.PolarsError as error:
            values = {name: person[name].item() for name in used}
            if _DIVIDED in str(error):
                zeros = {name: value for name, value in values.items() if value == 0}
                msg = Said(
                    "{place}: it divides by 0 for people with {values}, and one of them fails the whole night. Divide "
                    "by NULLIF(…, 0), which gives them no value, or ask for average_order_value.",
                    place=place,
                    values=_listed(zeros or values),
                )
            else:
                msg = Said(
                    "{place}: it fails for people with {values} ({kind}), and one of them fails the whole night. Make "
                    "it give them no value, e.g. by TRY_CAST instead of CAST.",
                    place=place,
                    values=_listed(values),
                    kind=type(error).__name__,
                )
            raise ConfigError(msg) from None


@cache
def _people() -> list[pl.DataFrame]:
    """One row of `signed` `Features` each; whose only 0 is in one column come first, because an error then names that
    one.
    """
    schema = dict(Features.create_empty().schema)
    numbers = [name for name, dtype in schema.items() if dtype.is_numeric()]
    one = {name: 1 if name in numbers else "FR" for name in schema}
    without_orders = dict.fromkeys(schema) | {"person_id": "FR", "orders_count": 0, "revenue": 0}
    rows = [one, *(one | {name: 0} for name in numbers), without_orders, one | dict.fromkeys(numbers, 0)]
    cast = ({name: pl.Series([row[name]]).cast(dtype) for name, dtype in schema.items()} for row in rows)
    return [signed(pl.DataFrame(person)) for person in cast]


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {'NULL' if value is None else value}" for name, value in values.items())


def _parts(node: Any) -> Iterator[str]:  # noqa: ANN401 - what JSON holds
    """The kinds of an expression's nodes, and those of its literals; no literal's value."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for each in node:
            yield from _parts(each)
    elif isinstance(node, dict):
        for kind, below in node.items():
            if kind == "Literal":
                yield from below.get("Scalar", ()) if isinstance(below, dict) and below.get("Scalar") != "Null" else ()
            else:
                yield kind
                yield from _parts(below)
