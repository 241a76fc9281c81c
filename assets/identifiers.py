"""People's identifiers, normalised and hashed once for all networks and audiences."""

import dagster as dg

from assets.metadata import rows_metadata, table_spec
from assets.resources import Relance
from pipelines.identifiers.identifiers import identifiers
from schemas.identifiers import Identifiers
from schemas.network import match_columns

#: `PersonRecords`: raw values lie in `crm_customers` only.
_PERSON_RECORDS = """
SELECT records.*, canonical_email AS email, canonical_phone AS phone, country_code AS country, phone_country_source,
    first_name, last_name, birth_date, gender, city, region, postal_code, mobile_ad_id, created_at, updated_at
FROM warehouse.customer_records AS records JOIN warehouse.crm_customers USING (customer_id)
"""


def identifiers_assets(daily: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    deps = [["crm", "crm_customers"], ["customers", "customer_records"]]

    @dg.multi_asset(
        specs=[
            table_spec("identifiers", "identifiers", Identifiers, "Each identifier in each network's form.", deps=deps)
        ],
        partitions_def=daily,
        name="identifiers",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> dg.MaterializeResult:
        with relance.stage("identifiers"):
            columns = match_columns(relance.declared.used_networks)
            table = identifiers(relance.warehouse.read(_PERSON_RECORDS), columns)
            relance.warehouse.replace("identifiers", table)
            kinds = {f"{kind}_rows": rows for kind, rows in sorted(table.group_by("kind").len().iter_rows())}
            return dg.MaterializeResult(metadata=rows_metadata(table.height, **kinds))

    return [asset]
