"""The rows of one CRM table as they arrive: typed, in a temporary table of DuckDB, which only doubtful ones leave."""

from __future__ import annotations

from dataclasses import dataclass

import dataframely as dy
import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of
from pipelines.crm.casts import BROKEN_SEPARATOR
from pipelines.crm.contract import BROKEN_RULE, BROKEN_TEXT, ROW, Judged, judge
from schemas.crm import NAMING_COLUMNS
from schemas.source import TableName


@dataclass(frozen=True)
class Arrival:
    """A temporary table with the contract's columns, `broken`, and `source_file` where the select tells it.

    A row's `rowid` is its place in the select's result, from 0, and stays so when other rows go.
    """

    connection: duckdb.DuckDBPyConnection
    table: TableName
    contract: type[dy.Schema]

    @property
    def name(self) -> str:
        """The temporary table's name; no source can have it, since theirs begin with a letter."""
        return f"_arrived_{self.table}"

    @property
    def select(self) -> str:
        """SQL for the rows that are there now, in the contract's columns."""
        return f"SELECT {', '.join(self.contract.column_names())} FROM {self.name}"

    def read(self, query: str) -> pl.DataFrame:
        """A query's rows as the contract types them: words as text, times in UTC."""
        return frame_of(self.connection.sql(query))

    def rows(self) -> pl.DataFrame:
        """The rows that are there now, in the order in which they arrived."""
        return self.read(f"{self.select} ORDER BY rowid")

    def execute(self, statement: str) -> None:
        """Run a statement in which `{table}` stands for the temporary table."""
        self.connection.execute(statement.format(table=self.name))

    def height(self) -> int:
        return self.read(f"SELECT count(*) AS rows FROM {self.name}")["rows"].item()

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
            f"FROM {self.name} WHERE {' OR '.join(['broken IS NOT NULL', *doubts])} ORDER BY rowid"
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

    def files(self, rows: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
        """source_row, source of the given rows; and of each file (source) where it starts."""
        wanted = f"SELECT rowid AS {ROW}, source_file AS source FROM {self.name} WHERE rowid IN ({_listed(rows)})"
        return (
            self.read(wanted).with_columns(pl.col(ROW).cast(pl.UInt32)),
            self.read(f"SELECT source_file AS source, min(rowid) AS start FROM {self.name} GROUP BY ALL"),
        )


def _listed(rows: pl.Series) -> str:
    return f"SELECT unnest([{', '.join(map(str, rows))}]::BIGINT[])"
