"""How many people segments share, by who is in them now."""

from __future__ import annotations

from datetime import date

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.segments.overlaps import overlaps
from schemas.segments import Memberships


def test_a_segment_that_left_the_config_shares_nobody_any_more(warehouse: Warehouse) -> None:
    stays = [(person, segment) for segment in ("loyal", "new", "gone") for person in ("p1", "p2")]
    warehouse.ensure("memberships", Memberships)
    frame = pl.DataFrame(stays, schema=["person_id", "segment"], orient="row")
    empty = pl.DataFrame(Memberships.create_empty())
    frame = frame.with_columns(valid_from=date(2024, 6, 30), valid_to=pl.lit(None, pl.Date)).select(empty.columns)
    warehouse.append("memberships", frame)
    assert overlaps(warehouse, ["loyal", "new"]) == [("loyal", "new", 2), ("new", "loyal", 2)]
