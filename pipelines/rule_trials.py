"""A segment's rule tried on invented people, so that what fails for somebody fails before there is data."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from schemas.errors import ConfigError
from schemas.features import Features
from schemas.said import Said

#: What Polars says of a Decimal divided by 0, whatever else stands in its message.
_DIVIDED = "division by zero"


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


def _people() -> list[pl.DataFrame]:
    """One row of `Features` each; whose only 0 is in one column come first, because an error then names that one."""
    schema = dict(Features.create_empty().schema)
    numbers = [name for name, dtype in schema.items() if dtype.is_numeric()]
    one = {name: 1 if name in numbers else "FR" for name in schema}
    without_orders = dict.fromkeys(schema) | {"person_id": "FR", "orders_count": 0, "revenue": 0}
    rows = [one, *(one | {name: 0} for name in numbers), without_orders, one | dict.fromkeys(numbers, 0)]
    return [pl.DataFrame({name: pl.Series([row[name]]).cast(dtype) for name, dtype in schema.items()}) for row in rows]


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {'NULL' if value is None else value}" for name, value in values.items())
