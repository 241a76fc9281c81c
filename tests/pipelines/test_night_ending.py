"""How a night ends, by what happened in it."""

from __future__ import annotations

from pipelines.night_ending import Ending, broken_off, ending
from schemas.errors import SourceError, StageError
from schemas.said import Said

CUT, LOST = SourceError(Said("The file is cut.")), StageError(Said("A stage failed."))
TERMINATED = broken_off("interrupted", Said("It was terminated."))


def test_what_failed_goes_before_how_else_it_ended_and_the_first_failure_says_with_which_code() -> None:
    ended = ending([CUT, LOST], TERMINATED, is_partial=True, is_held=True)
    assert ended == Ending("failed", (CUT.said, LOST.said), CUT.exit_code)


def test_a_night_that_was_broken_off_says_so_whatever_it_published() -> None:
    ended = ending([], TERMINATED, is_partial=False, is_held=True)
    assert ended == Ending("interrupted", (Said("It was terminated."),), 1)


def test_a_held_audience_gives_a_whole_night_its_outcome_and_code() -> None:
    assert ending([], None, is_partial=False, is_held=True) == Ending("held", (), 4)
    assert ending([], None, is_partial=False, is_held=False) == Ending("done", (), 0)
    # Of some audiences alone nobody asked whether all are well.
    assert ending([], None, is_partial=True, is_held=True) == Ending("partial", (), 0)
