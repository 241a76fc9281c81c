"""One asset a segment: who is in it, since when."""

import dagster as dg

from assets.metadata import rows_metadata, table_spec
from assets.resources import Relance, day_of
from pipelines.segments.memberships import update_memberships
from pipelines.segments.rules import members_on
from schemas.config import Config
from schemas.segment import Segment
from schemas.segments import Memberships


def segments_assets(config: Config, daily: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """An asset for each declared segment; two segments never wait for each other."""
    return [_segment(name, segment, daily) for name, segment in config.segments.items()]


def _segment(name: str, segment: Segment, daily: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    deps = [["features", "features"]]
    description = f"{segment.title}: {segment.where}"

    @dg.multi_asset(
        specs=[table_spec("segments", name, Memberships, description, deps=deps, owners=[segment.owner])],
        partitions_def=daily,
        name=f"segments_{name}",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> dg.MaterializeResult:
        with relance.stage(f"segments.{name}"):
            warehouse, declared, as_of = relance.warehouse, relance.declared, day_of(context)
            today = members_on(warehouse, declared, name, as_of=as_of)
            kept_days = declared.settings.membership_days
            update_memberships(
                warehouse, today, segment=name, as_of=as_of, newest=relance.newest_read(), kept_days=kept_days
            )
            return dg.MaterializeResult(metadata=rows_metadata(today.height, people=today.height))

    return asset
