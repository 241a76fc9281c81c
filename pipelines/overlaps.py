"""How many people two segments share."""

from __future__ import annotations

from catalog.warehouse import Warehouse


def overlaps(warehouse: Warehouse) -> list[tuple[str, str, int]]:
    """Of the people who are in a segment now: (segment, other segment, people in both), each pair both ways round."""
    if not warehouse.has("memberships"):
        return []
    shared = warehouse.read(
        "SELECT one.segment, two.segment AS other, count(*)::BIGINT AS people "
        "FROM warehouse.memberships AS one JOIN warehouse.memberships AS two USING (person_id) "
        "WHERE one.valid_to IS NULL AND two.valid_to IS NULL AND one.segment <> two.segment GROUP BY ALL ORDER BY ALL"
    )
    return shared.rows()
