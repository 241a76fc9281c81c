"""Requests by the id of a record that has long been gone: whoever has succeeded it is meant, as by a refusal."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.people import short_ids
from pipelines.customers.successors import SUCCESSORS


def records_of_old_ids(warehouse: Warehouse, erasures: pl.DataFrame) -> pl.DataFrame:
    """tombstone, customer_id: of each of the `erasures` (`CrmErasures`) in form `person` whose id no record has any
    more, the records that are there of the person for whom it stood last, and of who has succeeded it.

    No kept night need know the id: the tombstone is the keyed hash of which the id of a person is made.
    """
    persons = erasures.filter(form="person").select(pl.col("tombstone").unique())
    if persons.is_empty() or not all(map(warehouse.has, ("person_aliases", "customer_records"))):
        return pl.DataFrame(schema={"tombstone": pl.String, "customer_id": pl.String})
    store_frame(warehouse.connection, "_persons", persons.with_columns(alias=short_ids(persons["tombstone"])))
    followed = ""
    if warehouse.has(SUCCESSORS):
        followed = f"UNION SELECT tombstone, person_id FROM gone JOIN warehouse.{SUCCESSORS} USING (alias)"
    return warehouse.read(
        "WITH gone AS MATERIALIZED (SELECT tombstone, alias FROM _persons "
        "ANTI JOIN warehouse.customer_records ON own_id = alias), "
        f"followed AS MATERIALIZED (SELECT tombstone, alias FROM gone {followed}), "
        "whose AS MATERIALIZED (SELECT DISTINCT tombstone, known.person_id FROM followed "
        "JOIN warehouse.person_aliases AS known USING (alias)) "
        "SELECT tombstone, customer_id FROM warehouse.customer_records JOIN whose USING (person_id)"
    )
