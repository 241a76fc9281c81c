"""Records that are gone, and whose people are there under other ids: what the old ids mean is theirs."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.gone import NEWEST
from pipelines.customers.hashed_emails import some_digests
from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from pipelines.identifiers.digests import digest_kinds, is_prehashed
from pipelines.identifiers.hashes import hashed
from schemas.settings import Joining

#: What says who a record is; the rest of `crm_customers` stays where it is.
IDENTIFYING = (
    "customer_id", "canonical_email", "email_refusal", "canonical_phone", "phone_refusal", "first_name", "last_name",
    "postal_code", "country_code", "created_at", "updated_at",
)  # fmt: skip

_NEEDED = ("past_crm_customers", "past_customer_records")

SUCCESSORS = "successors"


class _Successors(dy.Schema):
    #: The id of a person whose only record is the one that is gone.
    alias = dy.String()
    #: Of somebody who would be one person with it, were it there.
    person_id = dy.String()


#: SQL: customer_id, alias of records that are gone.
_LEFT = """
    SELECT DISTINCT customer_id, own_id AS alias FROM warehouse.past_customer_records
    ANTI JOIN warehouse.crm_customers USING (customer_id)
"""
#: SQL: the newest row of each of them.
_ROWS = f"""
    SELECT {", ".join(IDENTIFYING)}
    FROM (SELECT * FROM warehouse.past_crm_customers SEMI JOIN _left USING (customer_id) {NEWEST})
"""
#: SQL: the e-mails by which records of a table are known: theirs, and to a digest the e-mail and the other way round.
_EMAILS = """
    CREATE OR REPLACE TEMP TABLE _emails AS
    SELECT canonical_email AS email FROM {others} WHERE email_refusal IS NULL
    UNION SELECT digest FROM _digests JOIN {others} ON canonical_email = email WHERE email_refusal IS NULL
    UNION SELECT email FROM _digests JOIN {others} ON canonical_email = digest WHERE email_refusal IS NULL
"""
#: SQL: the records of a table that have one of these, or a phone of those in another.
_SHARING = f"""
    SELECT {", ".join(IDENTIFYING)} FROM {{records}}
    WHERE (email_refusal IS NULL AND canonical_email IN (FROM _emails))
    OR (phone_refusal IS NULL AND canonical_phone IN (SELECT canonical_phone FROM {{others}}))
"""
#: SQL: tonight's records that do; what too many share is no match key.
_TONIGHT = f"""
    SELECT {", ".join(f"record.{name}" for name in IDENTIFYING if not name.endswith("_refusal"))},
        stands.email_refusal, stands.phone_refusal
    FROM _sharing_left AS record JOIN warehouse.customer_records AS stands USING (customer_id)
"""
#: SQL: alias, and who has it now, the earliest record first.
_FOLLOWED = """
    CREATE OR REPLACE TEMP TABLE _followed AS
    SELECT alias, stands.person_id, min(stands.age) AS age
    FROM (SELECT alias, together FROM _left JOIN _together USING (customer_id)) AS gone
    JOIN (
        SELECT person_id, together, age FROM _together JOIN warehouse.customer_records USING (customer_id)
    ) AS stands USING (together)
    GROUP BY ALL
"""
#: SQL: person_id of people of whom no record is left, and whom each is now.
_NOW = """
    SELECT known.person_id, min_by(followed.person_id, age) AS now
    FROM warehouse.person_aliases AS known JOIN _followed AS followed USING (alias)
    WHERE known.person_id NOT IN (SELECT person_id FROM warehouse.customers)
    GROUP BY known.person_id
"""


def find_successors(warehouse: Warehouse, joining: Joining, identity_key: str) -> None:
    """Keep in `successors` with whom the records that are gone would be one person, were they there: the CRM gave
    them another id, or merged two into a third. Of people of whom no record is left, all ids stand for the earliest.

    Looked for as long as a kept night had the records; what was found holds for good.
    """
    if not all(map(warehouse.has, _NEEDED)):
        return
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _left AS {_LEFT}")
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _left_rows AS {_ROWS}")
    if warehouse.read("SELECT 1 FROM _left_rows LIMIT 1").is_empty():
        return
    digests = _find_digests(warehouse)
    # The few are looked for among all: the other way round DuckDB would hold everybody's addresses.
    sharing = _sharing(warehouse, "warehouse.crm_customers", "_left_rows")
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _sharing_left AS {sharing}")
    tonight = warehouse.read(_TONIGHT).select(IDENTIFYING)
    if tonight.is_empty():
        return
    rows = warehouse.read(_sharing(warehouse, "_left_rows", "_sharing_left"))
    # Which addresses too many share is known of tonight; whoever is gone shares none with whoever they are now.
    every = canonical_records(
        pl.concat([rows, tonight]).with_columns(pl.col("canonical_email").replace(digests["digest"], digests["email"])),
        joining.model_copy(update={"shared_by_more_than": rows.height + tonight.height}),
    )
    together = people(every, joining, identity_key=identity_key).select("customer_id", together="person_id")
    store_frame(warehouse.connection, "_together", together.with_row_index("age"))
    warehouse.execute(_FOLLOWED)
    warehouse.ensure(SUCCESSORS, _Successors)
    warehouse.insert(
        f"warehouse.{SUCCESSORS}", f"SELECT alias, person_id FROM _followed EXCEPT FROM warehouse.{SUCCESSORS}"
    )
    warehouse.execute(
        f"UPDATE warehouse.person_aliases SET person_id = now FROM ({_NOW}) AS followed "
        "WHERE person_aliases.person_id = followed.person_id"
    )


def _find_digests(warehouse: Warehouse) -> pl.DataFrame:
    """Put into `_digests`, and give, email, digest: of the e-mails of records that are gone, and of those of tonight
    of which a record that is gone has the digest."""
    gone = warehouse.read("SELECT canonical_email AS email FROM _left_rows WHERE email_refusal IS NULL")
    digests = gone.filter(is_prehashed(pl.col("email")))["email"]
    store_frame(warehouse.connection, "_digests", digests.to_frame("digest"))
    emails = [gone.filter(pl.col("email").str.contains("@", literal=True))["email"]]
    for how in digest_kinds(digests):
        tonight = warehouse.read(
            "SELECT canonical_email AS email FROM warehouse.crm_customers WHERE email_refusal IS NULL "
            f"AND contains(canonical_email, '@') AND {how}(canonical_email) IN (FROM _digests)"
        )
        emails.append(tonight["email"])
    plain = pl.concat(emails).unique()
    found = [pl.DataFrame(schema={"email": pl.String, "digest": pl.String})]
    for how in digest_kinds(pl.concat([digests.rename("digest"), some_digests(warehouse)])):
        found.append(pl.DataFrame({"email": plain, "digest": hashed(plain, how)}))
    every = pl.concat(found)
    store_frame(warehouse.connection, "_digests", every)
    return every


def _sharing(warehouse: Warehouse, records: str, others: str) -> str:
    """SQL for the records of a table that have an address of those in another, or its digest."""
    warehouse.execute(_EMAILS.format(others=others))
    return _SHARING.format(records=records, others=others)
