"""The requests that are known: both stores know the same, with every record and tombstone that they cover."""

from __future__ import annotations

import polars as pl

from catalog.erasures import (
    adopt_requests,
    catalog_tombstones,
    erasure_requests,
    note_records,
    noted_records,
    receive_again,
    request_ids,
)
from catalog.sealed import sealed
from catalog.store import Catalog
from pipelines.erasure.applied import count_as_applied
from pipelines.erasure.erasing import Erasing
from pipelines.identifiers.hashes import keyed_hash
from pipelines.tombstones.covered import Covered
from schemas.crm import TOMBSTONE, CrmErasures
from schemas.erasure import RequestKind


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


def adopt(catalog: Catalog, known: pl.DataFrame) -> None:
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


def keep_covered(erasing: Erasing, covered: Covered) -> None:
    """Keep what is missing of the records that requests cover, before the customers are written without them."""
    warehouse = erasing.warehouse
    _note_covered(erasing, covered.records)
    if warehouse.has("crm_customers"):
        receive_again(erasing.catalog, covered.tombstones["request_id"].unique())
    warehouse.append("crm_erasures", covered.tombstones)
    if not warehouse.has("crm_customers"):
        count_as_applied(warehouse)


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
