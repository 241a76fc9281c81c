"""People's identifiers, normalised and hashed once for all networks and audiences."""

from collections.abc import Iterator

import dagster as dg

from assets.metadata import rows_metadata, table_spec
from assets.resources import Relance
from pipelines.identifiers.identifiers import identifier_refusals, identifiers
from schemas.identifiers import IdentifierRefusals, Identifiers
from schemas.network import match_columns

#: `PersonRecords`: raw values lie in `crm_customers` only.
_PERSON_RECORDS = """
SELECT records.*, canonical_email AS email, canonical_phone AS phone, country_code AS country, phone_country_source,
    phone_type, first_name, last_name, birth_date, gender, city, region, postal_code, mobile_ad_id, created_at,
    updated_at
FROM warehouse.customer_records AS records JOIN warehouse.crm_customers USING (customer_id)
"""


def identifiers_assets(daily: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The two tables of the stage, made together."""
    deps = [["crm", "crm_customers"], ["customers", "customer_records"]]

    @dg.multi_asset(
        specs=[
            table_spec("identifiers", "identifiers", Identifiers, "Each identifier in each network's form.", deps=deps),
            table_spec("identifiers", "identifier_refusals", IdentifierRefusals, "What is no match key.", deps=deps),
        ],
        partitions_def=daily,
        name="identifiers",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> Iterator[dg.MaterializeResult]:
        with relance.stage("identifiers"):
            records = relance.warehouse.read(_PERSON_RECORDS)
            tables = {
                "identifiers": (identifiers(records, match_columns(relance.declared.used_networks)), "kind"),
                "identifier_refusals": (identifier_refusals(records), "refusal"),
            }
            with relance.warehouse.transaction():
                for name, (table, _) in tables.items():
                    relance.warehouse.replace(name, table)
        for name, (table, part) in tables.items():
            counts = {f"{value}_rows": rows for value, rows in sorted(table.group_by(part).len().iter_rows())}
            yield dg.MaterializeResult(asset_key=["identifiers", name], metadata=rows_metadata(table.height, **counts))

    return [asset]
