"""Starting the nightly job from a command, in the home's Dagster instance."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from assets.nights import CHOSEN_DAY, NEWEST_DAY, partition
from catalog.full_disk import full_disk_told
from catalog.home import Home
from schemas import errors
from schemas.errors import RelanceError

JOB = "nightly"


class Failed(NamedTuple):
    """An asset that failed; and those skipped for it, `stage/name` each: what is made of several, for the first."""

    name: str
    skipped: tuple[str, ...]


#: Of whatever Dagster makes: what of a mode it takes away.
OWNERS_ONLY = 0o077


@contextmanager
def _owners_only() -> Iterator[None]:
    """Dagster gives its files the modes that the process is set to."""
    before = os.umask(OWNERS_ONLY)
    try:
        yield
    finally:
        os.umask(before)


def prepare_instance(home: Home) -> None:
    """Make the home's Dagster folder, with our settings: one run at a time, no telemetry."""
    home.create()
    home.dagster.mkdir(mode=0o700, exist_ok=True)
    with _owners_only():
        shutil.copyfile(Path(__file__).parent / "dagster.yaml", home.dagster / "dagster.yaml")


def _instance(home: Home) -> dg.DagsterInstance:
    prepare_instance(home)
    return dg.DagsterInstance.get()


def run_job(home: Home, day: date, run_id: str, *, chosen: bool, to_come: bool) -> dg.ExecuteInProcessResult:
    """Run the nightly job of a day, be it `to_come`, in this process, as Dagster's run `run_id`, for the environment's
    config and home.

    Raises:
        DiskError: the disk is too full for Dagster's own record of the run.
    """
    from assets.definitions import defs

    key, tags = partition(day, to_come=to_come)
    with _owners_only(), full_disk_told(home.root), _instance(home) as instance:
        return (
            defs()
            .resolve_job_def(JOB)
            .execute_in_process(
                instance=instance,
                partition_key=key,
                tags={**tags, CHOSEN_DAY if chosen else NEWEST_DAY: day.isoformat()},
                run_config={"loggers": {"progress": {}}},
                raise_on_error=False,
                run_id=run_id,
            )
        )


def failed_assets(result: dg.ExecuteInProcessResult) -> list[Failed]:
    """The assets of a run that failed, in the order in which they did; none if it succeeded."""
    from assets.definitions import defs

    failed = [event.step_key for event in result.all_events if event.is_step_failure and event.step_key]
    if not failed:
        return []
    graph = defs().resolve_asset_graph()
    blamed: dict[dg.AssetKey, str] = {}
    for key in graph.toposorted_asset_keys:
        node = graph.get(key)
        own = node.assets_def.node_def.name
        inherited = [blamed[parent] for parent in node.parent_keys if parent in blamed]
        if own in failed or inherited:
            blamed[key] = own if own in failed else min(inherited, key=failed.index)
    skipped = {key: cause for key, cause in blamed.items() if graph.get(key).assets_def.node_def.name != cause}
    return [
        Failed(name, tuple("/".join(key.path) for key, cause in skipped.items() if cause == name)) for name in failed
    ]


def causes(result: dg.ExecuteInProcessResult) -> list[RelanceError]:
    """The errors of ours for which a run failed, in their order and each once: of its assets, and of opening or closing
    what all of them need.
    """
    found: dict[str, RelanceError] = {}
    for event in result.all_events:
        cause = None if event.is_step_up_for_retry else cause_of(event)
        if cause is not None:
            found.setdefault(str(cause), cause)
    return list(found.values())


def cause_of(event: dg.DagsterEvent) -> RelanceError | None:
    """The error of ours that an event tells of, if it does."""
    error = getattr(event.event_specific_data, "error", None)
    while error is not None:
        kind = vars(errors).get(error.cls_name or "")
        if kind is not None:
            # Dagster keeps errors as text.
            return kind(error.message.strip().removeprefix(f"{kind.__module__}.{kind.__name__}: "))
        error = error.cause
    return None
