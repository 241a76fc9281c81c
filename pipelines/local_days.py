"""When a day of the company begins and is over, as an instant in its time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo


def midnight(day: date, zone: tzinfo | None) -> datetime:
    """When the local day begins."""
    return datetime.combine(day, datetime.min.time(), zone)


def midnight_after(day: date, zone: tzinfo | None) -> datetime:
    """When the local day is over."""
    return midnight(day + timedelta(days=1), zone)
