"""One CRM table: its select run as text, then cast by the contract, nothing lost."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import dataframely as dy
import duckdb
import polars as pl
from polars import selectors

from pipelines.crm.casts import tidied, typed_select
from pipelines.crm.contract import ROW, Judged, judge
from pipelines.crm.located_select import file_name, named_tables, parsed, with_file
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

    def pull(self, table: TableName, further: Callable[[pl.DataFrame], pl.DataFrame] | None = None) -> Pulled:
        """Read a table whole.

        `further` gives source_row, rule and shape of rows that keep the contract and are to be set aside all the same.

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
        if further is not None:
            more = judged.accepted.join(further(judged.accepted), on=ROW, maintain_order="left")
            judged = Judged(
                judged.accepted.join(more, on=ROW, how="anti", maintain_order="left"),
                pl.concat([judged.broken, more.select(judged.broken.columns)]).sort(ROW),
            )
        placed = judged.broken.join(located.places(rows, judged.broken[ROW], rejected), on=ROW, how="left")
        quarantined = pl.concat(
            [
                placed.select(pl.lit(table).alias("table"), "source", "row", "rule", "shape"),
                rejected.with_columns(source=file_name(pl.col("source"))),
            ],
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
        """Each value of a text column once, as it stands."""
        select = self.sources.table(table).select or ""
        opened = self._open(table, select)
        typed = self._typed(table, select, opened)
        return self._run(table, f"SELECT DISTINCT {column} FROM ({typed}) AS typed ORDER BY ALL", opened)[column]

    def matching(self, table: TableName, wanted: dict[str, pl.Series]) -> pl.DataFrame:
        """The rows of a table of which some SQL expression, trimmed, is one of its wanted values."""
        contract = self.contract(table)
        asked = {expression: values for expression, values in wanted.items() if not values.is_empty()}
        if not asked:
            return pl.DataFrame(contract.create_empty())
        select = self.sources.table(table).select or ""
        opened = self._open(table, select)
        self.connection.execute("CREATE OR REPLACE TEMP TABLE wanted (asked INTEGER, value VARCHAR)")
        conditions = []
        for number, (expression, values) in enumerate(asked.items()):
            self.connection.execute(
                "INSERT INTO wanted SELECT $number, unnest($values::VARCHAR[])",
                {"number": number, "values": values.to_list()},
            )
            conditions.append(f"trim({expression}) IN (SELECT value FROM wanted WHERE asked = {number})")
        query = f"SELECT * FROM ({self._typed(table, select, opened)}) AS typed WHERE {' OR '.join(conditions)}"
        return tidied(self._run(table, query, opened), contract).select(contract.column_names())

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
            if "CSV Parser" in str(error):
                msg = (
                    f"Table {table}: {places} is no regular CSV: its line ends are mixed, or a quote is not closed. "
                    "Export it again; nothing was published."
                )
                raise SourceError(msg) from None
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
                # A line with several faults is as bad as the worst of them.
                "SELECT file_path, line, line_byte_position AS position, "
                "coalesce(min(error_type::VARCHAR) FILTER (NOT list_contains($skippable, error_type::VARCHAR)), "
                "min(error_type::VARCHAR)) AS error_type "
                "FROM reject_errors JOIN reject_scans USING (scan_id, file_id) "
                "WHERE list_contains($files, file_path) GROUP BY ALL ORDER BY file_path, line",
                params={
                    "skippable": list(_SKIPPABLE),
                    "files": [str(file) for source in opened for file in source.files],
                },
            )
        )
        self.connection.execute("DELETE FROM reject_errors")
        self.connection.execute("DELETE FROM reject_scans")
        sources = {str(file): source for source in opened for file in source.files}
        for fault in faults.iter_rows(named=True):
            if fault["error_type"] not in _SKIPPABLE:
                raise SourceError(_fault_message(_place(fault, sources), str(fault["error_type"])))
            if table in _NEVER_SKIPPED:
                msg = (
                    f"{_place(fault, sources)} {_SKIPPABLE[str(fault['error_type'])]}, so that "
                    "nobody can say whom it protects. Mend the line; nothing was published."
                )
                raise SourceError(msg)
        return pl.concat(
            [
                empty,
                faults.select(
                    table=pl.lit(table),
                    source="file_path",
                    row=_rows(faults, sources),
                    rule="line " + pl.col("error_type").replace(_SKIPPABLE),
                    shape=pl.lit(None, dtype=pl.String),
                ),
            ]
        )


def _rows(faults: pl.DataFrame, sources: dict[str, OpenSource]) -> pl.Series:
    """The faults' rows in their files; DuckDB counts blank lines too, which are no rows."""
    blank = {path: sources[path].blank_lines(Path(path)) for path in faults["file_path"].unique()}
    lines = faults.select("file_path", "line").iter_rows()
    return pl.Series([line - 1 - bisect_left(blank[path], line) for path, line in lines], dtype=pl.Int64)


def _place(fault: dict[str, Any], sources: dict[str, OpenSource]) -> str:
    """File and line as an editor counts it; DuckDB counts rows, which may hold line ends."""
    path, before, line = Path(fault["file_path"]), int(fault["position"]), 1
    with path.open(encoding=sources[fault["file_path"]].encoding, errors="surrogateescape", newline="") as file:
        while before > 0 and (text := file.read(1_000_000)):
            read = text.encode("utf-8", "surrogateescape")
            line += read[:before].count(b"\n")
            before -= len(read)
    return f"{path}, line {line if line > 1 else fault['line']}"


def _fault_message(place: str, error_type: str) -> str:
    if error_type == "INVALID ENCODING":
        return (
            f"{place}: not in the declared encoding. "
            'Set encoding = "windows-1252" or "latin-1" for this source in sources.toml.'
        )
    return (
        f"{place}: malformed CSV ({error_type.lower()}), so that what "
        "follows cannot be trusted. Mend the quoting there, or declare `quote`; nothing was published."
    )


def _select_message(table: TableName, error: duckdb.Error) -> str:
    first = str(error).split("\n")[0].strip().rstrip(".!")
    return f"sources.toml, tables.{table}.select: {first}."
