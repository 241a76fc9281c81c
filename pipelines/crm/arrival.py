"""The rows of one CRM table as they arrive: typed, in a temporary table of DuckDB, which only doubtful ones leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import dataframely as dy
import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of, insert_select, store_frame
from pipelines.crm.contract import BROKEN_RULE, BROKEN_TEXT, ROW, Judged, judge
from pipelines.crm.selects.casts import BROKEN_SEPARATOR
from pipelines.pieces import in_pieces
from schemas.crm import NAMING_COLUMNS, RAW_MARK
from schemas.source import TableName


@dataclass(frozen=True)
class Arrival:
    """A temporary table with the contract's columns, the mark, `broken`, and `source_file` where the select tells it.

    A row's `rowid` names it, and stays so when other rows go. Without `held` it is the row's place in the select's
    result, and rows of `held` are not known.
    """

    connection: duckdb.DuckDBPyConnection
    table: TableName
    contract: type[dy.Schema]
    #: The table of the warehouse of which rows stay, so that their raw rows need not arrive; none if all arrive.
    held: str | None = None

    @property
    def name(self) -> str:
        """The temporary table's name; no source can have it, since theirs begin with a letter."""
        return f"_arrived_{self.table}"

    @property
    def seen(self) -> str:
        """Beside `held`: the mark and `source_file` of every raw row, in the select's order."""
        return f"_seen_{self.table}"

    @property
    def met(self) -> str:
        """Beside `held`: marks that only raw rows bear (new), and that only rows of `held` bear (gone)."""
        return f"_met_{self.table}"

    @property
    def copied(self) -> str:
        """Beside `held`: the raw rows of a select that may give others, or in another order, when it is read again."""
        return f"_copied_{self.table}"

    @property
    def leaving(self) -> str:
        """Beside `held`: the marks of rows that do not stay."""
        return f"_leaving_{self.table}"

    @property
    def temporary(self) -> tuple[str, ...]:
        """The temporary tables."""
        return (self.name,) if self.held is None else (self.name, self.leaving)

    @property
    def knowable(self) -> str:
        """A condition on rows of `held`: their raw rows need not arrive."""
        # What is kept of a statement on an address hangs on other rows too: on who has the address.
        no_address = " AND address IS NULL" if self.table == "consents" else ""
        return f"{RAW_MARK} IS NOT NULL{no_address}"

    @property
    def stays(self) -> str:
        """A condition on rows of `held`: they stay."""
        return f"{self.knowable} AND {RAW_MARK} NOT IN (FROM {self.leaving})"

    @property
    def written(self) -> str:
        """SQL for the rows that arrived, as the warehouse keeps them."""
        return f"SELECT {', '.join(self.contract.column_names())}, {RAW_MARK} FROM {self.name}"

    @property
    def every(self) -> str:
        """All rows that keep their contract, whether they arrived or stay: a query in brackets."""
        columns = ", ".join(self.contract.column_names())
        stay = f" UNION ALL SELECT {columns} FROM {self.held} WHERE {self.stays}" if self.held is not None else ""
        return f"(SELECT {columns} FROM {self.name}{stay})"

    def having(self, conditions: Sequence[str]) -> pl.DataFrame:
        """The rows of `every` that meet one of the SQL conditions, each of which looks at few columns."""
        columns = ", ".join(self.contract.column_names())

        def found(table: str, further: str) -> pl.DataFrame:
            # Joined by OR, the conditions would be looked at with all columns of all rows at hand.
            places = " UNION ALL ".join(f"SELECT rowid FROM {table} WHERE {condition}" for condition in conditions)
            return self.read(f"SELECT {columns} FROM {table} WHERE rowid IN ({places}) AND {further}")

        # One after the other: a union of both might never end (docs/decisions/0042).
        held = [] if self.held is None else [found(self.held, self.stays)]
        return pl.concat([found(self.name, "TRUE"), *held])

    def read(self, query: str) -> pl.DataFrame:
        """A query's rows as the contract types them: words as text, times in UTC."""
        return frame_of(self.connection.sql(query))

    def in_pieces(self, table: str, query: Callable[[str], str]) -> Iterator[pl.DataFrame]:
        """As `in_pieces` gives the rows of a table."""
        return in_pieces(self.read, table, query)

    def every_in_pieces(self, select: str, condition: str) -> Iterator[pl.DataFrame]:
        """The columns `select` of the rows of `every` that meet a condition, piece by piece."""
        rows = f"SELECT {select} FROM {{}} WHERE {condition}"
        yield from self.in_pieces(self.name, rows.format)
        if self.held is not None:
            yield from self.in_pieces(self.held, f"{rows} AND {self.stays}".format)

    def rows(self) -> pl.DataFrame:
        """The rows that arrived; without `held`, in their order."""
        return self.read(f"SELECT {', '.join(self.contract.column_names())} FROM {self.name} ORDER BY rowid")

    def execute(self, statement: str) -> None:
        """Run a statement in which `{table}` stands for the temporary table."""
        self.connection.execute(statement.format(table=self.name))

    def height(self) -> int:
        """How many rows `every` has."""
        return self.read(f"SELECT count(*) AS rows FROM {self.every}")["rows"].item()

    def seen_height(self) -> int:
        """How many raw rows there were."""
        return self.read(f"SELECT count(*) AS rows FROM {self._every_mark}")["rows"].item()

    def sum_of_marks(self) -> str:
        """What other raw rows have another of: in whatever order they came, and from whatever file."""
        return self.read(f"SELECT sum({RAW_MARK}::HUGEINT)::VARCHAR AS sum FROM {self._every_mark}")["sum"].item()

    @property
    def _every_mark(self) -> str:
        """The table with the marks of all raw rows."""
        return self.name if self.held is None else self.seen

    def judged(self) -> Judged:
        """The doubtful rows, split by their contract; all others keep it."""
        columns = self.contract.columns()
        doubts = [f"{name} IS NULL" for name, column in columns.items() if not column.nullable]
        if self.table in NAMING_COLUMNS:
            doubts.append(f"coalesce({', '.join(NAMING_COLUMNS[self.table])}) IS NULL")
        told_by_places = False
        for key in self.contract.primary_key():
            repeated = self._repeated_hashes(key)
            if not repeated.is_empty():
                # Of rows that are alike the first stays.
                told_by_places = self.held is not None
                store_frame(self.connection, f"_repeated_{key}", repeated.to_frame())
                doubts.append(f"hash({key}) IN (FROM _repeated_{key})")
        parts = f"string_split(broken, '{BROKEN_SEPARATOR}')"
        doubtful = self.read(
            f"SELECT {', '.join(columns)}, rowid AS {ROW}, {parts}[1] AS {BROKEN_RULE}, "
            f"array_to_string({parts}[2:], '{BROKEN_SEPARATOR}') AS {BROKEN_TEXT} "
            f"FROM {self.name} WHERE {' OR '.join(['broken IS NOT NULL', *doubts])} ORDER BY rowid"
        ).with_columns(pl.col(ROW).cast(pl.UInt32))
        if told_by_places:
            doubtful = doubtful.join(self.places(doubtful[ROW]), on=ROW).sort("place").drop("place", "source")
        return judge(doubtful, self.contract)

    def _repeated_hashes(self, column: str) -> pl.Series:
        """Hashes that several rows have: a doubt, and no more. Sorted numbers show them for a third of grouping."""
        hashes = self.read(f"SELECT hash({column}) AS hashed FROM {self.name}")["hashed"].sort()
        return hashes.filter(hashes == hashes.shift()).unique()

    def _among(self, rows: pl.Series) -> str:
        """SQL for the rows, which may be most of a table: as a text they would take more memory than the table."""
        store_frame(self.connection, "_rows", rows.cast(pl.Int64).to_frame())
        return "FROM _rows"

    def numbered(self, rows: pl.Series) -> pl.DataFrame:
        """The contract's columns and source_row of the given rows."""
        query = f"SELECT {', '.join(self.contract.column_names())}, rowid AS {ROW} FROM {self.name}"
        return self.read(f"{query} WHERE rowid IN ({self._among(rows)})").with_columns(pl.col(ROW).cast(pl.UInt32))

    def marks(self, rows: pl.Series) -> pl.DataFrame:
        """source_row and raw_mark of the given rows."""
        found = self.read(f"SELECT rowid AS {ROW}, {RAW_MARK} FROM {self.name} WHERE rowid IN ({self._among(rows)})")
        return found.with_columns(pl.col(ROW).cast(pl.UInt32))

    def take_out(self, rows: pl.Series) -> None:
        """Delete rows by their place."""
        self.execute(f"DELETE FROM {{table}} WHERE rowid IN ({self._among(rows)})")

    def arrive_after_all(self, condition: str) -> None:
        """Let rows of `held` arrive that would stay."""
        if self.held is None:
            return
        columns = ", ".join(self.contract.column_names())
        rows = f"SELECT {columns} FROM {self.held} WHERE {self.stays} AND {condition}"
        insert_select(self.connection, self.name, rows)
        self.let_leave(condition)

    def let_leave(self, condition: str) -> None:
        """Let go of rows of `held` that would stay."""
        if self.held is not None:
            rows = f"SELECT {RAW_MARK} FROM {self.held} WHERE {self.stays} AND {condition}"
            insert_select(self.connection, self.leaving, rows)

    def places(self, rows: pl.Series) -> pl.DataFrame:
        """source_row, place in the select's result from 0, and source (the file) of the given rows."""
        wanted = self._among(rows)
        query = (
            f"SELECT rowid AS {ROW}, rowid AS place, source_file AS source FROM {self.name} WHERE rowid IN ({wanted})"
        )
        if self.held is not None:
            # Rows that bear one mark are alike in all, so that any of them may stand where another does.
            marks = f"SELECT {RAW_MARK} FROM {self.name} WHERE rowid IN ({wanted})"
            here, there = (
                f"(SELECT {RAW_MARK}, rowid AS row, row_number() OVER (PARTITION BY {RAW_MARK} ORDER BY rowid) AS nth"
                f"{further} FROM {table} WHERE {RAW_MARK} IN ({marks}))"
                for table, further in ((self.name, ""), (self.seen, ", source_file"))
            )
            query = (
                f"SELECT here.row AS {ROW}, there.row AS place, source_file AS source "
                f"FROM {here} AS here JOIN {there} AS there USING ({RAW_MARK}, nth) WHERE here.row IN ({wanted})"
            )
        return self.read(query).with_columns(pl.col(ROW).cast(pl.UInt32))

    def starts(self) -> pl.DataFrame:
        """source, start: the place of each file's first row."""
        return self.read(f"SELECT source_file AS source, min(rowid) AS start FROM {self._every_mark} GROUP BY ALL")
