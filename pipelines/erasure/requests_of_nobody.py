"""Requests that name nobody: if the CRM writes the ids of their people otherwise, those are not forgotten."""

from __future__ import annotations

from catalog.erasures import erasure_requests, noted_records
from catalog.store import Catalog
from catalog.warehouse import Warehouse
from pipelines.erasure.consented import consented_since
from schemas.said import Said


def requests_of_nobody(catalog: Catalog, warehouse: Warehouse) -> tuple[Said, ...]:
    """What is to be told of requests by customer_id that are new tonight, once the customers are read: how many cover
    no record, neither tonight's nor of a night that is kept. By an address many ask whom the CRM never had, and of whom
    a later consent speaks, nothing is to be covered.
    """
    new = [
        request.request_id
        for request in erasure_requests(catalog)
        if request.kind == "customer_id" and request.state == "received" and request.erased_at is None
    ]
    covering = {request_id for request_id, _ in noted_records(catalog)}
    known = covering | consented_since(warehouse)
    orphans = [request_id for request_id in new if request_id not in known]
    if not orphans:
        return ()
    says = (
        "Of {requests} new requests to be forgotten, those that name no record of tonight's CRM or of a night that is "
        "kept: {orphans}. If the CRM writes those ids otherwise (zeros in front, blanks, a prefix), nobody is "
        "forgotten by them: compare how the selects of both tables in sources.toml give customer_id."
    )
    return (Said(says, requests=len(new), orphans=len(orphans)),)
