"""Erased people left out of a table that names them by record or by address."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import literal, store_frame
from pipelines.crm.arrival import Arrival
from pipelines.crm.lifted import voided_grants
from pipelines.crm.strangers import strangers
from pipelines.customers.parted import parted_names
from pipelines.tombstones.erased import erased_addresses, erased_values
from pipelines.tombstones.others import keep_for_others
from pipelines.tombstones.tombstones import Compared
from schemas.crm import NAMING_COLUMNS, RAW_MARK


def forget(
    arrival: Arrival, erasures: pl.DataFrame, living: str, compared: Compared, *, unapplied: pl.DataFrame
) -> int:
    """Take out rows of erased customers, and what names an erased address; how many rows come in for others instead.

    In: `CrmErasures`, and those of them that were not yet looked for in the warehouse; `living` is the table of the
    customers already read without the erased.
    """
    if erasures.is_empty():
        return 0
    staying = arrival.held if "customer_id" in unapplied["form"] else None
    # Living customers need no look: there are many more of them.
    doubtful = strangers(arrival.read, [rows for rows in (arrival.name, staying) if rows], living)
    gone = erased_values(doubtful, "customer_id", erasures, compared.identity_key)
    # A list as a parameter would go through Python, value by value.
    store_frame(arrival.connection, "_gone", gone.to_frame("value"))
    others = 0
    if arrival.table == "consents":
        addresses = arrival.read(f"SELECT DISTINCT address FROM {arrival.name} WHERE address IS NOT NULL")["address"]
        erased = erased_addresses(addresses, erasures, compared)
        store_frame(arrival.connection, "_gone_addresses", erased.to_frame("value"))
        others = keep_for_others(
            arrival.connection,
            arrival.name,
            "customer_id IN (FROM _gone) OR address IN (FROM _gone_addresses)",
            living,
            default_country=compared.default_country,
        )
        _keep_for_parted(arrival, gone, compared.identity_key)
    arrival.execute("DELETE FROM {table} WHERE customer_id IN (FROM _gone)")
    if staying is not None:
        arrival.let_leave("customer_id IN (FROM _gone)")
    if arrival.table == "consents":
        arrival.execute(
            f"UPDATE {{table}} SET address = NULL, {RAW_MARK} = NULL WHERE address IN (FROM _gone_addresses)"
        )
        arrival.execute(f"DELETE FROM {{table}} WHERE coalesce({', '.join(NAMING_COLUMNS['consents'])}) IS NULL")
        _void_earlier_grants(arrival, erasures, compared)
    return others


def _keep_for_parted(arrival: Arrival, gone: pl.Series, identity_key: str) -> None:
    """Let what refuses by an id that goes name no more than whoever was one person with that record and stays."""
    names = parted_names(arrival.connection, gone, identity_key)
    if names.is_empty():
        return
    store_frame(arrival.connection, "_parted_names", names)
    arrival.execute(
        f"UPDATE {{table}} SET customer_id = name, address = NULL, record_id = NULL, source = NULL, {RAW_MARK} = NULL "
        "FROM _parted_names AS parted WHERE {table}.customer_id = parted.customer_id "
        "AND (status <> 'granted' OR captured_at IS NULL)"
    )


def _void_earlier_grants(arrival: Arrival, erasures: pl.DataFrame, compared: Compared) -> None:
    """Whoever came back starts anew: what they granted before they asked to be forgotten is void."""
    latest = erasures.filter(pl.col("lifted_at").is_not_null())["requested_at"].max()
    if latest is None:
        return

    def voided(place: str, rows: str, further: str) -> pl.Series:
        granted = (
            f"SELECT {place} AS voided, customer_id, address, captured_at FROM {{}} "
            f"WHERE status = 'granted' AND captured_at <= {literal(latest)} AND {further}"
        )
        pieces = arrival.in_pieces(rows, granted.format)
        return pl.concat(piece.filter(voided_grants(piece, erasures, compared))["voided"] for piece in pieces)

    arrival.take_out(voided("place", arrival.name, "TRUE"))
    if arrival.held is not None:
        marks = voided(RAW_MARK, arrival.held, arrival.stays).rename(RAW_MARK)
        store_frame(arrival.connection, "_voided", marks.to_frame())
        arrival.let_leave(f"{RAW_MARK} IN (FROM _voided)")
