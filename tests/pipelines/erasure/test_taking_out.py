"""With what erasure takes out of a row goes what was made of it: the mark of its raw row, and its hash in history."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from catalog.rewrite import rewrite_is_due
from catalog.warehouse import Warehouse
from pipelines.erasure.taking_out import change_rows, delete_rows
from pipelines.tables.intervals import replace
from schemas.crm import RAW_MARK

DAYS = (date(2025, 7, 1), date(2025, 7, 2))
ANN, BOB, EVE = (
    {"customer_id": name, "address": f"{name}@x.fr", RAW_MARK: mark} for mark, name in enumerate(("ann", "bob", "eve"))
)


@pytest.fixture
def said(warehouse: Warehouse) -> Warehouse:
    """A table to which Bob and Eve came on the second day; nothing was taken out of it."""
    warehouse.execute("DROP TABLE IF EXISTS warehouse.crm_said")
    warehouse.execute("DROP TABLE IF EXISTS warehouse.rewrite_due")
    for rows, day in zip(([ANN], [ANN, BOB, EVE]), DAYS, strict=True):
        frame = pl.DataFrame(rows, schema_overrides={RAW_MARK: pl.UInt64})
        replace(warehouse, "crm_said", frame, day=day, kept_days=35)
    return warehouse


def kept(warehouse: Warehouse) -> list[tuple[str, str | None, int | None]]:
    return warehouse.read("FROM warehouse.crm_said ORDER BY customer_id").rows()


def test_a_row_that_is_changed_is_no_longer_what_its_raw_row_gives(said: Warehouse) -> None:
    with said.transaction():
        change_rows(said, "crm_said", "address = NULL", "customer_id = 'bob'")
    assert kept(said) == [("ann", "ann@x.fr", 0), ("bob", None, None), ("eve", "eve@x.fr", 2)]
    assert said.height("new_crm_said") == 1
    assert rewrite_is_due(said, DAYS[1])


def test_the_hash_of_a_row_goes_with_the_row(said: Warehouse) -> None:
    with said.transaction():
        delete_rows(said, "crm_said", "customer_id = 'bob'")
    assert kept(said) == [("ann", "ann@x.fr", 0), ("eve", "eve@x.fr", 2)]
    assert said.height("new_crm_said") == 1
    assert rewrite_is_due(said, DAYS[1])


def test_where_nothing_is_taken_out_all_stays(said: Warehouse) -> None:
    before = kept(said)
    with said.transaction():
        change_rows(said, "crm_said", "address = NULL", "customer_id = 'joe'")
        delete_rows(said, "crm_said", "customer_id = 'joe'")
    assert kept(said) == before
    assert said.height("new_crm_said") == 2
    assert not rewrite_is_due(said, DAYS[1])
