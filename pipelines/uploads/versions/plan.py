"""What a person does at the network so that it holds what it should: the steps in order, and how each is confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.holdings.open_lists import OpenList
from pipelines.holdings.steps import Steps
from pipelines.uploads.versions.changes import Changes, Deltas
from schemas.journal import DELTAS, UPLOADED, UploadStep
from schemas.network import Network
from schemas.said import Said
from schemas.uploads import FileEntry

#: Why an audience that has left the config is given nobody any more.
RETIRED = Said("it is no longer declared, so that nobody is added and its list is to be deleted")
#: What begins a step on a list that nobody said was made.
_IF_UNCONFIRMED = "If an earlier version was uploaded without being confirmed: "


class Plan(NamedTuple):
    """`steps` in order; `alternative` ones instead, where the network may take them but does not say so; why the steps
    are not simply to add and to remove."""

    steps: tuple[UploadStep, ...]
    alternative: tuple[UploadStep, ...]
    because: Said | None


@dataclass(frozen=True)
class Situation:
    """What a plan starts from."""

    network: Network
    version: str
    lists: tuple[OpenList, ...]
    change: Changes
    delta: Deltas
    #: Why what the list holds and the new files cannot be compared; None if they can.
    incomparable: Said | None
    #: Whether the version has full files.
    has_full: bool
    #: The network's lists that the full files of a version or of an older one are for.
    lists_until: Callable[[str], tuple[str, ...]]
    #: Whether the audience has left the config; and then, versions that may be there without anybody having said so.
    retired: bool = False
    unsaid: tuple[str, ...] = ()
    #: Whether somebody said that a list was made, or deleted, before.
    made_before: bool = False
    #: Whether the home was restored from a backup since one of the lists was filled.
    restored: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether the newest list holds what it should, and no other may hold what must leave."""
        return self.is_filled and self.change.removes.is_empty()

    @property
    def is_filled(self) -> bool:
        """Whether the newest list holds what it should."""
        changed = not self.change.sent.is_empty() or self.change.leaving > 0
        return bool(self.lists) and not changed and not self.retired and self.incomparable is None

    @property
    def renewal(self) -> Said | None:
        """Why keys are sent again that the list holds already; None if none are."""
        again = self.change.renewals.keys.height
        if not again:
            return None
        days = self.network.membership_days
        says = "{n} keys that the list holds are sent again before {network} forgets them ({days} days)"
        if again == 1:
            says = "{n} key that the list holds is sent again before {network} forgets it ({days} days)"
        return Said(says, n=again, network=self.network.title, days=days)

    @property
    def uses_deltas(self) -> bool:
        """Whether add and remove files are of use."""
        if self.is_settled or self.incomparable is not None or self.delta.obstacle is not None:
            return False
        return bool(self.lists) or bool(self.delta.remove)


def plan(situation: Situation, files: Iterable[FileEntry], *, same_parts: bool) -> Plan:
    """The steps. Lists but the newest are to be deleted in any case, once campaigns no longer use them.

    `same_parts`: where each part of a file fills a list of its own, there are as many parts as lists.
    """
    made = situation.lists[-1].lists if situation.lists else ()
    steps = Steps(situation.version, tuple(files), made, parts_apart=situation.network.file.parts == "a list each")
    old = tuple(steps.delete(each, restored=situation.restored) for each in situation.lists[:-1])
    if situation.is_settled:
        return Plan(old, (), None)
    if situation.retired:
        return _retired(situation, steps)
    if not situation.lists:
        found = _first(situation, steps)
    elif not situation.has_full:
        found = _without_full(situation, steps)
    else:
        found = _next(situation, steps, same_parts=same_parts)
    alternative = (*found.alternative, *old) if found.alternative else ()
    return Plan((*found.steps, *old), alternative, found.because)


def _first(situation: Situation, steps: Steps) -> Plan:
    """No list is open. What was published before may have been uploaded all the same."""
    create: tuple[UploadStep, ...] = ()
    if situation.has_full:
        another = situation.made_before or bool(situation.change.astray)
        create = (steps.create_another() if another else steps.upload("created"),)
    if not situation.change.astray:
        return Plan(create, (), None)
    delete = _delete_unconfirmed(situation, steps, situation.change.astray)
    if not situation.uses_deltas:
        return Plan((delete, *create), (), situation.incomparable or situation.delta.obstacle)
    remove = steps.upload("removed", _IF_UNCONFIRMED)
    return Plan((remove, *create), (delete, *create), None)


def _retired(situation: Situation, steps: Steps) -> Plan:
    """Every list goes. Until it has gone, it loses whoever is forbidden, if the network can do that with a file."""
    remove = ()
    if situation.uses_deltas and situation.delta.remove:
        remove = (steps.upload("removed", "" if situation.lists else _IF_UNCONFIRMED),)
    delete = [steps.delete(each, restored=situation.restored) for each in situation.lists]
    if situation.unsaid:
        delete.append(_delete_unconfirmed(situation, steps, situation.unsaid))
    return Plan((*remove, *delete), (), RETIRED)


def _without_full(situation: Situation, steps: Steps) -> Plan:
    """Only what is forbidden leaves; there is nothing to put into its place."""
    delete = (steps.delete(situation.lists[-1], restored=situation.restored),)
    if not situation.uses_deltas:
        return Plan(delete, (), situation.incomparable or situation.delta.obstacle)
    return Plan((steps.upload("removed"),), delete, None)


def _delete_unconfirmed(situation: Situation, steps: Steps, unsaid: tuple[str, ...]) -> UploadStep:
    return steps.delete_unconfirmed(unsaid[-1], situation.lists_until(unsaid[-1]))


def _next(situation: Situation, steps: Steps, *, same_parts: bool) -> Plan:
    network, delta = situation.network, situation.delta
    one_by_one = tuple(
        steps.upload(kind, because=situation.renewal if kind == "added" else None)
        for file in network.upload_order
        for kind in DELTAS
        if UPLOADED[kind] == file and delta.parts[file]
    )
    if situation.uses_deltas and not delta.undocumented:
        return Plan(one_by_one, (), None)
    undocumented = Said("{network} does not document that a file removes people from a list", network=network.title)
    because = situation.incomparable or delta.obstacle or undocumented
    if situation.renewal and not situation.incomparable:
        because = Said("{reasons}", reasons=[situation.renewal, because])
    alternative = one_by_one if situation.uses_deltas else ()
    if "replace" in network.update_modes and same_parts and not situation.change.stuck:
        return Plan((steps.upload("replaced"),), alternative, because)
    if situation.is_filled:
        # What must leave is in a list that nobody said was made: another new one would not take it out.
        return Plan((_delete_unconfirmed(situation, steps, situation.change.astray),), alternative, because)
    whole = [steps.create_another(), steps.delete(situation.lists[-1], restored=situation.restored)]
    if situation.change.astray:
        whole.append(_delete_unconfirmed(situation, steps, situation.change.astray))
    return Plan(tuple(whole), alternative, because)
