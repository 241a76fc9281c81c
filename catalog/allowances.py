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

#: Leaves that hold in one night only.
OF_RUNS = sa.Table(
    "allowances_of_runs",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("night", sa.Integer, nullable=False),
    #: Dagster's first run of those that took each other up.
    sa.Column("run", sa.Text, nullable=False),
)

#: Who gave a leave, when and why.
_GIVEN = {"reason": ALLOWANCES.c.reason, "at": ALLOWANCES.c.allowed_at, "by": ALLOWANCES.c.allowed_by}

#: Leaves that were given because the brake held the audience.
FOR_HOLDS = sa.Table(
    "allowances_for_holds", METADATA, sa.Column("number", sa.Integer, primary_key=True, autoincrement=False)
)

_STANDS = ALLOWANCES.c.night.is_(None) & ALLOWANCES.c.number.not_in(
    sa.union_all(sa.select(TAKEN_BACK.c.number), sa.select(OF_RUNS.c.number))
)


class Leave(NamedTuple):
    """A leave, or its end, with who said so and why. The time is UTC."""

    audience: Audience
    reason: str
    at: datetime
    by: str


def allow(catalog: Catalog, audience: Audience, reason: str, *, is_held: bool = False) -> bool:
    """Let the audience pass the brake the next time that it trips, or if it `is_held` for that, only until a night
    publishes it; False if a leave waits for that already.
    """
    with catalog.writing() as connection:
        if _standing(connection, audience) is not None:
            return False
        number = _give(connection, catalog, audience, reason)
        if is_held:
            connection.execute(sa.insert(FOR_HOLDS).values(number=number))
    return True


def end_leave_for_hold(catalog: Catalog, audience: Audience) -> None:
    """Take back the audience's leave if it was given because the brake held it, which is over."""
    with catalog.reading() as connection:
        number = _standing(connection, audience)
        for_hold = connection.execute(sa.select(FOR_HOLDS.c.number).where(FOR_HOLDS.c.number == number)).first()
    if for_hold is not None:
        take_back(catalog, audience, "the audience passed the brake without it")


def _give(connection: sa.Connection, catalog: Catalog, audience: Audience, reason: str) -> int:
    about = {**audience._asdict(), "reason": reason, "allowed_at": now(), "allowed_by": catalog.actor}
    given = connection.execute(sa.insert(ALLOWANCES).values(**about))
    append(connection, catalog.actor, "allowed", "/".join(audience), {})
    return int(given.inserted_primary_key[0])  # pyright: ignore[reportOptionalSubscript]


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


def allow_in_run(catalog: Catalog, audiences: Iterable[Audience], night: int, run: str) -> None:
    """Let audiences pass in a night, by the tag of its Dagster run. `run` is that run, or the one that it takes up in
    the end and whose tags it therefore has: what was made use of is not given again.
    """
    with catalog.writing() as connection:
        for audience in audiences:
            of_run = sa.select(OF_RUNS.c.number).where(OF_RUNS.c.run == run)
            used = sa.select(ALLOWANCES.c.number).where(
                *of_audience(ALLOWANCES, audience), ALLOWANCES.c.number.in_(of_run), ALLOWANCES.c.night.is_not(None)
            )
            if connection.execute(used).first() is None:
                number = _give(connection, catalog, audience, f"tag of Dagster run {run}")
                connection.execute(sa.insert(OF_RUNS).values(number=number, night=night, run=run))


def allowance(catalog: Catalog, audience: Audience, night: int) -> int | None:
    """The oldest leave of the audience that no night has used and nobody has taken back: what the tag of the night's
    run gave, or one for whichever night comes.
    """
    of_night = sa.select(sa.func.min(OF_RUNS.c.number)).where(
        OF_RUNS.c.night == night,
        OF_RUNS.c.number.in_(
            sa.select(ALLOWANCES.c.number).where(*of_audience(ALLOWANCES, audience), ALLOWANCES.c.night.is_(None))
        ),
    )
    with catalog.reading() as connection:
        given = connection.execute(of_night).scalar()
        return given if given is not None else _standing(connection, audience)


def standing_leaves(catalog: Catalog) -> list[Leave]:
    """The leaves that no night has used and nobody has taken back, oldest first."""
    return _leaves(catalog, _GIVEN, _STANDS)


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


def use_allowance(catalog: Catalog, number: int, night: int) -> Leave:
    """Write that the night made use of the leave, and give it: it holds no more. It did so also if somebody took the
    leave back between its verdict and its end."""
    [leave] = _leaves(catalog, _GIVEN, ALLOWANCES.c.number == number)
    details = {"allowance": number, "audience": "/".join(leave.audience)}
    with catalog.recording("allowed", f"night:{night}", details) as connection:
        connection.execute(sa.update(ALLOWANCES).where(ALLOWANCES.c.number == number).values(night=night))
    return leave
