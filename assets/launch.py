"""Starting the nightly job from a command, in the home's Dagster instance."""

import shutil
from pathlib import Path

import dagster as dg

from assets.nights import CHOSEN_DAY, NEWEST_DAY
from catalog.home import Home

JOB = "nightly"


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
