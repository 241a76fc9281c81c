"""Whom new requests reach among the customers of the last night, and of earlier ones that are kept."""

from __future__ import annotations

from functools import partial

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.erasures import requests_in
from catalog.warehouse import Warehouse
from pipelines.customers.gone import GONE_PERSONS, gone_customers, held_earlier
from pipelines.erasure.erasing import Erasing
from pipelines.erasure.old_ids import records_of_old_ids
from pipelines.tombstones.covered import Covered, among, covered_by, usable, within
from pipelines.tombstones.erased import tombstone_of
from pipelines.tombstones.met import ADDRESSED, Met, met_rows, with_named


def reached(erasing: Erasing, met: Met, fresh: pl.DataFrame) -> tuple[Covered, pl.DataFrame]:
    """Whom of the customers of the last night, and of earlier ones that are kept, new requests cover, and the
    `CanonicalCustomers` of all whom they cover or meet. In: the last night's customers that `CrmErasures` meet which
    were not applied yet: what the others name is in no row.
    """
    warehouse, settings, identity_key = erasing.warehouse, erasing.config.settings, erasing.keys.identity
    gone = _gone_customers(erasing, fresh)

    def whole(ids: pl.Series) -> pl.DataFrame:
        store_frame(warehouse.connection, "_asked", ids.to_frame("customer_id"))
        found = warehouse.read("FROM warehouse.crm_customers SEMI JOIN _asked USING (customer_id)")
        return pl.concat([found, gone.filter(pl.col("customer_id").is_in(ids.implode()))], how="diagonal")

    # A record that is gone joins with those of the last night as if it were one of them.
    here, before = within(warehouse, usable("warehouse.crm_customers")), among(gone)
    received = requests_in(erasing.catalog, "received")
    covered = covered_by(
        *with_named(met, gone.select(*ADDRESSED)),
        warehouse.read("FROM warehouse.crm_erasures").filter(pl.col("request_id").is_in(received)),
        settings=settings,
        networks=erasing.config.networks,
        identity_key=identity_key,
        whole=whole,
        having=lambda column, values: pl.concat([here(column, values), before(column, values)]),
        earlier=partial(held_earlier, warehouse),
        stood_for=_stood_for(erasing, fresh),
    )
    return covered, whole(pl.concat([met.rows["customer_id"], covered.records["customer_id"]]).unique())


def _gone_customers(erasing: Erasing, fresh: pl.DataFrame) -> pl.DataFrame:
    """The newest kept row of each customer whom new requests name by id and the last night did not have, and of their
    people who are gone too: the CRM may have been cut in half in that night, or have dropped them before it told of
    their request.
    """
    warehouse = erasing.warehouse
    if not warehouse.has("past_crm_customers"):
        return warehouse.read("FROM warehouse.crm_customers LIMIT 0")
    past, marks = met_rows(
        warehouse,
        "warehouse.past_crm_customers",
        fresh.filter(pl.col("form") == "customer_id"),
        erasing.compared,
    )
    store_frame(warehouse.connection, "_named", past.filter(marks["customer_id"]).select("customer_id").unique())
    theirs = _records_of_gone(warehouse)["customer_id"].unique()
    store_frame(warehouse.connection, "_theirs", theirs.to_frame())
    gone = gone_customers("SEMI JOIN (FROM _named UNION FROM _theirs) USING (customer_id)")
    return warehouse.read(f"SELECT * EXCLUDE (held_from, held_until) FROM ({gone})")


def _stood_for(erasing: Erasing, fresh: pl.DataFrame) -> pl.DataFrame:
    """tombstone (as `person`), customer_id: every record of the person for whom an id of a record that is gone stood
    last, whether a kept night had the record or not."""
    gone = _records_of_gone(erasing.warehouse)
    named = gone.select(tombstone_of(gone["value"], "person", erasing.keys.identity).alias("tombstone"), "customer_id")
    return pl.concat([named, records_of_old_ids(erasing.warehouse, fresh)]).unique()


def _records_of_gone(warehouse: Warehouse) -> pl.DataFrame:
    """value, customer_id: every record of the person for whom each of `_named` stood last, there or gone."""
    needed = ("past_crm_customers", "past_customer_records", "person_aliases", "customer_records")
    if not all(map(warehouse.has, needed)):
        return pl.DataFrame(schema={"value": pl.String, "customer_id": pl.String})
    return warehouse.read(
        f"WITH gone AS MATERIALIZED ({GONE_PERSONS}), "
        "named AS MATERIALIZED ("
        "SELECT customer_id AS value, person_id FROM gone SEMI JOIN _named USING (customer_id)), "
        "every AS MATERIALIZED (SELECT customer_id, person_id FROM gone "
        "UNION ALL SELECT customer_id, person_id FROM warehouse.customer_records SEMI JOIN named USING (person_id)) "
        "SELECT value, customer_id FROM named JOIN every USING (person_id)"
    )
