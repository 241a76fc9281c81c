"""The library's rules of one numbering plan as Polars expressions over a column of digits."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.phones.metadata import Form, Plan, Prefix


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
    is_possible = length.is_in(plan.general.lengths) | _is_too_long(number, plan)
    return is_possible & ~length.is_in(plan.local_lengths)


def kind(number: pl.Expr, plan: Plan) -> pl.Expr:
    """What kind of number the plan has of this form (`mobile`, `toll_free` …); null where it has none."""
    fixed_line, mobile = (_has_form(number, form) for form in (plan.fixed_line, plan.mobile))
    found = [(_has_form(number, form), name) for name, form in plan.special_kinds.items()]
    found += [(fixed_line & mobile, "fixed_line_or_mobile"), (fixed_line, "fixed_line"), (mobile, "mobile")]
    kinds = pl.coalesce(pl.when(condition).then(pl.lit(name)) for condition, name in found)
    return pl.when(_has_form(number, plan.general)).then(kinds)


def _is_known(number: pl.Expr, plan: Plan) -> pl.Expr:
    """Whether the number has the plan's general form."""
    return number.str.contains(plan.general.pattern)


def _has_form(number: pl.Expr, form: Form | None) -> pl.Expr:
    if form is None:
        return pl.lit(value=False)
    matches = number.str.contains(form.pattern)
    return matches & number.str.len_bytes().is_in(form.lengths) if form.lengths else matches


def _is_too_long(number: pl.Expr, plan: Plan) -> pl.Expr:
    length = number.str.len_bytes()
    return (length > max(plan.general.lengths)) & ~length.is_in(plan.local_lengths)
