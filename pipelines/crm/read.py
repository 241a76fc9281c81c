"""One CRM table: its select run as text, then cast by the contract, nothing lost."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import dataframely as dy
import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of, literal, store_frame
from pipelines.crm.arrival import Arrival
from pipelines.crm.contract import ROW
from pipelines.crm.known import marked, recall, see
from pipelines.crm.pulled import Pulled
from pipelines.crm.selects.byte_columns import with_texts
from pipelines.crm.selects.casts import file_number, typed_select
from pipelines.crm.selects.declared import check_columns, check_sources, in_our_case, select_place
from pipelines.crm.selects.located import LocatedSelect, check_askable, file_name, named_tables, parsed, with_file
from pipelines.crm.selects.worded import worded
from pipelines.crm.sources.encodings import check_encoding
from pipelines.crm.sources.opened import OpenSource
from pipelines.crm.sources.rejects import forget_rejects, rejected_lines, rejected_texts
from pipelines.crm.sources.steady import stamp, steady
from pipelines.crm.sources.swallowed import check_swallowed
from pipelines.crm.sources.tables import open_source
from schemas.crm import RAW_MARK, Quarantine, contract_of
from schemas.errors import SourceError
from schemas.said import Said
from schemas.source import OrdersTable, Sources, TableName


@dataclass(frozen=True)
class Crm:
    """The declared sources, opened on the connection that has the warehouse too, so that rows need not leave DuckDB."""

    connection: duckdb.DuckDBPyConnection
    sources: Sources
    config_folder: Path
    home_folder: Path
    #: Tables of the warehouse that would be made again of the same raw rows.
    known: Mapping[TableName, str] = field(default_factory=dict)
    #: What was asked about before its turn came; a source is read once a night.
    _ahead: dict[TableName, Pulled] = field(default_factory=dict)
    #: Files, each with its stamp, that were found in the encoding which their source declares, and of which no quote
    #: swallows rows.
    _looked_through: set[tuple[str, Path, tuple[int, ...] | None]] = field(default_factory=set)

    def contract(self, table: TableName) -> type[dy.Schema]:
        """What the table's rows must keep."""
        return contract_of(table, self.sources)

    def pull(self, table: TableName, further: Callable[[Arrival], pl.DataFrame] | None = None) -> Pulled:
        """Read a table whole, or give what was read ahead of it. It is the caller's: a second call reads anew.

        `further` gives source_row, rule and shape of rows that keep the contract and are to be set aside all the same.

        Raises:
            SourceError: a source or the select cannot be read as declared.
        """
        ahead = self._ahead.pop(table, None)
        if ahead is not None and ahead.is_whole:
            return ahead
        if ahead is not None:
            # Of rows that were to stay, requests taken in since have erased some: what else is said of those is read.
            ahead.drop()
        return self._pull(table, further)

    def read_ahead(self, table: TableName) -> Pulled:
        """A table whole, to look at before it is pulled.

        Raises:
            SourceError: a source or the select cannot be read as declared.
        """
        if table not in self._ahead:
            self._ahead[table] = self._pull(table, None)
        return self._ahead[table]

    @contextmanager
    def still_read(self, table: TableName, pulled: Pulled) -> Iterator[None]:
        """Let what was pulled be looked at as if it were read ahead, while it is worked on: the table read anew would
        put other rows in their places."""
        self._ahead[table] = pulled
        try:
            yield
        finally:
            del self._ahead[table]

    def _pull(self, table: TableName, further: Callable[[Arrival], pl.DataFrame] | None) -> Pulled:
        select = self.sources.table(table).select
        arrival = Arrival(self.connection, table, self.contract(table))
        if select is None:
            return self._absent(arrival)
        if table in self.known:
            pulled = self._read_by(select, replace(arrival, held=self.known[table]), further)
            if pulled.is_whole:
                return pulled
            # Marks do not tell what they should: read without them, the table is given right ones.
        pulled = self._read_by(select, arrival, further)
        if not pulled.is_whole:
            msg = Said(
                "Table {table}: {read} rows read, but accepted and quarantined rows differ. This is a defect.",
                table=table,
                read=pulled.read,
            )
            raise SourceError(msg)
        return pulled

    def _read_by(self, select: str, arrival: Arrival, further: Callable[[Arrival], pl.DataFrame] | None) -> Pulled:
        table, contract = arrival.table, arrival.contract
        with self._open(table, select) as opened, steady(f"Table {table}", opened):
            located = with_file(self.connection, select, opened)
            with self._worded(table, opened, select):
                self._arrive(arrival, located, opened)
            rejected = rejected_lines(self.connection, table, opened)
            unsplit = rejected_texts(self.connection, opened)
        read = arrival.seen_height() + rejected.height
        digest = f"{read}:{arrival.sum_of_marks()}"
        with self._worded(table, opened, select):
            broken = self._set_aside(arrival, further)
        places = self._places(arrival, located, broken, rejected)
        quarantined = pl.concat(
            [
                # Consents have a column `source` of their own.
                broken.select(ROW, "rule", "shape")
                .join(places, on=ROW, how="left")
                .select(pl.lit(table).alias("table"), "source", "row", "rule", "shape"),
                rejected.with_columns(source=file_name(pl.col("source"))),
            ],
            how="vertical_relaxed",
        )
        if arrival.held is not None:
            self.connection.execute(f"DROP TABLE {arrival.seen}; DROP TABLE {arrival.met}")
        arrival.take_out(broken[ROW])
        return Pulled(read, arrival, quarantined, broken.select(contract.column_names()), unsplit, digest)

    def _places(
        self, arrival: Arrival, located: LocatedSelect, broken: pl.DataFrame, rejected: pl.DataFrame
    ) -> pl.DataFrame:
        """source_row, source, row of the broken rows, as far as anybody can say."""
        if located.one_to_one and located.in_order:
            return located.places(arrival.places(broken[ROW]), arrival.starts(), rejected)
        if located.numbered is None or located.starts is None or broken.is_empty():
            return located.nowhere(broken)
        wanted, table = arrival.marks(broken[ROW]), arrival.table
        store_frame(self.connection, "_wanted", wanted)
        select = self.sources.table(table).select or ""
        with self._open(table, select) as opened:
            texts, given = self._given(table, located.numbered, opened)
            of_row = f"{RAW_MARK}, source_file_name AS source, source_file_row AS number"
            query = (
                f"SELECT {of_row} FROM ({marked(texts, given, arrival.contract)}) SEMI JOIN _wanted USING ({RAW_MARK})"
            )
            numbered, starts = (self._read(table, each, select, opened) for each in (query, located.starts))
        return located.places_by_mark(wanted, numbered, starts, rejected)

    def _arrive(self, arrival: Arrival, located: LocatedSelect, opened: tuple[OpenSource, ...]) -> None:
        """Make the temporary tables of what the select gives."""
        select, files = located.select, _files(opened)
        select, given = self._given(arrival.table, select, opened)
        typed = partial(typed_select, contract=arrival.contract, orders=self._orders(arrival.table), files=files)
        if arrival.held is None:
            arriving = typed(marked(select, given, arrival.contract), [*given, RAW_MARK])
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {arrival.name} AS {arriving}")
            return
        if not located.one_to_one:
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {arrival.copied} AS {select}")
            select = f"FROM {arrival.copied}"
        source_file = file_number(files) if "source_file" in given else None
        fresh, repeated = see(arrival, marked(select, given, arrival.contract), source_file)
        arriving = typed(fresh, [name for name in (*given, RAW_MARK) if name != "source_file"])
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {arrival.name} AS {arriving}")
        recall(arrival, repeated=repeated)
        if not located.one_to_one:
            self.connection.execute(f"DROP TABLE {arrival.copied}")

    def _absent(self, arrival: Arrival) -> Pulled:
        nothing = typed_select("SELECT 1", [], arrival.contract, None)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {arrival.name} AS {nothing} LIMIT 0")
        quarantined = pl.DataFrame(Quarantine.create_empty()).drop("as_of")
        broken = pl.DataFrame(arrival.contract.create_empty())
        return Pulled(0, arrival, quarantined, broken, rejected_texts(self.connection, ()))

    def _set_aside(self, arrival: Arrival, further: Callable[[Arrival], pl.DataFrame] | None) -> pl.DataFrame:
        """The contract's columns, source_row, rule and shape of the rows that may not stay."""
        broken = arrival.judged().broken
        if further is None:
            return broken
        more = further(arrival).join(broken, on=ROW, how="anti")
        if more.is_empty():
            return broken
        rows = arrival.numbered(more[ROW])
        return pl.concat([broken, rows.join(more, on=ROW).select(broken.columns)]).sort(ROW)

    def places(self, table: TableName) -> list[str]:
        """The files and databases that the table's select reads, without their folders."""
        with self._open(table, self.sources.table(table).select or "") as opened:
            return [source.place.rsplit("/", 1)[-1] for source in opened]

    def newest(self, table: TableName, column: str, *, before: datetime) -> object:
        """The greatest readable moment of a column that is before another, without reading the others."""
        select = self.sources.table(table).select or ""
        with self._open(table, select) as opened:
            texts, given = self._given(table, select, opened)
            typed = typed_select(texts, given, self.contract(table), self._orders(table), _files(opened))
            query = f"SELECT max({column}) FILTER ({column} < {literal(before)}) AS value FROM ({typed}) AS typed"
            value = self._read(table, query, select, opened)["value"][0]
            rejected_lines(self.connection, table, opened)
        return value

    def _orders(self, table: TableName) -> OrdersTable | None:
        return self.sources.tables.orders if table == "orders" else None

    def _given(self, table: TableName, select: str, opened: tuple[OpenSource, ...]) -> tuple[str, list[str]]:
        """A select with its bytes as text, and the columns that it gives.

        Raises:
            SourceError: the select gives a column that the contract does not know, or lacks one that it needs.
        """
        nothing = self._read(table, f"SELECT * FROM ({select}\n) AS selected LIMIT 0", select, opened)
        given = in_our_case(nothing.columns, self.contract(table))
        check_columns(table, given, self.contract(table), SourceError)
        return with_texts(select, nothing), given

    @contextmanager
    def _open(self, table: TableName, select: str) -> Iterator[tuple[OpenSource, ...]]:
        """Open the sources that the select names."""
        tree = parsed(self.connection, select)
        check_askable(tree, select_place(table), SourceError)
        check_sources(tree, select_place(table), self.sources, SourceError)
        with self.open(named_tables(tree)) as opened:
            yield opened

    @contextmanager
    def open(self, names: Container[str]) -> Iterator[tuple[OpenSource, ...]]:
        """Open the sources of these names, and close them afterwards: while somebody locks one that is open, DuckDB
        cannot tell which tables there are, the warehouse's neither.

        Raises:
            SourceError: a source cannot be read as declared.
        """
        forget_rejects(self.connection)
        with ExitStack() as closing:
            opened: list[OpenSource] = []
            for name, source in self.sources.sources.items():
                if name not in names:
                    continue
                drop = "DROP VIEW" if source.files is not None else "DETACH DATABASE"
                closing.callback(self.connection.execute, f'{drop} IF EXISTS "{name}"')
                folders = {"config_folder": self.config_folder, "home_folder": self.home_folder}
                opened.append(open_source(self.connection, name, source, **folders))
                # A large file is read through once a night, not each time that a select names it.
                new = {(name, path, stamp(path)) for path in opened[-1].files} - self._looked_through
                paths = sorted(path for _, path, _ in new)
                check_encoding(name, source, paths)
                check_swallowed(self.connection, name, source, opened[-1].columns, paths)
                self._looked_through.update(new)
            yield tuple(opened)

    def _worded(self, table: TableName, opened: tuple[OpenSource, ...], select: str) -> AbstractContextManager[None]:
        return worded(f"Table {table}", select_place(table), opened, select)

    def _read(self, table: TableName, query: str, select: str, opened: tuple[OpenSource, ...]) -> pl.DataFrame:
        with self._worded(table, opened, select):
            return frame_of(self.connection.sql(query))


def _files(opened: tuple[OpenSource, ...]) -> list[str]:
    return [str(file) for source in opened for file in source.files]
