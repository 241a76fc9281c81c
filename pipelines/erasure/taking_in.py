"""Requests taken in: both stores know the same, with all that they cover, and what they name leaves every table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import polars as pl

from catalog.erasures import mark_erased, mark_rewritten, requests_in
from pipelines.erasure.applied import count_as_applied, forget_lifted, left_behind, not_applied
from pipelines.erasure.erasing import Erasing
from pipelines.erasure.known import adopt, keep_covered, known_erasures
from pipelines.erasure.purge import purge
from pipelines.erasure.reached import reached
from pipelines.erasure.still_refused import keep_refusals
from pipelines.erasure.until_read import keep_until_read
from pipelines.erasure.urgent import Waiting
from pipelines.tombstones.covered import Lift, lifted
from pipelines.tombstones.met import met_rows
from schemas.network import match_columns

#: How long the warehouse's file may keep, in pages that are free, what somebody has left who came back with a consent.
DAYS_TO_REWRITE = 7


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
    adopt(catalog, known)
    forget_lifted(warehouse)
    if not warehouse.has("crm_customers"):
        # No customer was ever read, so nothing of theirs is anywhere, and the first reading leaves them out.
        received = requests_in(catalog, "received")
        mark_erased(catalog, received)
        mark_rewritten(catalog, received)
        count_as_applied(warehouse)
        return
    fresh = not_applied(warehouse, "rows")
    if fresh.is_empty():
        return
    met = met_rows(warehouse, "warehouse.crm_customers", fresh, erasing.compared)
    covered, forgotten = reached(erasing, met, fresh)
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
