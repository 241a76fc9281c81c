"""A CRM that was read for a day to come: the clock was ahead, or `time_zone` another.

No earlier day can be read into that home any more, so that this day is run again until the calendar has caught up.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from catalog.days import has_night_after
from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import Warehouse, open_warehouse
from schemas.config import Config
from schemas.errors import RelanceError
from schemas.said import Said


def newest_possible(config: Config, now: datetime) -> date:
    """The newest day that a night may be about at `now`, the time in the company's time zone."""
    return now.date() - timedelta(days=1 if config.sources.as_of == "yesterday" else 0)


def newest_read(warehouse: Warehouse) -> date | None:
    """The newest day whose CRM was read into this home."""
    if not warehouse.has("pulls"):
        return None
    newest = warehouse.read("SELECT max(as_of) AS newest FROM warehouse.pulls")["newest"][0]
    return newest if isinstance(newest, date) else None


def not_before_read(day: date, config: Config, home: Home) -> date:
    """The day, or the newest that was read into the home if that is a later one. What keeps the warehouse from being
    opened, the run will say."""
    with open_catalog(home) as catalog:
        if not has_night_after(catalog, day):
            return day
    try:
        with open_warehouse(home, open_keys(home), config.settings.memory_limit) as warehouse:
            return max(day, newest_read(warehouse) or day)
    except RelanceError:
        return day


def day_to_come(as_of: date, read: date | None, config: Config, now: datetime) -> tuple[Said, ...]:
    """What is to be told of a night of `as_of` if that day is to come, and was `read` into the home already."""
    if as_of != read or as_of <= newest_possible(config, now):
        return ()
    msg = Said(
        "On {today} this night is about {as_of}, a day to come: a night ran when the clock was ahead (or time_zone "
        "another), and no earlier day can be read into this home any more. {as_of} is run again, with all that the CRM "
        "says now, until the calendar has caught up; days are counted from {as_of} until then. If that is too far "
        "away, restore the backup made before that night.",
        today=now.date(),
        as_of=as_of,
    )
    return (msg,)
