"""Alerts from Dagster: nights that failed or were held, and the one that is not there in the morning."""

from datetime import UTC, date, datetime

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from assets.launch import cause_of
from assets.nights import started_as
from catalog.alerts import tell
from catalog.home import Home
from catalog.nights import end_interrupted, night_of_run, night_report, record_unbegun
from catalog.store import open_catalog
from pipelines.alerts import late_message, night_message, tell_again, unreported_message
from pipelines.declared import checked_config
from pipelines.freshness import freshness
from schemas.config import Config
from schemas.errors import HomeLockedError, RelanceError
from schemas.said import Said

#: The asset whose check says whether last night is there: the first that a night makes.
FRESHNESS_ASSET = dg.AssetKey(["crm", "crm_customers"])
FRESHNESS_CHECK = "last_night_is_there"

#: Seconds after which a run that lives has begun its night.
_BEGINS_WITHIN = 900


def alert_sensors(config: Config, home: Home, job: UnresolvedAssetJobDefinition) -> list[dg.SensorDefinition]:
    """One sensor for runs that failed, one for runs that went through with audiences held, one for the morning."""
    common = {"monitored_jobs": [job], "default_status": dg.DefaultSensorStatus.RUNNING}

    @dg.run_failure_sensor(name="night_failed", **common)
    def failed(context: dg.RunFailureSensorContext) -> None:
        reason = cause_of(context.failure_event) or _changed(config) or context.failure_event.message
        _tell_of_run(config, home, context.dagster_run, reason)

    @dg.run_status_sensor(name="night_held", run_status=dg.DagsterRunStatus.SUCCESS, **common)
    def held(context: dg.RunStatusSensorContext) -> None:
        _tell_of_run(config, home, context.dagster_run, "")

    return [failed, held, _freshness_sensor(config, home), _dead_runs_sensor(home)]


def _changed(config: Config) -> RelanceError | str | None:
    """What is wrong with the config as it is now, or that it is another than Dagster knows: a run reads it anew."""
    try:
        now = checked_config(config.folder)
    except RelanceError as error:
        return error
    if set(now.audiences) == set(config.audiences):
        return None
    return (
        "config/ declares other audiences than when Dagster read it. Restart Dagster's daemon, or reload its "
        "definitions on its page if `make ui` started it, and run the night again."
    )


def _tell_of_run(config: Config, home: Home, run: dg.DagsterRun, reason: RelanceError | str | None) -> None:
    with open_catalog(home) as catalog:
        night = night_of_run(catalog, run.run_id)
        if night is None:
            partition = run.tags.get("dagster/partition")
            day = date.fromisoformat(partition) if partition else datetime.now(config.settings.zone).date()
            where = Said("Dagster's page shows run {run}.", run=run.run_id)
            says = Said("{reason} {where}", reason=reason, where=where) if reason else where
            # The run that holds the home is the night; what the schedule did not start, somebody watches on the page.
            if isinstance(reason, HomeLockedError) or started_as(run.tags, whole=False) != "nightly":
                tell(catalog, config.settings.alerts, unreported_message(day, says), again=True)
                return
            night = record_unbegun(catalog, day, RelanceError(says), run.run_id)
        message = night_message(night_report(catalog, night))
        if message is not None:
            tell(catalog, config.settings.alerts, message)


def freshness_check(config: Config, home: Home) -> dg.AssetChecksDefinition:
    """The check as Dagster's page shows it; it can be evaluated by hand, and no night evaluates it."""

    @dg.asset_check(
        asset=FRESHNESS_ASSET,
        name=FRESHNESS_CHECK,
        description=f"Last night is there by {config.settings.fresh_by:%H:%M}, by the nights of the catalog.",
    )
    def check() -> dg.AssetCheckResult:
        with open_catalog(home) as catalog:
            return _result(*freshness(catalog, config, datetime.now(UTC)))

    return check


def _dead_runs_sensor(home: Home) -> dg.SensorDefinition:
    """Ends runs that died with their machine: to Dagster they go on, and the queue waits for them."""

    @dg.sensor(name="dead_runs", minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        going_on = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
        dead = [record for record in context.instance.get_run_records(going_on) if _is_dead(record, home)]
        for record in dead:
            says = "The run died: it was killed, or its machine stopped. The next run mends what it left."
            context.instance.report_run_failed(record.dagster_run, says)
        return dg.SkipReason(f"{len(dead)} runs had died.")

    return sensor


def _is_dead(record: dg.RunRecord, home: Home) -> bool:
    """Whether its night broke off, which is so once nobody holds the home; or whether it long ago began none."""
    with open_catalog(home) as catalog:
        end_interrupted(catalog, home)
        night = night_of_run(catalog, record.dagster_run.run_id)
        if night is not None:
            return night_report(catalog, night).outcome == "interrupted"
    began = record.start_time
    return began is not None and datetime.now(UTC).timestamp() - began > _BEGINS_WITHIN


def _freshness_sensor(config: Config, home: Home) -> dg.SensorDefinition:
    """Outside the run queue, since a night that hangs would hold it up."""

    @dg.sensor(name="last_night_is_there", minimum_interval_seconds=300, default_status=dg.DefaultSensorStatus.RUNNING)
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        with open_catalog(home) as catalog:
            day, late = freshness(catalog, config, datetime.now(UTC))
            is_new = catalog.last_night() is None and context.cursor in {None, f"{day} new"}
        # Dagster shows a check as not evaluated as soon as its asset was materialized again.
        materialization = context.instance.get_latest_materialization_event(FRESHNESS_ASSET)
        since = f" {materialization.timestamp}" if materialization is not None else ""
        if is_new:
            return dg.SensorResult(cursor=f"{day} new", skip_reason="No night was due yet: the home is new.")
        with open_catalog(home) as catalog:
            # What could not be sent at an earlier look is tried with each.
            if late is not None:
                tell(catalog, config.settings.alerts, late_message(day, late))
            tell_again(catalog, config.settings.alerts)
        found = f"{day} {'late' if late else 'there'}{since}"
        if found == context.cursor:
            return dg.SensorResult(cursor=found)
        result = _result(day, late)
        evaluation = dg.AssetCheckEvaluation(
            asset_key=FRESHNESS_ASSET,
            check_name=FRESHNESS_CHECK,
            passed=result.passed,
            metadata=result.metadata,
            description=result.description,
        )
        return dg.SensorResult(cursor=found, asset_events=[evaluation])

    return sensor


def _result(day: date, late: str | None) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=late is None,
        asset_key=FRESHNESS_ASSET,
        check_name=FRESHNESS_CHECK,
        description=late or f"The night that was due on {day} is there.",
        metadata={"day": day.isoformat()},
    )
