"""Whether anything in the catalog changed, without reading it."""

from __future__ import annotations

import threading

import sqlalchemy as sa


class Changes:
    """A mark that is another one after each committed write, by whichever process."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        # SQLite counts what others than this connection wrote, so it is kept for nothing else. PostgreSQL may be
        # restarted, after which a kept connection is of no use.
        self._kept = engine.connect() if engine.dialect.name == "sqlite" else None
        self._lock = threading.Lock()

    def mark(self) -> object:
        """Equal marks: equal contents."""
        if self._kept is None:
            with self._engine.connect() as connection:
                return connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar_one()
        with self._lock:
            return self._kept.exec_driver_sql("PRAGMA data_version").scalar_one()

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
