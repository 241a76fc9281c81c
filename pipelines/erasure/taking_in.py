"""Requests taken in: both stores know the same, with all that they cover, and what they name leaves every table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.erasures import (
    adopt_requests,
    catalog_tombstones,
    erasure_requests,
    mark_erased,
    mark_rewritten,
    note_records,
    noted_records,
    receive_again,
    request_ids,
    requests_in,
)
from catalog.rewrite import note_rewrite
from catalog.sealed import sealed
from catalog.store import Catalog
from catalog.warehouse import Warehouse
from pipelines.customers.gone import GONE_PERSONS, gone_customers, held_earlier
from pipelines.erasure.applied import forget_lifted, left_behind, not_applied, note_applied
from pipelines.erasure.erasing import Erasing
from pipelines.erasure.old_ids import records_of_old_ids
from pipelines.erasure.purge import purge
from pipelines.erasure.still_refused import keep_refusals
from pipelines.erasure.until_read import keep_until_read
from pipelines.erasure.urgent import Waiting
from pipelines.identifiers.hashes import keyed_hash
from pipelines.tombstones.covered import Covered, Lift, among, covered_by, lifted, usable, within
from pipelines.tombstones.erased import tombstone_of
from pipelines.tombstones.met import ADDRESSED, Met, met_rows, with_named
from schemas.crm import TOMBSTONE, CrmErasures
from schemas.erasure import RequestKind
from schemas.network import match_columns

#: How long the warehouse's file may keep, in pages that are free, what somebody has left who came back with a consent.
DAYS_TO_REWRITE = 7


def known_erasures(erasing: Erasing) -> pl.DataFrame:
    """`CrmErasures` of every request so far: the warehouse's, and those that came to the catalog since."""
    erasing.warehouse.ensure("crm_erasures", CrmErasures)
    kept = erasing.warehouse.read("FROM warehouse.crm_erasures")
    return pl.concat([kept, catalog_tombstones(erasing.catalog).join(kept, on=TOMBSTONE, how="anti")])


def note_changed(erasing: Erasing, arriving: pl.DataFrame) -> None:
    """Let requests of the CRM that name more than they did count as new, before it is written what they name.

    In: `CrmErasures` as they are read tonight.
    """
    known = known_erasures(erasing)
    changed = arriving.join(known, on=TOMBSTONE, how="anti")
    receive_again(erasing.catalog, changed["request_id"].unique())


def take_in(
    erasing: Erasing,
    lift: Lift | None = None,
    arriving: Callable[[], str | None] | None = None,
) -> None:
    """Let the two stores know the same requests, note every record and tombstone that new ones cover, and take what
    they name out of all tables. `lift` says what consents lift, where the CRM's customers are read next. A run that
    reads the CRM gives `arriving`, for the table of tonight's statements: whom new requests meet is kept then until
    that run, or a later one, has read the customers.

    It comes before the customers are read anew: what the CRM no longer has, or what a night writes over, is only known
    from the last night.
    """
    catalog, warehouse = erasing.catalog, erasing.warehouse
    known = known_erasures(erasing)
    # Requests are many after some years, and most nights have no new one.
    if known.height > warehouse.height("crm_erasures"):
        warehouse.replace("crm_erasures", known)
    _adopt(catalog, known)
    forget_lifted(warehouse)
    if not warehouse.has("crm_customers"):
        # No customer was ever read, so nothing of theirs is anywhere, and the first reading leaves them out.
        received = requests_in(catalog, "received")
        mark_erased(catalog, received)
        mark_rewritten(catalog, received)
        _count_as_applied(warehouse)
        return
    fresh = not_applied(warehouse, "rows")
    if fresh.is_empty():
        return
    met = met_rows(warehouse, "warehouse.crm_customers", fresh, erasing.compared)
    covered, forgotten = _covered(erasing, met, fresh)
    if arriving is not None:
        keep_until_read(warehouse, forgotten)
    if lift is not None and covered.tombstones.height:
        known, covered = lifted(warehouse.read("FROM warehouse.crm_erasures"), covered, lift)
        warehouse.replace("crm_erasures", known)
    keep_covered(erasing, covered)
    fresh = not_applied(warehouse, "rows")
    if fresh.is_empty():
        return
    if covered.tombstones.height:
        met = met_rows(warehouse, "warehouse.crm_customers", fresh, erasing.compared)
    named = met.rows.filter(met.marks["customer_id"])["customer_id"]
    every = pl.concat([named, covered.records["customer_id"]])
    keep_refusals(erasing, every, met.rows["customer_id"], fresh, arriving() if arriving is not None else None)
    purge(
        warehouse,
        fresh,
        match_columns(erasing.config.networks.values()),
        erasing.compared,
        rules=erasing.config.suppressions,
        waiting=Waiting(left_behind(warehouse, fresh), erasing.now.date() + timedelta(days=DAYS_TO_REWRITE)),
        customers=met,
    )


def _covered(erasing: Erasing, met: Met, fresh: pl.DataFrame) -> tuple[Covered, pl.DataFrame]:
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


def keep_covered(erasing: Erasing, covered: Covered) -> None:
    """Keep what is missing of the records that requests cover, before the customers are written without them."""
    warehouse = erasing.warehouse
    _note_covered(erasing, covered.records)
    if warehouse.has("crm_customers"):
        receive_again(erasing.catalog, covered.tombstones["request_id"].unique())
    warehouse.append("crm_erasures", covered.tombstones)
    if not warehouse.has("crm_customers"):
        _count_as_applied(warehouse)


def note_written_over(warehouse: Warehouse, covered: Covered, day: date) -> None:
    """Let the file be written anew if requests cover more than was known before the customers were read, and `day` was
    read before: what the tables have of that try is written over, and no earlier row is kept that would be found later.
    """
    if covered.tombstones["lifted_at"].null_count() == 0 or not warehouse.has("pulls"):
        return
    tried = "SELECT 1 FROM warehouse.pulls WHERE as_of = $day AND \"table\" <> 'erasures' LIMIT 1"
    if not warehouse.read(tried, day=day).is_empty():
        note_rewrite(warehouse)


def _count_as_applied(warehouse: Warehouse) -> None:
    """What is known before anything of anybody was written is nowhere."""
    note_applied(warehouse, "rows", not_applied(warehouse, "rows"))
    note_applied(warehouse, "keys", not_applied(warehouse, "keys"))


def _note_covered(erasing: Erasing, covered: pl.DataFrame) -> None:
    """Keep the ids of the records (request_id, customer_id) that requests cover, sealed, for their certificates."""
    catalog, identity_key = erasing.catalog, erasing.keys.identity
    if covered.is_empty():
        return
    marked = covered.with_columns(mark=keyed_hash("record:" + covered["customer_id"], identity_key))
    known = noted_records(catalog)
    recent = {each.request_id for each in erasure_requests(catalog) if each.received_at >= erasing.kept_since}
    note_records(
        catalog,
        [
            (request_id, mark, sealed(customer_id, identity_key))
            for request_id, mark, customer_id in marked.select("request_id", "mark", "customer_id").iter_rows()
            if request_id in recent and (request_id, mark) not in known
        ],
    )


def _adopt(catalog: Catalog, known: pl.DataFrame) -> None:
    """Write the CRM's own requests into the catalog, where the page and certificates find them."""
    there = request_ids(catalog)
    forms = known.group_by("request_id", maintain_order=True).agg("form", pl.col("requested_at").min())
    adopt_requests(
        catalog,
        [
            (request_id, _kind(names), requested_at)
            for request_id, names, requested_at in forms.iter_rows()
            if request_id not in there
        ],
    )


def _kind(forms: list[str]) -> RequestKind:
    """What a request of the CRM names, by the forms of its tombstones."""
    return "customer_id" if "person" in forms else "email" if "email" in forms else "phone"
