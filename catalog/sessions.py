"""Who is logged in to the page. A session is known by the hash of the number in its cookie."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from catalog.database import METADATA, UtcTime
from catalog.users import USERS, digest_of, user_of
from schemas.portal import User

if TYPE_CHECKING:
    from catalog.store import Catalog

SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("session", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("began_at", UtcTime, nullable=False),
    sa.Column("seen_at", UtcTime, nullable=False),
)

#: How exactly it is known when a session was last used: a write for each request would be too much.
_SEEN_EVERY = timedelta(minutes=1)


class Limits(NamedTuple):
    """When a session ends by itself."""

    idle: timedelta
    absolute: timedelta


def begin_session(catalog: Catalog, user: str, at: datetime) -> str:
    """Write that the user logged in at `at`; what the cookie holds."""
    identifier = secrets.token_urlsafe(32)
    with catalog.recording("logged_in", f"user:{user}") as connection:
        connection.execute(
            sa.insert(SESSIONS).values(session=digest_of(identifier), user=user, began_at=at, seen_at=at)
        )
    return identifier


def user_of_session(catalog: Catalog, identifier: str, at: datetime, limits: Limits) -> User | None:
    """Whose session it is; None if it has ended or the user is gone. It is seen now."""
    session = digest_of(identifier)
    query = (
        sa.select(SESSIONS.c.seen_at, USERS)
        .join(USERS, USERS.c.name == SESSIONS.c.user)
        .where(
            SESSIONS.c.session == session,
            SESSIONS.c.seen_at > at - limits.idle,
            SESSIONS.c.began_at > at - limits.absolute,
            SESSIONS.c.began_at >= USERS.c.sessions_since,
        )
    )
    with catalog.reading() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        return None
    if at - row["seen_at"] > _SEEN_EVERY:
        with catalog.writing() as connection:
            connection.execute(sa.update(SESSIONS).where(SESSIONS.c.session == session).values(seen_at=at))
    return user_of(row)


def end_session(catalog: Catalog, identifier: str, user: str) -> None:
    """Log out."""
    with catalog.recording("logged_out", f"user:{user}") as connection:
        connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.session == digest_of(identifier)))


def forget_ended_sessions(catalog: Catalog, at: datetime, limits: Limits) -> None:
    """Delete the sessions that have ended by themselves."""
    with catalog.writing() as connection:
        connection.execute(
            sa.delete(SESSIONS).where(
                (SESSIONS.c.seen_at <= at - limits.idle) | (SESSIONS.c.began_at <= at - limits.absolute)
            )
        )
