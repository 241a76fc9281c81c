"""One CRM table: its select run as text, then cast by the contract, nothing lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import dataframely as dy
import duckdb
import polars as pl
from polars import selectors

from pipelines.crm.casts import tidied, typed_select
from pipelines.crm.contract import ROW, judge
from pipelines.crm.located_select import named_tables, parsed, with_file
from pipelines.crm.sources import OpenSource, open_source
from schemas.crm import CONTRACTS, CrmOrdersWithoutTimes, Quarantine
from schemas.errors import SourceError
from schemas.source import Sources, TableName

#: Lines that a CSV reader can skip without losing its place; all other faults stop the run.
_SKIPPABLE = {"MISSING COLUMNS": "has too few columns", "TOO MANY COLUMNS": "has too many columns"}

#: Tables whose lost line could let somebody through who must not be.
_NEVER_SKIPPED = ("consents", "erasures")


class Pulled(NamedTuple):
    """A table as read. `read` = rows of `accepted` + rows of `quarantined`, always.

    `broken` are the quarantined rows as far as they could be read, in the contract's columns.
    """

    read: int
    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    broken: pl.DataFrame


@dataclass(frozen=True)
class Crm:
    """The declared sources, opened on a connection of their own."""

    connection: duckdb.DuckDBPyConnection
    sources: Sources
    config_folder: Path
    home_folder: Path

    def contract(self, table: TableName) -> type[dy.Schema]:
        """What the table's rows must keep."""
        if table == "orders" and self.sources.tables.orders.without_times:
            return CrmOrdersWithoutTimes
        return CONTRACTS[table]

    def pull(self, table: TableName) -> Pulled:
        """Read a table whole.

        Raises:
            SourceError: a source or the select cannot be read as declared.
        """
        contract = self.contract(table)
        select = self.sources.table(table).select
        if select is None:
            empty = pl.DataFrame(contract.create_empty())
            return Pulled(0, empty, pl.DataFrame(Quarantine.create_empty()).drop("as_of"), empty)
        opened = self._open(table, select)
        located = with_file(self.connection, select, opened)
        rows = self._run(table, self._typed(table, located.select, opened), opened).with_row_index(ROW)
        rows = tidied(rows, contract)
        rejected = self._rejected(table, opened)
        judged = judge(rows.drop("source_file", strict=False), contract)
        placed = judged.broken.join(located.places(rows, judged.broken[ROW], rejected), on=ROW, how="left")
        quarantined = pl.concat(
            [placed.select(pl.lit(table).alias("table"), "source", "row", "rule", "shape"), rejected],
            how="vertical_relaxed",
        )
        read = rows.height + rejected.height
        if read != judged.accepted.height + quarantined.height:
            msg = f"Table {table}: {read} rows read, but accepted and quarantined rows differ. This is a defect."
            raise SourceError(msg)
        return Pulled(read, judged.accepted.drop(ROW), quarantined, judged.broken.select(contract.column_names()))

    def places(self, table: TableName) -> list[str]:
        """The files and databases that the table's select reads, without their folders."""
        opened = self._open(table, self.sources.table(table).select or "")
        return [source.place.rsplit("/", 1)[-1] for source in opened]

    def newest(self, table: TableName, column: str) -> object:
        """The greatest readable value of a column, without reading the others."""
        select = self.sources.table(table).select or ""
        opened = self._open(table, select)
        query = f"SELECT max({column}) AS value FROM ({self._typed(table, select, opened)}) AS typed"
        value = self._run(table, query, opened)["value"][0]
        self._rejected(table, opened)
        return value

    def distinct(self, table: TableName, column: str) -> pl.Series:
        """Each value of a text column once, as it stands; empty if the select does not give the column."""
        select = self.sources.table(table).select or ""
        opened = self._open(table, select)
        typed = self._typed(table, select, opened)
        return self._run(table, f"SELECT DISTINCT {column} FROM ({typed}) AS typed ORDER BY ALL", opened)[column]

    def matching(self, table: TableName, column: str, values: pl.Series) -> pl.DataFrame:
        """The rows of a table whose `column` is one of `values`; columns of the contract."""
        if values.is_empty():
            return pl.DataFrame(self.contract(table).create_empty())
        select = self.sources.table(table).select or ""
        opened = self._open(table, select)
        self.connection.execute("CREATE OR REPLACE TEMP TABLE wanted (value VARCHAR)")
        self.connection.execute("INSERT INTO wanted SELECT unnest($values::VARCHAR[])", {"values": values.to_list()})
        query = f"SELECT * FROM ({self._typed(table, select, opened)}) AS typed WHERE trim({column}) IN (FROM wanted)"
        contract = self.contract(table)
        return tidied(self._run(table, query, opened), contract).select(contract.column_names())

    def check(self, table: TableName) -> None:
        """Open the table's sources and bind its select, without reading rows.

        Raises:
            SourceError: as `pull`.
        """
        select = self.sources.table(table).select
        if select is not None:
            self._typed(table, select, self._open(table, select))

    def _typed(self, table: TableName, select: str, opened: tuple[OpenSource, ...]) -> str:
        """The typed select.

        Raises:
            SourceError: the select gives a column that the contract does not know, or lacks one that it needs.
        """
        contract = self.contract(table)
        given = self._run(table, f"SELECT * FROM ({select}) AS selected LIMIT 0", opened).columns
        known = contract.columns()
        unknown = [name for name in given if name not in known and not name.startswith("source_file")]
        if unknown:
            msg = (
                f"sources.toml, tables.{table}.select gives {', '.join(unknown)}, which is no column of {table}. "
                f"Its columns are {', '.join(known)}."
            )
            raise SourceError(msg)
        lacking = [name for name, column in known.items() if not column.nullable and name not in given]
        if lacking:
            hint = ""
            if lacking == ["ordered_at"]:
                hint = " If the source has no order times, set without_times = true."
            msg = f"sources.toml, tables.{table}.select lacks the column {', '.join(lacking)}.{hint}"
            raise SourceError(msg)
        return typed_select(select, given, contract, self.sources.tables.orders if table == "orders" else None)

    def _open(self, table: TableName, select: str) -> tuple[OpenSource, ...]:
        """Open the sources that the select names."""
        for name, source in self.sources.sources.items():
            drop = "DROP VIEW" if source.files is not None else "DETACH DATABASE"
            self.connection.execute(f'{drop} IF EXISTS "{name}"')
        tree = parsed(self.connection, select)
        if tree.get("error"):
            msg = f"sources.toml, tables.{table}.select: {str(tree['error_message']).split(chr(10))[0]}."
            raise SourceError(msg)
        names = named_tables(tree)
        opened = []
        for name, source in self.sources.sources.items():
            if name in names:
                opened.append(
                    open_source(
                        self.connection, name, source, config_folder=self.config_folder, home_folder=self.home_folder
                    )
                )
        return tuple(opened)

    def _run(self, table: TableName, query: str, opened: tuple[OpenSource, ...]) -> pl.DataFrame:
        places = ", ".join(source.place for source in opened) or "no source"
        try:
            rows = pl.DataFrame(self.connection.sql(query))
        except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
            raise SourceError(f"{_select_message(table, error)} It reads {places}.") from None
        except duckdb.OutOfMemoryException:
            msg = f"Table {table}: out of memory while reading {places}. Raise memory_limit in relance.toml."
            raise SourceError(msg) from None
        except duckdb.Error as error:
            msg = (
                f"Table {table}: reading {places} failed ({type(error).__name__}). The message quotes rows, so it is "
                "not shown; run the select in DuckDB by hand, and prefer TRY_CAST to CAST."
            )
            raise SourceError(msg) from None
        # The connection's time zone says how times are read; from here on they are UTC.
        return rows.with_columns(selectors.datetime(time_zone="*").dt.convert_time_zone("UTC"))

    def _rejected(self, table: TableName, opened: tuple[OpenSource, ...]) -> pl.DataFrame:
        """Lines that the CSV reader skipped: table, source, row, rule, shape.

        Raises:
            SourceError: a fault after which the reader may have lost its place, or another encoding.
        """
        empty = pl.DataFrame(Quarantine.create_empty()).drop("as_of")
        if not any(source.is_csv for source in opened):
            return empty
        faults = pl.DataFrame(
            self.connection.sql(
                "SELECT file_path, line, min(error_type::VARCHAR) AS error_type, min(error_message) AS message "
                "FROM reject_errors JOIN reject_scans USING (scan_id, file_id) GROUP BY ALL ORDER BY file_path, line"
            )
        )
        self.connection.execute("DELETE FROM reject_errors")
        self.connection.execute("DELETE FROM reject_scans")
        for fault in faults.iter_rows(named=True):
            if fault["error_type"] not in _SKIPPABLE:
                raise SourceError(_fault_message(fault))
            if table in _NEVER_SKIPPED:
                msg = (
                    f"{fault['file_path']}, line {fault['line']} {_SKIPPABLE[str(fault['error_type'])]}, so that "
                    "nobody can say whom it protects. Mend the line; nothing was published."
                )
                raise SourceError(msg)
        return pl.concat(
            [
                empty,
                faults.select(
                    table=pl.lit(table),
                    source=pl.col("file_path").str.split("/").list.last(),
                    row=pl.col("line").cast(pl.Int64) - 1,
                    rule="line " + pl.col("error_type").replace(_SKIPPABLE),
                    shape=pl.lit(None, dtype=pl.String),
                ),
            ]
        )


def _fault_message(fault: dict[str, object]) -> str:
    if fault["error_type"] == "INVALID ENCODING":
        return (
            f"{fault['file_path']}, line {fault['line']}: not in the declared encoding. "
            'Set encoding = "windows-1252" or "latin-1" for this source in sources.toml.'
        )
    return (
        f"{fault['file_path']}, line {fault['line']}: malformed CSV ({str(fault['error_type']).lower()}), so that what "
        "follows cannot be trusted. Mend the quoting there, or declare `quote`; nothing was published."
    )


def _select_message(table: TableName, error: duckdb.Error) -> str:
    first = str(error).split("\n")[0].strip().rstrip(".!")
    return f"sources.toml, tables.{table}.select: {first}."
