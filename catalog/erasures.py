"""Requests to be forgotten and what became of them: tombstones, dates and the names of versions, never who asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl
import sqlalchemy as sa

from catalog import audit
from catalog.consented_requests import CONSENTED
from catalog.database import METADATA, UtcTime, audience_columns, now, of_audience
from schemas.audit import Action
from schemas.crm import CrmErasures
from schemas.erasure import ErasureRequest, Removal, RequestKind, RequestState
from schemas.segment import Audience

if TYPE_CHECKING:
    from catalog.store import Catalog

REQUESTS = sa.Table(
    "erasure_requests",
    METADATA,
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("requested_at", UtcTime, nullable=False),
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("received_by", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("erased_at", UtcTime),
    sa.Column("closed_at", UtcTime),
)

TOMBSTONES = sa.Table(
    "erasure_tombstones",
    METADATA,
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("form", sa.Text, primary_key=True),
    sa.Column("tombstone", sa.Text, primary_key=True),
)

#: The ids of the records that a request covered, for its certificate; sealed, since a CRM's ids may be addresses.
RECORDS = sa.Table(
    "erasure_records",
    METADATA,
    sa.Column("request_id", sa.Text, primary_key=True),
    #: Keyed hash of the id, so that none is listed twice.
    sa.Column("mark", sa.Text, primary_key=True),
    sa.Column("sealed_id", sa.Text, nullable=False),
    sa.Column("noted_at", UtcTime, nullable=False),
)

STATES = sa.Table(
    "erasure_states",
    METADATA,
    sa.Column("request_id", sa.Text, nullable=False),
    *audience_columns(),
    sa.Column("carried_by", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("removed_by", sa.Text),
    sa.Column("published_at", UtcTime),
    sa.Column("confirmation", sa.Text),
    sa.Column("confirmed_at", UtcTime),
    sa.PrimaryKeyConstraint("request_id", "network", "account", "segment"),
)

#: States of a removal that nobody has confirmed.
_OPEN = ("due", "published")

#: The confirmations on which a request's keys were forgotten at an audience: only while they stand are those keys gone.
FORGOTTEN = sa.Table(
    "erasure_forgotten",
    METADATA,
    sa.Column("request_id", sa.Text, nullable=False),
    *audience_columns(),
    sa.Column("confirmation", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("request_id", "network", "account", "segment", "confirmation"),
)


def add_request(
    catalog: Catalog, request_id: str, kind: RequestKind, requested_at: datetime, tombstones: pl.DataFrame
) -> None:
    """Write a request made here, with its tombstones (`CrmErasures`): from now on no file with them is published."""
    with catalog.recording(
        "forgot", request_id, {"kind": kind, "requested_at": requested_at.date().isoformat()}
    ) as connection:
        _insert(connection, [(request_id, kind, requested_at)], catalog.actor)
        rows = tombstones.select("form", "tombstone").unique().sort(pl.all()).to_dicts()
        connection.execute(sa.insert(TOMBSTONES), [{"request_id": request_id, **row} for row in rows])


def adopt_requests(catalog: Catalog, requests: Iterable[tuple[str, RequestKind, datetime]]) -> None:
    """Write requests (id, kind, when) that the CRM's own table holds; their tombstones are in the warehouse."""
    found = list(requests)
    with catalog.writing() as connection:
        _insert(connection, found, "crm")
        lines = [(request_id, {"kind": kind, "source": "crm"}) for request_id, kind, _ in found]
        audit.append_all(connection, catalog.actor, "forgot", lines)


def erasure_requests(catalog: Catalog) -> list[ErasureRequest]:
    """Every request, oldest first."""
    consented = REQUESTS.c.request_id.in_(sa.select(CONSENTED.c.request_id)).label("consented")
    query = sa.select(REQUESTS, consented).order_by(REQUESTS.c.received_at, REQUESTS.c.request_id)
    with catalog.reading() as connection:
        return [ErasureRequest.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def request_ids(catalog: Catalog) -> set[str]:
    """The ids of all requests."""
    with catalog.reading() as connection:
        return set(connection.execute(sa.select(REQUESTS.c.request_id)).scalars())


def requests_in(catalog: Catalog, state: RequestState, *, new: bool = False) -> list[str]:
    """The ids of the requests in that state; if they are to be `new`, of those that were never applied."""
    query = sa.select(REQUESTS.c.request_id).where(REQUESTS.c.state == state).order_by(REQUESTS.c.request_id)
    if new:
        query = query.where(REQUESTS.c.erased_at.is_(None))
    with catalog.reading() as connection:
        return list(connection.execute(query).scalars())


def catalog_tombstones(catalog: Catalog) -> pl.DataFrame:
    """`CrmErasures` of the requests made here, none of them lifted."""
    query = sa.select(TOMBSTONES, REQUESTS.c.requested_at).join(
        REQUESTS, REQUESTS.c.request_id == TOMBSTONES.c.request_id
    )
    with catalog.reading() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    empty = pl.DataFrame(CrmErasures.create_empty())
    return pl.DataFrame([{"lifted_at": None, **row} for row in rows], schema=empty.schema)


def receive_again(catalog: Catalog, request_ids: Iterable[str]) -> None:
    """Write that requests name more than was applied."""
    with catalog.writing() as connection:
        _update(connection, request_ids, state="received", closed_at=None)


def note_records(catalog: Catalog, records: Iterable[tuple[str, str, str]]) -> None:
    """Keep request_id, mark and sealed id of records that a request covered."""
    rows = [dict(zip(("request_id", "mark", "sealed_id"), record, strict=True)) for record in records]
    if rows:
        with catalog.writing() as connection:
            connection.execute(sa.insert(RECORDS), [{**row, "noted_at": now()} for row in rows])


def noted_records(catalog: Catalog) -> set[tuple[str, str]]:
    """request_id, mark of every record that is kept."""
    with catalog.reading() as connection:
        rows = connection.execute(sa.select(RECORDS.c.request_id, RECORDS.c.mark))
        return {(request_id, mark) for request_id, mark in rows}


def sealed_records(catalog: Catalog, request_id: str) -> list[str]:
    """The sealed ids of the records that the request covered."""
    query = sa.select(RECORDS.c.sealed_id).where(RECORDS.c.request_id == request_id).order_by(RECORDS.c.mark)
    with catalog.reading() as connection:
        return [sealed for (sealed,) in connection.execute(query)]


def forget_records(catalog: Catalog, before: datetime) -> None:
    """Drop the ids of records that were noted before that time (UTC)."""
    with catalog.writing() as connection:
        connection.execute(sa.delete(RECORDS).where(RECORDS.c.noted_at < before))


def mark_erased(catalog: Catalog, request_ids: Sequence[str]) -> None:
    """Write that no table of the warehouse holds a row of these people any more."""
    _mark(catalog, "erased", request_ids, state="erased", erased_at=now())


def mark_rewritten(catalog: Catalog, request_ids: Sequence[str]) -> None:
    """Write that the warehouse's file was written anew since the rows went."""
    with catalog.writing() as connection:
        _update(connection, request_ids, state="removing")


def mark_closed(catalog: Catalog, request_ids: Sequence[str]) -> None:
    """Write that no network holds a key of these people, by all that was confirmed."""
    _mark(catalog, "erasure_closed", request_ids, state="closed", closed_at=now())


def reopen(catalog: Catalog, request_id: str) -> None:
    """Write that a network may hold a key again: a confirmation was taken back."""
    with catalog.recording("erasure_reopened", request_id) as connection:
        _update(connection, [request_id], state="removing", closed_at=None)


def removals(catalog: Catalog, request_id: str | None = None, audience: Audience | None = None) -> list[Removal]:
    """What became of each request's keys, or of one's, at each audience that carried some, or at one."""
    query = sa.select(STATES).order_by(*list(STATES.c)[:4])
    if request_id is not None:
        query = query.where(STATES.c.request_id == request_id)
    if audience is not None:
        query = query.where(*of_audience(STATES, audience))
    with catalog.reading() as connection:
        return [Removal.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def open_removals(catalog: Catalog, audience: Audience) -> set[str]:
    """The requests of which the network may still hold a key that the audience carried, by what was known last."""
    query = sa.select(STATES.c.request_id).where(*of_audience(STATES, audience), STATES.c.state.in_(_OPEN))
    with catalog.reading() as connection:
        return set(connection.execute(query).scalars())


def audiences_holding_erased(catalog: Catalog) -> set[Audience]:
    """The audiences of which some list may still hold a key of somebody erased, by what was known last."""
    query = sa.select(*list(STATES.c)[1:4]).where(STATES.c.state.in_(_OPEN)).distinct()
    with catalog.reading() as connection:
        return {Audience(*row) for row in connection.execute(query)}


def write_removals(catalog: Catalog, found: Iterable[Removal]) -> None:
    """Write the removals, each in place of what was known of it."""
    rows = [removal.model_dump() for removal in found]
    with catalog.writing() as connection:
        for row in rows:
            same = [STATES.c[name] == row[name] for name in ("request_id", "network", "account", "segment")]
            connection.execute(sa.delete(STATES).where(*same))
            connection.execute(sa.insert(STATES).values(**row))


def note_forgotten(catalog: Catalog, request_ids: Iterable[str]) -> None:
    """Write that the keys of these requests are about to be forgotten, on what has closed each of their removals."""
    names = [column.name for column in FORGOTTEN.c]
    closing = sa.select(*(STATES.c[name] for name in names)).where(
        STATES.c.request_id == sa.bindparam("asked"), STATES.c.state == "closed", STATES.c.confirmation.is_not(None)
    )
    known = sa.exists().where(*(FORGOTTEN.c[name] == STATES.c[name] for name in names))
    rows = [{"asked": request_id} for request_id in request_ids]
    if rows:
        with catalog.writing() as connection:
            connection.execute(sa.insert(FORGOTTEN).from_select(names, closing.where(~known)), rows)


def forgotten_on(catalog: Catalog, audience: Audience) -> dict[str, set[str]]:
    """Request → the confirmations on which keys of it were forgotten at the audience."""
    query = sa.select(FORGOTTEN.c.request_id, FORGOTTEN.c.confirmation).where(*of_audience(FORGOTTEN, audience))
    found: dict[str, set[str]] = {}
    with catalog.reading() as connection:
        for request_id, confirmation in connection.execute(query):
            found.setdefault(request_id, set()).add(confirmation)
    return found


def forget_on(catalog: Catalog, audience: Audience, confirmed: Mapping[str, str]) -> None:
    """Write for each of the requests that its forgotten keys are gone by this one confirmation."""
    with catalog.writing() as connection:
        for request_id, confirmation in confirmed.items():
            same = [FORGOTTEN.c.request_id == request_id, *of_audience(FORGOTTEN, audience)]
            connection.execute(sa.delete(FORGOTTEN).where(*same))
            row = {"request_id": request_id, **audience._asdict(), "confirmation": confirmation}
            connection.execute(sa.insert(FORGOTTEN).values(**row))


def _insert(connection: sa.Connection, requests: Iterable[tuple[str, RequestKind, datetime]], by: str) -> None:
    """Write requests (id, kind, when) as received by `by`."""
    received = {"received_at": now(), "received_by": by, "state": "received"}
    rows = [
        {"request_id": request_id, "kind": kind, "requested_at": requested_at, **received}
        for request_id, kind, requested_at in requests
    ]
    if rows:
        connection.execute(sa.insert(REQUESTS), rows)


def _mark(catalog: Catalog, action: Action, request_ids: Sequence[str], **values: object) -> None:
    """Change many requests in one transaction, with a line in the audit log for each."""
    with catalog.writing() as connection:
        _update(connection, request_ids, **values)
        audit.append_all(connection, catalog.actor, action, [(request_id, {}) for request_id in request_ids])


def _update(connection: sa.Connection, request_ids: Iterable[str], **values: object) -> None:
    """Give each of the requests these values."""
    rows = [{"asked": request_id} for request_id in request_ids]
    if rows:
        changed = sa.update(REQUESTS).where(REQUESTS.c.request_id == sa.bindparam("asked")).values(**values)
        connection.execute(changed, rows)
