"""What the catalog's tables share: their register, and the one way to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa

from schemas.segment import Audience

METADATA = sa.MetaData()


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One writing transaction, on an engine in AUTOCOMMIT mode: all statements inside, or none.

    SQLite takes its write lock before the first read: two transactions that read first and write then would append to
    the same head of the audit log. PostgreSQL locks rows, and `audit.append` locks the log.
    """
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else "BEGIN")
        try:
            yield connection
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")


def audience_columns() -> list[sa.Column[str]]:
    """The columns that say which audience a row is about."""
    return [sa.Column(name, sa.Text, nullable=False) for name in Audience._fields]


def of_audience(table: sa.Table, audience: Audience) -> list[sa.ColumnElement[bool]]:
    """The condition that a row of the table is about the audience."""
    return [table.c[name] == value for name, value in audience._asdict().items()]


def version_subject(audience: Audience, version: str) -> str:
    """What the audit log calls a version."""
    return "/".join([*audience, version])


def now() -> datetime:
    """The time as the catalog keeps it: UTC, without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)
