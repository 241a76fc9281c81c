"""Comparisons of a segment's rule that cannot be meant: with NULL, which says nothing, or with no country's code."""

from __future__ import annotations

import json
from collections.abc import Iterator

import polars as pl

from schemas.countries import is_country
from schemas.errors import ConfigError
from schemas.said import Said

#: Of an expression as Polars writes it down.
_EQUALITIES = frozenset({"Eq", "NotEq", "EqValidity", "NotEqValidity"})
_COMPARISONS = frozenset({"Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq"})


def check_comparisons(rule: pl.Expr, place: str) -> None:
    """Whether what the rule compares says something.

    Raises:
        ConfigError: a column is compared with NULL, or `country` with what is no country's code.
    """
    for part in _parts(rule):
        operator, sides = _operator(part), part.meta.pop()
        if operator in _COMPARISONS and any(_is_null(side) for side in sides):
            msg = Said(
                "{place}: a comparison with NULL is neither true nor false. Write IS NULL or IS NOT NULL.", place=place
            )
            raise ConfigError(msg)
        if operator in _EQUALITIES | {"IsIn"} and any(_is_country_column(side) for side in sides):
            unknown = sorted({text for side in sides for text in _texts(side) if text and not is_country(text)})
            if unknown:
                msg = Said(
                    "{place}: country is compared with {unknown}, and holds two capital letters of ISO 3166, e.g. FR.",
                    place=place,
                    unknown=", ".join(unknown),
                )
                raise ConfigError(msg)


def _parts(rule: pl.Expr) -> Iterator[pl.Expr]:
    yield rule
    for part in rule.meta.pop():
        yield from _parts(part)


def _operator(part: pl.Expr) -> str | None:
    """The name of a comparison."""
    match json.loads(part.meta.serialize(format="json")):
        case {"BinaryExpr": {"op": str(name)}}:
            return name
        case {"Function": {"function": {"Sql": {"IsIn": _}}}}:
            return "IsIn"
        case _:
            return None


def _is_country_column(part: pl.Expr) -> bool:
    return part.meta.eq(pl.col("country"))


def _is_null(part: pl.Expr) -> bool:
    return part.meta.eq(pl.lit(None))


def _texts(part: pl.Expr) -> list[str]:
    """The texts of a literal or of a list of them."""
    if part.meta.root_names():
        return []
    values = pl.select(part).to_series()
    values = values.explode() if values.dtype == pl.List else values
    return values.drop_nulls().to_list() if values.dtype == pl.String else []
