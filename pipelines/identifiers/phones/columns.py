"""The library's rules of one numbering plan as Polars expressions over a column of digits."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.phones.metadata import Kinds, Plan, Prefix


def begins_with(number: pl.Expr, prefix: Prefix | None) -> pl.Expr:
    """Whether the prefix stands before the number."""
    if prefix is None:
        return pl.lit(value=False)
    if prefix.digits is not None:
        return number.str.starts_with(prefix.digits)
    return number.str.contains(prefix.pattern)


def without(number: pl.Expr, prefix: Prefix) -> pl.Expr:
    """What stands after the prefix."""
    if prefix.digits is not None:
        return number.str.strip_prefix(prefix.digits)
    return number.str.replace(prefix.pattern, "")


def without_national_prefix(number: pl.Expr, plan: Plan) -> pl.Expr:
    """The number without trunk prefix and carrier code, unless that makes a known number unknown."""
    if plan.national_prefix is None:
        return number
    rest = without(number, plan.national_prefix)
    if plan.rewriting is not None:
        pattern = plan.national_prefix.pattern
        rewritten = number.str.replace(pattern, plan.rewriting.replacement)
        takes_part = number.str.extract(pattern, plan.rewriting.group).is_not_null()
        rest = pl.when(takes_part).then(rewritten).otherwise(rest)
    return pl.when(_is_known(number, plan) & ~_is_known(rest, plan)).then(number).otherwise(rest)


def without_own_calling_code(number: pl.Expr, plan: Plan) -> pl.Expr:
    """The digits after the plan's own calling code, which they begin with, or null where it is no calling code."""
    rest = without_national_prefix(number.str.strip_prefix(plan.calling_code), plan)
    is_calling_code = (~_is_known(number, plan) & _is_known(rest, plan)) | _is_too_long(number, plan)
    return pl.when(is_calling_code).then(rest)


def is_long_enough(number: pl.Expr, plan: Plan) -> pl.Expr:
    """Whether a number without its prefix is more than a local or a short one, so that the prefix may go."""
    length = number.str.len_bytes()
    is_possible = length.is_in(plan.general_lengths) | _is_too_long(number, plan)
    return is_possible & ~length.is_in(plan.local_lengths)


def is_valid(number: pl.Expr, plan: Plan) -> pl.Expr:
    """Whether the plan has a kind of number of this form."""
    return _is_one_of(number, plan.general) & pl.any_horizontal(_is_one_of(number, kinds) for kinds in plan.kinds)


def _is_known(number: pl.Expr, plan: Plan) -> pl.Expr:
    """Whether the number has the plan's general form."""
    return number.str.contains(plan.general.pattern)


def _is_one_of(number: pl.Expr, kinds: Kinds) -> pl.Expr:
    matches = number.str.contains(kinds.pattern)
    return matches if kinds.lengths is None else matches & number.str.len_bytes().is_in(kinds.lengths)


def _is_too_long(number: pl.Expr, plan: Plan) -> pl.Expr:
    length = number.str.len_bytes()
    return (length > max(plan.general_lengths)) & ~length.is_in(plan.local_lengths)
