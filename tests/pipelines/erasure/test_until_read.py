"""Whom requests met is kept until the customers are read, and only some days where they cannot be."""

from __future__ import annotations

from datetime import date, timedelta

from catalog.rewrite import rewrite_is_due
from catalog.warehouse import Warehouse
from pipelines.erasure.until_read import FORGOTTEN, keep_some_days, keep_until_read, let_go, there_before
from tests.pipelines.erasure.test_purge import BOB, JANE, crm, emptied

__all__ = ["emptied"]

FIRST = date(2025, 6, 1)


def held(warehouse: Warehouse) -> list[str]:
    return warehouse.read(f"SELECT customer_id FROM warehouse.{FORGOTTEN} ORDER BY ALL")["customer_id"].to_list()


def test_they_are_kept_for_a_week_of_runs_that_cannot_read_the_customers(emptied: Warehouse) -> None:
    keep_until_read(emptied, crm(JANE))
    for days in range(7):
        keep_some_days(emptied, FIRST + timedelta(days=days))
        if days == 3:
            keep_until_read(emptied, crm(BOB))
        assert held(emptied) == (["jane"] if days < 3 else ["bob", "jane"])
        assert not rewrite_is_due(emptied, FIRST)
    keep_some_days(emptied, FIRST + timedelta(days=7))
    assert held(emptied) == ["bob"]
    assert rewrite_is_due(emptied, FIRST)
    # Whoever left since the customers were read last may still be one of whom a request names then.
    keep_some_days(emptied, FIRST + timedelta(days=30))
    assert held(emptied) == []
    assert there_before(emptied) is not None


def test_once_the_customers_are_read_the_file_is_written_without_whom_it_was_written_with(emptied: Warehouse) -> None:
    for has_run_ended in (False, True):
        keep_until_read(emptied, crm(JANE))
        if has_run_ended:
            keep_some_days(emptied, FIRST)
        let_go(emptied)
        assert there_before(emptied) is None
        assert rewrite_is_due(emptied, FIRST) == has_run_ended
