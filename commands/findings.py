"""What a night found and decided, line by line: `run` tells it as the night ends, `status` afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from commands.context import OUT
from schemas.counts import count_of
from schemas.nights import NightReport
from schemas.segment import Audience

#: What a line of the quarantine's is followed by where its rows can still be asked for.
WHICH_ROWS = "`relance quarantine` shows which rows were set aside."


class Stopped(NamedTuple):
    """An audience that was held or is retired, and why."""

    outcome: str
    audience: Audience
    reason: str


def tell_findings(report: NightReport, stopped: Iterable[Stopped]) -> None:
    """Which audiences get nobody new and why, what of the config is new, what was set aside, and what to look at."""
    for each in stopped:
        OUT.print(f"{each.outcome.capitalize()}: {each.audience}: {each.reason}.", soft_wrap=True)
    for change in report.changes:
        OUT.print(f"Changed: {change.says}", soft_wrap=True)
    for line in report.quarantined:
        OUT.print(f"Set aside: {count_of(line.rows, 'row')} of {line.table}: {line.rule}.", soft_wrap=True)
    for notice in report.notices:
        OUT.print(f"Look: {notice}", soft_wrap=True)
