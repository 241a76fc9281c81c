"""The brake: tonight's audience against its last version; what changed too much for nobody to look at it first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from schemas.brake import Brake
from schemas.uploads import Ledger

#: Reasons of the ledger that say nothing about consent: who is lost for one of them had given it.
_AFTER_CONSENT = ("no_usable_identifier", "key_refused", "list_below_minimum", "duplicate_after_hashing")


class Night(NamedTuple):
    """What the brake compares: an audience's ledger, and how many rows each table of the CRM had."""

    ledger: Ledger
    source_rows: dict[str, int]


class Turnover(NamedTuple):
    """How many keys two versions have, and have in common."""

    before: int
    now: int
    common: int

    @property
    def share(self) -> float:
        """How much of the one with more keys is not in the other."""
        most = max(self.before, self.now)
        return 1 - self.common / most if most else 0.0


def turnover(before: pl.DataFrame, now: pl.DataFrame) -> Turnover:
    """In: the keys (key, value), each once, of the last version and of tonight's."""
    common = now.join(before, on=["key", "value"], how="semi").height
    return Turnover(before.height, now.height, common)


def tripped(before: Night, now: Night, keys: Turnover, limits: Brake) -> list[str]:
    """What changed by more than its limit, a clause each; none if the audience may be published."""
    return [
        *_sources(before.source_rows, now.source_rows, limits),
        *_people(before.ledger, now.ledger, limits),
        *_shares(before.ledger, now.ledger, limits),
        *_turnover(keys, limits),
    ]


def _sources(before: dict[str, int], now: dict[str, int], limits: Brake) -> Iterator[str]:
    for table, rows in before.items():
        left = now.get(table, 0)
        if rows and rows - left >= limits.table_shrinks * rows:
            limit = _less(limits.table_shrinks)
            yield f"the CRM's table of {table} went from {rows:,} to {left:,} rows (limit {limit})"


def _people(before: Ledger, now: Ledger, limits: Brake) -> Iterator[str]:
    people, left = before.file_people, now.file_people
    if people - left > limits.audience_shrinks * people:
        yield f"the audience went from {people:,} to {left:,} people (limit {_less(limits.audience_shrinks)})"
    if left - people > limits.audience_grows * people:
        yield f"the audience went from {people:,} to {left:,} people (limit +{limits.audience_grows:.0%})"


def _shares(before: Ledger, now: Ledger, limits: Brake) -> Iterator[str]:
    for name, of, limit in (
        ("may be sent", _consented, limits.consent_drops),
        ("have a usable identifier", _reachable, limits.coverage_drops),
    ):
        was, is_now = of(before), of(now)
        if was is not None and is_now is not None and was - is_now > limit:
            yield f"the share of people who {name} went from {was:.0%} to {is_now:.0%} (limit {limit:.0%} less)"


def _turnover(keys: Turnover, limits: Brake) -> Iterator[str]:
    if keys.share > limits.keys_turn_over:
        yield (
            f"of {keys.before:,} keys before and {keys.now:,} now only {keys.common:,} are the same "
            f"(limit {limits.keys_turn_over:.0%} others)"
        )


def _allowed(ledger: Ledger) -> int:
    return ledger.file_people + sum(ledger.dropped.get(reason, 0) for reason in _AFTER_CONSENT)


def _consented(ledger: Ledger) -> float | None:
    return _allowed(ledger) / ledger.segment_people if ledger.segment_people else None


def _reachable(ledger: Ledger) -> float | None:
    allowed = _allowed(ledger)
    return 1 - ledger.dropped.get("no_usable_identifier", 0) / allowed if allowed else None


def _less(share: float) -> str:
    return f"-{share:.0%}"
