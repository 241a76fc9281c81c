"""What became of each request's keys at an audience that carried some: due, published, confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import polars as pl

from pipelines.erasure.carried import requests_held
from pipelines.holdings.holdings import Event
from pipelines.holdings.open_lists import open_lists
from schemas.erasure import ErasureRequest, Removal
from schemas.journal import Confirmation, UploadStep, VersionOrder
from schemas.segment import Audience

#: The events of every list that the network may have of the audience, after these confirmations.
Lists = Callable[[Sequence[Confirmation]], list[list[Event]]]


@dataclass(frozen=True)
class Carrier:
    """An audience that carried keys of erased people: `found` are its `traces`, `published_at` its versions' times,
    `plan_of` gives the steps of a version's plan, and `forgotten_on` are the confirmations on which a request's keys
    were forgotten."""

    audience: Audience
    found: pl.DataFrame
    standing: Sequence[Confirmation]
    published_at: Mapping[str, datetime]
    plan_of: Callable[[str], Iterable[UploadStep]]
    lists: Lists
    forgotten_on: Mapping[str, set[str]]

    @cached_property
    def said(self) -> set[str]:
        """The standing confirmations, as removals name them."""
        return {each.name for each in self.standing}

    def takes_all_out(self, version: str) -> bool:
        """Whether the version's plan leaves nothing in a list but what the version holds."""
        return any(step.kind in {"replaced", "deleted"} for step in self.plan_of(version))

    def is_done(self, version: str) -> bool:
        """Whether the version's plan was confirmed, so that it takes nothing out any more."""
        return {f"{step.kind} {step.version}" for step in self.plan_of(version)} <= self.said

    def is_doubtful(self, request_id: str) -> bool:
        """Whether a confirmation was taken back on which keys of the request were forgotten."""
        return not self.forgotten_on.get(request_id, set()) <= self.said

    def is_filled_with(self, versions: Iterable[str]) -> bool:
        """Whether what one of the versions put into an open list may still be there, but for what was removed."""
        return not self._filled.isdisjoint(versions)

    @cached_property
    def _filled(self) -> set[str]:
        # A replacement leaves a list as it was that the version had no file for. (The last of the lists is of files
        # that nobody spoke of.)
        filled = {event.version for events in self.lists(self.standing)[:-1] for event in events if event.present}
        # Of an old version it may not be known any more which files it had.
        uploads = [upload for each in open_lists(self.standing) for upload in each.since_full]
        return filled | {version for version, kind in uploads if kind != "removed"}

    @cached_property
    def _held(self) -> dict[int, set[str]]:
        """What `held_after` found, by how many confirmations."""
        return {}

    def held_after(self, confirmations: int) -> set[str]:
        """The requests of which the network may hold a key after the first so many of the standing confirmations."""
        if confirmations not in self._held:
            self._held[confirmations] = requests_held(self.found, self.lists(self.standing[:confirmations]))
        return self._held[confirmations]


def removals_of(
    carrier: Carrier, requests: Mapping[str, ErasureRequest], known: Mapping[str, Removal], consented: set[str]
) -> list[Removal]:
    """The audience's removals, one a request of which some version carried a key.

    `known` are those of earlier nights by request: what they say stays true when the keys are gone. `consented` are
    requests whose person has consented again since.
    """
    found = carrier.found.filter(pl.col("kind") != "remove")
    versions = dict(found.group_by("request_id").agg("version").iter_rows())
    traced = set(carrier.found["request_id"])
    held = carrier.held_after(len(carrier.standing))
    removals = []
    for request_id in sorted({*versions, *known} & set(requests)):
        before = known.get(request_id)
        if before is not None and request_id not in traced and _stands(before, carrier):
            # Most requests of a company's life, so it comes first.
            removals.append(before)
            continue
        carried = {*versions.get(request_id, ()), *(before.carried_by if before else ())}
        removal = Removal(
            request_id=request_id,
            **carrier.audience._asdict(),
            carried_by=tuple(sorted(carried, key=VersionOrder.of)),
            state="due",
        )
        if request_id not in held:
            removal = _over(removal, before, carrier)
        elif request_id in consented:
            removal = removal.model_copy(update={"state": "consented"})
        else:
            removal = _open(removal, requests[request_id], carrier)
        is_over = removal.state in {"closed", "consented"}
        removals.append(removal.reopened() if is_over and _is_forgotten_there(removal, carrier) else removal)
    return removals


def gone_anew(carrier: Carrier, removals: Iterable[Removal]) -> dict[str, str]:
    """Request → the newest confirmation, of those removals whose forgotten keys are in no list any more although what
    they were forgotten on was taken back."""
    if not carrier.standing:
        return {}
    return {
        each.request_id: carrier.standing[-1].name
        for each in removals
        if carrier.is_doubtful(each.request_id) and not carrier.is_filled_with(each.carried_by)
    }


def _open(removal: Removal, request: ErasureRequest, carrier: Carrier) -> Removal:
    """The removal with the first version that takes the keys out, of those that came after all that carried them, and
    of which a step is not confirmed yet."""
    removing = set(carrier.found.filter(request_id=removal.request_id, kind="remove")["version"])
    carried_last = max(map(VersionOrder.of, removal.carried_by))
    later = [version for version in carrier.published_at if VersionOrder.of(version) > carried_last]
    later.sort(key=lambda version: (version not in removing, VersionOrder.of(version)))
    done: list[str] = []
    # Most plans need not be read.
    for version in later:
        at = carrier.published_at[version]
        if version in removing or at >= request.received_at or carrier.takes_all_out(version):
            if not carrier.is_done(version):
                return _published(removal, version, carrier)
            done.append(version)
    # Of what was confirmed and did not last, the newest plan says what is to be done.
    return _published(removal, max(done, key=VersionOrder.of), carrier) if done else removal


def _published(removal: Removal, version: str, carrier: Carrier) -> Removal:
    update = {"state": "published", "removed_by": version, "published_at": carrier.published_at[version]}
    return removal.model_copy(update=update)


def _over(removal: Removal, before: Removal | None, carrier: Carrier) -> Removal:
    """The removal closed, with the confirmation that took the last key out."""
    if before is not None and carrier.found.filter(request_id=removal.request_id).is_empty():
        return _without_keys(before, carrier)
    if before is not None and _stands(before, carrier):
        return before.model_copy(update={"carried_by": removal.carried_by})
    last = len(carrier.standing)
    while last and removal.request_id not in carrier.held_after(last - 1):
        last -= 1
    closing = carrier.standing[last - 1] if last else None
    known = before.model_dump(include={"removed_by", "published_at"}) if before else {}
    said = {"confirmation": closing.name, "confirmed_at": closing.confirmed_at} if closing else {}
    if closing is not None and closing.kind != "deleted":
        known = {"removed_by": closing.version, "published_at": carrier.published_at.get(closing.version)}
    return removal.model_copy(update={"state": "closed", **known, **said})


def _stands(known: Removal, carrier: Carrier) -> bool:
    """Whether it was closed, and nobody took back what closed it, then or before."""
    is_closed = known.state == "closed" and known.confirmation in {None, *carrier.said}
    return is_closed and not carrier.is_doubtful(known.request_id)


def _without_keys(before: Removal, carrier: Carrier) -> Removal:
    """The keys are no longer kept. A confirmation that was taken back confirms nothing: the removal is open until each
    list was filled with a version that never carried them, and only such were added to it."""
    if _stands(before, carrier):
        return before
    if carrier.is_filled_with(before.carried_by):
        return before.reopened()
    closing = carrier.standing[-1] if carrier.standing else None
    said = {"confirmation": closing.name, "confirmed_at": closing.confirmed_at} if closing else {}
    return before.model_copy(update={"state": "closed", **said})


def _is_forgotten_there(removal: Removal, carrier: Carrier) -> bool:
    """Whether keys of the request that are no longer kept may be in a list, beside those that are and in none."""
    return carrier.is_doubtful(removal.request_id) and carrier.is_filled_with(removal.carried_by)
