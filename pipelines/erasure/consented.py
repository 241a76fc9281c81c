"""Requests that a later consent lifts whole: what they named stays, and may be uploaded again."""

from __future__ import annotations

from catalog.warehouse import Warehouse


def consented_since(warehouse: Warehouse) -> set[str]:
    """The ids of the requests of which no tombstone stands."""
    found = warehouse.read(
        "SELECT request_id FROM warehouse.crm_erasures GROUP BY request_id HAVING count(lifted_at) = count(*)"
    )
    return set(found["request_id"])
