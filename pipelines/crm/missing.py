"""Customers of the night before who do not arrive, in a night with new requests: the CRM may give them another id."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from catalog.duckdb_connection import store_frame
from pipelines.crm.arrival import Arrival
from pipelines.tombstones.covered import usable, within
from pipelines.tombstones.erased import has_tombstone
from pipelines.tombstones.met import ADDRESSED

#: The temporary table of those who are missing: customer_id, and the addresses by which they may be joined.
_MISSING = "_missing"


class Before(NamedTuple):
    """Tables (`CanonicalCustomers`) of those who were there before the customers arrive."""

    #: As they were before new requests took them, or an address of theirs, out of the others.
    forgotten: str
    customers: str


class Missing:
    """Those of them who are neither among the customers that arrive nor among those that stay."""

    def __init__(self, arrival: Arrival, there: str, before: Before) -> None:
        """`there`: a table with the customer_id of everybody who arrives or stays."""
        self._arrival, self._before = arrival, before
        # Those who stay are nearly all, so they are left out before anybody is looked for among them.
        others = f"customer_id NOT IN (SELECT customer_id FROM {before.forgotten})"
        leaves = f"NOT ({arrival.stays}) AND {others}" if arrival.held else others
        arrival.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_MISSING} AS "
            f"FROM (FROM {usable(before.forgotten)} UNION ALL FROM {usable(before.customers, leaves)}) "
            f"ANTI JOIN {there} USING (customer_id)"
        )
        self.having = within(arrival, _MISSING)
        self._forgotten = self._of(before.forgotten, _MISSING).select(ADDRESSED)

    def whole(self, ids: pl.Series) -> pl.DataFrame:
        """The `CanonicalCustomers` with the ids among them."""
        missing = self._arrival.read(f"SELECT customer_id FROM {_MISSING}")
        asked = missing.filter(pl.col("customer_id").is_in(ids.implode()))
        store_frame(self._arrival.connection, "_asked", asked)
        # The customers are many, and mostly nobody is asked for.
        tables = self._before if asked.height else self._before[:1]
        found = pl.concat([self._of(table, "_asked") for table in tables], how="diagonal")
        return found.unique("customer_id", keep="first", maintain_order=True)

    def erased(self, erasures: pl.DataFrame, identity_key: str) -> pl.DataFrame:
        """Those of them, in the columns `ADDRESSED`, of whose id `CrmErasures` have a tombstone."""
        return self._forgotten.filter(
            has_tombstone(self._forgotten["customer_id"], "customer_id", erasures, identity_key)
        )

    def drop(self) -> None:
        """Give back the memory."""
        self._arrival.connection.execute(f"DROP TABLE {_MISSING}")

    def _of(self, table: str, ids: str) -> pl.DataFrame:
        return self._arrival.read(f"FROM {table} SEMI JOIN {ids} USING (customer_id)")
