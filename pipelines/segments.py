"""Features and a condition → who is in a segment, since when."""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.rule_trials import check_on_people, check_own_values
from pipelines.rule_values import signed
from schemas.errors import ConfigError, DayError, StageError
from schemas.features import NEED_ORDER_TIMES, Features
from schemas.said import Said
from schemas.segment import Segment


def condition(name: str, segment: Segment, *, has_order_times: bool) -> pl.Expr:
    """The segment's rule as an expression over `Features`, tried on invented people, so that errors come before data.

    Raises:
        ConfigError: the rule is no SQL condition, names an unknown column, needs order times that are not there,
            asks for more than a person's own values, or fails for people as there may be.
    """
    place = _place(name)
    empty = signed(pl.DataFrame(Features.create_empty()))
    try:
        rule = pl.sql_expr(segment.where)
        used = rule.meta.root_names()
        unknown = sorted(set(used) - set(empty.columns))
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
        msg = Said("{place}: {says}.", place=place, says=str(error).splitlines()[0].rstrip("."))
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
    check_on_people(rule, place)
    return rule


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


def _place(name: str) -> str:
    return f"config/segments/{name}.toml, where"


def stays_after(  # noqa: PLR0913 - who was, who is, and when
    known: pl.DataFrame,
    today: pl.DataFrame,
    aliases: pl.DataFrame,
    *,
    segment: str,
    as_of: date,
    newest: date | None,
) -> pl.DataFrame:
    """The segment's `Memberships` after a night: `known` ones carried on, begun, or ended on `as_of`.

    In: `Memberships` of the segment, and `place` where they lie, if that matters: it stays with a row that is as it was
    and is null in one that must be written; today's person_id; `PersonAliases`, by which an old id becomes today's.
    A repeated night forgets what it wrote the first time; a night before `newest` changes nothing, since what was, was.
    """
    if newest is not None and as_of < newest:
        return known
    columns = known.columns
    if "place" not in columns:
        known = known.with_columns(place=pl.lit(None, dtype=pl.Int64))
    before = (
        known.filter(pl.col("valid_from") < as_of)
        .join(aliases.select(person_id="alias", now="person_id"), on="person_id", how="left")
        .with_columns(ends=pl.when(pl.col("valid_to") < as_of).then("valid_to"))
        .select(
            pl.coalesce("now", "person_id").alias("person_id"),
            "segment",
            "valid_from",
            pl.col("ends").alias("valid_to"),
            place=pl.when(pl.col("now").is_null(), pl.col("ends").eq_missing(pl.col("valid_to"))).then("place"),
        )
    )
    ended = before.filter(pl.col("valid_to").is_not_null())
    open_stays = _longest(before.filter(pl.col("valid_to").is_null()))
    unwritten = pl.lit(None, dtype=pl.Int64)
    kept = open_stays.join(today, on="person_id", how="semi")
    left = open_stays.join(today, on="person_id", how="anti").with_columns(valid_to=pl.lit(as_of), place=unwritten)
    joined = today.join(open_stays, on="person_id", how="anti").select(
        "person_id",
        segment=pl.lit(segment),
        valid_from=pl.lit(as_of),
        valid_to=pl.lit(None, dtype=pl.Date),
        place=unwritten,
    )
    return pl.concat([ended, kept, left, joined]).select(columns)


def _longest(stays: pl.DataFrame) -> pl.DataFrame:
    """Of open stays, one a person: people who were one night two and are now one keep the longer."""
    several = stays["person_id"].is_duplicated()
    if not several.any():
        return stays
    first = (
        stays.filter(several)
        .sort("valid_from", "place", nulls_last=True)
        .unique("person_id", keep="first", maintain_order=True)
    )
    return pl.concat([stays.filter(~several), first])
