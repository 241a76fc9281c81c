"""Of whom statements and lists speak by other than the ids of their records: by their addresses, and by ids that are
written otherwise, or of records that are gone."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.former_addresses import refused_by_former_addresses
from pipelines.customers.heard import (
    SAID,
    TONIGHT,
    Records,
    by_phones,
    heard,
    listed,
    refused_by_set_aside,
    refusing,
)
from pipelines.customers.merged_away import listed_by_merged_away, refused_by_merged_away
from pipelines.customers.permissions import said_of_addresses
from pipelines.customers.refused_before import refused_before_requests
from pipelines.customers.statements import holders
from pipelines.customers.suppressed import suppressed_people
from pipelines.identifiers.digests import digest_kinds, prehashed
from pipelines.identifiers.emails.further import further_emails
from pipelines.identifiers.ids.otherwise import written_otherwise
from schemas.config import Config


def said_otherwise(
    warehouse: Warehouse,
    rules: ConsentRules,
    by_other_ids: pl.DataFrame,
    identity_key: str,
    records: Records = TONIGHT,
) -> pl.DataFrame:
    """person_id, matter, spoken: what is said of the records' people by other than their records' ids. In:
    `refused_by_other_ids` of the same records."""
    merged = refused_by_merged_away(warehouse, rules, identity_key, records)
    said = _said_of_addresses(warehouse, rules, identity_key, records)
    before = refused_before_requests(warehouse, rules, said, records)
    return pl.concat([said, before, *(frame.select(list(SAID)) for frame in (by_other_ids, merged))])


def listed_people(warehouse: Warehouse, config: Config, identity_key: str, records: Records = TONIGHT) -> pl.DataFrame:
    """person_id, reason: the records' people whom a suppression rule names, by their first rule."""
    named = listed(warehouse, records)
    if not named.is_empty():
        named = pl.concat(
            [named, _listed_otherwise(warehouse, records), listed_by_merged_away(warehouse, identity_key, records)]
        )
    if named.is_empty() and not config.suppressions:
        return pl.DataFrame(schema={"person_id": pl.String, "reason": pl.String})
    whose = warehouse.read(
        "SELECT customer_id, person_id, canonical_email AS email, canonical_phone AS phone, country_code AS country "
        f"FROM {records.persons} JOIN {records.customers} USING (customer_id)"
    )
    further = further_emails(warehouse.connection, records.customers).rename({"address": "email"})
    beside = whose.select("customer_id", "person_id", "country").join(further, on="customer_id")
    aside = warehouse.read(
        "SELECT customer_id, 'aside ' || row_number() OVER () AS person_id, canonical_email AS email, "
        "canonical_phone AS phone FROM warehouse.set_aside_customers"
    )
    every = pl.concat([whose, beside, aside], how="diagonal")
    found = suppressed_people(every, named, config.suppressions, config.settings)
    # Who is set aside and named is protected by whoever has one of their addresses.
    shared = found.join(holders(aside, "person_id"), on="person_id").select("reason", "address")
    sharing = shared.join(holders(whose, "person_id"), on="address").select(found.columns)
    return pl.concat([found, sharing.sort(found.columns)]).unique("person_id", keep="first", maintain_order=True)


def _listed_otherwise(warehouse: Warehouse, records: Records) -> pl.DataFrame:
    """`CrmSuppressions` of the records whose id a list writes otherwise. (Reading a list finds those of the night.)"""
    listed = "warehouse.crm_suppressions"
    if records.others is None:
        return warehouse.read(f"FROM {listed} LIMIT 0")
    ids = records.unowned(f"SELECT customer_id FROM {listed}")
    store_frame(warehouse.connection, "_otherwise", written_otherwise(warehouse.connection, ids, records.customers))
    return warehouse.read(
        "SELECT rule, _otherwise.customer_id, NULL::VARCHAR AS address "
        f"FROM {listed} AS listed JOIN _otherwise ON listed.customer_id = given"
    )


def _said_of_addresses(warehouse: Warehouse, rules: ConsentRules, identity_key: str, records: Records) -> pl.DataFrame:
    """person_id, matter, spoken: what was said of the addresses of the records, and what those refuse who were set
    aside with such an address, or had one."""
    refused = refused_by_set_aside(warehouse, rules)
    statements = warehouse.read(f"{heard(rules, records)} AND address IS NOT NULL")
    if statements.is_empty() and refused.is_empty():
        return pl.DataFrame(schema=SAID)
    by_digest = by_phones(warehouse.connection, refusing(statements), records.customers)
    statements = pl.concat([statements, by_digest])
    further = further_emails(warehouse.connection, records.customers)
    deciding = deciding_records(warehouse, pl.concat([statements["address"], refused["address"]]), records)
    words = said_of_addresses(
        statements,
        pl.concat([deciding, further.select(email="address")], how="diagonal"),
        rules,
        lambda numbers: somebodys(warehouse, numbers, records),
        refused,
    )
    words = pl.concat([words, _of_set_aside(warehouse, words)])
    store_frame(warehouse.connection, "_words", words)
    store_frame(warehouse.connection, "_further", further)
    of_phones = "JOIN _words ON canonical_phone = address WHERE starts_with(address, '+')"
    # Where DuckDB does not know beforehand how few these are, it holds all records to join them.
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE _spoken_of AS "
        f"SELECT customer_id, matter, spoken FROM {records.customers} JOIN _words ON canonical_email = address "
        f"UNION ALL SELECT customer_id, matter, spoken FROM {records.customers} {of_phones} "
        "UNION ALL SELECT customer_id, matter, spoken FROM _further JOIN _words USING (address) WHERE spoken % 4 > 0"
    )
    said = warehouse.read(
        f"SELECT person_id, matter, spoken FROM _spoken_of JOIN {records.persons} USING (customer_id)"
    )
    former = refused_by_former_addresses(warehouse, rules, words, said, identity_key, records)
    return pl.concat([said, former.select(list(SAID))])


def _of_set_aside(warehouse: Warehouse, words: pl.DataFrame) -> pl.DataFrame:
    """address, matter, spoken: what is refused by one address of a row that was set aside, of its other address."""
    store_frame(warehouse.connection, "_words", words.filter(pl.col("spoken") % 4 > 0))
    return warehouse.read(
        " UNION ".join(
            f"SELECT canonical_{other} AS address, matter, spoken FROM warehouse.set_aside_customers "
            f"JOIN _words ON canonical_{kind} = address WHERE canonical_{other} IS NOT NULL"
            for kind, other in (("email", "phone"), ("phone", "email"))
        )
    )


def deciding_records(warehouse: Warehouse, addresses: pl.Series, records: Records) -> pl.DataFrame:
    """country, email of all the records; of the e-mails only those that decide how one of the addresses is read."""
    digests = addresses.to_frame("address").select(prehashed(pl.col("address")).alias("digest")).drop_nulls()
    store_frame(warehouse.connection, "_digests", digests)
    decides = ["NOT contains(canonical_email, '@')"]
    decides += [f"{how}(canonical_email) IN (FROM _digests)" for how in digest_kinds(digests["digest"])]
    return warehouse.read(
        f"SELECT DISTINCT country_code AS country, CASE WHEN {' OR '.join(decides)} THEN canonical_email END AS email "
        f"FROM {records.customers}"
    )


def somebodys(warehouse: Warehouse, numbers: pl.Series, records: Records) -> pl.Series:
    """Those of the numbers (E.164) that some record has or had, or a row that was set aside."""
    store_frame(warehouse.connection, "_numbers", numbers.to_frame("canonical_phone"))
    kept = ["warehouse.past_crm_customers"] if warehouse.has("past_crm_customers") else []
    holding = [records.customers, "warehouse.set_aside_customers", *kept]
    held = " UNION ".join(f"FROM _numbers SEMI JOIN {table} USING (canonical_phone)" for table in holding)
    return warehouse.read(held)["canonical_phone"]
