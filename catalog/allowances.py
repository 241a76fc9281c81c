"""Leave given, once, to an audience that the brake would hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from catalog.database import METADATA, audience_columns, now, of_audience
from schemas.segment import Audience

if TYPE_CHECKING:
    from catalog.store import Catalog

ALLOWANCES = sa.Table(
    "allowances",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    *audience_columns(),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("allowed_at", sa.DateTime, nullable=False),
    sa.Column("allowed_by", sa.Text, nullable=False),
    #: The night that it let pass; null until then.
    sa.Column("night", sa.Integer),
)


def allow(catalog: Catalog, audience: Audience, reason: str) -> None:
    """Let the audience pass the brake the next time that it trips."""
    with catalog.recording("allowed", "/".join(audience)) as connection:
        connection.execute(
            sa.insert(ALLOWANCES).values(
                **audience._asdict(),
                reason=reason,
                allowed_at=now(),
                allowed_by=catalog.actor,
            )
        )


def allowance(catalog: Catalog, audience: Audience) -> int | None:
    """The oldest leave of the audience that no night has used."""
    unused = [*of_audience(ALLOWANCES, audience), ALLOWANCES.c.night.is_(None)]
    query = sa.select(sa.func.min(ALLOWANCES.c.number)).where(*unused)
    with catalog.reading() as connection:
        return connection.execute(query).scalar()


def use_allowance(catalog: Catalog, number: int, night: int) -> None:
    """Write that the night made use of the leave: it holds no more."""
    subject, details = f"night:{night}", {"allowance": number}
    with catalog.recording("allowed", subject, details) as connection:
        connection.execute(sa.update(ALLOWANCES).where(ALLOWANCES.c.number == number).values(night=night))
