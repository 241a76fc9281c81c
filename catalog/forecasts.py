"""On which days the networks forget what their lists hold, as the last run worked it out."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from catalog.database import METADATA, audience_columns, of_audience
from schemas.segment import Audience

if TYPE_CHECKING:
    from catalog.store import Catalog

FORECASTS = sa.Table(
    "expiry_forecasts",
    METADATA,
    *audience_columns(),
    #: What it rests on, as `pipelines.holdings.expiry.forecast_base` names it.
    sa.Column("base", sa.Text, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    #: How many of the list's keys are forgotten on that day.
    sa.Column("keys", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("network", "account", "segment", "day"),
)


class Forecast(NamedTuple):
    """What becomes of a list that `base` names if nobody uploads: day → keys forgotten on it, in order."""

    base: str
    days: list[tuple[date, int]]


def record_forecast(catalog: Catalog, audience: Audience, forecast: Forecast) -> None:
    """Replace the audience's forecast."""
    rows = [{**audience._asdict(), "base": forecast.base, "day": day, "keys": keys} for day, keys in forecast.days]
    with catalog.writing() as connection:
        connection.execute(sa.delete(FORECASTS).where(*of_audience(FORECASTS, audience)))
        if rows:
            connection.execute(sa.insert(FORECASTS), rows)


def forecasts(catalog: Catalog) -> dict[Audience, Forecast]:
    """Every audience's forecast."""
    found: dict[Audience, Forecast] = {}
    with catalog.reading() as connection:
        for row in connection.execute(sa.select(FORECASTS).order_by(FORECASTS.c.day)).mappings():
            audience = Audience.of(row)
            found.setdefault(audience, Forecast(row["base"], [])).days.append((row["day"], row["keys"]))
    return found
