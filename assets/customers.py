"""People, which records are theirs, every id they ever had, and where their keys may be sent."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from assets.metadata import rows_metadata, table_spec
from assets.resources import Relance, day_of
from pipelines.at_once import side_by_side
from pipelines.customers.ages import too_young
from pipelines.customers.customers import customers, person_aliases
from pipelines.customers.people import people
from pipelines.customers.permissions import barred, decisions, instant_of, purposes_heard
from pipelines.customers.records import canonical_records
from pipelines.suppressions.suppressed import suppressed_people
from schemas.customers import CustomerRecords, Customers, Permissions, PersonAliases, Refusals

#: What says who a record is; the rest of `crm_customers` stays where it is.
_COLUMNS = (
    "customer_id", "canonical_email", "email_refusal", "canonical_phone", "phone_refusal", "first_name", "last_name",
    "postal_code", "country_code", "created_at", "updated_at",
)  # fmt: skip

#: What of a statement decides; who took it where is read by `relance why` only.
_SPOKEN = (
    "customer_id", "address", "purpose", "network", "region", "status", "captured_at", "valid_from", "valid_to",
)  # fmt: skip

#: Tables of which earlier days are kept: what `relance why` needs to answer for them.
_DATED = ("customer_records", "permissions", "refusals")


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
            warehouse.ensure("person_aliases", PersonAliases)
            records = _person_records(relance)
            persons = customers(records)
            known = relance.table("person_aliases")
            newest = warehouse.read("SELECT max(captured_at) AS newest FROM warehouse.crm_consents")["newest"].item()
            heard = ", ".join(f"'{purpose}'" for purpose in purposes_heard(config.used_networks, config.settings))
            consents = warehouse.read(
                f"SELECT {', '.join(_SPOKEN)} FROM warehouse.crm_consents WHERE purpose::VARCHAR IN ({heard})"
            )
            suppressions = relance.table("crm_suppressions")
            decided, aliases = side_by_side(
                lambda: decisions(
                    records,
                    persons,
                    consents,
                    networks=config.used_networks,
                    settings=config.settings,
                    instant=instant_of(newest, config.settings, as_of),
                    barred=barred(
                        too_young(records, config.settings, as_of=as_of),
                        suppressed_people(records, suppressions, config.suppressions, config.settings),
                    ),
                ),
                lambda: person_aliases(known, records, as_of=as_of),
            )
            tables = {
                "customer_records": records.select(CustomerRecords.column_names()),
                "customers": persons,
                "person_aliases": aliases,
                "permissions": decided.permissions,
                "refusals": decided.refusals,
            }
            with warehouse.transaction():
                for name, table in tables.items():
                    if name in _DATED:
                        relance.replace_dated(name, table, as_of)
                    else:
                        warehouse.replace(name, table)
        for name, table in tables.items():
            yield dg.MaterializeResult(asset_key=["customers", name], metadata=rows_metadata(table.height))

    return [asset]


def _person_records(relance: Relance) -> pl.DataFrame:
    """`PersonRecords`; what they are made of is needed no longer."""
    settings = relance.declared.settings
    born = () if settings.minimum_age is None else ("birth_date",)
    typed = relance.warehouse.read(f"SELECT {', '.join((*_COLUMNS, *born))} FROM warehouse.crm_customers")
    canonical = canonical_records(typed, settings.joining)
    del typed
    return people(canonical, settings.joining, identity_key=relance.identity_key)
