"""What requests take from customers by writing the table without it."""

from __future__ import annotations

import polars as pl
import pytest

from catalog.rewrite import rewrite_is_noted
from catalog.warehouse import Warehouse
from pipelines.erasure.written_over import noting_what_goes

SCHEMA = {"customer_id": pl.String, "email": pl.String, "phone": pl.String}
BEFORE = [("zoe", "zoe@x.fr", "0612345678"), ("bob", None, "0687654321")]


def table(*rows: tuple[str, str | None, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@pytest.fixture(autouse=True)
def _nothing_written(warehouse: Warehouse) -> None:
    for name in ("crm_customers", "rewrite_due"):
        warehouse.execute(f"DROP TABLE IF EXISTS warehouse.{name}")


@pytest.mark.parametrize(
    ("after", "noted"),
    [
        (BEFORE, False),
        ([*BEFORE, ("eve", None, None)], False),
        ([("zoe", "new@x.fr", "0612345678"), ("bob", "bob@x.fr", "0687654321")], False),
        (BEFORE[:1], True),
        ([("zoe", None, "0612345678"), BEFORE[1]], True),
        ([("zoe", "zoe@x.fr", None), BEFORE[1]], True),
    ],
)
def test_only_what_was_there_and_is_no_more_has_the_file_written_anew(
    warehouse: Warehouse, after: list[tuple[str, str | None, str | None]], noted: bool
) -> None:
    warehouse.replace("crm_customers", table(*BEFORE))
    with warehouse.transaction(), noting_what_goes(warehouse, pl.Series(["zoe", "bob", "eve"])):
        warehouse.replace("crm_customers", table(*after))
    assert rewrite_is_noted(warehouse) is noted


def test_who_is_not_met_may_go_as_anybody_may_whom_the_crm_drops(warehouse: Warehouse) -> None:
    warehouse.replace("crm_customers", table(*BEFORE))
    with warehouse.transaction(), noting_what_goes(warehouse, pl.Series(["zoe"])):
        warehouse.replace("crm_customers", table(BEFORE[0]))
    assert not rewrite_is_noted(warehouse)


def test_the_first_night_takes_nothing_from_anybody(warehouse: Warehouse) -> None:
    with warehouse.transaction(), noting_what_goes(warehouse, pl.Series(["zoe"])):
        warehouse.replace("crm_customers", table())
    assert not rewrite_is_noted(warehouse)
