"""How a night ended: its outcome, what is told of it, and the exit code of whoever waited for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.errors import DayError, RelanceError
from schemas.nights import NightOutcome
from schemas.said import Said

#: Exit codes, as the design has them.
_EXIT_HELD, _EXIT_BROKEN_OFF = 4, 1


class Ending(NamedTuple):
    """How a night ended; `messages` say what failed, a sentence each."""

    outcome: NightOutcome
    messages: tuple[Said, ...]
    exit_code: int


def broken_off(outcome: NightOutcome, says: Said) -> Ending:
    """The end of a night that did not do all its steps, though none of our own errors stopped it."""
    return Ending(outcome, (says,), _EXIT_BROKEN_OFF)


def ending(failures: Sequence[RelanceError], broken: Ending | None, *, is_partial: bool, is_held: bool) -> Ending:
    """The end of a night: `failures` of its stages go before how else it was `broken` off. `is_partial`: it was asked
    for some audiences only. `is_held`: an audience is.
    """
    outcome: NightOutcome
    if failures:
        outcome = "refused" if all(isinstance(failure, DayError) for failure in failures) else "failed"
        return Ending(outcome, tuple(failure.said for failure in failures), failures[0].exit_code)
    if broken is not None:
        return broken
    outcome = "partial" if is_partial else "held" if is_held else "done"
    return Ending(outcome, (), _EXIT_HELD if outcome == "held" else 0)
