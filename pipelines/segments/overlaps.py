"""How many people two segments share."""

from __future__ import annotations

from collections.abc import Collection

from catalog.warehouse import Warehouse


def overlaps(warehouse: Warehouse, segments: Collection[str]) -> list[tuple[str, str, int]]:
    """Of the people who are in a segment now: (segment, other segment, people in both), each pair both ways round.

    Only `segments` are worked out each night: of one that left the config the people stay who were in it last.
    """
    if not warehouse.has("memberships"):
        return []
    shared = warehouse.read(
        "SELECT one.segment, two.segment AS other, count(*)::BIGINT AS people "
        "FROM warehouse.memberships AS one JOIN warehouse.memberships AS two USING (person_id) "
        "WHERE one.valid_to IS NULL AND two.valid_to IS NULL AND one.segment <> two.segment "
        "AND list_contains($segments::VARCHAR[], one.segment) AND list_contains($segments::VARCHAR[], two.segment) "
        "GROUP BY ALL ORDER BY ALL",
        segments=list(segments),
    )
    return shared.rows()
