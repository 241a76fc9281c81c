"""What records ordered and when they last visited, summed where the rows lie: millions need not leave the warehouse."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import polars as pl

from catalog.duckdb_connection import literal
from catalog.warehouse import Warehouse


class Totals(NamedTuple):
    """`orders` (person_id, orders_count, revenue_minor, first_order, last_order): a row a record with completed orders
    in the company's currency. `foreign` (person_id, ordered_at, amount, currency, status): its completed orders in
    others, each of which needs its own day's rate. `visits` (person_id, occurred_at): each record's last.
    """

    orders: pl.DataFrame
    foreign: pl.DataFrame
    visits: pl.DataFrame


def totals(warehouse: Warehouse, *, currency: str, end: datetime) -> Totals:
    """Orders and visits before `end`, by record; an order without a time always counts. Only money that comes in is an
    order (`orders_count`, `first_order`, `last_order`); money given back reduces `revenue_minor`.
    """
    instant, ours = literal(end), literal(currency)
    completed = f"warehouse.crm_orders WHERE status = 'completed' AND coalesce(ordered_at < {instant}, true)"
    # By record first: the table of whose they are need then be looked into once a record.
    orders = (
        "SELECT customer_id, count(*) FILTER (amount >= 0) AS orders_count, sum(amount)::BIGINT AS revenue_minor, "
        "min(ordered_at) FILTER (amount >= 0) AS first_order, max(ordered_at) FILTER (amount >= 0) AS last_order "
        f"FROM {completed} AND currency = {ours} GROUP BY customer_id"
    )
    foreign = f"SELECT customer_id, ordered_at, amount, currency, status FROM {completed} AND currency <> {ours}"
    visits = (
        "SELECT customer_id, max(occurred_at) AS occurred_at FROM warehouse.crm_visits "
        f"WHERE occurred_at < {instant} GROUP BY customer_id"
    )
    return Totals(*(warehouse.read(_by_person(rows)) for rows in (orders, foreign, visits)))


def _by_person(rows: str) -> str:
    """SQL for the rows with the person for the record."""
    whose = "warehouse.customer_records USING (customer_id)"
    return f"SELECT person_id, found.* EXCLUDE (customer_id) FROM ({rows}) AS found JOIN {whose}"
