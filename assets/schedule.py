"""The nightly job's schedule."""

from datetime import UTC, datetime

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from assets.nights import NEWEST_DAY
from catalog.alerts import tell
from catalog.home import Home
from catalog.nights import night_report, record_unbegun
from catalog.store import open_catalog
from pipelines.alerts import night_message
from pipelines.crm.days import newest_day
from schemas.config import Config
from schemas.errors import RelanceError


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
            day = newest_day(config, home, now).isoformat()
        except RelanceError as error:
            # No run begins, so that no sensor would tell anybody.
            today = now.astimezone(config.settings.zone).date()
            with open_catalog(home) as catalog:
                message = night_message(night_report(catalog, record_unbegun(catalog, today, error)))
                if message is not None:
                    tell(catalog, config.settings.alerts, message)
            raise
        return dg.RunRequest(partition_key=day, tags={NEWEST_DAY: day})

    return schedule
