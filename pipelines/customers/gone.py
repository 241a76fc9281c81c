"""What earlier nights that are kept had, and tonight has not: customers who are gone, and what people held before."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.identifiers.digests import HEX_LENGTHS, digest_kinds

#: SQL: of each customer, the newest row among those of a `past_` table.
NEWEST = "QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY held_until DESC) = 1"

#: SQL: customer_id, person_id of records that are gone: an id of one stands for whom it stood for last.
GONE_PERSONS = """
    SELECT DISTINCT past.customer_id, known.person_id
    FROM (SELECT customer_id, own_id AS alias FROM warehouse.past_customer_records) AS past
    JOIN warehouse.person_aliases AS known USING (alias)
    ANTI JOIN warehouse.crm_customers USING (customer_id)
"""
#: SQL: the same, of those whose people are there by other records.
GONE_SIBLINGS = f"{GONE_PERSONS} SEMI JOIN warehouse.customer_records USING (person_id)"

#: SQL: asked_id, customer_id: the records of `_asked` (customer_id), and those of the same people that are gone since.
_THEIRS = f"""
    WITH asked AS (
        SELECT customer_id, person_id FROM warehouse.customer_records SEMI JOIN _asked USING (customer_id)
    )
    SELECT customer_id AS asked_id, customer_id FROM _asked
    UNION SELECT asked.customer_id, gone.customer_id FROM asked JOIN ({GONE_SIBLINGS}) AS gone USING (person_id)
"""
#: SQL: what these held, each under the id that was asked for.
_HELD = """
    SELECT past.* EXCLUDE (held_from) REPLACE (asked_id AS customer_id)
    FROM warehouse.past_crm_customers AS past JOIN _theirs_earlier AS theirs ON theirs.customer_id = past.customer_id
"""
#: SQL for that, without addresses that somebody else had later. `tonight`: who has them now; `named`: as `_NAMED`.
_EARLIER = """
    WITH others AS MATERIALIZED (
        SELECT canonical_email, canonical_phone, held_until FROM (
            SELECT customer_id, canonical_email, canonical_phone, held_until FROM warehouse.past_crm_customers
            {tonight}
        ) ANTI JOIN _theirs_earlier USING (customer_id)
    ), named AS MATERIALIZED (
        {named}
    ), emails AS (
        SELECT canonical_email, max(held_until) AS email_until FROM named GROUP BY ALL
    ), phones AS (
        SELECT canonical_phone, max(held_until) AS phone_until FROM others
        SEMI JOIN _held_earlier USING (canonical_phone) GROUP BY ALL
    )
    SELECT DISTINCT * EXCLUDE (held_until, email_until, phone_until) REPLACE (
        CASE WHEN coalesce(email_until > held_until, false) THEN NULL ELSE email END AS email,
        CASE WHEN coalesce(phone_until > held_until, false) THEN NULL ELSE phone END AS phone
    ) FROM _held_earlier LEFT JOIN emails USING (canonical_email) LEFT JOIN phones USING (canonical_phone)
"""
_AS_DIGESTS = ", ".join(f"{how}(canonical_email)" for how in HEX_LENGTHS)
#: SQL: an e-mail that they held, and until when somebody else had it, be it as a digest of it.
_NAMED = f"""
    SELECT held.canonical_email, others.held_until FROM others JOIN (
        SELECT DISTINCT canonical_email, unnest([canonical_email, {_AS_DIGESTS}]) AS shown FROM _held_earlier
    ) AS held ON others.canonical_email = shown
"""
#: SQL: the same, where they held a digest and somebody else had the e-mail.
_NAMED_BY_DIGEST = """
    SELECT held.canonical_email, others.held_until FROM others
    JOIN (SELECT DISTINCT canonical_email FROM _held_earlier) AS held
    ON {how}(others.canonical_email) = held.canonical_email
"""
#: SQL: of each kind of digest that they held in place of an e-mail, one.
_DIGESTS = """
    SELECT any_value(canonical_email) AS digest FROM _held_earlier WHERE NOT contains(canonical_email, '@')
    GROUP BY strlen(canonical_email)
"""
#: SQL for the customers of the night among `others`.
_TONIGHT = (
    "UNION ALL SELECT customer_id, canonical_email, canonical_phone, DATE 'infinity' FROM warehouse.crm_customers"
)


def gone_customers(among: str = "") -> str:
    """SQL for the newest row of each customer who is gone; `among` joins those that are looked for."""
    # It comes before the rows are numbered, which takes long where many are gone.
    return (
        f"SELECT * FROM warehouse.past_crm_customers {among} ANTI JOIN warehouse.crm_customers USING (customer_id) "
        f"{NEWEST}"
    )


def held_earlier(warehouse: Warehouse, ids: pl.Series, *, with_others: bool = False) -> pl.DataFrame:
    """`CanonicalCustomers` that kept nights had of the customers (ids), and of records of the same people that are gone
    since, each under one of the ids; without addresses that somebody else had later. `with_others`: with those that
    somebody has tonight."""
    if not all(map(warehouse.has, ("past_crm_customers", "past_customer_records", "person_aliases"))):
        return warehouse.read("FROM warehouse.crm_customers LIMIT 0")
    store_frame(warehouse.connection, "_asked", ids.to_frame("customer_id"))
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _theirs_earlier AS {_THEIRS}")
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _held_earlier AS {_HELD}")
    # To make digests of all others' e-mails takes long, and hardly a CRM keeps any.
    digests = digest_kinds(warehouse.read(_DIGESTS)["digest"])
    named = " UNION ALL ".join([_NAMED, *(_NAMED_BY_DIGEST.format(how=how) for how in digests)])
    return warehouse.read(_EARLIER.format(tonight="" if with_others else _TONIGHT, named=named))
