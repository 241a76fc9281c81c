"""What arrived and what stays are one table to whoever asks, and each row is told by its place in the select."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.duckdb_connection import store_frame
from pipelines import pieces
from pipelines.crm.arrival import Arrival
from pipelines.crm.contract import ROW
from schemas.crm import CONTRACTS, RAW_MARK
from schemas.source import TableName

#: customer_id, address, record_id by the mark; a row without one may say the same.
SAID = [(customer_id, address, record) for address in (None, "x") for customer_id in "ab" for record in "12"]
marks = st.integers(0, len(SAID) - 1)

Row = tuple[str | None, ...]


def arrival_of(connection: duckdb.DuckDBPyConnection, table: TableName) -> Arrival:
    return Arrival(connection, table, CONTRACTS[table], "held")


def statements(rows: list[tuple[int, bool]]) -> pl.DataFrame:
    """Consents that say what `SAID` has of them, with the mark or none."""
    empty = pl.DataFrame(CONTRACTS["consents"].create_empty())
    said = [dict(zip(("customer_id", "address", "record_id"), SAID[mark], strict=True)) for mark, _ in rows]
    found = pl.DataFrame(said, schema=empty.schema)
    return found.with_columns(pl.Series(RAW_MARK, [mark if marked else None for mark, marked in rows], pl.UInt64))


def said(rows: pl.DataFrame) -> Counter[Row]:
    return Counter(rows.select("customer_id", "address", "record_id").rows())


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arrived=st.lists(marks, max_size=4),
    there=st.lists(st.tuples(marks, st.sampled_from([True, True, False])), max_size=9),
    leaving=st.sets(marks, max_size=3),
)
def test_rows_that_stay_are_looked_at_arrive_and_leave_with_those_that_arrived(
    database: duckdb.DuckDBPyConnection, arrived: list[int], there: list[tuple[int, bool]], leaving: set[int]
) -> None:
    arrival = arrival_of(database, "consents")
    store_frame(database, arrival.name, statements([(mark, True) for mark in arrived]))
    store_frame(database, "held", statements(there))
    store_frame(database, arrival.leaving, pl.DataFrame({RAW_MARK: [*leaving]}, schema={RAW_MARK: pl.UInt64}))
    # Those without a mark, or about an address, are read anew.
    stay = [SAID[mark] for mark, marked in there if marked and mark not in leaving and SAID[mark][1] is None]
    came = [SAID[mark] for mark in arrived]

    def every(meets: Callable[[Row], bool] = lambda row: True) -> Counter[Row]:
        return Counter(row for row in (*came, *stay) if meets(row))

    assert arrival.height() == every().total()
    assert said(arrival.read(f"FROM {arrival.every}")) == every()
    found = arrival.having(["customer_id = 'a'", "record_id = '1' AND address IS NULL"])
    assert said(found) == every(lambda row: row[0] == "a" or row[1:] == (None, "1"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "_ROWS_AT_ONCE", 2)
        found = pl.concat(arrival.every_in_pieces("customer_id, address, record_id", "record_id = '2'"))
    assert said(found) == every(lambda row: row[2] == "2")

    arrival.arrive_after_all("customer_id = 'a'")
    came, stay = [*came, *(row for row in stay if row[0] == "a")], [row for row in stay if row[0] != "a"]
    assert said(arrival.rows()) == Counter(came)
    assert said(arrival.read(f"FROM {arrival.every}")) == every()

    arrival.let_leave("record_id = '1'")
    stay = [row for row in stay if row[2] != "1"]
    assert said(arrival.read(f"FROM {arrival.every}")) == every()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.lists(st.tuples(st.integers(0, 2), st.sampled_from("fg")), min_size=1, max_size=8), data=st.data())
def test_a_row_is_told_by_the_place_of_a_raw_row_with_its_mark_and_two_rows_by_two(
    database: duckdb.DuckDBPyConnection, raw: list[tuple[int, str]], data: st.DataObject
) -> None:
    arrival = arrival_of(database, "visits")
    known = data.draw(st.integers(0, 2))
    arrived = data.draw(st.permutations([mark for mark, _ in raw if mark != known]))
    seen = pl.DataFrame(raw, schema={RAW_MARK: pl.UInt64, "source_file": pl.String}, orient="row")
    store_frame(database, arrival.seen, seen)
    store_frame(database, arrival.name, pl.DataFrame({RAW_MARK: arrived}, schema={RAW_MARK: pl.UInt64}))

    rows = data.draw(st.lists(st.sampled_from(range(len(arrived))), unique=True)) if arrived else []
    asked = pl.Series(rows, dtype=pl.UInt32)
    places = arrival.places(asked).sort(ROW)

    expected = []
    for row in sorted(asked):
        of_mark = [place for place, (mark, _) in enumerate(raw) if mark == arrived[row]]
        place = of_mark[arrived[:row].count(arrived[row])]
        expected.append((row, place, raw[place][1]))
    assert places.select(ROW, "place", "source").rows() == expected
    files = [file for _, file in raw]
    assert dict(arrival.starts().iter_rows()) == {file: files.index(file) for file in files}
    assert arrival.seen_height() == len(raw)
