"""When a day of the company begins and is over, as an instant in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo


def midnight(day: date, zone: tzinfo | None) -> datetime:
    """When the day begins in that zone: where clocks go forward at midnight, when they do."""
    return datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)


def midnight_after(day: date, zone: tzinfo | None) -> datetime:
    """When the day is over in that zone."""
    return midnight(day + timedelta(days=1), zone)
