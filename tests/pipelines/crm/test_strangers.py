"""Ids that rows bear and no customer has are found, in whatever parts they are looked for."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.duckdb_connection import frame_of, store_frame
from pipelines.crm import strangers as module
from pipelines.crm.strangers import strangers

IDS = st.lists(st.one_of(st.none(), st.sampled_from([f"c{number}" for number in range(12)])), max_size=20)


@settings(max_examples=60)
@given(orders=IDS, visits=IDS, living=IDS, at_once=st.sampled_from([1, 3, 1_000]))
def test_they_are_those_of_the_tables_without_the_customers(
    orders: list[str | None], visits: list[str | None], living: list[str | None], at_once: int
) -> None:
    with duckdb.connect() as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CUSTOMERS_AT_ONCE", at_once)
        for name, ids in {"orders": orders, "visits": visits, "living": living}.items():
            store_frame(connection, name, pl.DataFrame({"customer_id": ids}, schema={"customer_id": pl.String}))
        found = strangers(lambda query: frame_of(connection.sql(query)), ["orders", "visits"], "living").drop_nulls()
    assert sorted(found) == sorted({*orders, *visits} - {*living, None})
