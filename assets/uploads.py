"""One asset an audience: its file, checked, in the outbox; and the keys that no file may carry."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg

from assets.metadata import columns_metadata, file_columns, privacy_tag, rows_metadata, table_spec
from assets.resources import Relance, day_of
from pipelines.customers.refused_emails import refused_emails
from pipelines.uploads.reached import publish_audience, publish_retired
from pipelines.uploads.refused_keys.doubtful import is_forbidding, weigh_keys
from pipelines.uploads.refused_keys.shared_by_many import with_keys_shared_by_many
from pipelines.uploads.refused_keys.weighed import note_weighed, weighing_rules
from pipelines.uploads.rows.audience_rows import AudienceRows
from pipelines.uploads.versions.publication import Published
from schemas.choice import choice_of
from schemas.config import Config
from schemas.errors import PublicationError
from schemas.segment import Audience
from schemas.uploads import RefusedKeys, RetiredAudiences

#: What the gate inside `publish` enforces before anything is published; the checks repeat its verdict.
CHECKS = {
    "file_is_accepted": "It is as long as written, and a second reader finds nothing to refuse: every hash looks like "
    "one, no @ anywhere.",
    "ledger_closes": "People in the segment = people in the file + people dropped, each for a named reason.",
}


def uploads_assets(config: Config, daily: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """An asset for each audience that some segment lists."""
    audiences = [_audience(audience, config, daily) for audience in config.audiences]
    return [_refused_keys(daily), *audiences, _retired(daily)]


def _refused_keys(daily: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    # Permissions and erasures are older than identifiers; naming them would only blur the picture.
    deps = [["identifiers", "identifiers"]]
    description = "Keys that somebody refused shares with somebody permitted, or with too many: in no row."

    @dg.multi_asset(
        specs=[table_spec("uploads", "refused_keys", RefusedKeys, description, deps=deps)],
        partitions_def=daily,
        name="refused_keys",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> dg.MaterializeResult:
        with relance.stage("uploads.refused_keys"):
            networks, erasures = relance.declared.used_networks, relance.table("crm_erasures")
            emails = refused_emails(relance.warehouse, relance.declared)
            rules = weighing_rules(networks, forbidding=is_forbidding(erasures, emails))
            weighed = weigh_keys(relance.warehouse, networks, erasures, relance.identity_key, emails, rules)
            refused = with_keys_shared_by_many(weighed.refused, relance.warehouse, networks)
            with relance.warehouse.transaction():
                relance.replace_dated("refused_keys", refused, day_of(context))
                note_weighed(relance.warehouse, rules, weighed.people)
            return dg.MaterializeResult(metadata=rows_metadata(refused.height))

    return asset


def _retired(daily: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    deps = [["uploads", "refused_keys"], ["identifiers", "identifiers"]]
    description = "Audiences that left the config and whose lists are still to be deleted: nobody is added to them."

    @dg.multi_asset(
        specs=[table_spec("uploads", "retired_audiences", RetiredAudiences, description, deps=deps)],
        partitions_def=daily,
        name="retired_audiences",
    )
    def asset(context: dg.AssetExecutionContext, relance: Relance) -> dg.MaterializeResult:
        as_of = day_of(context)
        with relance.stage("uploads.retired_audiences", publishes=True):
            table = publish_retired(relance.tonight(as_of), relance.declared, relance.outbox, as_of=as_of)
            relance.warehouse.replace("retired_audiences", table)
            return dg.MaterializeResult(metadata=rows_metadata(table.height))

    return asset


def _audience(audience: Audience, config: Config, daily: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    segment, network = config.segments[audience.segment], config.networks[audience.network]
    choice = choice_of(audience, config.segments)
    key = ["uploads", *str(audience).split("/")]
    deps = [
        ["features", "features"],
        *(["segments", name] for name in sorted({audience.segment, *choice.segments})),
        ["identifiers", "identifiers"],
        ["uploads", "refused_keys"],
    ]

    columns = file_columns(network)

    @dg.asset(
        key=key,
        group_name="uploads",
        description=f"{segment.title} for {network.title}, shown there as {segment.public_name}.",
        deps=deps,
        kinds={"csv"},
        tags={**privacy_tag(columns), "network": audience.network},
        owners=[segment.owner],
        metadata=columns_metadata(columns),
        check_specs=[dg.AssetCheckSpec(name, asset=key, description=text) for name, text in CHECKS.items()],
        partitions_def=daily,
    )
    def asset(
        context: dg.AssetExecutionContext, relance: Relance
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        as_of = day_of(context)
        try:
            with relance.stage(f"uploads.{audience}", publishes=True):
                rows, published = publish_audience(
                    audience,
                    relance.tonight(as_of, audience.segment, *choice.segments),
                    relance.declared,
                    relance.outbox,
                    as_of=as_of,
                    past_rows=partial(relance.past_rows, audience),
                )
        except PublicationError as error:
            if error.check is not None:
                yield dg.AssetCheckResult(passed=False, check_name=error.check, description=str(error))
            raise
        yield _result(relance, audience, rows, published)

    return asset


def _result(relance: Relance, audience: Audience, rows: AudienceRows, published: Published) -> dg.MaterializeResult:
    ledger = rows.ledger
    metadata: dict[str, Any] = {
        **rows_metadata(ledger.file_rows, people=ledger.file_people, segment_people=ledger.segment_people),
        **{f"dropped/{reason}": people for reason, people in ledger.dropped.items()},
        **{f"refused/{reason}": refused for reason, refused in ledger.refused_identifiers.items()},
        **{f"with/{name}": held.people for name, held in ledger.identifiers.items()},
        **{
            f"without/{name}/{reason}": people
            for name, held in ledger.identifiers.items()
            for reason, people in held.lost.items()
        },
        "outcome": published.outcome,
    }
    if published.manifest is not None:
        metadata |= {"adds": published.manifest.adds, "removes": published.manifest.removes}
    if published.version is not None:
        metadata["version"] = published.version
        metadata["outbox"] = dg.MetadataValue.path(relance.outbox.folder(audience, published.version))
    if published.reason is not None:
        metadata["held"] = published.reason
    files = len(published.manifest.files) if published.manifest is not None else 0
    checks = [
        dg.AssetCheckResult(
            passed=True,
            check_name="file_is_accepted",
            # Dagster demands a result also where there is nothing to look at.
            description=None if files else f"No file was made, and so none was read: {published.reason}.",
            metadata={"files": files},
        ),
        dg.AssetCheckResult(
            passed=True,
            check_name="ledger_closes",
            metadata={"segment_people": ledger.segment_people, "file_people": ledger.file_people},
        ),
    ]
    return dg.MaterializeResult(metadata=metadata, check_results=checks)
