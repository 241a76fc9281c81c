"""People's identifiers, normalised and hashed once for all networks and audiences."""

from collections.abc import Iterator

import dagster as dg

from assets.metadata import rows_metadata, table_spec
from assets.resources import Relance
from catalog.nights import record_notices
from pipelines.identifiers.mostly_refused import mostly_refused
from pipelines.identifiers.nightly import update_identifiers
from schemas.config import Config
from schemas.identifiers import IdentifierRefusals, Identifiers
from schemas.network import match_columns


def identifiers_assets(config: Config, daily: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The two tables of the stage, made together."""
    deps = [["crm", "crm_customers"], ["customers", "customer_records"]]
    # Uploads ask them. By this way what is made of consents reaches uploads without a line past this stage.
    permitted = [["customers", "permissions"], ["customers", "refusals"]]

    @dg.multi_asset(
        specs=[
            table_spec(
                "identifiers",
                "identifiers",
                Identifiers,
                "Each identifier in each network's form.",
                match_columns(config.used_networks.values()),
                deps=[*deps, *permitted],
            ),
            table_spec("identifiers", "identifier_refusals", IdentifierRefusals, "What is no match key.", deps=deps),
        ],
        partitions_def=daily,
        name="identifiers",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> Iterator[dg.MaterializeResult]:
        with relance.stage("identifiers"):
            anew = update_identifiers(relance.warehouse, match_columns(relance.declared.used_networks.values()))
            rows = {
                name: dict(
                    relance.warehouse.read(
                        f"SELECT {part}, count(*) FROM warehouse.{name} GROUP BY ALL ORDER BY ALL"
                    ).iter_rows()
                )
                for name, part in (("identifiers", "kind"), ("identifier_refusals", "refusal"))
            }
            told = mostly_refused(relance.warehouse)
            record_notices(relance.outbox.catalog, relance.outbox.night, "identifiers", told)
        for name, counts in rows.items():
            metadata = rows_metadata(
                sum(counts.values()), people_anew=anew, **{f"{value}_rows": count for value, count in counts.items()}
            )
            yield dg.MaterializeResult(asset_key=["identifiers", name], metadata=metadata)

    return [asset]
