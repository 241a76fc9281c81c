"""People of whom the CRM has no record left, and who are there under another id: what their old ids mean is theirs."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.gone import NEWEST
from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from schemas.settings import Joining

#: What says who a record is; the rest of `crm_customers` stays where it is.
IDENTIFYING = (
    "customer_id", "canonical_email", "email_refusal", "canonical_phone", "phone_refusal", "first_name", "last_name",
    "postal_code", "country_code", "created_at", "updated_at",
)  # fmt: skip

_NEEDED = ("past_crm_customers", "past_customer_records")

#: SQL: customer_id, alias, person_id of the gone records of people of whom none is left.
_LEFT = """
    SELECT DISTINCT customer_id, alias, person_id
    FROM (SELECT customer_id, own_id AS alias FROM warehouse.past_customer_records) AS past
    JOIN warehouse.person_aliases USING (alias)
    ANTI JOIN warehouse.customers USING (person_id)
"""
#: SQL: the newest row of each of them.
_ROWS = f"""
    SELECT {", ".join(IDENTIFYING)}
    FROM (SELECT * FROM warehouse.past_crm_customers SEMI JOIN _left USING (customer_id) {NEWEST})
"""
#: SQL: the records of a table that have an address of those in another.
_SHARING = f"""
    SELECT {", ".join(IDENTIFYING)} FROM {{records}}
    WHERE (email_refusal IS NULL AND canonical_email IN (SELECT canonical_email FROM {{others}}))
    OR (phone_refusal IS NULL AND canonical_phone IN (SELECT canonical_phone FROM {{others}}))
"""
#: SQL: person_id of people who left, and whom each is now.
_FOLLOWED = """
    CREATE OR REPLACE TEMP TABLE _followed AS
    SELECT gone.person_id, min_by(stands.person_id, stands.age) AS now
    FROM (SELECT person_id, together FROM _left JOIN _together USING (customer_id)) AS gone
    JOIN (
        SELECT person_id, together, age FROM _together JOIN warehouse.customer_records USING (customer_id)
    ) AS stands USING (together)
    GROUP BY gone.person_id
"""


def follow_other_numbers(warehouse: Warehouse, joining: Joining, identity_key: str) -> None:
    """Let the ids of people of whom no record is left stand for whom they would be one person with, were their records
    there: the CRM gave them another id, or merged two into a third. (Of several people, the earliest.)

    Looked for as long as a kept night had the records; what was found holds for good.
    """
    if not all(map(warehouse.has, _NEEDED)):
        return
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _left AS {_LEFT}")
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _left_rows AS {_ROWS}")
    if warehouse.read("SELECT 1 FROM _left_rows LIMIT 1").is_empty():
        return
    # The few are looked for among all: the other way round DuckDB would hold everybody's addresses.
    sharing = _SHARING.format(records="warehouse.crm_customers", others="_left_rows")
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _sharing_left AS {sharing}")
    tonight = warehouse.read("FROM _sharing_left")
    if tonight.is_empty():
        return
    rows = warehouse.read(_SHARING.format(records="_left_rows", others="_sharing_left"))
    every = canonical_records(pl.concat([rows, tonight]), joining)
    together = people(every, joining, identity_key=identity_key).select("customer_id", together="person_id")
    store_frame(warehouse.connection, "_together", together.with_row_index("age"))
    warehouse.execute(_FOLLOWED)
    warehouse.execute(
        "UPDATE warehouse.person_aliases SET person_id = now FROM _followed "
        "WHERE person_aliases.person_id = _followed.person_id"
    )
