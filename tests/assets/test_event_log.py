"""Dagster's event log stays open while it is used, and is otherwise Dagster's."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from assets.launch import prepare_instance
from catalog.home import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home.at(tmp_path / "home")
    prepare_instance(home)
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    return home


@pytest.fixture
def opened() -> Iterator[Counter[str]]:
    """How often each SQLite file was opened."""
    files: Counter[str] = Counter()

    def count(connection: sa.engine.interfaces.DBAPIConnection, record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA database_list")
        files.update([cursor.fetchall()[0][2]])
        cursor.close()

    sa.event.listen(sa.pool.Pool, "connect", count)
    yield files
    sa.event.remove(sa.pool.Pool, "connect", count)


def test_a_run_opens_its_event_log_as_it_begins_and_others_read_it_meanwhile(home: Home, opened: Counter[str]) -> None:
    logs = home.dagster / "history" / "runs"
    read: list[int] = []

    @dg.asset
    def first() -> None: ...

    @dg.asset(deps=[first])
    def second(context: dg.AssetExecutionContext) -> None:
        read.append(len(SqliteEventLogStorage(str(logs)).get_logs_for_run(context.run.run_id)))

    with dg.DagsterInstance.get() as instance:
        opened.clear()
        result = dg.materialize([first, second], instance=instance)
        kept = instance.all_logs(result.run_id)
        during = {Path(name).name: times for name, times in opened.items() if Path(name).parent == logs}

    assert result.success
    assert during.keys() == {f"{result.run_id}.db", "index.db"}
    # To make it, to write it, and for the asset that reads it; not for each of its events.
    assert max(during.values()) < 5
    assert len(kept) > 10
    assert 0 < read[0] < len(kept)
    assert [path.name for path in logs.iterdir() if path.suffix != ".db"] == []
