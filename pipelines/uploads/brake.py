"""The brake: tonight's audience against its last version; what changed too much for nobody to look at it first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction
from typing import NamedTuple

from catalog.allowances import allowance, end_leave_for_hold, use_allowance
from catalog.nights import record_notices
from pipelines.holdings.audience_keys import SinceNewest, kept_and_left
from pipelines.holdings.outbox import Outbox
from pipelines.uploads.rows.audience_rows import AudienceRows
from pipelines.uploads.rows.minimum import too_small
from pipelines.uploads.versions.changes import listed_keys
from pipelines.uploads.versions.state import last_full_of_any, last_whole
from schemas.brake import HOLDS, NOT_COUNTED, Brake, SourceCounts
from schemas.network import Network
from schemas.said import Said
from schemas.segment import Audience
from schemas.source import TABLE_WORDS, table_said
from schemas.too_small import SHORT_AND_CHANGED
from schemas.uploads import NO_CONSENT, Ledger, Manifest

#: What became of one that a leave let pass.
PASSED = "{audience} passed the brake by the leave of {by} ({reason}): {changes}."
#: One of the changes: what a table's missing rows refuse is not known either.
TABLE_SHRANK = "the CRM's table of {table} went from {before} to {now} rows (limit: {limit} fewer)"
#: Others: whom a table or a list refuses by ids that are no customer's, it protects no more.
NAMES_NOBODY = "no customer_id of {place} is a customer's"
NAMES_FEWER = "of the customer_ids of {place} {before} were a customer's, and {now} are (limit: {limit} fewer)"
#: Another: whom the missing rows name is protected no more.
LIST_SHRANK = "{place} went from {before} to {now} rows (limit: {limit} fewer)"
#: Another, of the first night too: most of what the CRM gave says nothing, since a select reads it wrongly, say.
SET_ASIDE = "{share} of the rows of the CRM's table of {table} were set aside (limit: {limit})"
#: Fewer rows than these may come and go with a handful of people, but for the last.
_FEW_ROWS = 5
#: Of these tables both speak of what people said.
_WHO_SAYS = {table_said("customers"), table_said("consents")}
_FEWER_MAY_BE_SENT = "the share of people who may be sent went from {before} to {now} (limit: {limit} points less)"
_SHRANK = "the audience went from {before} to {now} people (limit: {limit} fewer)"
#: What may have made an audience too small.
_WHY_SMALL = {_FEWER_MAY_BE_SENT, _SHRANK}


class Counted(NamedTuple):
    """What the brake compares: an audience's ledger, and what the CRM gave."""

    ledger: Ledger
    sources: SourceCounts


class Turnover(NamedTuple):
    """How many keys two versions have, and have in common."""

    before: int
    now: int
    common: int

    @property
    def share(self) -> Fraction:
        """How much of the one with more keys is not in the other."""
        most = max(self.before, self.now)
        return 1 - Fraction(self.common, most) if most else Fraction(0)


class Verdict(NamedTuple):
    """Why the audience may not be published before somebody has looked at it, None if it may; the number of the leave
    that lets it pass, to be spent when it has, and what that lets pass; and whether silence forbids, as it does but
    where words may be lacking.
    """

    held_back: Said | None
    leave: int | None = None
    let_pass: tuple[Said, ...] = ()
    silence_forbids: bool = True


def verdict_on(  # noqa: PLR0913, PLR0917 - an audience, what is asked of it, and what is known of it
    audience: Audience,
    network: Network,
    rows: AudienceRows,
    limits: Brake,
    outbox: Outbox,
    since: SinceNewest,
) -> Verdict:
    """What the brake says of tonight's audience. In: how its keys differ from the newest.

    It is compared with its last version that had a full file, or with the one that this was made of without what is
    forbidden; one that never had any is new, but the CRM is not: its tables are compared with those that other
    audiences were made of. A leave lets it pass once.
    """
    last = last_whole(outbox.catalog.versions(audience, state=None))
    before = last or last_full_of_any(outbox.catalog, outbox.night)
    changed = list(_sources(NOT_COUNTED if before is None else before.sources, rows.sources, limits))
    found = changed if last is None else _found(audience, last, rows, limits, outbox, since)
    leave = allowance(outbox.catalog, audience, outbox.night)
    if rows.below_minimum:
        told = [change for change in found if change in changed or change.sentence in _WHY_SMALL]
        if not told:
            return Verdict(None)
        # No leave lets it pass: that one waits until it is large enough again.
        short = Said(SHORT_AND_CHANGED, short=too_small(rows, network), changes=told)
        return Verdict(short, silence_forbids=leave is not None or silence_forbids(told))
    if not found:
        return Verdict(None)
    if leave is not None:
        return Verdict(None, leave, tuple(found))
    held_back = Said(HOLDS, changes=found, audience=str(audience))
    return Verdict(held_back, silence_forbids=silence_forbids(found))


def since_last_night(sources: SourceCounts, limits: Brake, outbox: Outbox) -> list[Said]:
    """What of tonight's CRM changed by more than its limit since the newest version that a night before made."""
    last = last_full_of_any(outbox.catalog, outbox.night)
    return [] if last is None else list(_sources(last.sources, sources, limits))


def silence_forbids(changes: Collection[Said]) -> bool:
    """Whether whoever says nothing has said nothing, by what trips the brake. Words may be lacking that were there, and
    so may the record of somebody on which they said yes.
    """
    return not any(
        change.sentence == _FEWER_MAY_BE_SENT
        or (
            change.sentence in {TABLE_SHRANK, SET_ASIDE, NAMES_NOBODY, NAMES_FEWER}
            and _WHO_SAYS & set(change.values.values())
        )
        for change in changes
    )


def _found(  # noqa: PLR0913, PLR0917 - as in `verdict_on`
    audience: Audience,
    last: Manifest,
    rows: AudienceRows,
    limits: Brake,
    outbox: Outbox,
    since: SinceNewest,
) -> list[Said]:
    full = listed_keys(rows.lists)
    keys = turnover(*kept_and_left(outbox.warehouse, audience, last.version, full, since), rows.keys.height)
    return tripped(Counted(last.ledger, last.sources), Counted(rows.ledger, rows.sources), keys, limits)


def settle_leave(audience: Audience, verdict: Verdict, outbox: Outbox, outcome: str) -> None:
    """Let the leave be used up that let the audience pass, and say what it let pass; a night that failed or held the
    audience all the same has made no use of it. A leave that was given because the brake held the audience ends with
    any night that publishes it: what trips the brake later is another matter, which nobody has looked at.
    """
    if outcome == "held":
        return
    if verdict.leave is not None:
        leave = use_allowance(outbox.catalog, verdict.leave, outbox.night)
        notice = Said(PASSED, audience=str(audience), by=leave.by, reason=leave.reason.rstrip("."),
                      changes=list(verdict.let_pass))  # fmt: skip
        record_notices(outbox.catalog, outbox.night, f"uploads/{audience}", [notice])
    end_leave_for_hold(outbox.catalog, audience)


def turnover(before: int, left: int, now: int) -> Turnover:
    """In: how many keys the last version has, how many of them left, and how many there are now. Keys that are no
    longer kept say nothing."""
    return Turnover(before, now, before - left) if before else Turnover(now, now, now)


def tripped(before: Counted, now: Counted, keys: Turnover, limits: Brake) -> list[Said]:
    """What changed by more than its limit, a clause each; none if the audience may be published.

    A table trips at its limit already: half of one is a halved table.
    """
    return [
        *_sources(before.sources, now.sources, limits),
        *_people(before.ledger, now.ledger, limits),
        *_shares(before.ledger, now.ledger, limits),
        *_turnover(keys, limits),
    ]


def _sources(before: SourceCounts, now: SourceCounts, limits: Brake) -> Iterator[Said]:
    for table, rows in before.rows.items():
        left = now.rows.get(table, 0)
        if rows and rows - left >= _exact(limits.table_shrinks) * rows:
            limit = _percent(limits.table_shrinks)
            yield Said(TABLE_SHRANK, table=table_said(table), before=rows, now=left, limit=limit)
    most = 100 * _exact(limits.table_shrinks)
    for table, share in now.set_aside_percent.items():
        # What somebody has let pass, or was so in a version before, is known.
        if share >= most > before.set_aside_percent.get(table, 0):
            yield Said(SET_ASIDE, table=table_said(table), share=f"{share}%", limit=f"{float(most):g}%")
    yield from _named(before.named_percent, now.named_percent, limits)
    yield from _listed(before.listed, now.listed, limits)


def _listed(before: dict[str, int], now: dict[str, int], limits: Brake) -> Iterator[Said]:
    for place, left in now.items():
        rows = before.get(place, 0)
        is_less = rows - left >= _exact(limits.table_shrinks) * rows and (rows - left >= _FEW_ROWS or not left)
        if rows and is_less:
            yield Said(LIST_SHRANK, place=place, before=rows, now=left, limit=_percent(limits.table_shrinks))


def _named(before: dict[str, int], now: dict[str, int], limits: Brake) -> Iterator[Said]:
    """What refuses by ids that no customer has protects nobody, and nobody would see it in an audience that grows."""
    for place, share in now.items():
        was, told = before.get(place), table_said(place) if place in TABLE_WORDS else place
        if was is None and share == 0:
            yield Said(NAMES_NOBODY, place=told)
        elif was and was - share >= _exact(limits.table_shrinks) * was:
            yield Said(NAMES_FEWER, place=told, before=f"{was}%", now=f"{share}%", limit=_percent(limits.table_shrinks))


def _people(before: Ledger, now: Ledger, limits: Brake) -> Iterator[Said]:
    people, left = before.file_people, now.file_people
    if people - left > _exact(limits.audience_shrinks) * people:
        yield Said(_SHRANK, before=people, now=left, limit=_percent(limits.audience_shrinks))
    if left - people > _exact(limits.audience_grows) * people:
        yield Said("the audience went from {before} to {now} people (limit: {limit} more)",
                   before=people, now=left, limit=_percent(limits.audience_grows))  # fmt: skip


def _shares(before: Ledger, now: Ledger, limits: Brake) -> Iterator[Said]:
    for says, of, limit in (
        (
            _FEWER_MAY_BE_SENT,
            _consented,
            limits.consent_drops,
        ),
        (
            "the share of people who have a usable identifier went from {before} to {now} (limit: {limit} points less)",
            _reachable,
            limits.coverage_drops,
        ),
    ):
        was, is_now = of(before), of(now)
        if was is not None and is_now is not None and was - is_now > _exact(limit):
            yield Said(says, before=_percent(was), now=_percent(is_now), limit=f"{100 * limit:g}")


def _turnover(keys: Turnover, limits: Brake) -> Iterator[Said]:
    if keys.share > _exact(limits.keys_turn_over):
        yield Said("of {before} keys before and {now} now only {common} are the same (limit: {limit} others)",
                   before=keys.before, now=keys.now, common=keys.common,
                   limit=_percent(limits.keys_turn_over))  # fmt: skip


def _consented(ledger: Ledger) -> Fraction | None:
    refused = sum(ledger.dropped.get(reason, 0) for reason in NO_CONSENT.values())
    return 1 - Fraction(refused, ledger.segment_people) if ledger.segment_people else None


def _reachable(ledger: Ledger) -> Fraction | None:
    unusable = sum(ledger.dropped.get(reason, 0) for reason in ("no_usable_identifier", "needed_value_missing"))
    both = ledger.file_people + unusable
    return Fraction(ledger.file_people, both) if both else None


def _exact(limit: float) -> Fraction:
    """A limit as it was written: 0.80 - 0.65 is no more than 0.15."""
    return Fraction(str(limit))


def _percent(share: float | Fraction) -> str:
    return f"{float(share):.0%}"
