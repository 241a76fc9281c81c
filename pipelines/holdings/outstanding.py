"""What is still to be done of a version's plan, by the lists that are open now.

The plan was made for the lists of its night. What was done since may have been done otherwise, with an older version's
file, or have been taken back: then the full file, from which everything can be done, is what is still to be uploaded.
"""

from __future__ import annotations

from catalog.offered import Offered
from catalog.store import manifest_of
from pipelines.holdings.open_lists import OpenList, base_of, mark_of_new_list, open_lists
from pipelines.holdings.steps import Steps
from schemas.journal import DELTAS, UPLOADED, Confirmation, ConfirmationKind, UploadStep
from schemas.uploads import Manifest

_Lists = tuple[OpenList, ...]


def outstanding(manifest: Manifest, standing: list[Confirmation]) -> tuple[UploadStep, ...]:
    """The steps that are still to be done, in order."""
    lists = open_lists(standing)
    plan = _plan_now(manifest, lists, standing)
    uploads = [step for step in plan if step.kind != "deleted" and not _is_uploaded(manifest, step, lists, standing)]
    old = _old_lists(manifest, lists, waits=any(step.kind == "created" for step in uploads))
    steps = [step for step in plan if step in uploads or (step.kind == "deleted" and _is_there(step, old, standing))]
    if manifest.has_file("full"):
        named = {step.version for step in steps if step.kind == "deleted"}
        unnamed = {each.newest_version: each for each in old if not named & each.versions}
        steps += [Steps.of(manifest).delete(each) for each in unnamed.values()]
    return tuple(steps)


def outstanding_of(offer: Offered, standing: list[Confirmation]) -> tuple[UploadStep, ...]:
    """What is to be done by the plan of the version that is offered, or of the newest whose files were withdrawn."""
    if offer.withdrawn is not None:
        return outstanding_without_files(manifest_of(offer.withdrawn), standing)
    return outstanding(offer.manifest, standing) if offer.manifest is not None else ()


def outstanding_without_files(manifest: Manifest, standing: list[Confirmation]) -> tuple[UploadStep, ...]:
    """What of the version is still to be done though its files were withdrawn: old lists are to be deleted, unless a
    file has to be uploaded first."""
    steps = outstanding(manifest, standing)
    return steps if all(step.kind == "deleted" for step in steps) else ()


def outstanding_instead(manifest: Manifest, standing: list[Confirmation]) -> tuple[UploadStep, ...]:
    """The steps of the version's other way that are still to be done, in order; none if it leads nowhere any more."""
    lists = open_lists(standing)
    steps = outstanding(manifest, standing)
    if not steps or _holding(manifest, lists) is not None:
        return ()
    if not all(_fits(manifest, step, lists) for step in manifest.alternative):
        return ()
    old = _old_lists(manifest, lists, waits=any(step.kind == "created" for step in manifest.alternative))
    instead = tuple(
        step
        for step in manifest.alternative
        if (_is_there(step, old, standing) if step.kind == "deleted" else not _is_said(step, standing))
    )
    return instead if instead != steps else ()


def is_for_lists_unsaid(manifest: Manifest, kind: ConfirmationKind) -> bool:
    """Whether the version's file of removals is for lists that nobody said were made: none was open in its night."""
    return kind == "removed" and manifest.base is None


def holds(manifest: Manifest, open_list: OpenList) -> bool:
    """Whether what went into the list last makes it hold what the version's full file does."""
    (full_version, _), *_ = open_list.since_full
    deltas = {(manifest.version, kind) for kind in DELTAS if manifest.has_file(UPLOADED[kind])}
    return full_version == manifest.version or (bool(deltas) and deltas <= set(open_list.since_full))


def _plan_now(manifest: Manifest, lists: _Lists, standing: list[Confirmation]) -> tuple[UploadStep, ...]:
    """The plan; where an upload of it is not possible any more, the full file is uploaded instead."""
    deletions = tuple(step for step in manifest.plan if step.kind == "deleted")
    fits = all(_is_uploaded(manifest, step, lists, standing) or _fits(manifest, step, lists) for step in manifest.plan)
    if fits or not manifest.has_file("full"):
        return manifest.plan
    steps = Steps.of(manifest, lists[-1].lists if lists else ())
    if lists and manifest.replaceable:
        return (steps.upload("replaced"), *deletions)
    is_first = not deletions and not mark_of_new_list(manifest.version, standing)
    return (steps.upload("created") if is_first else steps.create_another(), *deletions)


def _fits(manifest: Manifest, step: UploadStep, lists: _Lists) -> bool:
    """Whether the step can be done at the lists that are open now."""
    match step.kind:
        case "deleted":
            return True
        case "created":
            return not any((step.version, "created") in each.uploads for each in lists)
        case "replaced":
            return bool(lists)
        case "added" | "removed":
            if is_for_lists_unsaid(manifest, step.kind) and lists:
                return holds(manifest, lists[-1])
            return base_of(lists, without_deltas_of=step.version) == manifest.base


def _is_uploaded(manifest: Manifest, step: UploadStep, lists: _Lists, standing: list[Confirmation]) -> bool:
    if is_for_lists_unsaid(manifest, step.kind):
        # Of a list that was deleted, as the plan or its other way says, nothing need be removed.
        ways = (*manifest.plan, *manifest.alternative)
        return _is_said(step, standing) or any(each.kind == "deleted" and _is_said(each, standing) for each in ways)
    if _holding(manifest, lists) is not None:
        return True
    if not lists:
        # Without a full file there is nothing to make a new one of: what was to be taken out of the list went with it.
        return not manifest.has_file("full")
    return (step.version, step.kind) in lists[-1].since_full


def _holding(manifest: Manifest, lists: _Lists) -> OpenList | None:
    """The newest of the lists that holds what the version's full file does."""
    return next((each for each in reversed(lists) if holds(manifest, each)), None)


def _old_lists(manifest: Manifest, lists: _Lists, *, waits: bool) -> _Lists:
    """Those that are to be deleted. Until a new list is there, the newest is one; without a full file each is."""
    if waits or not manifest.has_file("full"):
        return lists
    kept = _holding(manifest, lists) or (lists[-1] if lists else None)
    return tuple(each for each in lists if each is not kept)


def _is_there(step: UploadStep, old: _Lists, standing: list[Confirmation]) -> bool:
    """Whether a list that is to be deleted may still be there."""
    if any(step.version in each.versions for each in old):
        return True
    known = any(each.version == step.version and each.kind != "deleted" for each in standing)
    return not known and not _is_said(step, standing)


def _is_said(step: UploadStep, standing: list[Confirmation]) -> bool:
    return any((each.version, each.kind) == (step.version, step.kind) for each in standing)
