"""One table whose raw rows are known is read as if they were not, whatever changed among them since."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.crm import known as known_rows
from pipelines.crm.pulled import Pulled
from tests.pipelines.crm.test_known import LINES, TABLES
from tests.pipelines.crm.test_pull import HEADERS, reading_of


def rows(pulled: Pulled) -> tuple[pl.DataFrame, pl.DataFrame, int, bool]:
    every = pulled.arrival.read(f"FROM {pulled.arrival.every}").sort(pl.all())
    return every, pulled.quarantined.sort(pl.all()), pulled.read, pulled.is_whole


#: Numbers of a table's lines. Of few lines many are there on both days, and some more than once.
numbers = st.lists(st.integers(0, 8), min_size=3, max_size=4, unique=True).flatmap(
    lambda few: st.tuples(*(st.lists(st.sampled_from(few), min_size=2, max_size=6) for _ in range(2)))
)


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=numbers, at_once=st.sampled_from([1, 3, 1_000]))
# Two are one, one is like another that comes after it, one is gone, and one, of an address, is twice on both days.
@example(days=([0, 0, 2, 4, 6, 6], [2, 3, 0, 6, 6]), at_once=3)
def test_what_a_table_gives_is_the_same_whether_its_raw_rows_are_known(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, days: tuple[list[int], list[int]], at_once: int
) -> None:
    for table in TABLES:
        before, now = ({table: [LINES[table][number % len(LINES[table])] for number in day]} for day in days)
        held = reading_of(database, tmp_path, **before).crm.pull(table).arrival  # pyright: ignore[reportArgumentType]
        database.execute(f"CREATE OR REPLACE TEMP TABLE held AS {held.written}")
        read = reading_of(database, tmp_path, **now)  # pyright: ignore[reportArgumentType]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(known_rows, "_MARKS_AT_ONCE", at_once)
            ours = replace(read.crm, known={table: "held"}).pull(table)

        # Marks that told what they should not would have been given up.
        assert ours.arrival.held == "held"
        got, wanted = rows(ours), rows(read.crm.pull(table))
        assert got[0].equals(wanted[0])
        assert got[1].equals(wanted[1])
        assert got[2:] == wanted[2:] == (len(days[1]), True)


def test_a_statement_that_is_set_aside_is_told_by_its_file_and_not_by_what_it_says_of_its_source(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    read = reading_of(database, tmp_path, consents=[",,ads_upload,,granted,2025-01-01", "zoe,,ads_upload,,perhaps,"])
    tables = read.crm.sources.tables
    select = f"{tables.consents.select}".replace("captured_at", "captured_at, 'asked by jane@x.fr' AS source")
    declared = tables.model_copy(update={"consents": tables.consents.model_copy(update={"select": select})})
    sources = read.crm.sources.model_copy(update={"tables": declared})
    for table, expected in {
        "consents": [(1, "names somebody not so", None), (2, "status not allowed", "aaaaaaa")],
        "erasures": [(2, "names somebody not so", None)],
    }.items():
        (tmp_path / "erasures.csv").write_text(f"{HEADERS['erasures']}\nr1,zoe,,,2025-06-01\nr2,,,,2025-06-01\n")
        told = replace(read.crm, sources=sources).pull(table).quarantined  # pyright: ignore[reportArgumentType]
        assert told.select("source", "row", "rule", "shape").rows() == [(f"{table}.csv", *each) for each in expected]


def test_raw_rows_are_known_only_while_all_that_decides_on_them_is_the_same(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    read = reading_of(database, tmp_path, rates=(("USD", date(2024, 1, 1), "0.9"),))
    sources, settings, rates = read.crm.sources, read.settings, read.rates
    orders = sources.tables.orders.model_copy(update={"without_times": True})
    tables = sources.tables.model_copy(update={"orders": orders})
    selects = sources.tables.model_copy(
        update={"visits": sources.tables.visits.model_copy(update={"select": "FROM x"})}
    )
    others = {
        "time zone": (TABLES, sources, settings.model_copy(update={"time_zone": "Asia/Tokyo"}), rates),
        "country": (("customers",), sources, settings.model_copy(update={"default_country": "BE"}), rates),
        "currency": (("orders",), sources, settings.model_copy(update={"currency": "USD"}), rates),
        "rate": (("orders",), sources, settings, rates.with_columns(rate=pl.col("rate") * 2).cast(rates.schema)),
        "table": (("orders",), sources.model_copy(update={"tables": tables}), settings, rates),
        "select": ((), sources.model_copy(update={"tables": selects}), settings, rates),
    }
    before = {table: known_rows.marking_rules(table, sources, settings, rates) for table in TABLES}
    assert len(set(before.values())) == len(TABLES)
    for what, (changed, *decisive) in others.items():
        differing = [table for table in TABLES if known_rows.marking_rules(table, *decisive) != before[table]]
        assert tuple(differing) == changed, what


def test_a_column_that_is_given_by_another_name_makes_the_raw_rows_new(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    crm = reading_of(database, tmp_path).crm
    found = []
    for known, name in (({}, "first_name"), ({"customers": "held"}, "last_name")):
        table = crm.sources.tables.customers
        select = f"SELECT customer_id, email, phone AS {name} FROM raw_customers"
        customers = table.model_copy(update={"select": select})
        tables = crm.sources.tables.model_copy(update={"customers": customers})
        named = replace(crm, sources=crm.sources.model_copy(update={"tables": tables}), known=known)
        arrival = named.pull("customers").arrival
        found.append(arrival.read(f"FROM {arrival.every}").select("first_name", "last_name").drop_nulls(name).height)
        database.execute(f"CREATE OR REPLACE TEMP TABLE held AS {arrival.written}")
    assert found == [2, 2]
