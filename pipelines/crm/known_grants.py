"""Whom the CRM's consents name where they grant something, and when: they are gone through once a night."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from catalog.duckdb_connection import insert_frame, literal, store_frame
from pipelines.crm.addressed import with_addresses
from pipelines.crm.pulled import Pulled
from pipelines.tombstones.erased import tombstone_of
from pipelines.tombstones.tombstones import Compared

#: Hexadecimal digits of a tombstone that fit into an integer.
_DIGITS = 15


class KnownGrants:
    """The ids beside a mark by which erased ones are found without hashing all again, and the addresses as they are
    compared.
    """

    temporary = ("_granted_ids", "_granted_marks", "_granted_addresses")

    def __init__(self, consents: Pulled, compared: Compared) -> None:
        self._arrival = consents.arrival
        self._arrival.connection.execute(
            "CREATE OR REPLACE TEMP TABLE _granted_ids AS "
            "SELECT customer_id, min(granted_at) AS first_at, max(granted_at) AS granted_at "
            f"FROM ({grants_of(consents, 'customer_id IS NOT NULL')}) GROUP BY customer_id"
        )
        self._keep("_granted_marks", self._marks(compared))
        self._keep("_granted_addresses", self._addresses(compared))

    def by_id(self, erasures: pl.DataFrame) -> pl.DataFrame:
        """customer_id, granted_at: the last grant of whoever may have a tombstone in `erasures` (`CrmErasures`)."""
        stones = erasures.filter(pl.col("form") == "customer_id")["tombstone"].unique()
        store_frame(self._arrival.connection, "_stones", stones.to_frame().select(_mark("tombstone")))
        return self._arrival.read(
            "SELECT customer_id, granted_at FROM _granted_ids "
            "WHERE rowid IN (SELECT place FROM _granted_marks SEMI JOIN _stones USING (mark))"
        )

    def by_address(self) -> Iterator[pl.DataFrame]:
        """email (canonical, or a digest in hex), phone, granted_at: every address that a grant names, in pieces."""
        yield from self._arrival.in_pieces("_granted_addresses", "SELECT email, phone, granted_at FROM {}".format)

    def anew_since(self, moment: object) -> str:
        """SQL for the customer_id of whoever consented after a moment to all to which they ever did."""
        return f"SELECT customer_id FROM _granted_ids WHERE first_at > {literal(moment)}"

    def _marks(self, compared: Compared) -> Iterator[pl.DataFrame]:
        for ids in self._arrival.in_pieces("_granted_ids", "SELECT place, customer_id FROM {}".format):
            stones = tombstone_of(ids["customer_id"], "customer_id", compared.identity_key).alias("tombstone")
            yield ids.select("place").with_columns(stones).select("place", _mark("tombstone"))

    def _addresses(self, compared: Compared) -> Iterator[pl.DataFrame]:
        self._arrival.connection.execute(
            "CREATE OR REPLACE TEMP TABLE _granted_texts AS SELECT address, max(captured_at) AS granted_at "
            f"FROM {self._arrival.every} WHERE status = 'granted' AND address IS NOT NULL GROUP BY address"
        )
        for texts in self._arrival.in_pieces("_granted_texts", "SELECT address, granted_at FROM {}".format):
            yield with_addresses(texts, compared.default_country).drop("address")
        self._arrival.connection.execute("DROP TABLE _granted_texts")

    def _keep(self, name: str, rows: Iterator[pl.DataFrame]) -> None:
        keep = store_frame
        for frame in rows:
            keep(self._arrival.connection, name, frame)
            keep = insert_frame


def grants_of(consents: Pulled, condition: str) -> str:
    """SQL for customer_id, purpose, network, granted_at: the last consent to each, of records that fulfil a
    condition."""
    return (
        "SELECT customer_id, purpose, network, max(captured_at) AS granted_at "
        f"FROM {consents.arrival.every} WHERE status = 'granted' AND {condition} "
        "GROUP BY customer_id, purpose, network"
    )


def _mark(tombstone: str) -> pl.Expr:
    return pl.col(tombstone).str.head(_DIGITS).str.to_integer(base=16).alias("mark")
