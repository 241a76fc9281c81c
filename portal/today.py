"""The first screen: what to upload now, in order."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, get_args

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from catalog.journal import confirmations
from catalog.nights import end_interrupted, newest_night
from catalog.reports import failed_uploads
from pipelines.freshness import quiet_days
from portal.overview import Row
from portal.rendering import render
from portal.state import State, StateOf
from portal.status import SETTLED
from schemas.journal import Confirmation, UploadStep

router = APIRouter()

#: `removals`: somebody was erased, withdrew or is suppressed, or the audience is no longer used; `news`: the rest.
Urgency = Literal["removals", "news", "expiry"]


class Task(NamedTuple):
    """An audience that waits for somebody."""

    urgency: Urgency
    row: Row
    steps: tuple[UploadStep, ...]


class JustDone(BaseModel):
    """What was just done, so that it can be said and taken back."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    done: int | None = Field(default=None, ge=1, le=2**31)
    undone: bool = False
    noted: bool = False


def tasks(rows: tuple[Row, ...]) -> list[Task]:
    """What waits: first who must be taken out, then what is new, then what expires."""
    waiting = [task for row in rows if (task := _task(row)) is not None]
    return sorted(waiting, key=lambda task: (get_args(Urgency).index(task.urgency), -(task.row.people or 0)))


def grouped(waiting: list[Task]) -> list[tuple[Urgency, list[Task]]]:
    """The tasks by urgency, the most urgent first."""
    return [(urgency, [task for task in waiting if task.urgency == urgency]) for urgency in get_args(Urgency)]


def _task(row: Row) -> Task | None:
    if row.steps:
        must_lose = row.may_hold_erased or (row.manifest is not None and row.manifest.forbidden)
        if must_lose or not row.declared:
            return Task("removals", row, row.steps)
        return Task("expiry" if row.status == "expiring" else "news", row, row.steps)
    return None


def confirmation_of(state: State, number: int | None) -> Confirmation | None:
    """The standing confirmation of that number."""
    if number is None:
        return None
    return next((each for each in confirmations(state.catalog) if each.number == number), None)


@router.get("/", name="today")
def today(request: Request, asked: Annotated[JustDone, Query()], state: StateOf) -> Response:
    end_interrupted(state.catalog, state.home)
    rows = state.overview.rows(state.today)
    waiting = tasks(rows)
    night = newest_night(state.catalog)
    failed = night is not None and night["outcome"] in {"failed", "interrupted"}
    quiet = quiet_days(night, state.now)
    return render(
        request,
        "today.html",
        groups=grouped(waiting),
        waiting=len(waiting),
        withdrawn=[row for row in rows if row.status == "withdrawn"],
        settled=not failed and not quiet and all(row.status in SETTLED for row in rows if row.lists),
        failed=failed,
        has_files=any(row.manifest is not None for row in rows),
        held=[row for row in rows if row.status in {"held", "small"}],
        current=sum(row.status == "current" for row in rows),
        every=len(rows),
        night=night,
        quiet_days=quiet,
        done=confirmation_of(state, asked.done),
        titles={row.audience: row for row in rows},
        failures={each.audience: each for each in failed_uploads(state.catalog)},
        asked=asked,
        lacks_files=state.lacks_files,
    )
