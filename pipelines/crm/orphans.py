"""Orphans, rows that name no customer: a few are of customers whom the CRM deleted, many mean ids written otherwise.

What an erased record has left behind is looked for in `strangers`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import polars as pl

from catalog.duckdb_connection import literal
from catalog.warehouse import Warehouse
from schemas.said import Said
from schemas.source import TableName, table_said

#: Tables whose rows refuse: what they say of an id that no customer has is heard by nobody.
Refusing = Literal["consents", "suppressions"]
REFUSING: tuple[Refusing, ...] = get_args(Refusing)

#: A share that is told. A CRM keeps orders of customers whom it deleted: one in ten may be of such.
_TOLD_SHARE = 0.1

#: Of more customers than this a part is looked at: of all, a join would take long. So it is with rows of which only the
#: share is asked, for which fewer are enough.
_CUSTOMERS_LOOKED_AT = 500_000
_ROWS_OF_A_SHARE = 100_000


#: An id that no customer has and that so large a share of the orders bears, and more of them than any customer's, is a
#: filler: WooCommerce writes 0 for guests.
_FILLER_SHARE = 0.01
_FILLER_ROWS = 10

_IS_LIST = "(contains(customer_id, ';') OR contains(customer_id, '|') OR contains(customer_id, ','))"


class Orphans(NamedTuple):
    """How many rows name no customer (of very many customers an estimate), and what is to be told of it."""

    rows: int
    notices: tuple[Said, ...]


def orphans(warehouse: Warehouse, table: TableName) -> Orphans:
    """The rows of a table, as written tonight, whose customer_id no customer has; rows without one name somebody else.

    Nothing is told where customers set aside or erased may be all that is missing. Where those may be whom the CRM had
    when it was read before, the ids are not to blame.
    """
    customers = warehouse.height("crm_customers")
    parts = 1 + customers // _CUSTOMERS_LOOKED_AT
    of_part = _part(parts)
    living = f"SELECT customer_id, TRUE AS lives FROM warehouse.crm_customers {of_part}"
    found = warehouse.read(
        "SELECT count(*) AS rows, count(*) FILTER (lives IS NULL) AS orphans, "
        "count(DISTINCT customer_id) FILTER (lives IS NULL) AS ids, "
        f"count(*) FILTER (lives IS NULL AND {_IS_LIST}) AS lists "
        f"FROM (SELECT customer_id FROM warehouse.crm_{table} {of_part}) AS named "
        f"LEFT JOIN ({living}) AS living USING (customer_id)"
    )
    pulled = warehouse.read(
        "SELECT quarantined + erased AS missing, rows AS before FROM warehouse.pulls, warehouse.customers_before "
        "WHERE \"table\" = 'customers' ORDER BY as_of DESC LIMIT 1"
    )
    missing, before = pulled.row(0)
    rows, without_customer, ids, lists = found.row(0)
    several = _naming_several(warehouse, table, of_part) if lists else 0
    if several:
        notice = Said(
            "{rows} rows of {table} that were looked at name several customers in one customer_id, and so none: let "
            "the select in sources.toml take one of them, or make a row of each.",
            rows=several,
            table=table_said(table),
        )
        return Orphans(without_customer * parts, (notice,))
    filler = _filler(warehouse) if table == "orders" and without_customer else None
    if filler is not None:
        return Orphans(without_customer * parts, (filler,))
    if without_customer <= rows * _TOLD_SHARE or ids * parts <= missing:
        return Orphans(without_customer * parts, ())
    if ids * parts <= missing + before - customers:
        lost = Said(
            "{orphans} of {rows} rows of {table} that were looked at name no customer: the CRM's table of customers "
            "has {customers} rows, and had {before} when it was read before. Look at that export first.",
            orphans=without_customer,
            rows=rows,
            table=table_said(table),
            customers=customers,
            before=before,
        )
        return Orphans(without_customer * parts, (lost,))
    notice = Said(
        "{orphans} of {rows} rows of {table} that were looked at name no customer: compare how the selects of both "
        "tables in sources.toml give customer_id (zeros in front, blanks, a prefix).",
        orphans=without_customer,
        rows=rows,
        table=table_said(table),
    )
    return Orphans(without_customer * parts, (notice,))


def named_percent(warehouse: Warehouse, table: Refusing) -> int | None:
    """Of a hundred rows of a table that give a customer_id, how many name a customer (of very many an estimate): none
    only if no row does. None if no row gives one.
    """
    if not warehouse.has(f"crm_{table}"):
        return None
    of_part = _part(1 + warehouse.height(f"crm_{table}") // _ROWS_OF_A_SHARE)
    rows, named = _named(warehouse, f"crm_{table} {of_part}", of_part).select("rows", "named").row(0)
    return max(min(named, 1), 100 * named // rows) if rows else None


def lists_of_strangers(warehouse: Warehouse) -> tuple[Said, ...]:
    """What is to be told of tonight's suppression lists of which most ids are no customer's, rule by rule."""
    says = (
        "{strangers} of {rows} customer_ids that suppressions/{rule}.toml gives are no customer's, so that whom they "
        "mean is protected by nothing: compare how its select and the one of customers in sources.toml give "
        "customer_id (zeros in front, blanks, a prefix)."
    )
    rules = warehouse.read("SELECT DISTINCT rule FROM warehouse.crm_suppressions ORDER BY rule")["rule"]
    ids = "crm_suppressions WHERE customer_id IS NOT NULL AND rule = {}"
    counts = ((rule, *_named(warehouse, ids.format(literal(rule)), _part(1)).row(0)) for rule in rules)
    return tuple(
        Said(says, strangers=rows - named, rows=rows, rule=rule) for rule, rows, named in counts if rows > 2 * named
    )


def _named(warehouse: Warehouse, ids: str, of_part: str) -> pl.DataFrame:
    """rows, named: how many rows there are (SQL after FROM warehouse), and how many of them name a customer."""
    return warehouse.read(
        "SELECT count(*) AS rows, count(lives) AS named "
        f"FROM (SELECT customer_id FROM warehouse.{ids}) AS given "
        f"LEFT JOIN (SELECT customer_id, TRUE AS lives FROM warehouse.crm_customers {of_part}) AS living "
        "USING (customer_id)"
    )


def _part(parts: int) -> str:
    """SQL: of so many parts of all rows with a customer_id the one that is looked at, told by a hash of the id."""
    return f"WHERE customer_id IS NOT NULL AND hash(customer_id) % {parts} = 0"


def _naming_several(warehouse: Warehouse, table: TableName, of_part: str) -> int:
    """How many rows have a customer_id that is a list, the first of which is a customer's."""
    found = warehouse.read(
        "SELECT count(*) AS rows FROM ("
        "SELECT customer_id AS listed, trim(regexp_extract(customer_id, '^(.+?)[;|,]', 1)) AS customer_id "
        f"FROM warehouse.crm_{table} {of_part} AND {_IS_LIST}) AS first "
        "SEMI JOIN warehouse.crm_customers USING (customer_id) "
        "ANTI JOIN (SELECT customer_id AS listed FROM warehouse.crm_customers "
        f"WHERE {_IS_LIST}) AS own USING (listed)"
    )
    return int(found.item())


def _filler(warehouse: Warehouse) -> Said | None:
    """What is to be told if the id that most orders bear is no customer's."""
    found = warehouse.read(
        "WITH often AS (SELECT unnest(approx_top_k(customer_id, 5)) AS customer_id FROM warehouse.crm_orders), "
        "living AS (SELECT customer_id, TRUE AS lives FROM warehouse.crm_customers "
        "SEMI JOIN often USING (customer_id)) "
        "SELECT count(*) AS bearing, lives, (SELECT count(customer_id) FROM warehouse.crm_orders) AS rows "
        "FROM warehouse.crm_orders JOIN often USING (customer_id) LEFT JOIN living USING (customer_id) "
        "GROUP BY customer_id, lives ORDER BY bearing DESC, lives LIMIT 1"
    )
    if found.is_empty():
        return None
    bearing, lives, rows = found.row(0)
    if lives or bearing < max(_FILLER_ROWS, rows * _FILLER_SHARE):
        return None
    return Said(
        "{bearing} of {rows} rows of orders bear one and the same customer_id, which no customer has, such as a 0 for "
        "guests. They count for nobody: find their customers by another column, such as an e-mail, in the select in "
        "sources.toml, or leave them out of it.",
        bearing=bearing,
        rows=rows,
    )
