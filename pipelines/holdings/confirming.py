"""Whether what somebody says they did at a network fits what is known of it; used by the command and by the page."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.journal import add_confirmation, confirmations, undo_confirmation
from catalog.offered import offered
from catalog.store import Catalog, manifest_of
from pipelines.holdings.open_lists import OpenList, base_of, open_lists
from pipelines.holdings.outstanding import holds, is_for_lists_unsaid
from schemas.errors import JournalError
from schemas.journal import DELTAS, FILLING, UPLOADED, Confirmation, ConfirmationKind, VersionOrder
from schemas.said import Said
from schemas.segment import Audience
from schemas.uploads import Manifest

#: Version → what it holds, of one audience, oldest first, in whatever state it is now: files are copied by hand.
Manifests = dict[str, Manifest]


@dataclass(frozen=True)
class _Versions:
    """The versions of an audience, and those of them whose files are to be uploaded, newest first."""

    manifests: Manifests
    offered: list[str]


def confirm(catalog: Catalog, audience: Audience, version: str, kind: ConfirmationKind) -> Confirmation:
    """Write into the journal that the version's files were uploaded, or that its list was deleted.

    Raises:
        JournalError: it does not fit what is known of the list; the sentence says what to upload instead.
    """
    versions = _versions(catalog, audience)
    manifest = versions.manifests.get(version)
    return add_confirmation(
        catalog,
        audience,
        version,
        kind,
        lambda standing: _check_fits(versions, standing, audience, version, kind),
        lists=manifest.lists_of(UPLOADED[kind]) if manifest is not None and kind in FILLING else (),
    )


def fitting(catalog: Catalog, audience: Audience) -> dict[str, tuple[ConfirmationKind, ...]]:
    """Version → as what its upload can be confirmed now, each version of the audience that ever was."""
    versions, standing = _versions(catalog, audience), confirmations(catalog, audience)
    return {
        version: tuple(kind for kind in UPLOADED if _refusal(versions, standing, version, kind) is None)
        for version in versions.manifests
    }


def unconfirm(catalog: Catalog, audience: Audience, which: int | str | None = None) -> Confirmation:
    """Take a confirmation back: that number, the newest of that version, or the newest of the audience.

    Raises:
        JournalError: there is none, or a later one rests on it.
    """
    standing = confirmations(catalog, audience)
    chosen = [each for each in standing if which is None or which in {each.number, each.version}]
    if not chosen:
        msg = Said("{audience}: nothing of it stands confirmed. `relance status` lists what does.", audience=audience)
        if which is not None:
            says = "{audience}: no confirmation of {which} stands. `relance status` lists what does."
            msg = Said(says, audience=audience, which=str(which))
        raise JournalError(msg)
    versions = _versions(catalog, audience)
    undo_confirmation(catalog, chosen[-1], lambda now: _check_undo(versions, now, audience, chosen[-1]))
    return chosen[-1]


def manifests_of(catalog: Catalog, audience: Audience) -> dict[str, Manifest]:
    """What each version of the audience holds or held, oldest first."""
    rows = catalog.versions(audience, state=None)
    return {row["version"]: manifest_of(row) for row in rows}


def _versions(catalog: Catalog, audience: Audience) -> _Versions:
    current = offered(catalog).get(audience)
    published = [row["version"] for row in reversed(catalog.versions(audience))]
    return _Versions(manifests_of(catalog, audience), published if current and current.version else [])


def _check_fits(
    versions: _Versions,
    standing: list[Confirmation],
    audience: Audience,
    version: str,
    kind: ConfirmationKind,
) -> None:
    """Refuse what does not fit the standing confirmations of the audience.

    Raises:
        JournalError: with what to do instead.
    """
    refusal = _refusal(versions, standing, version, kind)
    if refusal is not None:
        msg = Said(
            "{audience} {version} cannot be confirmed as {kind}: {refusal}",
            audience=audience,
            version=version,
            kind=Said(kind),
            refusal=refusal,
        )
        raise JournalError(msg)


def _check_undo(
    versions: _Versions,
    standing: list[Confirmation],
    audience: Audience,
    undone: Confirmation,
) -> None:
    """Refuse to take back what later confirmations rest on: the journal must still make sense without it.

    Raises:
        JournalError: naming the confirmation to take back first.
    """
    kept = [each for each in standing if each.number != undone.number]
    for place, later in enumerate(kept):
        if later.number < undone.number:
            continue
        if _refusal(versions, kept[:place], later.version, later.kind) is not None:
            msg = Said(
                "{audience} {version} cannot be taken back as {kind}: {later}, confirmed as {later_kind} later, "
                "rests on it. Take that back first.",
                audience=audience,
                version=undone.version,
                kind=Said(undone.kind),
                later=later.version,
                later_kind=Said(later.kind),
            )
            raise JournalError(msg)


def _refusal(
    versions: _Versions,
    standing: list[Confirmation],
    version: str,
    kind: ConfirmationKind,
) -> Said | None:
    """Why it does not fit, and what to do instead; None if it does."""
    manifest = versions.manifests.get(version)
    if manifest is None:
        known = list(versions.manifests)[-3:]
        if not known:
            return Said("there is no such version. None was published.")
        one, many = (
            "there is no such version. The newest is {known}.",
            "there is no such version. The newest are {known}.",
        )
        return Said(one if len(known) == 1 else many, known=", ".join(known))
    match kind:
        case "created" | "replaced":
            return _refused_full(open_lists(standing), manifest, kind)
        case "added" | "removed":
            due = [versions.manifests[name] for name in versions.offered]
            return _refused_delta(due, open_lists(standing), manifest, kind)
        case "deleted":
            return _refused_deletion(versions.manifests, standing, version)


def _refused_full(lists: tuple[OpenList, ...], manifest: Manifest, kind: ConfirmationKind) -> Said | None:
    if not manifest.has_file("full"):
        return Said("it has no full file, so it fills no list.")
    if kind == "created":
        opened = any((manifest.version, kind) in each.uploads for each in lists)
        open_already = Said("a list made of it is open already. If that one was deleted, confirm that first.")
        return open_already if opened else None
    if not manifest.replaceable:
        return Said(
            "this network cannot replace what a list holds. If you made a new list of it, confirm it as created."
        )
    if not lists:
        return Said("no list is open that it could replace. If you made a new list of it, confirm it as created.")
    return None


def _refused_delta(
    due: list[Manifest], lists: tuple[OpenList, ...], manifest: Manifest, kind: ConfirmationKind
) -> Said | None:
    """`due` are the versions whose files could be uploaded instead, newest first."""
    file = UPLOADED[kind]
    version = manifest.version
    if not manifest.has_file(file):
        return Said("it has no add file." if file == "add" else "it has no remove file.")
    if lists and (version, kind) in lists[-1].since_full:
        return Said("it is confirmed so already.")
    if base_of(lists, without_deltas_of=version) == manifest.base:
        return None
    if lists and is_for_lists_unsaid(manifest, kind) and holds(manifest, lists[-1]):
        # The list that it is for is another one than the version's own, which nobody need have made first.
        return None
    if not lists:
        can_be_made = any(other.has_file("full") for other in due)
        return Said(
            "no list is open. Make one of the full file of the newest version, and confirm that as created."
            if can_be_made
            else "no list of it is open, so that nothing is to be done there any more."
        )
    fits = next((other.version for other in due if _is_next(other, lists)), None)
    if fits is not None:
        instead = Said("Upload the files of {fits} instead: they start from what the list holds.", fits=fits)
    elif due and due[0].has_file("full") and due[0].replaceable:
        says = "Replace the list with the full file of {version} instead, and confirm it as replaced."
        instead = Said(says, version=due[0].version)
    else:
        instead = Said("The next night publishes files that start from what the list holds; upload those.")
    return Said(
        "it starts from another state of the list, which was last confirmed with {last}. {instead}",
        last=lists[-1].uploads[-1][0],
        instead=instead,
    )


def _is_next(manifest: Manifest, lists: tuple[OpenList, ...]) -> bool:
    """Whether the version has a delta that starts from what the newest list holds and is not in it yet."""
    there = [kind for kind in DELTAS if manifest.has_file(UPLOADED[kind])]
    left = [kind for kind in there if (manifest.version, kind) not in lists[-1].uploads]
    return bool(left) and base_of(lists, without_deltas_of=manifest.version) == manifest.base


def _refused_deletion(manifests: Manifests, standing: list[Confirmation], version: str) -> Said | None:
    lists = open_lists(standing)
    if any(version in each.versions for each in lists):
        return None
    if any(each.version == version for each in standing):
        return Said("no list is open that it went into.")
    newest = max(manifests, key=VersionOrder.of)
    if lists and version == newest:
        went = ", ".join(each.newest_version for each in lists)
        one, many = (
            "it went into no open list. The open one is known by {went}: name that if it was deleted.",
            "it went into no open list. The open ones are known by {went}: name the one that was deleted.",
        )
        return Said(one if len(lists) == 1 else many, went=went)
    return None
