"""Why people of a segment are in no row of a network's files."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from schemas.network import Network

#: Why somebody who may be sent to the network has no row, in the ledger's order.
REASONS_HERE = ("region_not_served", "no_usable_identifier", "key_refused")


class Lost(NamedTuple):
    """What was lost before a network's rows were made: the segment's `people` by reason, counted apart from those who
    were not lost, so that the ledger can fail to close; their `identifiers` that are no match key, by
    `identifier: reason`."""

    people: dict[str, int]
    identifiers: dict[str, int]


NOTHING_LOST = Lost({}, {})


def lost_here(network: Network) -> pl.Expr:
    """`reason`: why a permitted person has no row; null if they have one."""
    served = pl.col("region").is_not_null() if network.regions else pl.lit(True)
    unserved, unusable, refused = (pl.lit(reason) for reason in REASONS_HERE)
    return (
        pl.when(~served).then(unserved).when(~pl.col("reachable")).then(unusable).when(~pl.col("kept")).then(refused)
    ).alias("reason")
