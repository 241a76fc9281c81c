"""Which day a run is about."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from catalog.duckdb_connection import connect
from catalog.home import Home
from pipelines.crm.read import Crm
from pipelines.local_days import midnight_after
from schemas.config import Config
from schemas.errors import DayError
from schemas.said import Said


def newest_day(config: Config, home: Home, now: datetime) -> date:
    """The day that a night asks for now: yesterday, or the newest order's day, read from the source for this alone.

    Raises:
        DayError: there is no order to take the day from.
        SourceError: the orders cannot be read as declared.
        UnreachableSourceError: their source is away.
    """
    connection = connect(home, config.settings.memory_limit, config.settings.time_zone)
    try:
        return default_day(Crm(connection, config.sources, config.folder, home.root), config.settings.zone, now)
    finally:
        connection.close()


def default_day(crm: Crm, zone: ZoneInfo, now: datetime) -> date:
    """The newest day: yesterday in the company's time zone, or with `as_of = "last order"` the newest order's day.

    An order dated after today is a mistake of the source's, which must not stop the nights: it is no last order.

    Raises:
        DayError: there is no order to take the day from.
    """
    if crm.sources.as_of == "yesterday":
        return now.astimezone(zone).date() - timedelta(days=1)
    newest = crm.newest("orders", "ordered_at", before=midnight_after(now.astimezone(zone).date(), zone))
    if not isinstance(newest, datetime):
        msg = Said(
            'sources.toml says as_of = "last order", but no readable order up to today was found. Check tables.orders.'
        )
        raise DayError(msg)
    return newest.astimezone(zone).date()


def check_asked_day(asked: date, *, default: date, pulled: date | None, chosen: bool, now: datetime) -> None:
    """Whether the CRM may be read for `asked`.

    `default` is the newest day, `pulled` the newest day already in the home, `chosen` whether a person named the day
    on the command line. `now` is in the company's time zone.

    Raises:
        DayError: the day is past, not over yet, or not the newest; the error names the right one.
    """
    right = max(default, pulled) if pulled is not None else default
    if pulled is not None and asked < pulled:
        msg = Said(
            "The CRM of {asked} cannot be read any more: {pulled} is already in this home, and a CRM shows "
            "only today. Run {right}, or use another --home.",
            asked=asked,
            pulled=pulled,
            right=right,
        )
        raise DayError(msg)
    if asked != right and not chosen:
        msg = Said(
            "The CRM can be read for {right} only, not for {asked}. Choose the partition {right}.",
            right=right,
            asked=asked,
        )
        raise DayError(msg)
    # A day that was read is run again, whatever the clock says.
    if asked != pulled and asked > max(default, now.date() - timedelta(days=1)):
        msg = Said(
            "{asked} is not over yet. Choose {right} or another day before {now}.",
            asked=asked,
            right=right,
            now=now.date(),
        )
        raise DayError(msg)


def check_orders_reach(asked: date, first_order: date | None) -> None:
    """Refuse a day before the first order, on which nothing could be counted."""
    if first_order is not None and asked < first_order:
        msg = Said(
            "{asked} is before the first order ({first_order}): no order would count. Choose a later --as-of.",
            asked=asked,
            first_order=first_order,
        )
        raise DayError(msg)
