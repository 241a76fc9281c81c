"""Whether a plus stands before national digits: read abroad, they would be somebody else's number.

Digits that make sense both ways are taken for national ones where the country's plan can say what a number is. An open
plan (Germany's, Austria's) takes nearly any digits for a fixed line: there a mobile abroad is believed before a fixed
line at home. What this costs and saves is measured in docs/decisions/0011-bare-plus.md.
"""

from __future__ import annotations

import polars as pl

MOBILE = ("mobile", "fixed_line_or_mobile")
#: Kinds of numbers that people have.
PERSONAL = (*MOBILE, "voip", "personal_number")


def is_bare_plus(home: str | None, abroad: str | None, *, is_open: bool) -> bool:
    """`home` is the digits' kind in the record's own country, `abroad` the kind of the number with its plus, both null
    where there is none; `is_open` says whether the country's plan is (`Plan.is_open`).
    """
    if home is None or abroad is None or not is_open:
        return home is not None
    return home in PERSONAL or (home == "fixed_line" and abroad not in MOBILE)


def bare_plus(home: pl.Expr, abroad: pl.Expr, *, is_open: pl.Expr) -> pl.Expr:
    """The same for columns."""
    is_national = home.is_in(PERSONAL) | ((home == "fixed_line") & ~abroad.is_in(MOBILE))
    return home.is_not_null() & (abroad.is_null() | ~is_open | is_national)
