"""What became of audiences in a night that several runs of Dagster made, each from where the one before failed."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from catalog.store import OUTCOMES, Catalog


def take_over(catalog: Catalog, night: int, *, since: int, as_of: date) -> None:
    """Let what became of the day's audiences from the night `since` on be what the night says of itself."""
    earlier = (OUTCOMES.c.as_of == as_of) & (OUTCOMES.c.night >= since)
    with catalog.writing() as connection:
        connection.execute(sa.update(OUTCOMES).where(earlier).values(night=night))
