"""Whether last night is there, by the nights of the catalog: a backfill of old days does not count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal

from catalog.nights import Start, starts_since
from catalog.store import Catalog
from pipelines.local_days import midnight
from schemas.config import Config
from schemas.settings import Settings


def due_day(settings: Settings, now: datetime) -> date:
    """The newest local day whose night must be there at `now`: today from `fresh_by` on, before that yesterday."""
    local = now.astimezone(settings.zone)
    return local.date() if local.time() >= settings.fresh_by else local.date() - timedelta(days=1)


def day_begins(settings: Settings, day: date) -> datetime:
    """When the local day begins, in UTC."""
    return midnight(day, settings.zone)


#: From so many days without a night on, whoever looks is told, by `quiet_days`.
_QUIET_FROM = 3


def quiet_days(newest: Mapping[Any, Any] | None, now: datetime) -> int | None:
    """For how many days of `now`'s time zone no night has begun since the newest; None if so few that nobody need be
    told, or if there was none. Who withdrew or asked to be forgotten meanwhile is in the lists still.
    """
    if newest is None:
        return None
    days = (now.date() - newest["started_at"].astimezone(now.tzinfo).date()).days
    return days if days >= _QUIET_FROM else None


def freshness(catalog: Catalog, config: Config, now: datetime) -> tuple[date, str | None]:
    """The day whose night is due at `now`, and why it is not there (None if it is)."""
    day = due_day(config.settings, now)
    # What a clock that was ahead began is none of this day's.
    starts = [start for start in starts_since(catalog, day_begins(config.settings, day)) if start.started_at <= now]
    return day, why_late(starts, config.settings, day, as_of=config.sources.as_of)


def why_late(
    starts: Iterable[Start], settings: Settings, day: date, *, as_of: Literal["yesterday", "last order"]
) -> str | None:
    """Why the night that is due on `day` is not there, in a sentence; None if it is.

    It is there if a run that was started as the nightly one, on that day, for the day before (or with `as_of = "last
    order"` for the newest order's), went through; or one that somebody named that very day to, as after a repair. A
    later day than the day before is one that was read when the clock was ahead. `starts` are those since `day` began.
    """
    since = [start for start in starts if start.started_at >= day_begins(settings, day)]
    wanted = day - timedelta(days=1)
    nightly = [
        start for start in since if start.started_as == "nightly" and (as_of == "last order" or start.as_of >= wanted)
    ]
    days = {start.as_of for start in nightly}
    chosen = [
        start
        for start in since
        if start.started_as == "chosen" and (start.as_of in days if as_of == "last order" else start.as_of >= wanted)
    ]
    tried = sorted([*nightly, *chosen], key=lambda start: start.started_at)
    if any(start.ended_at is not None and start.outcome in {"done", "held"} for start in tried):
        return None
    due = f"due on {day} by {settings.fresh_by:%H:%M} ({settings.time_zone})"
    if not tried:
        night = "A night" if as_of == "last order" else f"The night of {wanted}"
        since_then = "no nightly run has begun since midnight. Is Dagster's daemon (or your timer) running?"
        return f"{night} was {due}, but {since_then}"
    last = tried[-1]
    due = f"The night of {last.as_of} was {due}"
    if last.ended_at is None:
        return f"{due}; its run began at {last.started_at:%H:%M} UTC and has not ended."
    return f"{due}; its run ended as {last.outcome}. `relance status` says why; `relance run` tries again."
