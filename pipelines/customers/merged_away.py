"""Records that the CRM merged into others: they are gone, and what refuses by their ids means whoever has them now."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.heard import SAID, SPOKEN, heard
from pipelines.customers.permissions import ConsentRules
from pipelines.customers.statements import matters_of, newest_refusals

#: SQL: given (an id of `{ids}` that no customer has), person_id: whose it was when a night last had it, where other
#: records of theirs are there.
_HEIRS = """
    SELECT DISTINCT given, known.person_id
    FROM (
        SELECT customer_id AS given, own_id AS alias FROM warehouse.past_customer_records
        SEMI JOIN ({ids}) USING (customer_id) ANTI JOIN warehouse.crm_customers USING (customer_id)
    )
    JOIN warehouse.person_aliases AS known USING (alias)
    SEMI JOIN warehouse.customer_records USING (person_id)
"""


def refused_by_merged_away(warehouse: Warehouse, rules: ConsentRules) -> pl.DataFrame:
    """given, matter, spoken, person_id: what people refuse by the id of a record of theirs that is gone, and have not
    allowed since by one that is there."""
    nothing = pl.DataFrame(schema={"given": pl.String, **SAID})
    if not all(map(warehouse.has, ("past_customer_records", "person_aliases"))):
        return nothing
    refusing = f"SELECT customer_id FROM ({heard(rules)}) WHERE status <> 'granted' OR captured_at IS NULL"
    heirs = warehouse.read(_HEIRS.format(ids=refusing))
    if heirs.is_empty():
        return nothing
    store_frame(warehouse.connection, "_heirs", heirs)
    said = f"SELECT customer_id, {SPOKEN} FROM ({heard(rules)})"
    by_id = warehouse.read(f"{said} WHERE customer_id IN (SELECT given FROM _heirs)")
    refused = newest_refusals(by_id, rules.matters, rules.instant).join(heirs, on="given")
    theirs = f"SELECT person_id, said.* FROM ({said}) AS said JOIN warehouse.customer_records USING (customer_id)"
    statements = warehouse.read(f"{theirs} SEMI JOIN _heirs USING (person_id)")
    allowed = matters_of(statements, rules.matters, rules.instant).filter(refusal=0).group_by("person_id", "matter")
    later = refused.join(allowed.agg(since=pl.col("spoken").max()), on=["person_id", "matter"], how="left")
    return later.filter((pl.col("since") > pl.col("spoken")).fill_null(False).not_()).select(nothing.columns)


def listed_by_merged_away(warehouse: Warehouse) -> pl.DataFrame:
    """`CrmSuppressions`: each record that is there of whom a list names by an id that is gone."""
    columns = "rule, customer_id, NULL::VARCHAR AS address"
    if not all(map(warehouse.has, ("past_customer_records", "person_aliases", "customer_records"))):
        return warehouse.read(f"SELECT {columns} FROM warehouse.crm_suppressions LIMIT 0")
    heirs = _HEIRS.format(ids="SELECT customer_id FROM warehouse.crm_suppressions")
    return warehouse.read(
        f"SELECT {columns} FROM (SELECT rule, customer_id AS given FROM warehouse.crm_suppressions) "
        f"JOIN ({heirs}) USING (given) JOIN warehouse.customer_records USING (person_id)"
    )
