"""What an audience's next version would hold, and what it would change at the network: before any file is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache

from pipelines.holdings.audience_keys import FileKeys, SinceNewest, since_newest
from pipelines.holdings.expiry import expiry_of
from pipelines.holdings.forbidden import Forbidden
from pipelines.holdings.holdings import differences, unsaid_versions
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.renewals import renewals
from pipelines.uploads.changes import changes, deltas, listed_keys
from pipelines.uploads.fresh_version import has_spent_removals
from pipelines.uploads.manifest import rules_version
from pipelines.uploads.plan import Situation
from pipelines.uploads.reduced import Reduction, reduced_rows, reduction_of
from pipelines.uploads.rows import AudienceRows, ListRows
from pipelines.uploads.state import State, last_whole
from schemas.network import Network
from schemas.network_file import FileKind
from schemas.said import Said
from schemas.segment import Audience, Segment


@dataclass(frozen=True)
class Asked:
    """What is to be published."""

    audience: Audience
    segment: Segment
    network: Network
    rows: AudienceRows
    as_of: date
    forbidden: Forbidden
    #: The rows that its files had on an earlier day, as far as they are still known.
    past_rows: Callable[[date], tuple[ListRows, ...]]
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


def draft_of(asked: Asked, state: State, outbox: Outbox, *, held: Said | None) -> Draft | None:
    """The version that the audience is due, of tonight's rows or, if it is `held`, of what must happen all the same;
    None if nothing is due."""
    if not held:
        return _draft(asked, state, outbox, asked.rows, None)
    if not asked.retired:
        must_lose = _must_lose(asked, state, outbox)
        due = must_lose or state.is_unknown or has_spent_removals(asked.audience, state, outbox.warehouse)
        reduced = _reduced(asked, state, outbox, due=due)
        if reduced is not None:
            reduction, rows = reduced
            return _draft(asked, state, outbox, rows, reduction)
        if not must_lose:
            return None
    # Which lists are too small says nothing where there is none anyway.
    return _draft(asked, state, outbox, asked.rows._replace(lists=(), withheld={}), None)


def _draft(asked: Asked, state: State, outbox: Outbox, rows: AudienceRows, reduction: Reduction | None) -> Draft:
    network, full = asked.network, rows.lists
    keys = listed_keys(full)
    known = asked.since if rows is asked.rows else None
    since = known or since_newest(outbox.warehouse, asked.audience, keys)
    found = differences(outbox.warehouse, keys, state.holdings, since)
    expiry = expiry_of(network, state.lists, outbox.settings)
    again = renewals(outbox.warehouse, keys, state.holdings, expiry, asked.as_of)
    change = changes(found, full, asked.forbidden, again)
    situation = Situation(
        network=network,
        version=f"{asked.as_of}.{_next_number(asked.audience, outbox, asked.as_of)}",
        lists=state.lists,
        change=change,
        delta=deltas(change, full, network, filled=bool(state.lists)),
        incomparable=state.incomparable(change, rules_version(network))
        or (state.lacks_companions if full and reduction is None else None),
        has_full=bool(full),
        lists_until=state.lists_until,
        unsaid=unsaid_versions(state.holdings) if asked.retired else (),
        retired=asked.retired,
    )
    return Draft(rows, reduction, since, situation)


def _must_lose(asked: Asked, state: State, outbox: Outbox) -> bool:
    """Whether somebody must leave the network's list even if all that is not forbidden stays as it is."""
    found = differences(outbox.warehouse, listed_keys(()), state.holdings)
    return not changes(found, (), asked.forbidden).removes.is_empty()


def _reduced(asked: Asked, state: State, outbox: Outbox, *, due: bool) -> tuple[Reduction, AudienceRows] | None:
    """What stays of the version that was published last, if that is `due` or it may not stay as it is; None if nothing
    stays."""
    rules = rules_version(asked.network)
    reduction = reduction_of(asked.audience, state, outbox, asked.forbidden, rules_version=rules)
    if reduction is None or not (reduction.is_due or due):
        return None
    folder = outbox.folder(asked.audience, reduction.manifest.version)
    made_of = last_whole(state.versions) or reduction.manifest
    then = cache(lambda: asked.past_rows(date.fromisoformat(made_of.as_of)))
    reduction, rows = reduced_rows(reduction, folder, asked.network, (then, lambda: asked.rows.lists))
    return (reduction, rows) if rows.lists else None


def _next_number(audience: Audience, outbox: Outbox, as_of: date) -> int:
    """One more than any version of the day, in the catalog or (not ours) in the outbox."""
    folders = outbox.folder(audience, "").glob(f"{as_of}.*")
    there = [int(end) for end in (folder.name.rsplit(".", 1)[1] for folder in folders) if end.isdecimal()]
    return max([*outbox.catalog.numbers(audience, as_of), *there], default=0) + 1
