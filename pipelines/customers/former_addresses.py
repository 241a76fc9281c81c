"""Refusals by an address that a record had: they are its person's when the address goes, until a later yes.

Otherwise whoever refused by their e-mail would be sent again once the CRM has another for them, or merges the record
that had it. What is kept of such an address is a keyed hash, and only while something refuses by it on a night that is
kept; the refusal itself is read from the CRM each night.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.heard import SAID, TONIGHT, Records, not_allowed_since
from pipelines.customers.permissions import ConsentRules
from pipelines.identifiers.hashes import keyed_hash

_TABLE = "former_addresses"
_NEEDED = ("past_crm_customers", "past_customer_records", "customer_records", "person_aliases")


class _FormerAddresses(dy.Schema):
    #: The id of a person whose only record is the one that had the address.
    alias = dy.String()
    mark = dy.String()


#: SQL: alias, address, mark: whose refused address (`_refused_addresses`) each was on kept nights, as a match key, or
#: is known to have been.
_HAD = f"""
    WITH had AS MATERIALIZED (
        SELECT customer_id, address, mark FROM warehouse.past_crm_customers
        JOIN _refused_addresses ON canonical_email = address WHERE email_refusal IS NULL
        UNION SELECT customer_id, address, mark FROM warehouse.past_crm_customers
        JOIN _refused_addresses ON canonical_phone = address WHERE phone_refusal IS NULL
    ), own AS MATERIALIZED (
        SELECT customer_id, own_id AS alias FROM warehouse.customer_records SEMI JOIN had USING (customer_id)
        UNION SELECT customer_id, own_id FROM warehouse.past_customer_records SEMI JOIN had USING (customer_id)
    )
    SELECT alias, address, mark FROM had JOIN own USING (customer_id)
    UNION SELECT alias, address, mark FROM warehouse.{_TABLE} JOIN _refused_addresses USING (mark)
"""


def refused_by_former_addresses(  # noqa: PLR0913, PLR0917 - what was said, by which rules it is read, and of whom
    warehouse: Warehouse,
    rules: ConsentRules,
    words: pl.DataFrame,
    said: pl.DataFrame,
    identity_key: str,
    records: Records = TONIGHT,
) -> pl.DataFrame:
    """address, person_id, matter, spoken: what the records' people refuse by addresses that records of theirs had, that
    nobody has now, and have not allowed since by a record or by an address. In: what `said_of_addresses` gives, and
    what is `said` of the people (person_id, matter, spoken) by the addresses that they have."""
    refused = words.filter(pl.col("spoken") % 4 > 0)
    if refused.is_empty() or not all(map(warehouse.has, _NEEDED)):
        return pl.DataFrame(schema={"address": pl.String, **SAID})
    warehouse.ensure(_TABLE, _FormerAddresses)
    addresses = refused.select(pl.col("address").unique())
    marks = keyed_hash("former address:" + addresses["address"], identity_key)
    store_frame(warehouse.connection, "_refused_addresses", addresses.with_columns(mark=marks))
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _had AS {_HAD}")
    held = " UNION ".join(
        f"SELECT canonical_{kind} AS address FROM {table} WHERE canonical_{kind} IN (SELECT address FROM _had)"
        for table in {"warehouse.crm_customers", records.customers}
        for kind in ("email", "phone")
    )
    warehouse.execute(f"DELETE FROM _had WHERE address IN ({held})")
    theirs = warehouse.read(
        "SELECT DISTINCT address, known.person_id FROM _had JOIN warehouse.person_aliases AS known USING (alias) "
        f"SEMI JOIN {records.persons} USING (person_id)"
    )
    found = refused.join(theirs, on="address").select("address", *SAID)
    return not_allowed_since(warehouse, rules, found, records, said)


def keep_former_addresses(warehouse: Warehouse) -> None:
    """Keep what `refused_by_former_addresses` found last, for when no kept night has it any more."""
    if warehouse.has(_TABLE):
        warehouse.execute("CREATE TEMP TABLE IF NOT EXISTS _had (alias VARCHAR, address VARCHAR, mark VARCHAR)")
        warehouse.execute(f"INSERT INTO warehouse.{_TABLE} SELECT alias, mark FROM _had EXCEPT FROM warehouse.{_TABLE}")
