"""Lists of which nobody knows what they hold: the home was restored from a backup since they were filled."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from catalog.journal import confirmations
from catalog.nights import starts_since
from catalog.restored import restored_at
from catalog.store import Catalog
from pipelines.holdings.open_lists import OpenList, open_lists
from schemas.erasure import ErasureRequest
from schemas.journal import Confirmation
from schemas.said import Said
from schemas.segment import Audience

RESTORED = Said(
    "This home was restored from a backup, so that nobody knows what was uploaded, confirmed and asked for since the "
    "backup was made. Fill the lists anew as their plans say, delete lists that were made since, and repeat requests "
    "made with `relance forget` since."
)


class Restoration(NamedTuple):
    """When the home was restored, if ever, and the audiences that have a list open which was filled before."""

    at: datetime | None
    audiences: tuple[Audience, ...]

    def precedes(self, request: ErasureRequest) -> bool:
        """Whether a list may hold keys of the person that no table knows: the request was made since."""
        return self.at is not None and request.received_at >= self.at

    def concerns(self, request: ErasureRequest) -> bool:
        """Whether one of these audiences' lists may."""
        return bool(self.audiences) and self.precedes(request)


def unknown_lists(lists: tuple[OpenList, ...], at: datetime | None) -> tuple[OpenList, ...]:
    """Those that were filled before the home was restored, which was `at` that time."""
    return () if at is None else tuple(each for each in lists if each.filled_at < at)


def restoration(catalog: Catalog) -> Restoration:
    """What the last restoration left unknown, by all that was confirmed since."""
    at = restored_at(catalog)
    by_audience: dict[Audience, list[Confirmation]] = {}
    for each in confirmations(catalog) if at is not None else ():
        by_audience.setdefault(each.audience, []).append(each)
    return Restoration(at, tuple(name for name, said in by_audience.items() if unknown_lists(open_lists(said), at)))


def awaits_run(catalog: Catalog) -> bool:
    """Whether the home was restored and no night went through since: what is shown is of before the backup."""
    at = restored_at(catalog)
    return at is not None and not any(start.outcome in {"done", "held"} for start in starts_since(catalog, at))


def restoration_told(catalog: Catalog) -> list[Said]:
    """What a night's report says of it: in the first one since, and as long as there are such lists."""
    found = restoration(catalog)
    if found.at is None:
        return []
    is_first = len(starts_since(catalog, found.at)) <= 1
    return [RESTORED] if is_first or found.audiences else []
