"""The nightly job's schedule."""

from datetime import UTC, date, datetime
from time import sleep

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from assets.nights import NEWEST_DAY
from catalog.alerts import tell
from catalog.home import Home
from catalog.nights import newest_whole_day, night_report, record_unbegun
from catalog.store import open_catalog
from pipelines.alerts import night_message
from pipelines.crm.days import newest_day
from schemas.config import Config
from schemas.errors import RelanceError, UnreachableSourceError

#: Before a source that is away is looked at again.
_SECONDS = 20


def nightly_schedule(config: Config, home: Home, job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Every night at 02:00 in the company's time zone, once.

    When clocks go forward over 02:00 it starts at 03:00; when they go back, at the second of the two.
    """

    @dg.schedule(
        job=job,
        cron_schedule="0 2 * * *",
        execution_timezone=config.settings.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        name="every_night",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        now = datetime.now(UTC)
        try:
            day = _newest_day(config, home, now).isoformat()
        except RelanceError as error:
            today = now.astimezone(config.settings.zone).date()
            with open_catalog(home) as catalog:
                last = newest_whole_day(catalog)
                if last is not None:
                    # It fails again at what is wrong, and takes out of the lists whom it must.
                    return dg.RunRequest(partition_key=last.isoformat(), tags={NEWEST_DAY: last.isoformat()})
                # No run begins, so that no sensor would tell anybody.
                message = night_message(night_report(catalog, record_unbegun(catalog, today, error)))
                if message is not None:
                    tell(catalog, config.settings.alerts, message)
            raise
        return dg.RunRequest(partition_key=day, tags={NEWEST_DAY: day})

    return schedule


def _newest_day(config: Config, home: Home, now: datetime) -> date:
    """As `newest_day`, tried once more where the source is away; a schedule has a minute in all."""
    try:
        return newest_day(config, home, now)
    except UnreachableSourceError:
        retries = config.settings.source_retries
        if not retries.times:
            raise
    sleep(min(retries.seconds, _SECONDS))
    return newest_day(config, home, now)
