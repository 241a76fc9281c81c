"""What people read at the networks: a list's size and match rate, and why an upload failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from catalog.database import METADATA, UtcTime, audience_columns, now, of_audience, version_subject
from schemas.errors import ReportError
from schemas.reports import FailedUpload, SizeReport
from schemas.said import Said

if TYPE_CHECKING:
    from catalog.store import Catalog
    from schemas.segment import Audience

SIZE_REPORTS = sa.Table(
    "size_reports",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    *audience_columns(),
    sa.Column("size", sa.BigInteger),
    #: Percent.
    sa.Column("match_rate", sa.Float),
    sa.Column("reported_at", UtcTime, nullable=False),
    sa.Column("reported_by", sa.Text, nullable=False),
)

FAILED_UPLOADS = sa.Table(
    "failed_uploads",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    *audience_columns(),
    sa.Column("version", sa.Text, nullable=False),
    #: What the network said.
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("reported_at", UtcTime, nullable=False),
    sa.Column("reported_by", sa.Text, nullable=False),
)


def report_size(catalog: Catalog, audience: Audience, size: int | None, match_rate: float | None) -> None:
    """Keep what the network shows now."""
    with catalog.recording("reported", "/".join(audience)) as connection:
        row = {"size": size, "match_rate": match_rate, "reported_at": now(), "reported_by": catalog.actor}
        connection.execute(sa.insert(SIZE_REPORTS).values(**audience._asdict(), **row))


def take_back_size(catalog: Catalog, audience: Audience, number: int) -> None:
    """Forget what somebody said the network shows; the audit log keeps that it was said and taken back.

    Raises:
        ReportError: somebody else has taken it back meanwhile.
    """
    with catalog.recording("unreported", "/".join(audience), {"number": number}) as connection:
        reported = sa.delete(SIZE_REPORTS).where(SIZE_REPORTS.c.number == number, *of_audience(SIZE_REPORTS, audience))
        if not connection.execute(reported).rowcount:
            raise ReportError(Said("This was already taken back."))


def report_failed_upload(catalog: Catalog, audience: Audience, version: str, said: str) -> None:
    """Keep why a version could not be uploaded."""
    with catalog.recording("upload_failed", version_subject(audience, version)) as connection:
        row = {"version": version, "said": said, "reported_at": now(), "reported_by": catalog.actor}
        connection.execute(sa.insert(FAILED_UPLOADS).values(**audience._asdict(), **row))


def size_reports(catalog: Catalog, audience: Audience | None = None) -> list[SizeReport]:
    """What was reported, oldest first; of every audience without `audience`."""
    return [SizeReport.model_validate(row) for row in _rows(catalog, SIZE_REPORTS, audience)]


def failed_uploads(catalog: Catalog, audience: Audience | None = None) -> list[FailedUpload]:
    """Which versions could not be uploaded, of the audience or of all, oldest first."""
    return [FailedUpload.model_validate(row) for row in _rows(catalog, FAILED_UPLOADS, audience)]


def _rows(catalog: Catalog, table: sa.Table, audience: Audience | None) -> list[dict[str, object]]:
    query = sa.select(table).order_by(table.c.number)
    if audience is not None:
        query = query.where(*of_audience(table, audience))
    with catalog.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
