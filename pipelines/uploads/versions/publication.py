"""Publishing a version: staged, checked, then renamed into the outbox, so that no half version is ever seen."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import NamedTuple

from pipelines.holdings.outbox import Outbox
from pipelines.holdings.still_held import FORGOTTEN
from pipelines.holdings.withdrawal import withdraw_forbidden
from pipelines.uploads.rows.minimum import too_small
from pipelines.uploads.versions.commit import commit
from pipelines.uploads.versions.draft import Draft, Publication, draft_of
from pipelines.uploads.versions.fresh_version import fresh_version
from pipelines.uploads.versions.manifest import new_manifest, readme, signed
from pipelines.uploads.versions.plan import RETIRED
from pipelines.uploads.versions.recount import check_as_made, check_deltas, check_full_files
from pipelines.uploads.versions.staging import check_ledger, checked_files, staging_folder
from pipelines.uploads.versions.state import state_of
from schemas.errors import DayError
from schemas.said import Said
from schemas.uploads import AudienceOutcome, FileEntry, Manifest

#: Why an audience has at most removals after a night that failed.
UNREACHED = Said("the night failed before it was worked out: nobody is added, and only who must leave is taken out")


class Published(NamedTuple):
    """What became of an audience: a new version, the last one still `fresh`, or `held` or `retired` with the reason."""

    outcome: AudienceOutcome
    version: str | None
    reason: Said | None
    manifest: Manifest | None


def check_newest(as_of: date, newest: date | None) -> None:
    """Refuse to publish a day that is not the newest of those read.

    Raises:
        DayError: the day is past.
    """
    if newest is not None and as_of < newest:
        msg = Said(
            "Only the newest day is published, which is {newest}, not {as_of}. `relance replay {as_of}` rebuilds that "
            "night's files. Choose the partition {newest}.",
            newest=newest,
            as_of=as_of,
        )
        raise DayError(msg)


def publish(publication: Publication, outbox: Outbox, *, held_back: Said | None) -> Published:
    """Publish the audience's full files and the deltas to what the network holds, unless nothing changed.

    What is `held_back`, for a reason in a clause, or too small for the network stays as it is; but what is forbidden
    is taken out all the same, in a version of its own, and older versions that would bring it are withdrawn.

    Raises:
        PublicationError: the ledger does not close, a file would be refused, or the disk is full.
    """
    rows = publication.rows
    check_ledger(publication.audience, rows.ledger)
    reason = held_back or (too_small(rows, publication.network) if rows.below_minimum else None)
    return _finished(publication, outbox, _publish(publication, outbox, held=reason))


def publish_retired(publication: Publication, outbox: Outbox) -> Published:
    """Publish, of an audience that has left the config, what is still to be done: delete its list, and until somebody
    confirms that, take out whoever is forbidden. Its segment is as it was declared last.

    Raises:
        PublicationError: a file would be refused, or the disk is full.
    """
    return _finished(publication, outbox, _publish(publication, outbox, held=RETIRED)._replace(outcome="retired"))


def publish_unreached(publication: Publication, outbox: Outbox) -> None:
    """Publish, of an audience that a failed night did not reach, only what must leave; nothing if nobody must.

    Raises:
        PublicationError: a file would be refused, or the disk is full.
    """
    audience, found = publication.audience, _publish(publication, outbox, held=UNREACHED)
    withdraw_forbidden(audience, outbox, publication.forbidden, newest=found.version)
    if found.version is not None:
        outbox.catalog.record_outcome(
            audience, publication.as_of, found.outcome, night=outbox.night, version=found.version, reason=found.reason
        )


def _finished(publication: Publication, outbox: Outbox, found: Published) -> Published:
    """What was published, after versions that must not be were withdrawn, and written into the catalog."""
    withdraw_forbidden(publication.audience, outbox, publication.forbidden, newest=found.version)
    outbox.catalog.record_outcome(
        publication.audience,
        publication.as_of,
        found.outcome,
        night=outbox.night,
        version=found.version,
        reason=found.reason,
        ledger=publication.rows.ledger.model_dump(),
    )
    return found


def _publish(publication: Publication, outbox: Outbox, *, held: Said | None) -> Published:
    """Work the version out, write its files and read them again; unless it says what the newest does, commit it."""
    state = state_of(publication.audience, outbox.catalog, outbox.warehouse)
    draft = draft_of(publication, state, outbox, held=held)
    if draft is None:
        return Published("held", None, held, None)
    staged = outbox.staging / "-".join(publication.audience)
    with staging_folder(outbox.home.outbox, outbox.staging, staged):
        files = _stage_files(publication, draft, staged)
        manifest = new_manifest(publication, draft, state, files, outbox.settings)
        newest = fresh_version(publication.audience, manifest, draft.situation, state, outbox)
        if newest is not None:
            shutil.rmtree(staged)
            return Published("held" if held else "fresh", newest.version, held, newest)
        manifest = signed(manifest, outbox.catalog.audit_head(), outbox.keys)
        _stage_manifest(publication, manifest, staged)
        if not commit(publication, draft, manifest, staged, outbox):
            shutil.rmtree(staged, ignore_errors=True)
            return Published("held", None, FORGOTTEN, None)
    return Published("held" if held else "published", manifest.version, held, manifest)


def _stage_files(publication: Publication, draft: Draft, staged: Path) -> tuple[FileEntry, ...]:
    """The draft's files, written, read again and counted."""
    situation = draft.situation
    checked = checked_files(publication.audience, publication.segment, publication.network, draft.parts, staged)
    check_as_made(publication.audience, draft.parts, checked)
    if situation.has_full and draft.reduction is None:
        check_full_files(publication.audience, draft.rows.ledger, publication.network, checked)
    if situation.uses_deltas:
        check_deltas(publication.audience, situation.change, situation.delta, checked, filled=bool(situation.lists))
    return tuple(file.entry for file in checked)


def _stage_manifest(publication: Publication, manifest: Manifest, staged: Path) -> None:
    (staged / "manifest.json").write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (staged / "README.txt").write_text(readme(manifest, publication.segment, publication.network), encoding="utf-8")
