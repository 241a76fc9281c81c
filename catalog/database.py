"""What the catalog's tables share: their register, and the one way to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

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
