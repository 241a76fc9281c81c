"""Who was in a segment on a kept night."""

from __future__ import annotations

import polars as pl

from pipelines.history.nights import Night
from pipelines.segments import condition, members
from schemas.config import Config


def members_on(night: Night, declared: Config, segment: str) -> pl.DataFrame:
    """person_id, segment: who was in it, by the people and the features of that night."""
    rule = condition(segment, declared.segments[segment], has_order_times=declared.sources.has_order_times)
    columns = ", ".join(sorted({"person_id", *rule.meta.root_names()}))
    features = night.read(f"SELECT {columns} FROM warehouse.features WHERE as_of = $day", day=night.day)
    return members(features, rule, segment=segment, as_of=night.day).with_columns(segment=pl.lit(segment))
