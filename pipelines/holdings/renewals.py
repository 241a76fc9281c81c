"""What is sent again before the network forgets it."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.holdings.expiry import Expiry
from pipelines.holdings.holdings import LISTED_KEYS, Holdings, sent_with


class Renewals(NamedTuple):
    """`keys` (list, key, value) that are held and sent again; `uploads`: so many of those into the newest list, oldest
    first, are renewed."""

    keys: pl.DataFrame
    uploads: int


NO_RENEWALS = Renewals(pl.DataFrame(schema=LISTED_KEYS), 0)


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
