"""Whether anything in the catalog changed, without reading it."""

from __future__ import annotations

import threading

import sqlalchemy as sa


class Changes:
    """A mark that is another one after each committed write, by whichever process."""

    def __init__(self, engine: sa.Engine) -> None:
        # SQLite counts what others than this connection wrote, so it is kept for nothing else.
        self._connection = engine.connect()
        self._query = "PRAGMA data_version" if engine.dialect.name == "sqlite" else "SELECT pg_current_snapshot()::text"
        self._lock = threading.Lock()

    def mark(self) -> object:
        """Equal marks: equal contents."""
        with self._lock:
            return self._connection.exec_driver_sql(self._query).scalar_one()

    def close(self) -> None:
        self._connection.close()
