"""People's identifiers, normalised and hashed once for all networks and audiences."""

import dagster as dg

from assets.metadata import rows_metadata, table_spec
from assets.resources import Relance
from pipelines.identifiers.identifiers import identifiers
from schemas.identifiers import Identifiers
from schemas.network import match_columns


def identifiers_assets(daily: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    deps = [["customers", "customer_records"]]

    @dg.multi_asset(
        specs=[
            table_spec("identifiers", "identifiers", Identifiers, "Each identifier in each network's form.", deps=deps)
        ],
        partitions_def=daily,
        name="identifiers",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> dg.MaterializeResult:
        with relance.stage("identifiers"):
            table = identifiers(relance.table("customer_records"), match_columns(relance.declared.networks))
            relance.warehouse.replace("identifiers", table)
            kinds = {f"{kind}_rows": rows for kind, rows in sorted(table.group_by("kind").len().iter_rows())}
            return dg.MaterializeResult(metadata=rows_metadata(table.height, **kinds))

    return [asset]
