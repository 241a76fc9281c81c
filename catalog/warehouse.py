"""The warehouse: one encrypted DuckDB file, one writer, frames in and frames out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import dataframely as dy
import duckdb
import polars as pl

from catalog.belonging import check_warehouse_is_there
from catalog.duckdb_connection import connect, frame_of, insert_frame, insert_select, literal, quoted_name, registered
from catalog.home import Home
from catalog.secret_keys import SecretKeys
from catalog.warehouse_file import attach, tells_of_full_disk
from schemas.errors import DISK_FULL, DiskError, WarehouseError
from schemas.said import Said

#: More rows than this are written by several hands.
_ROWS_AT_ONCE, _HANDS = 245_760, 2


class Warehouse:
    """Tables of the open warehouse. Library errors quote values, so none leaves this class."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, memory_limit: str) -> None:
        #: Sources are read on it too, so that most rows never leave DuckDB.
        self.connection = connection
        #: In bytes: what DuckDB may hold to work with, and on top of it what it cannot spill.
        self._working, self._room = _sizes(connection, memory_limit)
        #: The limit that DuckDB has: to set the same again takes it as long as a small query (measured).
        self._limited_to = 0
        self.make_room()

    def read(self, query: str, **parameters: object) -> pl.DataFrame:
        """The rows of a SELECT, `$name` standing for each parameter."""
        with _worded(query):
            # DuckDB's relations with parameters go through Python, value by value (measured).
            return frame_of(self.connection.sql(_with_literals(query, parameters)))

    def execute(self, statement: str, **parameters: object) -> None:
        """Run a statement that returns nothing."""
        with _worded(statement):
            self.connection.execute(statement, parameters or None)

    def replace(self, table: str, frame: pl.DataFrame) -> None:
        """Make `frame` the whole content of `table`."""
        if frame.is_empty():
            self.execute(f"DROP TABLE IF EXISTS warehouse.{table}")
            self._create(table, frame)
            return
        with registered(self.connection, frame) as incoming:
            self.replace_by(table, f"SELECT * FROM {incoming}")

    def replace_all(self, batches: Iterable[Mapping[str, pl.DataFrame]]) -> None:
        """Make the frames of each table, batch after batch, its whole content: of all tables, or of none. Every batch
        names the same tables.

        DuckDB takes in a frame with one core, so each is written in parts at once, beside the table that it replaces,
        and while the next batch is made. The order of the rows is not kept.
        """
        made: list[str] = []
        with ThreadPoolExecutor(max_workers=_HANDS) as hands:
            pending: list[Future[None]] = []
            for frames in batches:
                for table in frames if not made else ():
                    self.replace(f"{table}_written", frames[table].clear())
                made = made or list(frames)
                parts = [
                    (table, frame.slice(start, _ROWS_AT_ONCE))
                    for table, frame in frames.items()
                    for start in range(0, frame.height, _ROWS_AT_ONCE)
                ]
                _wait(pending)
                pending = [hands.submit(self._write_beside, *part) for part in parts]
            _wait(pending)
        with self.transaction():
            for table in made:
                self.execute(f"DROP TABLE IF EXISTS warehouse.{table}")
                self.execute(f"ALTER TABLE warehouse.{table}_written RENAME TO {table}")

    def _write_beside(self, table: str, part: pl.DataFrame) -> None:
        with _worded(f"INSERT INTO warehouse.{table}_written"), closing(self.connection.cursor()) as connection:
            insert_frame(connection, f"warehouse.{table}_written", part)

    def replace_by(self, table: str, select: str, *further: str) -> None:
        """Make the rows of a SELECT over the warehouse and temporary tables, and of `further` ones that each give some,
        the whole content of `table`.
        """
        self.execute(f"CREATE OR REPLACE TABLE warehouse.{table} AS {select}")
        for each in further:
            self.execute(f"INSERT INTO warehouse.{table} {each}")

    def append(self, table: str, frame: pl.DataFrame) -> None:
        """Add the rows of `frame` to `table`, made from it if it is not there."""
        if not self.has(table):
            self._create(table, frame)
        with _worded(f"INSERT INTO warehouse.{table}"):
            insert_frame(self.connection, f"warehouse.{table}", frame)

    def replace_where(self, table: str, condition: str, frame: pl.DataFrame, /, **parameters: object) -> None:
        """Put the rows of `frame` into `table`, made from it if it is not there, in place of those that meet an SQL
        condition. It belongs into a transaction.
        """
        if not self.has(table):
            self._create(table, frame)
        self.execute(f"DELETE FROM warehouse.{table} WHERE {condition}", **parameters)
        self.append(table, frame)

    def insert(self, table: str, select: str) -> None:
        """Add what a SELECT gives, if it gives anything, to a table by its whole name: `warehouse.x`, or a temporary
        one.
        """
        with _worded(f"INSERT INTO {table}"):
            insert_select(self.connection, table, select)

    def _create(self, table: str, frame: pl.DataFrame) -> None:
        """Make `table` empty, by its columns: CREATE … AS SELECT of no rows would be such an insert."""
        with registered(self.connection, frame) as incoming:
            typed = self.columns(incoming).items()
        columns = ", ".join(f"{quoted_name(name)} {kind}" for name, kind in typed)
        self.execute(f"CREATE TABLE warehouse.{table} ({columns})")

    def ensure(self, table: str, schema: type[dy.Schema]) -> None:
        """Make `table` empty if it is not there."""
        if not self.has(table):
            self._create(table, schema.create_empty())

    def has(self, table: str) -> bool:
        """Whether the warehouse has the table, be it empty."""
        # Looked up by name: a night asks a hundred times, and a query over all tables takes 2 ms (measured).
        try:
            self.connection.table(f"warehouse.{table}")
        except duckdb.CatalogException:
            return False
        return True

    def columns(self, rows: str) -> dict[str, str]:
        """Of a table by its whole name, or of a SELECT in brackets: column → type, as DuckDB names them."""
        # A relation knows them without a query: a DESCRIBE takes sixteen times as long (measured), and a night asks
        # thirty times.
        with _worded(f"FROM {rows}"):
            relation = self.connection.sql(f"FROM {rows}")
            return dict(zip(relation.columns, map(str, relation.types), strict=True))

    def height(self, table: str) -> int:
        """How many rows the table has."""
        return self.read(f"SELECT count(*) AS rows FROM warehouse.{table}")["rows"].item()

    def make_room(self) -> None:
        """Let DuckDB hold, on top of what it may hold to work with, what it cannot spill (docs/decisions/0043)."""
        self._limit(self._working + self._room)

    def give_back_memory(self) -> None:
        """Let DuckDB forget the pages that it has read, and until room is made again hold on top of what it may work
        with only what it could not forget: before work that needs the memory itself.
        """
        try:
            # It refuses a limit below what it cannot forget, after it has forgotten the rest.
            with _worded("SET memory_limit"), suppress(duckdb.OutOfMemoryException):
                self._limit(1)
        finally:
            self.make_room()
        held = self.read("SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory()").item()
        self._limit(self._working + min(held, self._room))

    def _limit(self, size: int) -> None:
        if size != self._limited_to:
            self.connection.execute(f"SET memory_limit = '{size}B'")
            self._limited_to = size

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none."""
        self.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")


@contextmanager
def open_warehouse(home: Home, keys: SecretKeys, memory_limit: str, time_zone: str = "UTC") -> Iterator[Warehouse]:
    """The home's warehouse for one writer; made if it is not there.

    `memory_limit` is what DuckDB may hold to work with. `time_zone` is how sources' times without an offset are read;
    what the warehouse gives is UTC.

    Raises:
        HomeLockedError: another process holds the home.
        KeyFileError: the warehouse was made with another key.
        WarehouseError: it is lost: the catalog has nights of it.
    """
    with home.locked():
        check_warehouse_is_there(home)
        connection = connect(home, memory_limit, time_zone)
        try:
            attach(connection, home, keys)
            yield Warehouse(connection, memory_limit)
        finally:
            connection.close()


def _sizes(connection: duckdb.DuckDBPyConnection, memory_limit: str) -> tuple[int, int]:
    """How many bytes the limit is, and how many DuckDB may need that it cannot spill: of each 2,048 rows of which it
    has seen one deleted, it keeps eight bytes a row until the file is closed.
    """
    ((working, room),) = connection.execute(
        "SELECT parse_formatted_bytes($limit), 8 * coalesce(sum(estimated_size), 0)::BIGINT "
        "FROM duckdb_tables() WHERE database_name = 'warehouse'",
        {"limit": memory_limit},
    ).fetchall()
    return working, room


def _with_literals(query: str, parameters: Mapping[str, object]) -> str:
    """The query with the value itself for each `$name`."""
    if not parameters:
        return query
    return re.sub(r"\$([a-z_]+)", lambda name: literal(parameters[name[1]]), query)


def _wait(pending: Iterable[Future[None]]) -> None:
    for written in pending:
        written.result()


@contextmanager
def _worded(statement: str) -> Iterator[None]:
    try:
        yield
    except duckdb.OutOfMemoryException:
        msg = Said("DuckDB ran out of memory. Raise memory_limit in config/relance.toml.")
        raise WarehouseError(msg) from None
    except duckdb.Error as error:
        if tells_of_full_disk(error):
            raise DiskError(DISK_FULL) from None
        msg = Said(
            "The warehouse refused a statement ({kind}) that begins {statement}.",
            kind=type(error).__name__,
            statement=repr(statement[:80]),
        )
        raise WarehouseError(msg) from None
