"""Why people of a segment are in no row of a network's files."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from schemas.network import Network

_UNSERVED, _UNUSABLE, _MISSING, _REFUSED = (
    "region_not_served",
    "no_usable_identifier",
    "needed_value_missing",
    "key_refused",
)


class Lost(NamedTuple):
    """What was lost before a network's rows were made: the segment's `people` by reason, counted apart from those who
    were not lost, so that the ledger can fail to close; their `identifiers` that are no match key, by
    `identifier: reason`."""

    people: dict[str, int]
    identifiers: dict[str, int]


NOTHING_LOST = Lost({}, {})


def reasons_here(network: Network) -> tuple[str, ...]:
    """Why somebody who may be sent to the network has no row, in the ledger's order."""
    missing = (_MISSING,) if network.required_any else ()
    return (_UNSERVED, _UNUSABLE, *missing, _REFUSED)


def lost_here(network: Network) -> pl.Expr:
    """`reason`: why a permitted person has no row; null if they have one."""
    served = pl.col("region").is_not_null() if network.regions else pl.lit(True)
    return (
        pl.when(~served)
        .then(pl.lit(_UNSERVED))
        .when(~pl.col("reachable"))
        .then(pl.lit(_UNUSABLE))
        .when(~pl.col("complete"))
        .then(pl.lit(_MISSING))
        .when(~pl.col("kept"))
        .then(pl.lit(_REFUSED))
    ).alias("reason")
