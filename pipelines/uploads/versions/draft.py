"""What an audience's next version would hold, and what it would change at the network: before any file is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache

from catalog.restored import restored_at
from pipelines.holdings.audience_keys import FileKeys, SinceNewest, since_newest
from pipelines.holdings.expiry import expiry_of
from pipelines.holdings.forbidden import Forbidden
from pipelines.holdings.holdings import differences, unsaid_versions
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.renewals import renewals
from pipelines.holdings.restored import unknown_lists
from pipelines.uploads.rows.audience_rows import AudienceRows, ListRows
from pipelines.uploads.versions.changes import changes, deltas, listed_keys
from pipelines.uploads.versions.digests import rules_version
from pipelines.uploads.versions.fresh_version import has_spent_removals
from pipelines.uploads.versions.plan import Situation
from pipelines.uploads.versions.reduced import Reduction, reduced_rows, reduction_of
from pipelines.uploads.versions.state import AudienceState, last_whole
from schemas.brake import NOT_COUNTED
from schemas.network import Network
from schemas.network_file import FileKind
from schemas.said import Said
from schemas.segment import Audience, Segment
from schemas.uploads import Ledger

#: What an audience is made of that has left the config, or that nobody worked out.
NOBODY = AudienceRows((), {}, Ledger(segment_people=0, dropped={}, file_people=0, file_rows=0), NOT_COUNTED)


@dataclass(frozen=True)
class Publication:
    """What of an audience is to be published, of which day, and what the law says of its keys."""

    audience: Audience
    segment: Segment
    network: Network
    as_of: date
    forbidden: Forbidden
    rows: AudienceRows = NOBODY
    #: The rows that its files had on an earlier day, as far as they are still known.
    past_rows: Callable[[date], tuple[ListRows, ...]] = lambda _: ()
    #: How the keys of its rows differ from the newest; None if that is still to be found.
    since: SinceNewest | None = None
    #: Whether the audience has left the config.
    retired: bool = False


@dataclass(frozen=True)
class Draft:
    """A version that no file was written of yet."""

    rows: AudienceRows
    #: What the rows were made of where they are what stays of an earlier version; None if they are tonight's.
    reduction: Reduction | None
    #: How the keys of the rows differ from the newest.
    since: SinceNewest
    situation: Situation

    @property
    def parts(self) -> dict[FileKind, tuple[ListRows, ...]]:
        """What goes into its files."""
        return {"full": self.rows.lists, **(self.situation.delta.parts if self.situation.uses_deltas else {})}

    @property
    def keys(self) -> list[FileKeys]:
        """What its files carry."""
        return [
            FileKeys(kind, part.upload_list.label, part.keys) for kind, lists in self.parts.items() for part in lists
        ]


def draft_of(publication: Publication, state: AudienceState, outbox: Outbox, *, held: Said | None) -> Draft | None:
    """The version that the audience is due, of tonight's rows or, if it is `held`, of what must happen all the same;
    None if nothing is due."""
    if not held:
        return _draft(publication, state, outbox, publication.rows, None)
    if not publication.retired:
        must_lose = _must_lose(publication, state, outbox)
        due = must_lose or state.is_unknown or has_spent_removals(publication.audience, state, outbox.warehouse)
        reduced = _reduced(publication, state, outbox, due=due)
        if reduced is not None:
            reduction, rows = reduced
            return _draft(publication, state, outbox, rows, reduction)
        if not must_lose:
            return None
    # Which lists are too small says nothing where there is none anyway.
    return _draft(publication, state, outbox, publication.rows._replace(lists=(), withheld={}), None)


def _draft(
    publication: Publication, state: AudienceState, outbox: Outbox, rows: AudienceRows, reduction: Reduction | None
) -> Draft:
    network, full = publication.network, rows.lists
    keys = listed_keys(full)
    known = publication.since if rows is publication.rows else None
    since = known or since_newest(outbox.warehouse, publication.audience, keys)
    found = differences(outbox.warehouse, keys, state.holdings, since)
    expiry = expiry_of(network, state.lists, outbox.settings)
    again = renewals(outbox.warehouse, keys, state.holdings, expiry, publication.as_of)
    change = changes(found, full, publication.forbidden, again)
    situation = Situation(
        network=network,
        version=f"{publication.as_of}.{_next_number(publication.audience, outbox, publication.as_of)}",
        lists=state.lists,
        change=change,
        delta=deltas(change, full, network, filled=bool(state.lists)),
        incomparable=state.incomparable(change, rules_version(network))
        or (state.lacks_companions if full and reduction is None else None),
        has_full=bool(full),
        lists_until=state.lists_until,
        unsaid=unsaid_versions(state.holdings) if publication.retired else (),
        retired=publication.retired,
        made_before=any(each.kind in {"created", "deleted"} for each in state.standing),
        restored=bool(unknown_lists(state.lists, restored_at(outbox.catalog))),
    )
    return Draft(rows, reduction, since, situation)


def _must_lose(publication: Publication, state: AudienceState, outbox: Outbox) -> bool:
    """Whether somebody must leave the network's list even if all that is not forbidden stays as it is."""
    found = differences(outbox.warehouse, listed_keys(()), state.holdings)
    return not changes(found, (), publication.forbidden).removes.is_empty()


def _reduced(
    publication: Publication, state: AudienceState, outbox: Outbox, *, due: bool
) -> tuple[Reduction, AudienceRows] | None:
    """What stays of the version that was published last, if that is `due` or it may not stay as it is; None if nothing
    stays."""
    rules = rules_version(publication.network)
    reduction = reduction_of(publication.audience, state, outbox, publication.forbidden, rules_version=rules)
    if reduction is None or not (reduction.is_due or due):
        return None
    folder = outbox.folder(publication.audience, reduction.manifest.version)
    made_of = last_whole(state.versions) or reduction.manifest
    then = cache(lambda: publication.past_rows(date.fromisoformat(made_of.as_of)))
    reduction, rows = reduced_rows(reduction, folder, publication.network, (then, lambda: publication.rows.lists))
    return (reduction, rows) if rows.lists else None


def _next_number(audience: Audience, outbox: Outbox, as_of: date) -> int:
    """One more than any version of the day, in the catalog or (not ours) in the outbox."""
    folders = outbox.folder(audience, "").glob(f"{as_of}.*")
    there = [int(end) for end in (folder.name.rsplit(".", 1)[1] for folder in folders) if end.isdecimal()]
    return max([*outbox.catalog.numbers(audience, as_of), *there], default=0) + 1
