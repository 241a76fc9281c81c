"""A day of the company begins and is over once, whatever its clocks do at midnight."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.customers.consent_rules import instant_of
from pipelines.local_days import midnight, midnight_after
from schemas.settings import Settings

zones = st.sampled_from(sorted(available_timezones()))
days = st.dates(date(1990, 1, 1), date(2035, 12, 31))


@given(zones, days)
@example("Atlantic/Azores", date(2026, 3, 29))
@example("America/Santiago", date(2026, 9, 6))
@example("America/Havana", date(2026, 11, 1))
@example("Pacific/Apia", date(2011, 12, 30))
def test_a_day_begins_with_its_first_instant_and_is_over_where_the_next_begins(name: str, day: date) -> None:
    zone = ZoneInfo(name)
    begins = midnight(day, zone)
    assert begins.tzinfo is UTC
    assert begins.astimezone(zone).date() >= day
    assert (begins - timedelta(microseconds=1)).astimezone(zone).date() < day
    assert midnight_after(day, zone) == midnight(day + timedelta(days=1), zone)


@pytest.mark.parametrize(
    "zone", ["Atlantic/Azores", "Africa/Cairo", "Asia/Beirut", "America/Havana", "America/Santiago"]
)
def test_statements_are_weighed_at_the_end_of_every_day_of_a_year(zone: str) -> None:
    settings = Settings(currency="EUR", default_country=None, time_zone=zone)
    ends = [instant_of(None, settings, date(2026, 1, 1) + timedelta(days=days)) for days in range(365)]
    assert pl.select(pl.concat_list(pl.lit(end) for end in ends)).item().to_list() == ends
    assert all(timedelta(hours=23) <= later - end <= timedelta(hours=25) for end, later in pairwise(ends))
