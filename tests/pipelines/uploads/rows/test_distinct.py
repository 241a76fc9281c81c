"""Rows each once, found by their hashes."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.uploads.rows.audience_rows import each_once
from pipelines.uploads.rows.distinct import distinct, how_many_distinct, maybe_repeated, where
from schemas.network import networks

META = networks()["meta"]
CELL = st.sampled_from([None, "", "a", "b"])
ROWS = st.lists(st.tuples(CELL, CELL, st.integers(0, 3)), max_size=12)


def frame(rows: list[tuple[str | None, str | None, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"email": pl.String, "phone": pl.String, "value": pl.Int64}, orient="row")


@settings(max_examples=60)
@given(ROWS)
def test_each_row_is_there_once_and_none_is_lost(rows: list[tuple[str | None, str | None, int]]) -> None:
    found = distinct(frame(rows))
    assert sorted(found.rows(), key=str) == sorted(set(rows), key=str)
    assert how_many_distinct(frame(rows)) == len(set(rows))
    assert (maybe_repeated(frame(rows)) is None) == (len(set(rows)) == len(rows))


@settings(max_examples=60)
@given(ROWS)
def test_people_who_look_the_same_are_one_row_worth_what_they_are_together(
    rows: list[tuple[str | None, str | None, int]],
) -> None:
    worth: dict[tuple[str | None, str | None], int] = {}
    for email, phone, value in rows:
        worth[email, phone] = worth.get((email, phone), 0) + value
    people = frame(rows).with_columns(pl.col("value").cast(pl.Decimal(18, 2)))
    found = each_once(people, META)
    assert {(email, phone): value for email, phone, value in found.iter_rows()} == {
        person: Decimal(value) for person, value in worth.items()
    }
    assert found.height == len(worth)


@given(st.lists(st.sampled_from([True, False, None]), max_size=6))
def test_rows_stay_where_the_mask_is_true_and_nowhere_else(mask: list[bool | None]) -> None:
    rows = pl.DataFrame({"place": range(len(mask))}, schema={"place": pl.Int64})
    kept = where(rows, pl.Series(mask, dtype=pl.Boolean))
    assert kept["place"].to_list() == [place for place, inside in enumerate(mask) if inside]
