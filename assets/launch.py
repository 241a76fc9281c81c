"""Starting the nightly job from a command: which day, and in which Dagster instance."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from assets.nights import CHOSEN_DAY, NEWEST_DAY
from catalog.duckdb_connection import connect
from catalog.home import Home
from pipelines.crm.days import default_day
from pipelines.crm.read import Crm
from schemas.config import Config

JOB = "nightly"


def newest_day(config: Config, home: Home) -> str:
    """The partition that a night asks for now: yesterday, or the newest order's day read from the source."""
    connection = connect(home, config.settings.memory_limit, config.settings.time_zone)
    try:
        crm = Crm(connection, config.sources, config.folder, home.root)
        return default_day(crm, config.settings.zone, datetime.now(UTC)).isoformat()
    finally:
        connection.close()


def prepare_instance(home: Home) -> None:
    """Make the home's Dagster folder, with our settings: one run at a time, no telemetry."""
    home.create()
    home.dagster.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(Path(__file__).parent / "dagster.yaml", home.dagster / "dagster.yaml")


def run_job(home: Home, day: str, *, chosen: bool) -> dg.ExecuteInProcessResult:
    """Run the nightly job in this process, for the config and home that the environment names."""
    from assets.definitions import defs

    prepare_instance(home)
    with dg.DagsterInstance.get() as instance:
        return (
            defs()
            .resolve_job_def(JOB)
            .execute_in_process(
                instance=instance,
                partition_key=day,
                tags={CHOSEN_DAY: day} if chosen else {NEWEST_DAY: day},
                run_config={"loggers": {"progress": {}}},
                raise_on_error=False,
            )
        )
