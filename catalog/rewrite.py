"""Rewriting the warehouse: a copy in a new encrypted file takes the old one's name, and nothing of the old one stays.

Both files are encrypted all the time, each with its own key; rows pass from one to the other in memory or in DuckDB's
encrypted spill.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date

from catalog import warehouse_key
from catalog.durable import sync
from catalog.home import Home
from catalog.secret_keys import check_rotatable, open_keys
from catalog.warehouse import Warehouse, open_warehouse
from catalog.warehouse_file import attach_encrypted
from schemas.errors import WarehouseError
from schemas.said import Said

#: While this table is there, pages of the file may hold rows that erasure took out.
_DUE = "rewrite_due"
#: While this one is, they may hold rows that nobody asks to be gone sooner than the day that it names.
_WAITING = "rewrite_waiting"
#: With more rows than this, tables are compared before others are copied.
_ROWS_AT_ONCE = 1_000_000


def note_rewrite(warehouse: Warehouse) -> None:
    """Keep that the warehouse is to be written anew. It belongs into the transaction that takes the rows out."""
    warehouse.execute(f"CREATE TABLE IF NOT EXISTS warehouse.{_DUE} (noted BOOLEAN)")


def rewrite_is_noted(warehouse: Warehouse) -> bool:
    """Whether a rewrite is due whatever the day."""
    return warehouse.has(_DUE)


def let_rewrite_wait(warehouse: Warehouse, until: date) -> None:
    """Let a rewrite that was noted in this transaction be due on the day `until`."""
    if warehouse.has(_DUE):
        warehouse.execute(f"CREATE TABLE IF NOT EXISTS warehouse.{_WAITING} (until DATE)")
        warehouse.execute(f"INSERT INTO warehouse.{_WAITING} VALUES ($until)", until=until)
        warehouse.execute(f"DROP TABLE warehouse.{_DUE}")


def rewrite_is_due(warehouse: Warehouse, today: date) -> bool:
    """Whether rows were taken out since the file was written, by this process or by one that was killed, which may not
    wait longer.
    """
    if rewrite_is_noted(warehouse):
        return True
    if not warehouse.has(_WAITING):
        return False
    waiting = warehouse.read(f"SELECT 1 FROM warehouse.{_WAITING} WHERE until <= $today LIMIT 1", today=today)
    return not waiting.is_empty()


def rotate_warehouse_key(home: Home, memory_limit: str) -> None:
    """Encrypt the warehouse with a new key, and put that into the old key's file; DuckDB may hold so much to work with.

    Killed at any moment, the warehouse opens with what is there: before the new file takes the old one's name with the
    old key, afterwards with the new.

    Raises:
        HomeLockedError: another process holds the home.
        KeyFileError: the key comes from the environment, or is not there.
        WarehouseError: the disk is too full, or the copy is not equal.
    """
    check_rotatable(home, "warehouse")
    if not home.warehouse.exists():
        msg = Said("There is no warehouse in {root} yet: nothing is encrypted. The first run makes it.", root=home.root)
        raise WarehouseError(msg)
    keys = open_keys(home)
    with open_warehouse(home, keys, memory_limit) as warehouse:
        _check_space(home)
        key = warehouse_key.begin(home)
        try:
            _copy(warehouse, home, key)
            _swap(home)
        except BaseException:
            # After the swap the new key is the fitting one, and the next opening settles that.
            if warehouse_key.next_warehouse(home).exists():
                warehouse_key.settle(home, keys.warehouse)
            raise
        warehouse_key.settle(home, key)


def rewrite_warehouse(home: Home, warehouse: Warehouse) -> None:
    """Write the open warehouse anew under its own key, so that no page of the file holds what was deleted from it.

    Afterwards `warehouse` is closed for good. Killed before the new file takes the old one's name, the old one stays.

    Raises:
        WarehouseError: the disk is too full, or the copy is not equal.
    """
    _check_space(home)
    warehouse_key.discard_copy(home)
    try:
        _copy(warehouse, home, open_keys(home).warehouse)
        _swap(home)
    except BaseException:
        warehouse_key.discard_copy(home)
        raise
    shutil.rmtree(home.spill, ignore_errors=True)


def _copy(warehouse: Warehouse, home: Home, key: str) -> None:
    """Write every table into the next file, compare, and close both, so that neither has a write-ahead log."""
    attach_encrypted(warehouse.connection, warehouse_key.next_warehouse(home), "next", key)
    # With both cores, which COPY FROM DATABASE does not: a quarter less time (measured).
    with warehouse.transaction():
        for tables in _in_batches(warehouse):
            for table in tables:
                warehouse.execute(f"CREATE TABLE next.{table} AS FROM warehouse.{table}")
            if _fingerprint(warehouse, "next", tables) != _fingerprint(warehouse, "warehouse", tables):
                msg = Said(
                    "The copy of the warehouse is not equal to it. This is a defect; the old file and its key stay."
                )
                raise WarehouseError(msg)
    # The new file never held what went.
    for noted in (_DUE, _WAITING):
        warehouse.execute(f"DROP TABLE IF EXISTS next.{noted}")
    for name in ("next", "warehouse"):
        warehouse.execute(f"DETACH {name}")


def _in_batches(warehouse: Warehouse) -> Iterator[list[str]]:
    """The tables, as many at a time as are compared in one statement: small ones together, since fifty statements would
    take a small warehouse longer than all else; none after a large one, whose pages are still in memory then.
    """
    tables = warehouse.read(
        "SELECT table_name, estimated_size FROM duckdb_tables() WHERE database_name = 'warehouse' ORDER BY ALL"
    )
    batch, rows = [], 0
    for table, size in tables.iter_rows():
        batch.append(table)
        rows += size
        if rows > _ROWS_AT_ONCE:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def _fingerprint(warehouse: Warehouse, database: str, tables: list[str]) -> dict[str, tuple[str, int, int | None]]:
    """By table, its definition, and its rows: how many, and a hash that does not hang on their order."""
    found = warehouse.read(
        "SELECT table_name, sql FROM duckdb_tables() "
        "WHERE database_name = $database AND list_contains($tables::VARCHAR[], table_name)",
        database=database,
        tables=tables,
    )
    defined = dict(found.iter_rows())
    every = " UNION ALL ".join(
        f"SELECT {place} AS place, count(*), bit_xor(hash(_row)) FROM {database}.{table} AS _row"
        for place, table in enumerate(tables)
    )
    prints = warehouse.read(f"FROM ({every}) ORDER BY place")
    return {
        table: (defined[table], rows, mark) for table, (_, rows, mark) in zip(tables, prints.iter_rows(), strict=True)
    }


def _swap(home: Home) -> None:
    """Let the next file take the warehouse's name: the moment from which the new key fits."""
    path = warehouse_key.next_warehouse(home)
    if any(warehouse_key.write_ahead_log(file).exists() for file in (path, home.warehouse)):
        msg = Said("{warehouse} still has unwritten changes. Nothing was swapped; run again.", warehouse=home.warehouse)
        raise WarehouseError(msg)
    sync(path)
    path.replace(home.warehouse)
    sync(home.root)


def _check_space(home: Home) -> None:
    needed, free = home.warehouse.stat().st_size, shutil.disk_usage(home.root).free
    if free < needed:
        msg = Said(
            "The warehouse is to be written a second time: {needed}, but only {free} are free at "
            "{root}. Free some space; nothing was changed.",
            needed=_size(needed),
            free=_size(free),
            root=home.root,
        )
        raise WarehouseError(msg)


def _size(count: int) -> Said:
    large = count >= 1_000_000_000
    return Said("{size} GB" if large else "{size} MB", size=f"{count / (1e9 if large else 1e6):.1f}")
