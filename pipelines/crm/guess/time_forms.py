"""The forms in which a sample's times are written; which of day and month stands first is never guessed."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from pipelines.crm.guess.shapes import Values, filled, share
from pipelines.crm.sources.values import is_iso_time

_DAY_OR_MONTH_FIRST = re.compile(
    r"(?P<first>\d{1,2})(?P<sign>[-/. ])(?P<second>\d{1,2})(?P=sign)(?P<year>\d{4}|\d\d)"
    r"(?:(?P<apart>,? |T)(?P<clock>\d{1,2}:\d\d(?::\d\d)?(?: ?[AP]M)?))?",
    re.IGNORECASE,
)
_LOCAL_TIME = re.compile(
    r"(?:[\d/.-]+|\d{1,2} \d{1,2} \d{2,4}|\d{1,2}[- ][a-z]{3,9}[- ]\d{4}|[a-z]{3,9} \d{1,2}, \d{4})(?:,? |T)"
    r"\d{1,2}[:.]\d\d(?:[:.]\d\d(?:\.\d+)?)?(?: ?[AP]M)?",
    re.IGNORECASE,
)

_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
#: How English months are written: DuckDB's name of it, and its shape.
_MONTH_SHAPES = (("%b", "|".join(month[:3] for month in _MONTHS)), ("%B", "|".join(_MONTHS)))
_DAY_SHAPES = (
    ("%d-month-%Y", r"\d{1,2}-(?:month)-\d{4}"),
    ("%d month %Y", r"\d{1,2} (?:month) \d{4}"),
    ("month %d, %Y", r"(?:month) \d{1,2}, \d{4}"),
    # Days of ISO with clocks that it does not know, such as 02:15 PM.
    ("%Y-%m-%d", r"\d{4}-\d{1,2}-\d{1,2}"),
    ("%Y/%m/%d", r"\d{4}/\d{1,2}/\d{1,2}"),
)
_CLOCK_SHAPES = (
    ("", ""),
    *(
        (between + form, between + shape)
        for between in (" ", ", ")
        for form, shape in (
            ("%H:%M:%S", r"\d{1,2}:\d\d:\d\d"),
            ("%H:%M", r"\d{1,2}:\d\d"),
            ("%I:%M:%S %p", r"\d{1,2}:\d\d:\d\d [AP]M"),
            ("%I:%M %p", r"\d{1,2}:\d\d [AP]M"),
            ("%I:%M:%S%p", r"\d{1,2}:\d\d:\d\d[AP]M"),
            ("%I:%M%p", r"\d{1,2}:\d\d[AP]M"),
            ("%H.%M.%S.%n", r"\d{1,2}\.\d\d\.\d\d\.\d{9}"),
        )
    ),
)

#: Times written otherwise than ISO whose day and month cannot be confused: shape → DuckDB's name of it.
_PLAIN_FORMATS = (
    *(
        (re.compile(day.replace("month", month) + clock, re.IGNORECASE), day_form.replace("month", name) + clock_form)
        for name, month in _MONTH_SHAPES
        for day_form, day in _DAY_SHAPES
        for clock_form, clock in _CLOCK_SHAPES
    ),
    # As in mails' headers, and in BigCommerce's orders.
    (
        re.compile(rf"[a-z]{{3}}, \d\d? (?:{_MONTH_SHAPES[0][1]}) \d{{4}} \d\d:\d\d:\d\d [+-]\d{{4}}", re.IGNORECASE),
        "%a, %d %b %Y %H:%M:%S %z",
    ),
    (re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"), "%Y%m%d"),
)


def time_format(values: Values) -> str | None:
    """`iso` if relance can read the times; DuckDB's format if it is another clear one; None if neither is known."""
    if (share(values, is_iso_time) or 0.0) >= 0.9 or not filled(values):
        return "iso"
    for pattern, form in _PLAIN_FORMATS:
        if (share(values, lambda value, pattern=pattern: pattern.fullmatch(value) is not None) or 0.0) >= 0.9:
            return form
    return None


def has_zero_dates(values: Values) -> bool:
    """Whether days that are not known are MySQL's `0000-00-00`."""
    return any(value.startswith("0000-00-00") for value in filled(values))


def seconds_since_1970(values: Values) -> str | None:
    """SQL, with `{}` for the column, for the seconds of what counts seconds, milliseconds or microseconds since 1970.

    None if the values do not: of the years 2001 to 2033 such numbers have ten digits, or three or six more, and begin
    with a one.
    """
    for more, divisor in ((0, ""), (3, " / 1000"), (6, " / 1000000")):
        count = re.compile(rf"1\d{{{9 + more}}}(?:\.0*)?")
        if (share(values, lambda value, count=count: count.fullmatch(value) is not None) or 0.0) >= 0.9:
            return f"TRY_CAST({{}} AS BIGINT){divisor}"
    return None


def day_first_format(values: Values) -> str:
    """DuckDB's format of most of the times that begin with a day or a month, if it is the day: its signs and its clock
    are seen, only which of the two stands first is not.
    """
    found = (_DAY_OR_MONTH_FIRST.fullmatch(value) for value in filled(values))
    forms = Counter(
        f"%d{sign}%m{sign}{'%Y' if len(year) == 4 else '%y'}" + (_clock_format(apart, clock) if clock else "")
        for sign, year, apart, clock in (match.group("sign", "year", "apart", "clock") for match in found if match)
    )
    return forms.most_common(1)[0][0] if forms else "%d/%m/%Y %H:%M"


def begins_with_day_or_month(values: Values) -> bool:
    """Whether most values are days or times that begin with a day or a month in digits."""
    return (share(values, lambda value: _DAY_OR_MONTH_FIRST.fullmatch(value) is not None) or 0.0) >= 0.5


def month_first_format(day_first: str) -> str:
    """The same format if the month stands first."""
    return day_first.replace("%d", "%-").replace("%m", "%d").replace("%-", "%m")


def stands_first(values: Values) -> frozenset[Literal["day", "month"]]:
    """Which of day and month some values can only begin with: no month has a number above twelve."""
    found = [match for value in filled(values) if (match := _DAY_OR_MONTH_FIRST.fullmatch(value)) is not None]
    first: dict[Literal["day", "month"], bool] = {
        "day": any(int(match["first"]) > 12 for match in found),
        "month": any(int(match["second"]) > 12 for match in found),
    }
    return frozenset(which for which, some in first.items() if some)


def _clock_format(apart: str, clock: str) -> str:
    half_day = clock[-1] in "mM"
    signs = ("%I" if half_day else "%H", "%M", "%S")[: clock.count(":") + 1]
    return apart + ":".join(signs) + (" %p" if " " in clock else "%p" if half_day else "")


def is_local_time(value: str) -> bool:
    """Whether a value is a time of day that does not say of which zone."""
    return _LOCAL_TIME.fullmatch(value) is not None
