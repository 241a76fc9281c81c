"""When a network forgets whom it was sent, and what is sent again before it does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.uploads.holdings import LISTED_KEYS, Holdings, held_by_upload, sent_with
from pipelines.uploads.open_lists import OpenList
from schemas.network import Network
from schemas.settings import Settings


class Renewals(NamedTuple):
    """`keys` (list, key, value) that are held and sent again; `uploads`: so many of those into the newest list, oldest
    first, are renewed."""

    keys: pl.DataFrame
    uploads: int


NO_RENEWALS = Renewals(pl.DataFrame(schema=LISTED_KEYS), 0)


class Expiry(NamedTuple):
    """When the network forgets what was sent with each upload into the newest list, and how many days before that it is
    sent again."""

    forgotten_on: tuple[date, ...]
    margin: timedelta


def expiry_of(network: Network, lists: tuple[OpenList, ...], settings: Settings) -> Expiry | None:
    """None if no list is open or the network forgets nobody.

    Days count from the local day of the confirmation. The margin is a third of a short membership at most.
    """
    if network.membership_days is None or not lists:
        return None
    days = [at.astimezone(settings.zone).date() for at in lists[-1].confirmed_at]
    if network.expires == "list":
        days = [days[-1]] * len(days)
    membership = timedelta(days=network.membership_days)
    margin = timedelta(days=min(settings.resend_margin_days, network.membership_days // 3))
    return Expiry(tuple(day + membership for day in days), margin)


def renewals(warehouse: Warehouse, full: pl.DataFrame, held: Holdings, expiry: Expiry | None, as_of: date) -> Renewals:
    """In: list, key, value of what the new full files hold. Who leaves is not sent again.

    Nothing is, until some key comes within the margin; then everything is that would come so within another margin, so
    that people upload for this reason once a margin and not every day.
    """
    if expiry is None or not held.held or full.is_empty():
        return NO_RENEWALS

    def forgotten_by(day: date) -> list[int]:
        return [place for place, forgotten in enumerate(expiry.forgotten_on) if forgotten <= day]

    due, soon = forgotten_by(as_of + expiry.margin), forgotten_by(as_of + 2 * expiry.margin)
    if not due:
        return NO_RENEWALS
    found = sent_with(warehouse, full, held, soon)
    if found.filter(pl.col("upload").is_in(due)).is_empty():
        return NO_RENEWALS
    return Renewals(found.select(LISTED_KEYS.keys()), len(soon))


def forecast(warehouse: Warehouse, held: Holdings, expiry: Expiry | None) -> list[tuple[date, int]]:
    """The days on which the network forgets keys of the newest list if nobody uploads, and how many on each; none if it
    is not known what the list holds."""
    if expiry is None or not held.held or held.unknown:
        return []
    found: dict[date, int] = {}
    for upload, keys in held_by_upload(warehouse, held).items():
        day = expiry.forgotten_on[upload]
        found[day] = found.get(day, 0) + keys
    return sorted(found.items())


def first_forgotten(expiry: Expiry, current: OpenList, renewed: Mapping[str, int]) -> date:
    """The day on which the network begins to forget what the list holds, by the journal alone.

    `renewed`: by version, its manifest's `renewed_uploads`. Who was taken out since counts as held, so that the day is
    rather early than late.
    """
    oldest = 0
    for place, (version, kind) in enumerate(current.uploads):
        if kind == "replaced":
            oldest = place
        elif kind == "added":
            oldest = max(oldest, min(renewed.get(version, 0), place))
    return expiry.forgotten_on[oldest]
