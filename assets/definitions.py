"""Everything Dagster knows: the six stages in flow order, the nightly job, its schedule and its alerts."""

from datetime import UTC, datetime

import dagster as dg
from dagster._loggers import default_loggers

from assets.crm import crm_assets
from assets.customers import customers_assets
from assets.features import features_assets
from assets.identifiers import identifiers_assets
from assets.launch import JOB
from assets.progress import progress
from assets.resources import Relance
from assets.schedule import nightly_schedule
from assets.segments import segments_assets
from assets.sensors import alert_sensors, freshness_check
from assets.uploads import uploads_assets
from catalog.home import Environment, Home
from pipelines.alerts import tell_of_config
from pipelines.declared import checked_config
from schemas.errors import RelanceError


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions of the config and the home that the environment names."""
    environment = Environment()
    home = Home.at(environment.home, environment.keys, environment.catalog)
    try:
        config = checked_config(environment.config)
    except RelanceError as error:
        # Dagster then has no sensor that could.
        tell_of_config(environment.config, home, error, datetime.now(UTC))
        raise
    daily = dg.DailyPartitionsDefinition(
        start_date=config.settings.first_day.isoformat(),
        timezone=config.settings.time_zone,
        # The last order may be of today; else Dagster's button "Latest" is to be yesterday.
        end_offset=0 if config.sources.as_of == "yesterday" else 1,
    )
    assets = [
        *crm_assets(daily),
        *customers_assets(daily),
        *features_assets(daily),
        *identifiers_assets(config, daily),
        *segments_assets(config, daily),
        *uploads_assets(config, daily),
    ]
    check = freshness_check(config, home)
    job = dg.define_asset_job(
        JOB,
        dg.AssetSelection.all() - dg.AssetSelection.checks(check),
        description="The whole night, from the CRM to the files of every audience. Only the newest day is published.",
    )
    resource = Relance(home_folder=str(home.root), config_folder=str(config.folder), keys_folder=str(home.keys))
    return dg.Definitions(
        assets=assets,
        asset_checks=[check],
        jobs=[job],
        schedules=[nightly_schedule(config, home, job)],
        sensors=alert_sensors(config, home, job),
        resources={"relance": resource},
        executor=dg.in_process_executor,
        loggers={"progress": progress, "console": default_loggers()["console"]},
    )
