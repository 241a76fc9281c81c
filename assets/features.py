"""People as of a day, in the columns that segments ask about."""

import dagster as dg
import polars as pl

from assets.metadata import rows_metadata, table_spec
from assets.resources import Relance, day_of
from pipelines.features.nightly import update_features
from schemas.features import Features


def features_assets(daily: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The stage's one table."""
    deps = [["customers", "customers"], ["customers", "customer_records"], ["crm", "crm_orders"], ["crm", "crm_visits"]]

    @dg.multi_asset(
        specs=[table_spec("features", "features", Features, "Value, recency and frequency of each person.", deps=deps)],
        partitions_def=daily,
        name="features",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> dg.MaterializeResult:
        with relance.stage("features"):
            declared = relance.declared
            table = update_features(relance.warehouse, declared.rates, declared.settings, as_of=day_of(context))
            buyers = table.filter(pl.col("orders_count") > 0).height
            return dg.MaterializeResult(metadata=rows_metadata(table.height, people_with_orders=buyers))

    return [asset]
