"""Dagster's SQLite storage, with files that stay open: opening them for every event, as Dagster does, takes more than a
quarter of a small night (measured).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, SqliteStorageConfig
from dagster._serdes import ConfigurableClassData
from sqlalchemy import event

from catalog.full_disk import full_disk_told

#: Files that stay open: the index, the run's own, and a few at which somebody looks.
_OPEN = 8


class OpenEventLog(SqliteEventLogStorage):
    """One file a run, as ever; each event is written and seen by other processes at once, as ever."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, sa.Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    def has_table(self, table_name: str) -> bool:
        # Asked for three times an asset. A table that is there stays.
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        # Dagster prints what fails here as it is.
        with self._db_lock, full_disk_told():
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> sa.Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            while len(self._engines) >= _OPEN:
                self._engines.pop(next(iter(self._engines))).dispose()
            waiting = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            engine = sa.create_engine(self.conn_string_for_shard(shard), connect_args=waiting)
            event.listen(engine, "connect", _sync_seldom)
        # The one looked at last is closed last.
        self._engines[shard] = engine
        return engine

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

    def wipe(self) -> None:
        self._close()
        self._tables.clear()
        super().wipe()

    def dispose(self) -> None:
        super().dispose()
        self._close()


def _sync_seldom(connection: sqlite3.Connection, record: object) -> None:
    """A night writes a hundred events and more, and the disk is not waited for after each. A power cut may take the
    last events of the run that it ends; the log stays whole, and what was published is in the catalog.
    """
    connection.execute("PRAGMA synchronous = NORMAL")


class OpenRunStorage(SqliteRunStorage):
    """Dagster's own, but for the file that stays open. Its tables are there."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = sa.create_engine(conn_string)
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        with full_disk_told(), self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        super().dispose()
        self._engine.dispose()


class OpenStorage(DagsterSqliteStorage):
    """What `dagster.yaml` names."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._run_storage = OpenRunStorage(self._run_storage._conn_string)
        self._event_log_storage = OpenEventLog(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: SqliteStorageConfig
    ) -> "OpenStorage":
        return cls.from_local(inst_data=inst_data, **config_value)
