"""Publishing a version: staged, checked, then renamed into the outbox, so that no half version is ever seen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pipelines.holdings.audience_keys import SinceNewest
from pipelines.holdings.forbidden import Forbidden
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.still_held import FORGOTTEN
from pipelines.holdings.withdrawal import withdraw_forbidden
from pipelines.uploads.commit import commit
from pipelines.uploads.draft import Asked, Draft, draft_of
from pipelines.uploads.fresh_version import fresh_version
from pipelines.uploads.manifest import new_manifest, readme, signed
from pipelines.uploads.minimum import too_small
from pipelines.uploads.plan import RETIRED, plan
from pipelines.uploads.recount import check_as_made, check_deltas, check_full_files
from pipelines.uploads.rows import AudienceRows, ListRows
from pipelines.uploads.staging import check_ledger, checked_files, staging_folder
from pipelines.uploads.state import State, state_of
from schemas.errors import DayError
from schemas.network import Network
from schemas.said import Said
from schemas.segment import Audience, Segment
from schemas.uploads import AudienceOutcome, FileEntry, Ledger, Manifest

#: Why an audience has at most removals after a night that failed.
UNREACHED = Said("the night failed before it was worked out, so that only what must leave its list was published")
#: What an audience is made of that has left the config, or that nobody worked out.
NOBODY = AudienceRows((), {}, Ledger(segment_people=0, dropped={}, file_people=0, file_rows=0), {})
#: Gives the rows that an audience's files had on an earlier day, list by list, as far as they are still known.
PastRows = Callable[[Audience, date], tuple[ListRows, ...]]


class Published(NamedTuple):
    """What became of an audience: a new version, the last one still `fresh`, or `held` or `retired` with the reason."""

    outcome: AudienceOutcome
    version: str | None
    reason: Said | None
    manifest: Manifest | None


def check_newest(as_of: date, newest: date | None) -> None:
    """Refuse to publish a day that is not the newest.

    Raises:
        DayError: the day is past.
    """
    if newest is None or as_of < newest:
        msg = Said(
            "Only the newest day is published, which is {newest}, not {as_of}. Choose the partition {newest}.",
            newest=newest,
            as_of=as_of,
        )
        raise DayError(msg)


def publish(  # noqa: PLR0913 - an audience, its rows, where they go, and what the law says
    audience: Audience,
    segment: Segment,
    network: Network,
    audience_rows: AudienceRows,
    outbox: Outbox,
    *,
    as_of: date,
    forbidden: Forbidden,
    held_back: Said | None,
    since: SinceNewest,
    past_rows: PastRows,
) -> Published:
    """Publish the audience's full files and the deltas to what the network holds, unless nothing changed. In: how its
    keys differ from the newest.

    What is `held_back`, for a reason in a clause, or too small for the network stays as it is; but what is `forbidden`
    is taken out all the same, in a version of its own, and older versions that would bring it are withdrawn.

    Raises:
        PublicationError: the ledger does not close, a file would be refused, or the disk is full.
    """
    check_ledger(audience, audience_rows.ledger)
    reason = held_back or (too_small(audience_rows, network) if audience_rows.below_minimum else None)
    past = partial(past_rows, audience)
    asked = Asked(audience, segment, network, audience_rows, as_of, forbidden, past, since=since)
    return _finished(asked, outbox, _publish(asked, outbox, held=reason))


def publish_retired(  # noqa: PLR0913 - an audience, what it was, where it goes, and what the law says
    audience: Audience, segment: Segment, network: Network, outbox: Outbox, *, as_of: date, forbidden: Forbidden
) -> Published:
    """Publish, of an audience that has left the config, what is still to be done: delete its list, and until somebody
    confirms that, take out whoever is `forbidden`. `segment` is as it was declared last.

    Raises:
        PublicationError: a file would be refused, or the disk is full.
    """
    asked = Asked(audience, segment, network, NOBODY, as_of, forbidden, lambda _: (), retired=True)
    return _finished(asked, outbox, _publish(asked, outbox, held=RETIRED)._replace(outcome="retired"))


def publish_unreached(  # noqa: PLR0913 - an audience, what it is, where it goes, and what the law says
    audience: Audience,
    segment: Segment,
    network: Network,
    outbox: Outbox,
    *,
    as_of: date,
    forbidden: Forbidden,
    past_rows: PastRows,
) -> None:
    """Publish, of an audience that a failed night did not reach, only what must leave; nothing if nobody must.

    Raises:
        PublicationError: a file would be refused, or the disk is full.
    """
    asked = Asked(audience, segment, network, NOBODY, as_of, forbidden, partial(past_rows, audience))
    found = _publish(asked, outbox, held=UNREACHED)
    withdraw_forbidden(audience, outbox, forbidden, newest=found.version)
    if found.version is not None:
        outbox.catalog.record_outcome(
            audience, as_of, found.outcome, night=outbox.night, version=found.version, reason=found.reason
        )


def _finished(asked: Asked, outbox: Outbox, found: Published) -> Published:
    """What was published, after versions that must not be were withdrawn, and written into the catalog."""
    withdraw_forbidden(asked.audience, outbox, asked.forbidden, newest=found.version)
    outbox.catalog.record_outcome(
        asked.audience,
        asked.as_of,
        found.outcome,
        night=outbox.night,
        version=found.version,
        reason=found.reason,
        ledger=asked.rows.ledger.model_dump(),
    )
    return found


def _publish(asked: Asked, outbox: Outbox, *, held: Said | None) -> Published:
    """Work the version out, write its files and read them again; unless it says what the newest does, commit it."""
    state = state_of(asked.audience, outbox.catalog, outbox.warehouse)
    draft = draft_of(asked, state, outbox, held=held)
    if draft is None:
        return Published("held", None, held, None)
    staged = outbox.staging / "-".join(asked.audience)
    with staging_folder(outbox.home.outbox, outbox.staging, staged):
        files = _stage_files(asked, draft, staged)
        manifest = _manifest(asked, draft, state, files, outbox)
        newest = fresh_version(asked.audience, manifest, draft.situation, state, outbox)
        if newest is not None:
            shutil.rmtree(staged)
            return Published("held" if held else "fresh", newest.version, held, newest)
        manifest = signed(manifest, outbox.catalog.audit_head(), outbox.keys)
        _stage_manifest(asked, manifest, staged)
        if not commit(asked.audience, asked.network, manifest, draft.keys, draft.since, staged, outbox):
            shutil.rmtree(staged, ignore_errors=True)
            return Published("held", None, FORGOTTEN, None)
    return Published("held" if held else "published", manifest.version, held, manifest)


def _stage_files(asked: Asked, draft: Draft, staged: Path) -> tuple[FileEntry, ...]:
    """The draft's files, written, read again and counted."""
    situation = draft.situation
    checked = checked_files(asked.audience, asked.segment, asked.network, draft.parts, staged)
    check_as_made(asked.audience, draft.parts, checked)
    if situation.has_full and draft.reduction is None:
        check_full_files(asked.audience, draft.rows.ledger, asked.network, checked)
    if situation.uses_deltas:
        check_deltas(asked.audience, situation.change, situation.delta, checked, filled=bool(situation.lists))
    return tuple(file.entry for file in checked)


def _manifest(asked: Asked, draft: Draft, state: State, files: tuple[FileEntry, ...], outbox: Outbox) -> Manifest:
    same_parts = asked.network.file.parts == "one list" or state.same_parts(files)
    return new_manifest(
        asked.audience,
        asked.segment,
        asked.network,
        draft.rows,
        settings=outbox.settings,
        files=files,
        as_of=asked.as_of,
        base=state.base,
        situation=draft.situation,
        plan=plan(draft.situation, files, same_parts=same_parts),
        reduction=draft.reduction,
    )


def _stage_manifest(asked: Asked, manifest: Manifest, staged: Path) -> None:
    (staged / "manifest.json").write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (staged / "README.txt").write_text(readme(manifest, asked.segment, asked.network), encoding="utf-8")
