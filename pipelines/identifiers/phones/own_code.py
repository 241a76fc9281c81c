"""Whether digits without a plus begin with the country's own calling code, where they make sense with and without it.

An open plan (Germany's, Indonesia's) takes nearly any digits for a fixed line, so the library reads `491701234567` as a
fixed line in Emden's neighbourhood. No German types a fixed line so, without its zero; exports write every mobile so,
without its plus: there a mobile after the calling code is believed before a fixed line at home.
"""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.phones.bare_plus import MOBILE, PERSONAL


def is_own_code(home: str | None, after_code: str | None) -> bool:
    """`home` is the digits' kind in the record's own country, whose plan is open, `after_code` the kind of what stands
    after its calling code, both null where there is none.
    """
    return after_code in MOBILE and home not in PERSONAL


def own_code(home: pl.Expr, after_code: pl.Expr) -> pl.Expr:
    """The same for columns."""
    is_mobile, is_personal = after_code.is_in(MOBILE), home.is_in(PERSONAL)
    return is_mobile.fill_null(value=False) & ~is_personal.fill_null(value=False)
