"""The nightly job's schedule."""

from datetime import date, datetime
from time import sleep

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from assets.nights import NEWEST_DAY, partition
from catalog.alerts import tell
from catalog.days import newest_whole_day
from catalog.home import Home
from catalog.nights import night_report, record_unbegun
from catalog.store import open_catalog
from pipelines.alerts import night_message
from pipelines.crm.days import newest_day
from pipelines.crm.days_to_come import newest_possible, not_before_read
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
        now = datetime.now(config.settings.zone)
        try:
            day = _newest_day(config, home, now)
        except RelanceError as error:
            with open_catalog(home) as catalog:
                last = newest_whole_day(catalog)
                if last is None:
                    # No run begins, so that no sensor would tell anybody.
                    message = night_message(night_report(catalog, record_unbegun(catalog, now.date(), error)))
                    if message is not None:
                        tell(catalog, config.settings.alerts, message)
                    raise
            # It fails again at what is wrong, and takes out of the lists whom it must.
            day = last
        day = not_before_read(day, config, home)
        key, tags = partition(day, to_come=day > newest_possible(config, now))
        return dg.RunRequest(partition_key=key, tags={**tags, NEWEST_DAY: day.isoformat()})

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
