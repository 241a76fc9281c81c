"""The CRM's tables, read for the newest day only: yesterday's CRM cannot be read again."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from assets.metadata import Metadata, rows_metadata, table_spec
from assets.resources import Relance, day_of
from catalog.nights import record_notices
from pipelines.crm.emptied import check_consents_arrived
from pipelines.crm.notices.of_table import notices_of
from pipelines.crm.notices.renumbered import renumbered
from pipelines.crm.notices.standing_still import standing_still
from pipelines.crm.notices.unreadable import unreadable_countries, unreadable_lists
from pipelines.crm.pull import TableToWrite, pull_table
from pipelines.crm.pull_erasures import pull_erasures
from pipelines.crm.suppressions import read_suppressions
from pipelines.erasure.applied import not_applied
from pipelines.erasure.known import known_erasures, note_changed
from pipelines.erasure.requests_of_nobody import requests_of_nobody
from pipelines.erasure.taking_in import take_in
from pipelines.erasure.until_read import let_go, there_before
from pipelines.erasure.written import write_table
from pipelines.history.set_aside import QUARANTINE_DAYS, count_set_aside
from schemas import crm
from schemas.errors import EmptyCrmError
from schemas.source import TableName

_DESCRIPTIONS: dict[TableName, tuple[str, type]] = {
    "customers": ("CRM records that keep their contract, without erased people.", crm.CanonicalCustomers),
    "orders": ("Orders that keep their contract and whose currency has a rate.", crm.CrmOrders),
    "consents": ("What people allow and refuse, statement by statement.", crm.CrmConsents),
    "visits": ("Web and app events.", crm.CrmVisits),
}


def crm_assets(daily: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """One asset a table; erasures first, then customers, since every other table is read without the erased."""
    others: tuple[TableName, ...] = ("orders", "consents", "visits")
    tables = [_erasures(daily), _customers(daily), *(_table(name, daily) for name in others)]
    return [*tables, _suppressions(daily), _quarantine(daily)]


def _erasures(daily: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    description = "Requests to be forgotten: keyed hashes and dates, never the value."

    @dg.multi_asset(
        specs=[table_spec("crm", "crm_erasures", crm.CrmErasures, description)],
        partitions_def=daily,
        name="crm_erasures",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> dg.MaterializeResult:
        with relance.stage("crm.erasures", context):
            reading = relance.reading(context)
            table = pull_erasures(reading, known_erasures(relance.erasing))
            record_notices(relance.outbox.catalog, relance.outbox.night, "requests", table.notices)
            note_changed(relance.erasing, table.rows)
            metadata = _written(context, relance, "erasures", table)
            take_in(relance.erasing, reading.lift, reading.arriving_statements)
            return dg.MaterializeResult(metadata=metadata)

    return asset


def _customers(daily: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    description, contract = _DESCRIPTIONS["customers"]
    key = ["crm", "crm_customers"]

    @dg.multi_asset(
        specs=[table_spec("crm", "crm_customers", contract, description, deps=[["crm", "crm_erasures"]])],
        check_specs=[dg.AssetCheckSpec("customers_arrive", asset=key, description="The CRM is not empty.")],
        partitions_def=daily,
        name="crm_customers",
    )
    def asset(
        context: dg.AssetExecutionContext, relance: Relance
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        try:
            with relance.stage("crm.customers", context):
                unapplied = not_applied(relance.warehouse, "rows")
                erasures = relance.table("crm_erasures")
                before = there_before(relance.warehouse)
                reading = relance.reading(context)
                table = pull_table("customers", reading, erasures, unapplied=unapplied, before=before)
                metadata = _written(context, relance, "customers", table)
                let_go(relance.warehouse)
                catalog, night = relance.outbox.catalog, relance.outbox.night
                record_notices(catalog, night, "erasures", requests_of_nobody(catalog, relance.warehouse))
                notices = [*renumbered(relance.warehouse, day_of(context)), *unreadable_countries(relance.warehouse)]
                record_notices(catalog, night, "customers", notices)
        except EmptyCrmError as error:
            yield dg.AssetCheckResult(passed=False, check_name="customers_arrive", description=str(error))
            raise
        yield dg.MaterializeResult(metadata=metadata)
        yield dg.AssetCheckResult(passed=True, check_name="customers_arrive")

    return asset


def _table(name: TableName, daily: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    description, contract = _DESCRIPTIONS[name]

    @dg.multi_asset(
        specs=[table_spec("crm", f"crm_{name}", contract, description, deps=[["crm", "crm_customers"]])],
        partitions_def=daily,
        name=f"crm_{name}",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> dg.MaterializeResult:
        with relance.stage(f"crm.{name}", context):
            reading = relance.reading(context)
            unapplied = not_applied(relance.warehouse, "rows")
            table = pull_table(name, reading, relance.table("crm_erasures"), unapplied=unapplied)
            check_consents_arrived(name, table.read, reading, relance.warehouse)
            metadata = _written(context, relance, name, table)
            notices = notices_of(
                name,
                relance.warehouse,
                identity_key=relance.identity_key,
                default_country=relance.declared.settings.default_country,
                now=relance.now(),
            )
            record_notices(relance.outbox.catalog, relance.outbox.night, name, notices.told)
            return dg.MaterializeResult(metadata={**metadata, "orphans": notices.orphans})

    return asset


def _suppressions(daily: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    description = "Whom the company's suppression rules name."

    @dg.multi_asset(
        specs=[
            table_spec("crm", "crm_suppressions", crm.CrmSuppressions, description, deps=[["crm", "crm_customers"]])
        ],
        partitions_def=daily,
        name="crm_suppressions",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> dg.MaterializeResult:
        with relance.stage("crm.suppressions", context):
            rules = relance.declared.suppressions
            table = read_suppressions(
                rules,
                relance.reading(context),
                relance.table("crm_erasures"),
                relance.table("withheld_addresses"),
            )
            relance.warehouse.replace("crm_suppressions", table)
            notices = unreadable_lists(relance.warehouse, relance.declared.settings.default_country)
            record_notices(relance.outbox.catalog, relance.outbox.night, "suppressions", notices)
            named = {f"{rule}_rows": rows for rule, rows in sorted(table.group_by("rule").len().iter_rows())}
            return dg.MaterializeResult(metadata=rows_metadata(table.height, **named))

    return asset


def _quarantine(daily: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    description = f"Source rows that broke their contract, masked; kept for {QUARANTINE_DAYS} days."
    deps = [["crm", f"crm_{name}"] for name in ("erasures", *_DESCRIPTIONS)]

    @dg.multi_asset(
        specs=[table_spec("crm", "quarantine", crm.Quarantine, description, deps=deps)],
        partitions_def=daily,
        name="quarantine",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> dg.MaterializeResult:
        with relance.stage("crm.quarantine"):
            counts = count_set_aside(relance.warehouse, day_of(context))
            relance.outbox.catalog.record_quarantine(relance.outbox.night, counts.to_dicts())
            settings = relance.declared.settings
            nights = settings.unchanged_nights, settings.unchanged_consents_nights
            still = standing_still(relance.warehouse, day_of(context), *nights)
            record_notices(relance.outbox.catalog, relance.outbox.night, "arrivals", still)
            metadata = {**rows_metadata(int(counts["rows"].sum())), "reasons": _reasons(counts)}
            return dg.MaterializeResult(metadata=metadata)

    return asset


def _written(context: dg.AssetExecutionContext, relance: Relance, name: TableName, table: TableToWrite) -> Metadata:
    """Write a table; its counts."""
    write_table(relance.erasing, name, table, day=day_of(context))
    return rows_metadata(
        relance.warehouse.height(f"crm_{name}"),
        read=table.read,
        accepted=table.read - table.quarantined.height,
        quarantined=table.quarantined.height,
        erased=table.erased,
        **({"normalised_anew": table.normalised} if name == "customers" else {}),
    )


def _reasons(counts: pl.DataFrame) -> dg.TableMetadataValue:
    records = [dg.TableRecord(row) for row in counts.iter_rows(named=True)]
    columns = [dg.TableColumn("table"), dg.TableColumn("rule"), dg.TableColumn("rows", "int")]
    return dg.MetadataValue.table(records, dg.TableSchema(columns=columns))
