"""What an audience's lists are called at the network: by the public name; where the network has names for several, each
by what it is for, too; and every list after the first by the version that it was made of."""

from __future__ import annotations

from typing import NamedTuple

from pipelines.holdings.outstanding import is_for_lists_unsaid
from portal.overview import Row
from schemas.journal import UNNAMED_LIST, UploadStep, names_of_lists


class StepNames(NamedTuple):
    """The lists that a step is about; apart those that it makes beside others that are there."""

    lists: list[str]
    new: list[str]


def names_of_step(row: Row, step: UploadStep) -> StepNames:
    """The names at the network."""
    mark, there = _mark(row, step), tuple(name for name in step.lists if name not in step.new_lists)
    return StepNames(
        _names(row.public_name, there, mark) if there or not step.new_lists else [],
        _names(row.public_name, step.new_lists, mark) if step.new_lists else [],
    )


def names_to_choose(row: Row) -> list[str]:
    """The lists that are to be made, or, where none is, those that are filled."""
    is_new = not row.lists or any(step.kind == "created" for step in row.steps)
    if is_new:
        return _names(row.public_name, row.names_of_lists, row.new_mark)
    filled = row.lists[-1]
    return _names(row.public_name, names_of_lists(filled.lists), filled.mark)


def _mark(row: Row, step: UploadStep) -> str:
    if step.kind == "created":
        return row.new_mark
    if step.kind == "deleted":
        return next((each.mark for each in row.lists if step.version in each.versions), "")
    is_unsaid = row.manifest is not None and is_for_lists_unsaid(row.manifest, step.kind)
    return row.lists[-1].mark if row.lists and not is_unsaid else ""


def _names(public_name: str, lists: tuple[str, ...], mark: str) -> list[str]:
    behind = ["" if each == UNNAMED_LIST else f"_{each.replace('.', '_')}" for each in lists or [UNNAMED_LIST]]
    names = [f"{public_name}{each}" for each in behind]
    return [f"{name} {mark}" for name in names] if mark else names
