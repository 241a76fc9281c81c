"""Leave given, once, to an audience that the brake would hold, and taken back while no night has used it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from catalog.audit import append
from catalog.database import METADATA, UtcTime, audience_columns, now, of_audience
from schemas.segment import Audience

if TYPE_CHECKING:
    from catalog.store import Catalog

ALLOWANCES = sa.Table(
    "allowances",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    *audience_columns(),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("allowed_at", UtcTime, nullable=False),
    sa.Column("allowed_by", sa.Text, nullable=False),
    #: The night that it let pass; null until then.
    sa.Column("night", sa.Integer),
)

TAKEN_BACK = sa.Table(
    "allowances_taken_back",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("taken_back_at", UtcTime, nullable=False),
    sa.Column("taken_back_by", sa.Text, nullable=False),
)

_STANDS = ALLOWANCES.c.night.is_(None) & ALLOWANCES.c.number.not_in(sa.select(TAKEN_BACK.c.number))

#: Why a run's leave ends with it.
_NOT_NEEDED = "the run ended and had no use for it"


class Leave(NamedTuple):
    """A leave, or its end, with who said so and why. The time is UTC."""

    audience: Audience
    reason: str
    at: datetime
    by: str


def allow(catalog: Catalog, audience: Audience, reason: str) -> bool:
    """Let the audience pass the brake the next time that it trips; False if a leave waits for that already."""
    with catalog.writing() as connection:
        if _standing(connection, audience) is not None:
            return False
        connection.execute(
            sa.insert(ALLOWANCES).values(
                **audience._asdict(),
                reason=reason,
                allowed_at=now(),
                allowed_by=catalog.actor,
            )
        )
        append(connection, catalog.actor, "allowed", "/".join(audience), {})
    return True


def take_back(catalog: Catalog, audience: Audience, reason: str) -> bool:
    """Take back the audience's leave; False if it has none."""
    with catalog.writing() as connection:
        number = _standing(connection, audience)
        if number is None:
            return False
        connection.execute(
            sa.insert(TAKEN_BACK).values(number=number, reason=reason, taken_back_at=now(), taken_back_by=catalog.actor)
        )
        append(connection, catalog.actor, "disallowed", "/".join(audience), {"allowance": number})
    return True


def allow_in_run(catalog: Catalog, audiences: Iterable[Audience], run: str) -> None:
    """Let audiences pass in the Dagster run of this id, by its tag; in those that take it up too, as long as none of
    them made use of it: they have the same tags.
    """
    for audience in audiences:
        of_run = *of_audience(ALLOWANCES, audience), ALLOWANCES.c.reason == _by_tag(run)
        used = sa.select(ALLOWANCES.c.number).where(*of_run, ALLOWANCES.c.night.is_not(None))
        with catalog.reading() as connection:
            was_used = connection.execute(used).first() is not None
        if not was_used:
            allow(catalog, audience, _by_tag(run))


def end_leaves_of_run(catalog: Catalog, run: str) -> None:
    """Take back what the run's tag allowed and it had no use for: a tag is about one run."""
    given = sa.select(ALLOWANCES).where(ALLOWANCES.c.reason == _by_tag(run), _STANDS)
    with catalog.reading() as connection:
        unused = [Audience.of(row) for row in connection.execute(given).mappings()]
    for audience in unused:
        take_back(catalog, audience, _NOT_NEEDED)


def _by_tag(run: str) -> str:
    return f"tag of Dagster run {run}"


def allowance(catalog: Catalog, audience: Audience) -> int | None:
    """The oldest leave of the audience that no night has used and nobody has taken back."""
    with catalog.reading() as connection:
        return _standing(connection, audience)


def standing_leaves(catalog: Catalog) -> list[Leave]:
    """The leaves that no night has used and nobody has taken back, oldest first."""
    said = {"reason": ALLOWANCES.c.reason, "at": ALLOWANCES.c.allowed_at, "by": ALLOWANCES.c.allowed_by}
    return _leaves(catalog, said, _STANDS)


def leaves_taken_back(catalog: Catalog, since: datetime) -> list[Leave]:
    """Those taken back since a moment before a night used them, oldest first, with the reason."""
    said = {"reason": TAKEN_BACK.c.reason, "at": TAKEN_BACK.c.taken_back_at, "by": TAKEN_BACK.c.taken_back_by}
    unused = (TAKEN_BACK.c.number == ALLOWANCES.c.number) & ALLOWANCES.c.night.is_(None)
    return _leaves(catalog, said, unused & (said["at"] >= since))


def _leaves(catalog: Catalog, said: Mapping[str, sa.ColumnElement[Any]], which: sa.ColumnElement[bool]) -> list[Leave]:
    about = [ALLOWANCES.c[name] for name in Audience._fields]
    labelled = [column.label(name) for name, column in said.items()]
    query = sa.select(*about, *labelled).where(which).order_by(ALLOWANCES.c.number)
    with catalog.reading() as connection:
        return [
            Leave(Audience.of(row), row["reason"], row["at"], row["by"]) for row in connection.execute(query).mappings()
        ]


def _standing(connection: sa.Connection, audience: Audience) -> int | None:
    query = sa.select(sa.func.min(ALLOWANCES.c.number)).where(*of_audience(ALLOWANCES, audience), _STANDS)
    return connection.execute(query).scalar()


def use_allowance(catalog: Catalog, number: int, night: int) -> None:
    """Write that the night made use of the leave: it holds no more. It did so also if somebody took the leave back
    between its verdict and its end."""
    subject, details = f"night:{night}", {"allowance": number}
    with catalog.recording("allowed", subject, details) as connection:
        connection.execute(sa.update(ALLOWANCES).where(ALLOWANCES.c.number == number).values(night=night))
