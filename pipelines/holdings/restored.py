"""Lists of which nobody knows what they hold: the home was restored from a backup since they were filled."""

from __future__ import annotations

from catalog.journal import confirmations
from catalog.restored import restored_at
from catalog.store import Catalog
from pipelines.holdings.open_lists import OpenList, open_lists
from schemas.journal import Confirmation
from schemas.said import Said
from schemas.segment import Audience

RESTORED = Said(
    "This home was restored from a backup, so that nobody knows what was uploaded, confirmed and asked for since the "
    "backup was made. Fill the lists anew as their plans say, delete lists that were made since, and repeat requests "
    "made with `relance forget` since."
)


def unknown_list(catalog: Catalog, lists: tuple[OpenList, ...]) -> OpenList | None:
    """The newest list of an audience, if it was filled before the home was restored."""
    at = restored_at(catalog) if lists else None
    return lists[-1] if at is not None and lists[-1].filled_at < at else None


def has_unknown_lists(catalog: Catalog) -> bool:
    """Whether any audience has such a list."""
    if restored_at(catalog) is None:
        return False
    by_audience: dict[Audience, list[Confirmation]] = {}
    for each in confirmations(catalog):
        by_audience.setdefault(each.audience, []).append(each)
    return any(unknown_list(catalog, open_lists(standing)) for standing in by_audience.values())
