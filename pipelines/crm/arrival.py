"""The rows of one CRM table as they arrive: typed, in a temporary table of DuckDB, which only doubtful ones leave."""

from __future__ import annotations

from dataclasses import dataclass

import dataframely as dy
import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of
from pipelines.crm.casts import BROKEN_SEPARATOR
from pipelines.crm.contract import BROKEN_RULE, BROKEN_TEXT, ROW, Judged, judge
from schemas.crm import NAMING_COLUMNS, RAW_MARK
from schemas.source import TableName


@dataclass(frozen=True)
class Arrival:
    """A temporary table with the contract's columns, the mark, `broken`, and `source_file` where the select tells it.

    A row's `rowid` names it, and stays so when other rows go.
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
        """Beside `held`: every raw row as text, with its mark, in the select's order."""
        return f"_seen_{self.table}"

    @property
    def leaving(self) -> str:
        """Beside `held`: the marks of rows that do not stay."""
        return f"_leaving_{self.table}"

    @property
    def temporary(self) -> tuple[str, ...]:
        """The temporary tables."""
        return (self.name,) if self.held is None else (self.name, self.leaving)

    @property
    def place(self) -> str:
        """SQL for a row's place in the select's result, from 0."""
        return "rowid" if self.held is None else "place"

    @property
    def knowable(self) -> str:
        """A condition on rows of `held`: their raw rows need not arrive."""
        # Of what is said of an address, it hangs on others too what is kept.
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

    def read(self, query: str) -> pl.DataFrame:
        """A query's rows as the contract types them: words as text, times in UTC."""
        return frame_of(self.connection.sql(query))

    def rows(self) -> pl.DataFrame:
        """The rows that arrived, in their order."""
        return self.read(f"SELECT {', '.join(self.contract.column_names())} FROM {self.name} ORDER BY {self.place}")

    def execute(self, statement: str) -> None:
        """Run a statement in which `{table}` stands for the temporary table."""
        self.connection.execute(statement.format(table=self.name))

    def height(self) -> int:
        """How many rows `every` has."""
        return self.read(f"SELECT count(*) AS rows FROM {self.every}")["rows"].item()

    def seen_height(self) -> int:
        """How many raw rows there were."""
        return self.read(f"SELECT count(*) AS rows FROM {self.name if self.held is None else self.seen}")["rows"].item()

    def judged(self) -> Judged:
        """The doubtful rows, split by their contract; all others keep it."""
        columns = self.contract.columns()
        doubts = [f"{name} IS NULL" for name, column in columns.items() if not column.nullable]
        if self.table in NAMING_COLUMNS:
            doubts.append(f"coalesce({', '.join(NAMING_COLUMNS[self.table])}) IS NULL")
        for key in self.contract.primary_key():
            repeated = self._repeated_hashes(key)
            if not repeated.is_empty():
                doubts.append(f"hash({key}) IN (SELECT unnest([{', '.join(map(str, repeated))}]::UBIGINT[]))")
        parts = f"string_split(broken, '{BROKEN_SEPARATOR}')"
        doubtful = self.read(
            f"SELECT {', '.join(columns)}, rowid AS {ROW}, {parts}[1] AS {BROKEN_RULE}, "
            f"array_to_string({parts}[2:], '{BROKEN_SEPARATOR}') AS {BROKEN_TEXT} "
            f"FROM {self.name} WHERE {' OR '.join(['broken IS NOT NULL', *doubts])} ORDER BY {self.place}"
        )
        return judge(doubtful.with_columns(pl.col(ROW).cast(pl.UInt32)), self.contract)

    def _repeated_hashes(self, column: str) -> pl.Series:
        """Hashes that several rows have: a doubt, and no more. Sorted numbers show them for a third of grouping."""
        hashes = self.read(f"SELECT hash({column}) AS hashed FROM {self.name}")["hashed"].sort()
        return hashes.filter(hashes == hashes.shift()).unique()

    def numbered(self, rows: pl.Series) -> pl.DataFrame:
        """The contract's columns and source_row of the given rows."""
        query = f"SELECT {', '.join(self.contract.column_names())}, rowid AS {ROW} FROM {self.name}"
        return self.read(f"{query} WHERE rowid IN ({_listed(rows)})").with_columns(pl.col(ROW).cast(pl.UInt32))

    def take_out(self, rows: pl.Series) -> None:
        """Delete rows by their place."""
        self.execute(f"DELETE FROM {{table}} WHERE rowid IN ({_listed(rows)})")

    def arrive_after_all(self, condition: str) -> None:
        """Let rows of `held` arrive that would stay."""
        if self.held is None:
            return
        columns = ", ".join(self.contract.column_names())
        rows = f"SELECT {columns} FROM {self.held} WHERE {self.stays} AND {condition}"
        # An insert of no rows would lose others (docs/decisions/0010).
        if not self.read(f"{rows} LIMIT 1").is_empty():
            self.connection.execute(f"INSERT INTO {self.name} BY NAME {rows}")
            self.let_leave(condition)

    def let_leave(self, condition: str) -> None:
        """Let go of rows of `held` that would stay."""
        if self.held is not None:
            rows = f"SELECT {RAW_MARK} FROM {self.held} WHERE {self.stays} AND {condition}"
            # An insert of no rows would lose others (docs/decisions/0010).
            if not self.read(f"{rows} LIMIT 1").is_empty():
                self.connection.execute(f"INSERT INTO {self.leaving} {rows}")

    def files(self, rows: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
        """source_row, place, source of the given rows; and of each file (source) where it starts."""
        wanted = f"SELECT rowid AS {ROW}, {self.place}::BIGINT AS place, source_file AS source FROM {self.name}"
        every = self.name if self.held is None else self.seen
        return (
            self.read(f"{wanted} WHERE rowid IN ({_listed(rows)})").with_columns(pl.col(ROW).cast(pl.UInt32)),
            self.read(f"SELECT source_file AS source, min(rowid) AS start FROM {every} GROUP BY ALL"),
        )


def _listed(rows: pl.Series) -> str:
    return f"SELECT unnest([{', '.join(map(str, rows))}]::BIGINT[])"
