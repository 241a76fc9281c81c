"""People's identifiers, normalised and hashed once for all networks and audiences."""

from collections.abc import Iterator

import dagster as dg

from assets.metadata import rows_metadata, table_spec
from assets.resources import Relance
from pipelines.identifiers.identifiers import identifier_refusals, identifiers
from schemas.identifiers import IdentifierRefusals, Identifiers, MatchColumn
from schemas.network import match_columns

#: Read only where some network asks for it.
_ASKED_RARELY = ("birth_date", "gender", "city", "region")


def _person_records(columns: tuple[MatchColumn, ...]) -> str:
    """SQL for what `identifiers` needs of `PersonRecords`: raw values lie in `crm_customers` only."""
    asked = [name for name in _ASKED_RARELY if name in {column.identifier for column in columns}]
    return f"""
    SELECT person_id, position, records.email_refusal, records.phone_refusal, customer_id, canonical_email AS email,
        canonical_phone AS phone, country_code AS country, {"".join(f"{name}, " for name in asked)}phone_country_source,
        phone_type, first_name, last_name, postal_code, mobile_ad_id, created_at, updated_at
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
            columns = match_columns(relance.declared.used_networks)
            records = relance.warehouse.read(_person_records(columns))
            tables = {
                "identifiers": (identifiers(records, columns), "kind"),
                "identifier_refusals": (identifier_refusals(records), "refusal"),
            }
            relance.warehouse.replace_all({name: table for name, (table, _) in tables.items()})
        for name, (table, part) in tables.items():
            counts = {f"{value}_rows": rows for value, rows in sorted(table.group_by(part).len().iter_rows())}
            yield dg.MaterializeResult(asset_key=["identifiers", name], metadata=rows_metadata(table.height, **counts))

    return [asset]
