"""Records that the CRM merged into others: they are gone, and what refuses by their ids means whoever has them now."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.heard import SAID, SPOKEN, TONIGHT, Records, heard, not_allowed_since
from pipelines.customers.parted import PARTED
from pipelines.customers.people import person_ids
from pipelines.customers.statements import newest_refusals
from pipelines.customers.successors import SUCCESSORS
from pipelines.identifiers.ids.otherwise import other_forms


def find_heirs(warehouse: Warehouse, ids: str, identity_key: str, records: Records) -> bool:
    """Put into `_heirs` (given, person_id) which of the ids (SQL for customer_id) no customer has, and whose they were
    when a night last had them, where other records of theirs are there; False if there are none, or if no night was
    there before.

    An id that was ever given stands for whom it stood for last, however long ago that was. Of a record that a request
    to be forgotten took out, the name that was given it (`parted_names`) stands for whoever was one person with it.
    """
    if not warehouse.has("person_aliases"):
        return False
    strangers = f"FROM ({ids}) ANTI JOIN {records.customers} USING (customer_id)"
    given = warehouse.read(
        f"SELECT DISTINCT customer_id AS given FROM ({records.unowned(strangers)}) WHERE customer_id IS NOT NULL"
    )
    if given.is_empty():
        return False
    written = pl.concat([given.with_columns(customer_id="given"), other_forms(given["given"], _padded(warehouse))])
    aliases = person_ids(written["customer_id"], identity_key)
    store_frame(warehouse.connection, "_strangers", written.select("given").with_columns(alias=aliases))
    followed = ""
    if warehouse.has(SUCCESSORS):
        followed = f" UNION SELECT given, person_id FROM _strangers JOIN warehouse.{SUCCESSORS} USING (alias)"
    if warehouse.has(PARTED):
        followed += f" UNION SELECT given, alias FROM warehouse.{PARTED} SEMI JOIN _strangers USING (given)"
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE _heirs AS SELECT DISTINCT given, known.person_id "
        f"FROM (SELECT given, alias FROM _strangers{followed}) JOIN warehouse.person_aliases AS known USING (alias) "
        f"SEMI JOIN {records.persons} USING (person_id)"
    )
    return warehouse.read("SELECT count(*) AS heirs FROM _heirs").item() > 0


def _padded(warehouse: Warehouse) -> pl.Series:
    """How long ids are that begin with zeros, of records that are there or that a kept night had."""
    tables = ["crm_customers", "past_customer_records"]
    lengths = " UNION ".join(
        f"SELECT strlen(customer_id) AS length FROM warehouse.{table} WHERE starts_with(customer_id, '0')"
        for table in tables
        if warehouse.has(table)
    )
    return warehouse.read(lengths)["length"]


def refused_by_merged_away(
    warehouse: Warehouse, rules: ConsentRules, identity_key: str, records: Records = TONIGHT
) -> pl.DataFrame:
    """given, matter, spoken, person_id: what people refuse by the id of a record of theirs that is gone, and have not
    allowed since by one that is there."""
    nothing = pl.DataFrame(schema={"given": pl.String, **SAID})
    refusing = f"SELECT customer_id FROM ({heard(rules, records)}) WHERE status <> 'granted' OR captured_at IS NULL"
    if not find_heirs(warehouse, refusing, identity_key, records):
        return nothing
    heirs = warehouse.read("FROM _heirs")
    said = f"SELECT customer_id, {SPOKEN} FROM ({heard(rules, records)})"
    by_id = warehouse.read(f"{said} WHERE customer_id IN (SELECT given FROM _heirs)")
    refused = newest_refusals(by_id, rules.matters, rules.instant).join(heirs, on="given")
    return not_allowed_since(warehouse, rules, refused, records).select(nothing.columns)


def listed_by_merged_away(warehouse: Warehouse, identity_key: str, records: Records) -> pl.DataFrame:
    """`CrmSuppressions`: each record that is there of whom a list names by an id that is gone."""
    listed, ids = "warehouse.crm_suppressions", "SELECT customer_id FROM warehouse.crm_suppressions"
    if not find_heirs(warehouse, ids, identity_key, records):
        return warehouse.read(f"FROM {listed} LIMIT 0")
    return warehouse.read(
        f"SELECT rule, customer_id, NULL::VARCHAR AS address FROM (SELECT rule, customer_id AS given FROM {listed}) "
        f"JOIN _heirs USING (given) JOIN {records.persons} USING (person_id)"
    )
