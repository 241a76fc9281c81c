"""Frames of digits → frames of valid numbers, one numbering plan after the other.

No step loses or adds a row, and all other columns are carried along; the order of rows is not kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import polars as pl

from pipelines.identifiers.phones.columns import (
    begins_with,
    is_long_enough,
    kind,
    without,
    without_national_prefix,
    without_own_calling_code,
)
from pipelines.identifiers.phones.metadata import (
    Plan,
    codes_of_beginnings,
    main_plans,
    plan_of,
    plans_of_calling_code,
)
from pipelines.identifiers.phones.own_code import own_code

_digits, _rest, _shorter = pl.col("digits"), pl.col("rest"), pl.col("shorter")


def split_international(numbers: pl.DataFrame) -> pl.DataFrame:
    """digits (calling code first) → rest (after the code), plan (null: nobody's code) and dialled_abroad are added."""
    return (
        numbers.with_columns(beginning=_digits.str.slice(0, 3))
        .join(_calling_codes(), on="beginning", how="left")
        .with_columns(rest=_digits.str.slice(pl.col("code_length")), dialled_abroad=pl.col("plan").is_not_null())
        .select(*numbers.columns, "rest", "plan", "dialled_abroad")
    )


def split_national(numbers: pl.DataFrame) -> pl.DataFrame:
    """digits (as dialled in the region), region → rest (after any code), plan and dialled_abroad are added."""
    abroad, at_home = [numbers.clear()], []
    for (region,), part in numbers.partition_by("region", as_dict=True).items():
        here, dialled_abroad = _split_prefix(part, plan_of(str(region)))
        abroad.append(dialled_abroad)
        at_home.append(_split_calling_code(here, plan_of(str(region))).with_columns(dialled_abroad=pl.lit(value=False)))
    return pl.concat([split_international(pl.concat(abroad)), *at_home])


def complete(rests: pl.DataFrame) -> pl.DataFrame:
    """rest, plan → phone_e164, phone_country, phone_type, calling_code are added (null where not valid); no plan."""
    stripped: dict[str, list[pl.DataFrame]] = {}
    for (name,), part in rests.partition_by("plan", as_dict=True).items():
        if name is not None:
            plan = plan_of(name)
            stripped.setdefault(plan.calling_code, []).append(_without_national_prefix(part.drop("plan"), plan))
    read = [part for code, numbers in stripped.items() for part in _by_region(pl.concat(numbers), code)]
    return pl.concat([_invalid(rests.filter(pl.col("plan").is_null()).drop("plan")), *read])


def _split_prefix(numbers: pl.DataFrame, plan: Plan) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The numbers dialled at home, and those dialled abroad: from their calling code on."""
    if plan.international_prefix is None:
        return numbers, numbers.clear()
    rest = without(_digits, plan.international_prefix)
    # A calling code never begins with 0: such a prefix is none.
    is_dialled_abroad = begins_with(_digits, plan.international_prefix) & ~rest.str.starts_with("0")
    at_home, abroad = _parted(numbers, is_dialled_abroad)
    return at_home, abroad.with_columns(rest)


def _split_calling_code(numbers: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """digits → rest and plan are added: the main plan where the digits begin with the plan's own calling code."""
    region = pl.lit(plan.region)
    as_typed, suspects = _parted(numbers, _digits.str.starts_with(plan.calling_code))
    as_typed = as_typed.with_columns(rest=_digits, plan=region)
    if suspects.is_empty():
        return as_typed
    main_plan = plan_of(plans_of_calling_code(plan.calling_code)[0])
    rest = without_own_calling_code(_digits, plan)
    if plan.is_open:
        after_code = _digits.str.strip_prefix(plan.calling_code)
        is_code = own_code(kind(_digits, plan), kind(without_national_prefix(after_code, main_plan), main_plan))
        rest = pl.when(is_code).then(after_code).otherwise(rest)
    read = suspects.with_columns(rest=rest).with_columns(
        rest=pl.coalesce(_rest, _digits),
        plan=pl.when(_rest.is_null()).then(region).otherwise(pl.lit(main_plan.region)),
    )
    return pl.concat([as_typed, read])


def _without_national_prefix(rests: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    numbers, prefixed = _parted(rests, begins_with(_rest, plan.national_prefix))
    if prefixed.is_empty():
        return numbers
    stripped = prefixed.with_columns(shorter=without_national_prefix(_rest, plan)).with_columns(
        rest=pl.when(is_long_enough(_shorter, plan)).then(_shorter).otherwise(_rest)
    )
    return pl.concat([numbers, stripped.drop("shorter")])


def _by_region(numbers: pl.DataFrame, calling_code: str) -> Iterator[pl.DataFrame]:
    names = plans_of_calling_code(calling_code)
    for plan in map(plan_of, names):
        if len(names) == 1:
            numbers, claimed = numbers.clear(), numbers
        elif plan.leading_digits is not None:
            # Leading digits give a number to a region whether or not it is valid there.
            numbers, claimed = _parted(numbers, _rest.str.contains(plan.leading_digits))
        else:
            numbers, claimed = _parted(numbers, kind(_rest, plan).is_not_null())
        if not claimed.is_empty():
            yield _read(claimed, plan)
        if numbers.is_empty():
            return
    yield _invalid(numbers)


def _parted(numbers: pl.DataFrame, condition: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows where the condition is false, and those where it is true."""
    mask = numbers.select(condition).to_series()
    return numbers.filter(~mask), numbers.filter(mask)


def _read(numbers: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    is_valid = pl.col("phone_type").is_not_null()
    return numbers.with_columns(phone_type=kind(_rest, plan)).with_columns(
        phone_e164=pl.when(is_valid).then(pl.lit(f"+{plan.calling_code}") + _rest),
        phone_country=pl.when(is_valid).then(pl.lit(plan.region)),
        calling_code=pl.when(is_valid).then(pl.lit(plan.calling_code)),
    )


def _invalid(numbers: pl.DataFrame) -> pl.DataFrame:
    nothing = pl.lit(None, pl.String)
    return numbers.with_columns(phone_type=nothing, phone_e164=nothing, phone_country=nothing, calling_code=nothing)


@cache
def _calling_codes() -> pl.DataFrame:
    codes = codes_of_beginnings()
    return pl.DataFrame(
        {
            "beginning": list(codes),
            "plan": [main_plans()[beginning] for beginning in codes],
            "code_length": [len(code) for code in codes.values()],
        }
    )
