"""Customers whose e-mail, phone and country are those of the night before keep their canonical forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from pipelines.crm.arrival import Arrival
from pipelines.crm.contract import ROW

_TYPED = ("email", "phone", "country")
_MADE = (
    "canonical_email", "email_refusal", "canonical_phone", "phone_refusal", "phone_country_source", "phone_type",
    "country_code",
)  # fmt: skip
#: What tells who a customer is, and the place in the arrival.
IDENTIFYING = (ROW, "customer_id", *_TYPED, *_MADE)


def made_canonical(
    arrival: Arrival, canonical: Callable[[pl.DataFrame], pl.DataFrame]
) -> Iterator[tuple[pl.DataFrame, int]]:
    """source_row, customer_id, email, phone and country of the customers that arrived and what `canonical` adds to
    them, piece by piece, in no order; and how many of them it was asked for.
    """
    typed = ", ".join(f"arrived.{name}" for name in _TYPED)
    arrived = f"SELECT arrived.place AS {ROW}, arrived.customer_id, {typed}"
    if arrival.held is None:
        for rows in arrival.in_pieces(arrival.name, lambda piece: f"{arrived} FROM {piece} AS arrived"):
            yield canonical(rows), rows.height
        return
    same = " AND ".join(f"held.{name} IS NOT DISTINCT FROM arrived.{name}" for name in _TYPED)
    # An erased address was blanked after it was judged, which no address that was never there is.
    untouched = " AND ".join(f"(held.{name} IS NOT NULL OR held.{name}_refusal = 'blank')" for name in _TYPED[:2])
    of_held = f"{', '.join(f'held.{name}' for name in _MADE)}, held.customer_id IS NOT NULL AS known"
    joined = f"LEFT JOIN {arrival.held} AS held ON held.customer_id = arrived.customer_id AND {same} AND {untouched}"
    for rows in arrival.in_pieces(arrival.name, lambda piece: f"{arrived}, {of_held} FROM {piece} AS arrived {joined}"):
        kept = rows.filter("known").drop("known")
        anew = canonical(rows.filter(~pl.col("known")).drop("known", *_MADE))
        yield pl.concat([kept, anew.select(kept.columns)], how="vertical_relaxed"), anew.height
