"""How a column's times are read: by their form, and by the zone that the column's name says."""

from __future__ import annotations

from typing import NamedTuple

from pipelines.crm.guess.files import quoted
from pipelines.crm.guess.shapes import Values, filled
from pipelines.crm.guess.time_forms import (
    day_first_format,
    has_zero_dates,
    is_local_time,
    month_first_format,
    seconds_since_1970,
    stands_first,
    time_format,
)
from pipelines.crm.guess.zones import Zone, zone_of


class TimeReading(NamedTuple):
    """SQL that reads a column's times, with what a person should know of it."""

    sql: str
    note: str | None = None
    #: What is to be decided about the zone, a sentence without its full stop.
    decide: str | None = None


def reading(name: str, sql: str, values: Values, *, limits: bool) -> TimeReading | None:
    """How the column `name`, whose text is `sql`, is read; None if the day or the month may stand first.

    What cannot be read as a time stays as text, so that its row is set aside; where it `limits` a statement, MySQL's
    zeros do too.
    """
    form, zone = time_format(values), zone_of(name) if _is_local(values) else None
    if form == "iso":
        text, note = sql, None
        if has_zero_dates(values) and not limits:
            text = f"CASE WHEN {quoted(name)} NOT LIKE '0000-00-00%' THEN {quoted(name)} END"
            note = "0000-00-00 is no day"
        if zone is None:
            return TimeReading(text, note)
        return _zoned(name, text, _in_zone(f"nullif(trim({text}), '')", zone), zone, values)
    if form is not None:
        read = with_format(name, form)
        return TimeReading(read) if zone is None else _zoned(name, read, with_format(name, form, zone), zone, values)
    seconds = seconds_since_1970(values)
    if seconds is None:
        return None
    return TimeReading(_or_text(f"to_timestamp({seconds.format(quoted(name))})::VARCHAR", name), "time since 1970")


def with_format(name: str, form: str, zone: Zone | None = None) -> str:
    """SQL that reads the column `name` by DuckDB's format, in a zone if one is said; as text."""
    time = f"try_strptime(trim({quoted(name)}), '{form}')"
    if zone is None:
        moment = f"{time}::VARCHAR"
    elif zone.place is not None:
        moment = f"timezone('{zone.place}', {time})::VARCHAR"
    else:
        moment = f"{time}::VARCHAR || '{zone.offset}'"
    return _or_text(moment, name)


class Reading(NamedTuple):
    """SQL that reads times that begin with a day or a month, and which of the two."""

    sql: str
    if_so: str


def day_or_month_first_readings(name: str, values: Values) -> tuple[Reading, Reading]:
    """Both readings of such times, the one that the sample speaks for first."""
    day_first, zone = day_first_format(values), zone_of(name) if _is_local(values) else None
    day = Reading(with_format(name, day_first, zone), "if the day stands first")
    month = Reading(with_format(name, month_first_format(day_first), zone), "if the month stands first, as in the US")
    return (month, day) if stands_first(values) == {"month"} else (day, month)


def said_of_days(values: Values) -> str:
    """What the sample says of which stands first, as the end of a sentence."""
    said = stands_first(values)
    if len(said) == 1:
        return f"; in some rows of the sample only the {min(said)} can"
    return "; in some rows of the sample only the day can, in others only the month" if said else ""


def _is_local(values: Values) -> bool:
    """Whether some value is a time of day of a zone that it does not say."""
    return any(is_local_time(value) for value in filled(values))


def _zoned(name: str, text: str, zoned: str, zone: Zone, values: Values) -> TimeReading:
    """The text in the zone that the name says, if that is sure and every value is a time of that zone."""
    if zone.sure and all(is_local_time(value) for value in filled(values)):
        return TimeReading(zoned, f"its name says {zone.said}")
    decide = (
        f"{name} seems to hold times of the zone {zone.said}, which are read in the company's zone; if they are of "
        f"{zone.said}, write {zoned}"
    )
    return TimeReading(text, None, decide)


def _in_zone(text: str, zone: Zone) -> str:
    """SQL for the moment that a text without an offset is in a zone, as text."""
    if zone.place is not None:
        return f"coalesce(timezone('{zone.place}', TRY_CAST({text} AS TIMESTAMP))::VARCHAR, {text})"
    return f"{text} || '{zone.offset}'"


def _or_text(moment: str, name: str) -> str:
    """SQL for a moment, or for the text itself where it is none: its row is set aside as unreadable, not as blank."""
    return f"coalesce({moment}, {quoted(name)})"
