"""Dates of birth as typed: read in one way, or not at all."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identifiers.persons.birth_dates import Order, read_birth_date

WRITTEN: dict[Order, str] = {"YMD": "%Y{0}%m{0}%d", "DMY": "%d{0}%m{0}%Y", "MDY": "%m{0}%d{0}%Y"}


def read(text: str, order: Order | None = None) -> date | None:
    return pl.select(read_birth_date(pl.lit(text), order)).item()


@given(
    st.dates(date(1900, 1, 1), date(2025, 12, 31)),
    st.sampled_from(["-", "/", ".", " ", ""]),
    st.sampled_from([*WRITTEN]),
)
def test_a_date_written_in_the_declared_order_is_read(born: date, between: str, order: Order) -> None:
    text = born.strftime(WRITTEN[order].format(between))
    assert read(text, order) == born
    # Without the order it is that date, or nobody says which.
    assert read(text) in {born, None}


@pytest.mark.parametrize("text", ["1990-02-03 00:00:00", "1990-02-03T12:30:00Z", "03.02.1990 12:30"])
def test_a_time_behind_a_date_is_left_out(text: str) -> None:
    assert read(text, "DMY") == date(1990, 2, 3)


@pytest.mark.parametrize(
    "text", ["12:30 1990-02-03", "12:30, 1990-02-03", "19121911", "02/03/1990", "90-02-03", "1990-02-30"]
)
def test_what_may_be_several_dates_or_none_is_not_read(text: str) -> None:
    assert read(text) is None
