"""Publishing a version: staged, checked, then renamed into the outbox, so that no half version is ever seen."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from pipelines.holdings.audience_keys import FileKeys, SinceNewest, since_newest
from pipelines.holdings.expiry import expiry_of
from pipelines.holdings.forbidden import Forbidden, nothing_forbidden
from pipelines.holdings.holdings import differences, unsaid_versions
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.renewals import renewals
from pipelines.holdings.withdrawal import FORGOTTEN, withdraw_forbidden
from pipelines.uploads.changes import Changes, changes, deltas, listed_keys
from pipelines.uploads.commit import commit
from pipelines.uploads.freshness import fresh_version, has_spent_removals
from pipelines.uploads.manifest import new_manifest, readme, rules_version, signed
from pipelines.uploads.minimum import too_small
from pipelines.uploads.plan import RETIRED, Situation, plan
from pipelines.uploads.recount import check_as_made, check_deltas, check_full_files
from pipelines.uploads.reduced import Reduction, reduced_rows, reduction_of
from pipelines.uploads.rows import AudienceRows, ListRows
from pipelines.uploads.staging import check_ledger, checked_files, staging_folder
from pipelines.uploads.state import State, state_of
from schemas.errors import DayError
from schemas.network import Network
from schemas.network_file import FileKind
from schemas.said import Said
from schemas.segment import Audience, Segment
from schemas.uploads import Ledger, Manifest

#: Why an audience has at most removals after a night that failed.
UNREACHED = Said("the night failed before it was worked out, so that only what must leave its list was published")
#: What an audience is made of that has left the config, or that nobody worked out.
NOBODY = AudienceRows((), {}, Ledger(segment_people=0, dropped={}, file_people=0, file_rows=0), {})


class Published(NamedTuple):
    """What became of an audience: a new version, the last one still `fresh`, or `held` or `retired` with the reason."""

    outcome: Literal["published", "fresh", "held", "retired"]
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
    forbidden: Forbidden = nothing_forbidden,
    held_back: Said | None = None,
    since: SinceNewest | None = None,
) -> Published:
    """Publish the audience's full files and the deltas to what the network holds, unless nothing changed. In: how its
    keys differ from the newest, if that is known.

    What is `held_back`, for a reason in a clause, or too small for the network stays as it is; but what is `forbidden`
    is taken out all the same, in a version of its own, and older versions that would bring it are withdrawn.

    Raises:
        PublicationError: the ledger does not close, a file would be refused, or the disk is full.
    """
    check_ledger(audience, audience_rows.ledger)
    reason = held_back or (too_small(audience_rows, network) if audience_rows.below_minimum else None)
    asked = _Asked(audience, segment, network, audience_rows, as_of, forbidden, since=since)
    return _finished(asked, outbox, _publish(asked, outbox, held=reason))


def publish_retired(  # noqa: PLR0913 - an audience, what it was, where it goes, and what the law says
    audience: Audience, segment: Segment, network: Network, outbox: Outbox, *, as_of: date, forbidden: Forbidden
) -> Published:
    """Publish, of an audience that has left the config, what is still to be done: delete its list, and until somebody
    confirms that, take out whoever is `forbidden`. `segment` is as it was declared last.

    Raises:
        PublicationError: a file would be refused, or the disk is full.
    """
    asked = _Asked(audience, segment, network, NOBODY, as_of, forbidden, retired=True)
    return _finished(asked, outbox, _publish(asked, outbox, held=RETIRED)._replace(outcome="retired"))


def publish_unreached(  # noqa: PLR0913 - an audience, what it is, where it goes, and what the law says
    audience: Audience, segment: Segment, network: Network, outbox: Outbox, *, as_of: date, forbidden: Forbidden
) -> None:
    """Publish, of an audience that a failed night did not reach, only what must leave; nothing if nobody must.

    Raises:
        PublicationError: a file would be refused, or the disk is full.
    """
    asked = _Asked(audience, segment, network, NOBODY, as_of, forbidden)
    found = _publish(asked, outbox, held=UNREACHED)
    withdraw_forbidden(audience, outbox, forbidden, newest=found.version)
    if found.version is not None:
        outbox.catalog.record_outcome(
            audience, as_of, found.outcome, night=outbox.night, version=found.version, reason=found.reason
        )


@dataclass(frozen=True)
class _Asked:
    """What is to be published."""

    audience: Audience
    segment: Segment
    network: Network
    rows: AudienceRows
    as_of: date
    forbidden: Forbidden
    retired: bool = False
    since: SinceNewest | None = None


def _finished(asked: _Asked, outbox: Outbox, found: Published) -> Published:
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


def _publish(asked: _Asked, outbox: Outbox, *, held: Said | None) -> Published:
    audience, network, as_of = asked.audience, asked.network, asked.as_of
    state = state_of(audience, outbox.catalog, outbox.warehouse)
    reduction, audience_rows = None, asked.rows
    if held:
        rest = _held_rows(asked, state, outbox)
        if rest is None:
            return Published("held", None, held, None)
        reduction, audience_rows = rest
    full = audience_rows.lists
    keys_now = listed_keys(full)
    since = asked.since if full is asked.rows.lists else None
    since = since or since_newest(outbox.warehouse, audience, keys_now)
    found = differences(outbox.warehouse, keys_now, state.holdings, since)
    expiry = expiry_of(network, state.lists, outbox.settings)
    again = renewals(outbox.warehouse, keys_now, state.holdings, expiry, as_of)
    change = changes(found, full, asked.forbidden, again)
    delta = deltas(change, full, network, filled=bool(state.lists))
    version = f"{as_of}.{_next_number(audience, outbox, as_of)}"
    situation = Situation(
        network=network,
        version=version,
        lists=state.lists,
        change=change,
        delta=delta,
        incomparable=state.incomparable(change, rules_version(network))
        or (state.lacks_companions if full and reduction is None else None),
        has_full=bool(full),
        unsaid=unsaid_versions(state.holdings) if asked.retired else (),
        retired=asked.retired,
    )
    staged = outbox.staging / "-".join(audience)
    with staging_folder(outbox.home.outbox, outbox.staging, staged):
        parts: dict[FileKind, tuple[ListRows, ...]] = {"full": full, **(delta.parts if situation.uses_deltas else {})}
        checked = checked_files(audience, asked.segment, network, parts, staged)
        check_as_made(audience, parts, checked)
        if full and reduction is None:
            check_full_files(audience, audience_rows.ledger, network, checked)
        if situation.uses_deltas:
            check_deltas(audience, change, delta, checked, filled=bool(state.lists))
        files = tuple(file.entry for file in checked)
        manifest = new_manifest(
            audience,
            asked.segment,
            network,
            audience_rows,
            settings=outbox.settings,
            files=files,
            version=version,
            as_of=as_of,
            base=state.base,
            situation=situation,
            plan=plan(situation, files, same_parts=network.file.parts == "one list" or state.same_parts(files)),
            reduction=reduction,
        )
        newest = fresh_version(audience, manifest, situation, state, outbox)
        if newest is not None:
            shutil.rmtree(staged)
            return Published("held" if held else "fresh", newest.version, held, newest)
        manifest = signed(manifest, outbox.catalog.audit_head(), outbox.keys)
        (staged / "manifest.json").write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (staged / "README.txt").write_text(readme(manifest, asked.segment, network), encoding="utf-8")
        keys = [FileKeys(kind, part.upload_list.label, part.keys) for kind, lists in parts.items() for part in lists]
        if not commit(audience, network, manifest, keys, since, staged, outbox):
            shutil.rmtree(staged, ignore_errors=True)
            return Published("held", None, FORGOTTEN, None)
    return Published("held" if held else "published", version, held, manifest)


def _held_rows(asked: _Asked, state: State, outbox: Outbox) -> tuple[Reduction | None, AudienceRows] | None:
    """What is published of an audience that gets no list of tonight: what stays of its last one, or no rows if somebody
    must only leave; None if nothing is."""
    must_lose = asked.retired or not _without_full(asked, state, outbox).removes.is_empty()
    if not asked.retired:
        due = must_lose or has_spent_removals(asked.audience, state, outbox.warehouse)
        reduced = _reduced(asked, state, outbox, due=due)
        if reduced is not None:
            return reduced
    # Which lists are too small says nothing where there is none anyway.
    return (None, asked.rows._replace(lists=(), withheld={})) if must_lose else None


def _reduced(asked: _Asked, state: State, outbox: Outbox, *, due: bool) -> tuple[Reduction, AudienceRows] | None:
    """What stays of the version that was published last, if that is `due` or it may not stay as it is; None if nothing
    stays."""
    rules = rules_version(asked.network)
    reduction = reduction_of(asked.audience, state, outbox, asked.forbidden, rules_version=rules)
    if reduction is None or not (reduction.is_due or due):
        return None
    folder = outbox.folder(asked.audience, reduction.manifest.version)
    reduction, rows = reduced_rows(reduction, folder, asked.network, asked.rows.lists)
    return (reduction, rows) if rows.lists else None


def _without_full(asked: _Asked, state: State, outbox: Outbox) -> Changes:
    """What must change at the network if all that is not forbidden stays as it is."""
    found = differences(outbox.warehouse, listed_keys(()), state.holdings)
    return changes(found, (), asked.forbidden)


def _next_number(audience: Audience, outbox: Outbox, as_of: date) -> int:
    """One more than any version of the day, in the catalog or (not ours) in the outbox."""
    folders = outbox.folder(audience, "").glob(f"{as_of}.*")
    there = [int(end) for end in (folder.name.rsplit(".", 1)[1] for folder in folders) if end.isdecimal()]
    return max([*outbox.catalog.numbers(audience, as_of), *there], default=0) + 1
