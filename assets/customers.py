"""People, which records are theirs, every id they ever had, and where their keys may be sent."""

from collections.abc import Iterator

import dagster as dg

from assets.metadata import rows_metadata, table_spec
from assets.resources import Relance, day_of
from catalog.nights import record_notices
from pipelines.crm.notices.orphans import orphaned_lists
from pipelines.customers.decided import update_permissions
from pipelines.customers.nightly import update_people
from schemas.customers import CustomerRecords, Customers, Permissions, PersonAliases, Refusals

_TABLES = ("customer_records", "customers", "person_aliases", "permissions", "refusals")


def customers_assets(daily: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The five tables of the stage, made together."""
    records = [["crm", "crm_customers"]]
    consents = [*records, ["crm", "crm_consents"], ["crm", "crm_suppressions"]]

    @dg.multi_asset(
        specs=[
            table_spec(
                "customers", "customer_records", CustomerRecords, "Which record is whose, and why.", deps=records
            ),
            table_spec("customers", "customers", Customers, "A row a person.", deps=records),
            table_spec("customers", "person_aliases", PersonAliases, "Every person id ever given.", deps=records),
            table_spec("customers", "permissions", Permissions, "Whose keys may be sent where.", deps=consents),
            table_spec("customers", "refusals", Refusals, "Whose keys may not be sent where, and why.", deps=consents),
        ],
        partitions_def=daily,
        name="customers",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> Iterator[dg.MaterializeResult]:
        with relance.stage("customers"):
            warehouse, config, as_of = relance.warehouse, relance.declared, day_of(context)
            days = {"as_of": as_of, "kept_days": config.settings.history_days}
            with warehouse.transaction():
                joining, identity_key = config.settings.joining, relance.identity_key
                known = update_people(warehouse, joining, identity_key=identity_key, **days)
                notices = update_permissions(warehouse, config, identity_key, known=known, **days)
            catalog, night = relance.outbox.catalog, relance.outbox.night
            record_notices(catalog, night, "permissions", notices)
            # Only now it is known whose the ids are that the CRM replaced tonight.
            record_notices(catalog, night, "lists", orphaned_lists(warehouse, identity_key))
            rows = {name: warehouse.height(name) for name in _TABLES}
        for name, height in rows.items():
            yield dg.MaterializeResult(asset_key=["customers", name], metadata=rows_metadata(height))

    return [asset]
