"""Requests to be forgotten that a later consent lifts whole: for the page, which does not open the warehouse."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import sqlalchemy as sa

from catalog.database import METADATA

if TYPE_CHECKING:
    from catalog.store import Catalog

CONSENTED = sa.Table("erasures_consented", METADATA, sa.Column("request_id", sa.Text, primary_key=True))


def note_consented(catalog: Catalog, requests: Collection[str]) -> None:
    """Write which requests those are now, in place of those that were."""
    with catalog.reading() as connection:
        known = set(connection.execute(sa.select(CONSENTED.c.request_id)).scalars())
    if known == set(requests):
        return
    with catalog.writing() as connection:
        connection.execute(sa.delete(CONSENTED))
        if requests:
            connection.execute(sa.insert(CONSENTED), [{"request_id": each} for each in sorted(requests)])
