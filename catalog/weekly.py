"""Which weeks' e-mails were sent: each once, however many processes serve the page."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from catalog.database import METADATA, UtcTime

if TYPE_CHECKING:
    from catalog.store import Catalog

WEEKLY = sa.Table(
    "weekly_emails",
    METADATA,
    #: The day on which it was due.
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("tried_at", UtcTime, nullable=False),
    #: Why it was not sent; null if it was, or nothing waited.
    sa.Column("failure", sa.Text),
)

#: What failed is tried again after so long: longer than any try takes.
AGAIN_AFTER = timedelta(hours=1)

#: The failure until the try has ended, so that one that breaks off is tried again too.
_UNENDED = "the try did not end"


def claim_week(catalog: Catalog, day: date, at: datetime) -> bool:
    """Whether the caller is to send the e-mail due on that day, and to say with `end_week` how that ended; nobody
    else is told so while it does."""
    try:
        with catalog.writing() as connection:
            connection.execute(sa.insert(WEEKLY).values(day=day, tried_at=at, failure=_UNENDED))
        return True
    except IntegrityError:
        failed = (WEEKLY.c.day == day, WEEKLY.c.failure.is_not(None), WEEKLY.c.tried_at <= at - AGAIN_AFTER)
        with catalog.writing() as connection:
            again = sa.update(WEEKLY).where(*failed).values(tried_at=at, failure=_UNENDED)
            return connection.execute(again).rowcount == 1


def end_week(catalog: Catalog, day: date, failure: str | None) -> None:
    """Keep that the e-mail of that day was sent, or why not: then it is tried again."""
    with catalog.writing() as connection:
        connection.execute(sa.update(WEEKLY).where(WEEKLY.c.day == day).values(failure=failure))
