"""One asset a segment: who is in it, since when."""

import dagster as dg
import polars as pl

from assets.metadata import rows_metadata, table_spec
from assets.resources import Relance, day_of
from catalog.duckdb_connection import registered
from pipelines.segments import condition, members, stays_after
from pipelines.tables.kept import first_kept
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
            warehouse, as_of = relance.warehouse, day_of(context)
            warehouse.ensure("memberships", Memberships)
            rule = condition(name, segment, has_order_times=relance.declared.sources.has_order_times)
            columns = ", ".join(sorted({"person_id", *rule.meta.root_names()}))
            features = warehouse.read(f"SELECT {columns} FROM warehouse.features WHERE as_of = $day", day=as_of)
            today = members(features, rule, segment=name, as_of=as_of)
            known = warehouse.read(
                "SELECT *, rowid AS place FROM warehouse.memberships WHERE segment = $name", name=name
            )
            # Most ids are still their own: only the others are worth reading.
            aliases = warehouse.read("FROM warehouse.person_aliases WHERE alias <> person_id")
            stays = stays_after(known, today, aliases, segment=name, as_of=as_of, newest=relance.newest_day())
            gone, written = known.join(stays, on="place", how="anti"), stays.filter(pl.col("place").is_null())
            with warehouse.transaction(), registered(warehouse.connection, gone.select("place")) as places:
                warehouse.execute(f"DELETE FROM warehouse.memberships WHERE rowid IN (FROM {places})")
                warehouse.append("memberships", written.drop("place"))
                warehouse.execute(
                    "DELETE FROM warehouse.memberships WHERE valid_to < $first",
                    first=first_kept(as_of, relance.declared.settings.membership_days),
                )
            return dg.MaterializeResult(metadata=rows_metadata(today.height, people=today.height))

    return asset
