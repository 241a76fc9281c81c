"""What an audience needs, in a word."""

from __future__ import annotations

from typing import Literal

from pipelines.holdings.open_lists import OpenList
from pipelines.holdings.steps import Steps
from schemas.brake import HOLDS
from schemas.journal import UploadStep
from schemas.said import Said
from schemas.too_small import is_too_small
from schemas.uploads import Manifest

Status = Literal["waiting", "ready", "expiring", "withdrawn", "held", "small", "retired", "current", "none"]

#: What a status is called; in this order when sorted.
STATUSES: dict[Status, str] = {
    "waiting": "Waiting for upload",
    "ready": "Ready to create",
    "expiring": "Expiring soon",
    "withdrawn": "Waiting for the next night",
    "held": "Held back",
    "small": "Below minimum",
    "retired": "No longer used",
    "current": "Up to date",
    "none": "Not run yet",
}

#: A marketer has no command line: whom to tell stands in place of the command, which the nights' page has.
_HOLDS = (
    "the brake holds it: {changes}. Tell those who run relance whether that is right: they let it pass, once, or have "
    "the CRM mended"
)

#: Statuses of audiences whose open lists hold what they should.
SETTLED: frozenset[Status] = frozenset({"current", "retired"})


def status_of(  # noqa: PLR0911, PLR0913 - a word for each state of what is known
    *,
    manifest: Manifest | None,
    is_withdrawn: bool,
    is_held: bool,
    reason: Said | None,
    lists: tuple[OpenList, ...],
    steps: tuple[UploadStep, ...],
    expires_soon: bool,
    declared: bool,
) -> Status:
    """The first of these that holds. `is_withdrawn`: the newest version's files are, and no night has made others."""
    if steps and lists and is_renewal(manifest):
        return "expiring"
    if steps:
        return "waiting" if lists or not declared else "ready"
    if not declared:
        return "retired"
    if is_held:
        return "small" if reason is not None and is_too_small(reason) else "held"
    if is_withdrawn:
        return "withdrawn"
    if expires_soon:
        return "expiring"
    return "none" if manifest is None else "current"


def reason_here(reason: Said | None) -> Said | None:
    """Why an audience was held, as its marketer is told."""
    if reason is None or reason.sentence != HOLDS:
        return reason
    return Said(_HOLDS, changes=reason.values["changes"])


def is_renewal(manifest: Manifest | None) -> bool:
    """Whether all that the version asks for is to send again what would be forgotten."""
    return manifest is not None and bool(manifest.renewals) and not manifest.adds and not manifest.removes


def renewing(manifest: Manifest | None, status: Status, lists: tuple[OpenList, ...]) -> tuple[UploadStep, ...]:
    """What renews a list that no night's plan renews: its full file once more, where the network takes it so."""
    if status != "expiring" or manifest is None or not (manifest.replaceable and manifest.has_file("full")):
        return ()
    return (Steps.of(manifest, lists[-1].lists).upload("replaced"),)
