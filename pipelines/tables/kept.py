"""What "kept for so many days" means, the same for whatever is kept by day."""

from __future__ import annotations

from datetime import date, timedelta


def first_kept(day: date, kept_days: int) -> date:
    """The oldest of so many days of which `day` is the newest: what speaks of earlier ones alone is not kept."""
    return day - timedelta(days=kept_days - 1)
