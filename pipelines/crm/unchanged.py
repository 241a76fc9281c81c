"""Customers whose e-mail, phone and country are those of the night before keep their canonical forms."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipelines.crm.arrival import Arrival
from pipelines.crm.contract import ROW

_TYPED = ("email", "phone", "country")
_MADE = (
    "canonical_email", "email_refusal", "canonical_phone", "phone_refusal", "phone_country_source", "phone_type",
    "country_code",
)  # fmt: skip


def with_known_canonical(
    arrival: Arrival, canonical: Callable[[pl.DataFrame], pl.DataFrame]
) -> tuple[pl.DataFrame, int]:
    """source_row, customer_id, email, phone and country of the customers and what `canonical` adds to them, in no
    order; and how many it was asked for. Who stays in the warehouse has no source_row.
    """
    typed = ", ".join(f"arrived.{name}" for name in _TYPED)
    arrived = f"SELECT arrived.rowid AS {ROW}, arrived.customer_id, {typed}"
    if arrival.held is None:
        every = arrival.read(f"{arrived} FROM {arrival.name} AS arrived")
        return canonical(every), every.height
    same = " AND ".join(f"held.{name} IS NOT DISTINCT FROM arrived.{name}" for name in _TYPED)
    # An erased address was blanked after it was judged, which no address that was never there is.
    untouched = " AND ".join(f"(held.{name} IS NOT NULL OR held.{name}_refusal = 'blank')" for name in _TYPED[:2])
    rows = arrival.read(
        f"{arrived}, {', '.join(f'held.{name}' for name in _MADE)}, held.customer_id IS NOT NULL AS known "
        f"FROM {arrival.name} AS arrived LEFT JOIN {arrival.held} AS held "
        f"ON held.customer_id = arrived.customer_id AND {same} AND {untouched}"
    )
    kept = rows.filter("known").drop("known")
    anew = canonical(rows.filter(~pl.col("known")).drop("known", *_MADE))
    columns = ", ".join(kept.columns[1:])
    stayed = arrival.read(f"SELECT NULL::BIGINT AS {ROW}, {columns} FROM {arrival.held} WHERE {arrival.stays}")
    return pl.concat([kept, anew.select(kept.columns), stayed], how="vertical_relaxed"), anew.height
