"""People as of a day, in the columns that segments ask about."""

from datetime import date

import dagster as dg
import polars as pl

from assets.metadata import rows_metadata, table_spec
from assets.resources import Relance, day_of
from pipelines.features import end_of, measured, ranked
from pipelines.tables.kept import first_kept
from pipelines.totals import totals
from schemas.features import Features


def features_assets(daily: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    deps = [["customers", "customers"], ["customers", "customer_records"], ["crm", "crm_orders"], ["crm", "crm_visits"]]

    @dg.multi_asset(
        specs=[table_spec("features", "features", Features, "Value, recency and frequency of each person.", deps=deps)],
        partitions_def=daily,
        name="features",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> dg.MaterializeResult:
        with relance.stage("features"):
            warehouse, as_of = relance.warehouse, day_of(context)
            table = ranked(_measured(relance, as_of))
            dated = table.with_columns(as_of=pl.lit(as_of))
            with warehouse.transaction():
                warehouse.append("features", dated.clear())
                warehouse.execute(
                    "DELETE FROM warehouse.features WHERE as_of = $day OR as_of < $first",
                    day=as_of,
                    first=first_kept(as_of, relance.declared.settings.history_days),
                )
                warehouse.append("features", dated)
            buyers = table.filter(pl.col("orders_count") > 0).height
            return dg.MaterializeResult(metadata=rows_metadata(table.height, people_with_orders=buyers))

    return [asset]


def _measured(relance: Relance, as_of: date) -> pl.DataFrame:
    """Everybody's measures; what they are worked out from is needed no longer."""
    settings = relance.declared.settings
    customers = relance.table("customers")
    found = totals(relance.warehouse, currency=settings.currency, end=end_of(as_of, settings))
    # All people are held from here on.
    relance.warehouse.give_back_memory()
    measures = measured(
        customers,
        found.foreign,
        found.visits,
        relance.declared.rates,
        settings=settings,
        as_of=as_of,
        summed=found.orders,
    )
    return measures.collect()
