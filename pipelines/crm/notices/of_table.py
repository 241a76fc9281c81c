"""All that is to be told of a table of the CRM, once tonight's rows of it are written."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from catalog.warehouse import Warehouse
from pipelines.crm.notices.dated_ahead import dated_ahead
from pipelines.crm.notices.orphans import orphaned_refusals, orphans
from pipelines.crm.notices.unreadable import unreadable_regions, unreadable_statements
from schemas.said import Said
from schemas.source import TableName


class TableNotices(NamedTuple):
    """What is to be told of a table, and how many of its rows name no customer."""

    told: tuple[Said, ...]
    orphans: int


def notices_of(
    table: TableName, warehouse: Warehouse, *, identity_key: str, default_country: str | None, now: datetime
) -> TableNotices:
    """Of any table but the customers and the requests; `now` is in the company's time zone."""
    found = orphans(warehouse, table)
    ahead = dated_ahead(warehouse, table, now)
    if table != "consents":
        return TableNotices((*found.notices, *ahead), found.rows)
    # Refusals are a few of all statements: where most of these name nobody, nothing is added by theirs.
    refusals = () if found.notices else orphaned_refusals(warehouse, identity_key)
    unread = (*unreadable_regions(warehouse), *unreadable_statements(warehouse, default_country))
    return TableNotices((*found.notices, *refusals, *ahead, *unread), found.rows)
