"""What earlier nights that are kept had, and tonight has not: customers who are gone, and what people held before."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse

#: SQL: of each customer, the newest row among those of a `past_` table.
NEWEST = "QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY held_until DESC) = 1"

#: SQL for what records of `_asked` (customer_id) held, and what records of the same people held that are gone since,
#: each under the id that was asked for. An address that somebody else's record has by now is theirs.
_EARLIER = """
    WITH persons AS (
        SELECT _asked.customer_id AS asked_id, person_id FROM _asked JOIN (
            SELECT customer_id, person_id FROM warehouse.customer_records
            UNION SELECT customer_id, person_id FROM warehouse.past_customer_records
        ) USING (customer_id)
    ), theirs AS (
        SELECT customer_id AS asked_id, customer_id FROM _asked
        UNION SELECT asked_id, customer_id FROM warehouse.past_customer_records JOIN persons USING (person_id)
        ANTI JOIN warehouse.crm_customers USING (customer_id)
    ), held AS (
        SELECT past.* EXCLUDE (held_from, held_until) REPLACE (asked_id AS customer_id)
        FROM warehouse.past_crm_customers AS past JOIN theirs ON theirs.customer_id = past.customer_id
    ), others AS (
        SELECT canonical_email, canonical_phone FROM warehouse.crm_customers ANTI JOIN _asked USING (customer_id)
    )
    SELECT DISTINCT * REPLACE (
        CASE WHEN canonical_email IN (SELECT canonical_email FROM others SEMI JOIN held USING (canonical_email))
            THEN NULL ELSE email END AS email,
        CASE WHEN canonical_phone IN (SELECT canonical_phone FROM others SEMI JOIN held USING (canonical_phone))
            THEN NULL ELSE phone END AS phone
    ) FROM held
"""


def gone_customers(among: str = "") -> str:
    """SQL for the newest row of each customer who is gone; `among` joins those that are looked for."""
    # It comes before the rows are numbered, which takes long where many are gone.
    return (
        f"SELECT * FROM warehouse.past_crm_customers {among} ANTI JOIN warehouse.crm_customers USING (customer_id) "
        f"{NEWEST}"
    )


def held_earlier(warehouse: Warehouse, ids: pl.Series) -> pl.DataFrame:
    """`CanonicalCustomers` that kept nights had of the customers (ids), and of records of the same people that are gone
    since, each under one of the ids; without addresses that somebody else has by now."""
    if not all(map(warehouse.has, ("past_crm_customers", "past_customer_records", "customer_records"))):
        return warehouse.read("FROM warehouse.crm_customers LIMIT 0")
    store_frame(warehouse.connection, "_asked", ids.to_frame("customer_id"))
    return warehouse.read(_EARLIER)
