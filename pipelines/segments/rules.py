"""A segment's rule as an expression over the features, and whom it takes."""

from __future__ import annotations

from datetime import date

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.segments.rule_mistakes import check_comparisons
from pipelines.segments.rule_trials import check_on_people, check_own_values
from pipelines.segments.rule_values import signed
from schemas.config import Config
from schemas.errors import ConfigError, DayError, StageError
from schemas.features import NEED_ORDER_TIMES, Features
from schemas.said import Said
from schemas.segment import Segment

#: What Polars says of a text compared with a number, without saying of which column.
_MIXED = "cannot compare string with numeric type"


def condition(name: str, segment: Segment, *, has_order_times: bool) -> pl.Expr:
    """The segment's rule as an expression over `Features`, tried on invented people, so that errors come before data.

    Raises:
        ConfigError: the rule is no SQL condition, names an unknown column, needs order times that are not there,
            asks for more than a person's own values, compares with NULL or no country's code, or fails for people as
            there may be.
    """
    place = _place(name)
    empty = signed(pl.DataFrame(Features.create_empty()))
    try:
        rule = pl.sql_expr(segment.where)
        used = rule.meta.root_names()
        unknown = sorted(set(used) - set(empty.columns))
        # So Polars calls what a query within the rule would give.
        if any(name.startswith("_POLARS_TMP") for name in unknown):
            raise ConfigError(Said("{place}: a rule is a condition and cannot hold a SELECT.", place=place))
        if unknown:
            msg = Said(
                "{place}: {unknown} is no column. The columns are {columns}.",
                place=place,
                unknown=", ".join(unknown),
                columns=", ".join(empty.columns),
            )
            raise ConfigError(msg)
        tried = empty.select(rule.alias("member"))
        # Polars compares a Decimal with a text, letter by letter; as a float it refuses to.
        empty.cast({pl.Decimal: pl.Float64}).select(rule.alias("member"))
    except pl.exceptions.PolarsError as error:
        mixed = _mixed(pl.sql_expr(segment.where), empty) if _MIXED in str(error) else []
        msg = Said("{place}: {says}.", place=place, says=str(error).splitlines()[0].rstrip("."))
        if mixed:
            msg = Said(
                "{place}: at {columns} a text and a number are compared. Write numbers without quotes, and texts in "
                "single ones.",
                place=place,
                columns=", ".join(mixed),
            )
        raise ConfigError(msg) from None
    except (TypeError, ValueError, NotImplementedError) as error:
        msg = Said("{place}: {says}.", place=place, says=str(error).splitlines()[0].rstrip("."))
        raise ConfigError(msg) from None
    if tried.schema["member"] != pl.Boolean:
        msg = Said(
            "{place}: it gives {type}, not true or false. Compare something, e.g. revenue >= 500.",
            place=place,
            type=tried.schema["member"],
        )
        raise ConfigError(msg)
    needing = sorted(set(used) & set(NEED_ORDER_TIMES))
    if needing and not has_order_times:
        msg = Said(
            "{place}: {needing} needs order times, which sources.toml says the source does not have.",
            place=place,
            needing=", ".join(needing),
        )
        raise ConfigError(msg)
    check_own_values(rule, place)
    check_comparisons(rule, place)
    check_on_people(rule, place)
    return rule


def members_on(warehouse: Warehouse, config: Config, segment: str, *, as_of: date) -> pl.DataFrame:
    """person_id of who is in the segment, by the features of the day. Raises as `condition` and `members` do."""
    rule = condition(segment, config.segments[segment], has_order_times=config.sources.has_order_times)
    columns = ", ".join(sorted({"person_id", *rule.meta.root_names()}))
    features = warehouse.read(f"SELECT {columns} FROM warehouse.features WHERE as_of = $day", day=as_of)
    return members(features, rule, segment=segment, as_of=as_of)


def members(features: pl.DataFrame, rule: pl.Expr, *, segment: str, as_of: date) -> pl.DataFrame:
    """In: `Features` of the day. Out: person_id of everyone for whom the rule is true (a null is not).

    Raises:
        DayError: the day's features are not kept.
        StageError: the rule cannot be worked out for somebody; Polars' message quotes values and is left out.
    """
    if features.is_empty():
        msg = Said(
            "The features of {as_of} are not kept. Choose a newer day, or run the newest one first.", as_of=as_of
        )
        raise DayError(msg)
    try:
        found = signed(features).filter(rule.fill_null(False))
    except pl.exceptions.PolarsError as error:
        msg = Said(
            "{place}: it cannot be worked out for everybody ({kind}). Most likely it divides by what is 0 for "
            "somebody: divide by NULLIF(…, 0), which gives them no value.",
            place=_place(segment),
            kind=type(error).__name__,
        )
        raise StageError(msg) from None
    return found.select("person_id").sort("person_id")


def _mixed(rule: pl.Expr, empty: pl.DataFrame) -> list[str]:
    """The columns of the smallest part of a rule that compares a text with a number."""
    for part in rule.meta.pop():
        try:
            empty.cast({pl.Decimal: pl.Float64}).select(part.alias("part"))
        except pl.exceptions.PolarsError as error:
            if _MIXED in str(error):
                return _mixed(part, empty)
    return list(dict.fromkeys(rule.meta.root_names()))


def _place(name: str) -> str:
    return f"segments/{name}.toml, where"
