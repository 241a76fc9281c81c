"""The journal of confirmations: what people did at the networks. Lines are added and undone, never changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from catalog.database import METADATA, UtcTime, audience_columns, now, of_audience, version_subject
from schemas.errors import JournalError
from schemas.journal import Confirmation, ConfirmationKind
from schemas.said import Said
from schemas.segment import Audience

if TYPE_CHECKING:
    from catalog.store import Catalog

CONFIRMATIONS = sa.Table(
    "confirmations",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    *audience_columns(),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("lists", sa.JSON, nullable=False),
    sa.Column("confirmed_at", UtcTime, nullable=False),
    sa.Column("confirmed_by", sa.Text, nullable=False),
    #: Both null while it stands.
    sa.Column("undone_at", UtcTime),
    sa.Column("undone_by", sa.Text),
)

#: Looks at the standing confirmations of the audience and raises if the next step does not fit them.
Check = Callable[[list[Confirmation]], None]


def confirmations(catalog: Catalog, audience: Audience | None = None) -> list[Confirmation]:
    """The confirmations that stand, oldest first; every audience's without `audience`."""
    with catalog.reading() as connection:
        return _standing(connection, audience)


def add_confirmation(  # noqa: PLR0913 - a confirmation, column by column
    catalog: Catalog,
    audience: Audience,
    version: str,
    kind: ConfirmationKind,
    check: Check,
    *,
    lists: tuple[str, ...],
) -> Confirmation:
    """Write that something was done with the version, if `check` takes it; nobody writes in between. `lists`: the
    network's lists that its files went into.

    `pipelines.holdings.confirming.confirm` is what people's words go through.
    """
    subject = version_subject(audience, version)
    with catalog.recording("confirmed", subject, {"kind": kind}) as connection:
        check(_standing(connection, audience))
        row = {"version": version, "kind": kind, "confirmed_at": now(), "confirmed_by": catalog.actor}
        row["lists"] = list(lists)
        result = connection.execute(sa.insert(CONFIRMATIONS).values(**audience._asdict(), **row))
        number = int(result.inserted_primary_key[0])  # pyright: ignore[reportOptionalSubscript]
        return _confirmation(connection.execute(_numbered(number)).mappings().one())


def undo_confirmation(catalog: Catalog, confirmation: Confirmation, check: Check) -> None:
    """Take a confirmation back, if `check` takes it; the line stays and says by whom and when.

    Raises:
        JournalError: somebody else has taken it back meanwhile.
    """
    subject = version_subject(confirmation.audience, confirmation.version)
    details = {"kind": confirmation.kind, "number": confirmation.number}
    with catalog.recording("unconfirmed", subject, details) as connection:
        standing = _standing(connection, confirmation.audience)
        if confirmation.number not in {other.number for other in standing}:
            msg = Said(
                "{audience} {version}: that confirmation was already taken back.",
                audience=confirmation.audience,
                version=confirmation.version,
            )
            raise JournalError(msg)
        check(standing)
        connection.execute(
            sa.update(CONFIRMATIONS)
            .where(CONFIRMATIONS.c.number == confirmation.number)
            .values(undone_at=now(), undone_by=catalog.actor)
        )


def _standing(connection: sa.Connection, audience: Audience | None) -> list[Confirmation]:
    query = sa.select(CONFIRMATIONS).where(CONFIRMATIONS.c.undone_at.is_(None)).order_by(CONFIRMATIONS.c.number)
    if audience is not None:
        query = query.where(*of_audience(CONFIRMATIONS, audience))
    return [_confirmation(row) for row in connection.execute(query).mappings()]


def _numbered(number: int) -> sa.Select:
    return sa.select(CONFIRMATIONS).where(CONFIRMATIONS.c.number == number)


def _confirmation(row: sa.RowMapping) -> Confirmation:
    return Confirmation.model_validate(dict(row))
