"""Which days the nights were about."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import sqlalchemy as sa

from catalog.nights import NIGHTS

if TYPE_CHECKING:
    from catalog.store import Catalog


def newest_whole_day(catalog: Catalog) -> date | None:
    """The newest day of which a night came to its end."""
    ended = NIGHTS.c.outcome.in_(("done", "held"))
    with catalog.reading() as connection:
        return connection.execute(sa.select(sa.func.max(NIGHTS.c.as_of)).where(ended)).scalar_one()


def has_night_after(catalog: Catalog, day: date) -> bool:
    """Whether a night of a later day was begun, other than one that was refused."""
    later = sa.select(NIGHTS.c.night).where(NIGHTS.c.as_of > day, NIGHTS.c.outcome != "refused")
    with catalog.reading() as connection:
        return connection.execute(later).first() is not None
