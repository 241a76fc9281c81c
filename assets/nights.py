"""What Dagster knows of a night, for its report in the catalog."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import dagster as dg

from catalog.nights import night_of_run, night_report, record_start, take_up
from catalog.store import Catalog
from pipelines.night_ending import Ending, broken_off
from schemas.nights import StageLine, StartedAs
from schemas.said import Said
from schemas.segment import Audience, declared_audience

#: Set on a run whose day a person named on the command line.
CHOSEN_DAY = "relance/chosen_day"

#: The newest day, where whoever started the run has just read it from the source.
NEWEST_DAY = "relance/newest_day"

#: Names audiences, with commas between them, that the brake lets pass in the run.
ALLOWED = "relance/allow"


#: Dagster's: the day that a run is about.
_PARTITION = "dagster/partition"


def partition(day: date, *, to_come: bool) -> tuple[str | None, dict[str, str]]:
    """The key and tags by which Dagster runs the day; one `to_come`, which it does not know, by the tag alone."""
    return (None, {_PARTITION: day.isoformat()}) if to_come else (day.isoformat(), {})


class Launched(NamedTuple):
    """A Dagster run: its `root`, the run that it takes up in the end, or itself; its tags; and whether it `is_whole`:
    asked for all that Dagster knows.
    """

    run_id: str
    root: str
    tags: Mapping[str, str]
    is_whole: bool

    @classmethod
    def of(cls, context: dg.InitResourceContext) -> "Launched":
        """The context's run; without one, nothing is known."""
        run, instance = context.run, context.instance
        if run is None:
            return cls("", "", {}, is_whole=False)
        whole = instance is not None and is_whole(instance, run)
        return cls(run.run_id, run.tags.get("dagster/root_run_id", run.run_id), run.tags, whole)

    @property
    def day(self) -> date | None:
        """The day that it is about; None if it names none, or several."""
        named = self.tags.get(_PARTITION)
        return date.fromisoformat(named) if named is not None else None

    @property
    def newest_day(self) -> date | None:
        """The newest day, if it has just been read. Whoever takes up another run has its tags and has read nothing."""
        named = self.tags.get(NEWEST_DAY) if self.root == self.run_id else None
        return date.fromisoformat(named) if named is not None else None


def record_launch(catalog: Catalog, night: int, run: Launched) -> None:
    """Write how the night's run was started; what it takes up of another where that failed is said again."""
    first = night_of_run(catalog, run.root)
    takes_up_night = first is not None and night_report(catalog, first).started_as == "nightly"
    record_start(catalog, night, started_as(run.tags, whole=run.is_whole or takes_up_night), run.run_id)
    failed = night_of_run(catalog, run.tags.get("dagster/parent_run_id", ""))
    if failed is not None:
        take_up(catalog, night, failed)


def allowed_by(tags: Mapping[str, str], declared: Collection[Audience]) -> frozenset[Audience]:
    """The audiences that a run's tags let pass the brake.

    Raises:
        ConfigError: a name is none of those declared.
    """
    names = [name.strip() for name in tags.get(ALLOWED, "").split(",")]
    return frozenset(declared_audience(name, declared) for name in names if name)


def started_as(tags: Mapping[str, str], *, whole: bool) -> StartedAs:
    """How a run was started, by its tags and by whether it was asked for the `whole` night, or takes up one that was. A
    backfill is none of the nights, whatever day it is about.
    """
    if "dagster/backfill" in tags:
        return "backfill"
    if CHOSEN_DAY in tags:
        return "chosen"
    return "nightly" if whole or NEWEST_DAY in tags else "by_hand"


def stage_lines(instance: dg.DagsterInstance, run_id: str) -> list[StageLine]:
    """What each asset of a run did, in the order in which they ended."""
    rows: dict[str | None, list[tuple[str, int | None]]] = {}
    lines: list[StageLine] = []
    wanted = {
        dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE
    }  # fmt: skip
    began: dict[str | None, float] = {}
    for record in instance.all_logs(run_id, of_type={*wanted, dg.DagsterEventType.STEP_START}):
        event = record.get_dagster_event()
        if event.event_type == dg.DagsterEventType.STEP_START:
            began[event.step_key] = record.timestamp
        elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            materialization = event.step_materialization_data.materialization
            count = materialization.metadata.get("dagster/row_count")
            name = "/".join(materialization.asset_key.path)
            rows.setdefault(event.step_key, []).append((name, int(str(count.value)) if count else None))
        else:
            seconds = record.timestamp - began.get(event.step_key, record.timestamp)
            succeeded = event.event_type == dg.DagsterEventType.STEP_SUCCESS
            made = rows.pop(event.step_key, None) or [(str(event.step_key), None)]
            lines += [
                StageLine(asset=name, stage=name.split("/")[0], rows=count, seconds=seconds, succeeded=succeeded)
                for name, count in made
            ]
    return lines


def is_whole(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether a run was asked for all that Dagster knew."""
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id or "")
    return not run.asset_selection and {step.key for step in plan.steps} == set(plan.step_keys_to_execute)


def unknown_audiences(audiences: Sequence[Audience]) -> list[Said]:
    """What to tell of audiences that are declared, and that a whole night had no asset for."""
    if not audiences:
        return []
    msg = Said(
        "Declared since Dagster read config/, and therefore not worked out: {audiences}. Restart Dagster's daemon, or "
        "reload its definitions, and run the night again.",
        audiences=", ".join(map(str, audiences)),
    )
    return [msg]


def why_broken_off(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Ending | None:
    """How a run ended in which no stage failed and that did not do all its steps; None if it did."""
    wanted = {dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE}
    events = [record.get_dagster_event() for record in instance.all_logs(run.run_id, of_type=wanted)]
    planned = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id or "").step_keys_to_execute
    if set(planned) <= {event.step_key for event in events if event.is_step_success}:
        return None
    errors = [event.step_failure_data.error for event in events if event.is_step_failure]
    kinds = sorted({(error.cause or error).cls_name or "" for error in errors if error is not None})
    if set(kinds) <= {dg.DagsterExecutionInterruptedError.__name__}:
        return broken_off(
            "interrupted",
            Said(
                "The run was terminated before it ended. What was published until then stays as it is; run the night "
                "again."
            ),
        )
    says = Said(
        "The run failed in Dagster itself ({kind}). Dagster's page shows run {run}.",
        kind=", ".join(kinds),
        run=run.run_id,
    )
    return broken_off("failed", says)
