"""Rows are found in the order that sorting all their texts would give."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipelines.uploads.files.order import first_filled, places_in_order

TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["", "a", "ab", "abcdefgh", "abcdefghi", "abcdefgh\U0001f600", "é" * 4, "é" * 5, "\x01"]),
    st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=12),
)
SCHEMA = {"first": pl.String, "second": pl.String, "value": pl.Int64, "third": pl.String}


@st.composite
def frames(draw: st.DrawFn, texts: st.SearchStrategy[str | None] = TEXTS) -> pl.DataFrame:
    """Rows of few texts, so that many are alike in some column."""
    few = st.sampled_from(draw(st.lists(texts, min_size=1, max_size=6)))
    row = st.tuples(few, few, st.integers(0, 2), few)
    return pl.DataFrame(draw(st.lists(row, max_size=60)), schema=SCHEMA, orient="row")


@given(frames(TEXTS | st.just("\0")))
def test_rows_are_in_the_order_of_all_columns_nulls_counting_as_empty(rows: pl.DataFrame) -> None:
    places = places_in_order(rows)
    assert sorted(places) == list(range(rows.height))
    found = rows[places].with_columns(pl.col(pl.String).fill_null("")).rows()
    # Python sorts texts by code point, which UTF-8 keeps.
    assert found == sorted(found)


@given(frames())
def test_marks_never_fall_where_the_order_rises(rows: pl.DataFrame) -> None:
    texts = rows.drop("value")
    in_order = texts[places_in_order(texts)]
    assert in_order.select(first_filled(in_order)).to_series().is_sorted()
