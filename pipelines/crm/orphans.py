"""Orphans, rows that name no customer: a few are of customers whom the CRM deleted, many mean ids written otherwise.

What an erased record has left behind is looked for in `strangers`.
"""

from __future__ import annotations

from typing import NamedTuple

from catalog.warehouse import Warehouse
from schemas.said import Said
from schemas.source import TableName

#: A share that is told. A CRM keeps orders of customers whom it deleted: one in ten may be of such.
_TOLD_SHARE = 0.1

#: Of more customers than this a part is looked at, told by a hash of the id: of all, a join would take long.
_CUSTOMERS_LOOKED_AT = 500_000


class Orphans(NamedTuple):
    """How many rows name no customer (of very many customers an estimate), and what is to be told of it."""

    rows: int
    notices: tuple[Said, ...]


def orphans(warehouse: Warehouse, table: TableName) -> Orphans:
    """The rows of a table, as written tonight, whose customer_id no customer has; rows without one name somebody else.

    Nothing is told where customers set aside or erased may be all that is missing.
    """
    customers = warehouse.height("crm_customers")
    parts = 1 + customers // _CUSTOMERS_LOOKED_AT
    of_part = f"WHERE customer_id IS NOT NULL AND hash(customer_id) % {parts} = 0"
    living = f"SELECT customer_id, TRUE AS lives FROM warehouse.crm_customers {of_part}"
    found = warehouse.read(
        "SELECT count(*) AS rows, count(*) FILTER (lives IS NULL) AS orphans, "
        "count(DISTINCT customer_id) FILTER (lives IS NULL) AS ids "
        f"FROM (SELECT customer_id FROM warehouse.crm_{table} {of_part}) AS named "
        f"LEFT JOIN ({living}) AS living USING (customer_id)"
    )
    missing = warehouse.read(
        "SELECT quarantined + erased AS customers FROM warehouse.pulls WHERE \"table\" = 'customers' "
        "ORDER BY as_of DESC LIMIT 1"
    )["customers"].sum()
    rows, without_customer, ids = found.row(0)
    if without_customer <= rows * _TOLD_SHARE or ids * parts <= missing:
        return Orphans(without_customer * parts, ())
    notice = Said(
        "{orphans} of {rows} rows of {table} that were looked at name no customer: compare how the selects of both "
        "tables in sources.toml give customer_id (zeros in front, blanks, a prefix).",
        orphans=without_customer,
        rows=rows,
        table=table,
    )
    return Orphans(without_customer * parts, (notice,))
