"""When a network forgets whom it was sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from pipelines.holdings.open_lists import OpenList, base_of
from schemas.canonical import canonical_json
from schemas.network import Network
from schemas.settings import Settings


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


def forecast_base(lists: tuple[OpenList, ...], expiry: Expiry) -> str:
    """A name for what a forecast rests on: what the newest list holds, and the days on which that is forgotten.

    An upload that was taken back and confirmed on another day changes those days alone.
    """
    made_of = [base_of(lists), *map(date.isoformat, expiry.forgotten_on)]
    return hashlib.sha256(canonical_json(made_of).encode()).hexdigest()[:16]


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
