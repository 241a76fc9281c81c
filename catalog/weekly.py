"""Which weeks' e-mails were sent: each once, however many processes serve the page."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from catalog.database import METADATA

if TYPE_CHECKING:
    from catalog.store import Catalog

WEEKLY = sa.Table(
    "weekly_emails",
    METADATA,
    #: The day on which it was due.
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("tried_at", sa.DateTime, nullable=False),
    #: Why it was not sent; null if it was, or is being sent.
    sa.Column("failure", sa.Text),
)

#: What failed is tried again after so long.
AGAIN_AFTER = timedelta(hours=1)


def claim_week(catalog: Catalog, day: date, at: datetime) -> bool:
    """Whether the caller is to send the e-mail due on that day; nobody else is told so while it does."""
    try:
        with catalog.writing() as connection:
            connection.execute(sa.insert(WEEKLY).values(day=day, tried_at=at))
        return True
    except IntegrityError:
        failed = (WEEKLY.c.day == day, WEEKLY.c.failure.is_not(None), WEEKLY.c.tried_at <= at - AGAIN_AFTER)
        with catalog.writing() as connection:
            again = sa.update(WEEKLY).where(*failed).values(tried_at=at, failure=None)
            return connection.execute(again).rowcount == 1


def week_failed(catalog: Catalog, day: date, failure: str) -> None:
    """Keep why the e-mail of that day was not sent: it is tried again."""
    with catalog.writing() as connection:
        connection.execute(sa.update(WEEKLY).where(WEEKLY.c.day == day).values(failure=failure))
