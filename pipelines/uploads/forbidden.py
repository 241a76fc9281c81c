"""Which keys a network may not hold: those of people who are refused there, and of people who were erased."""

from __future__ import annotations

import polars as pl

from pipelines.erasure.forbidden import tombstoned
from pipelines.uploads.changes import Forbidden
from schemas.network import Network


def forbidden_keys(refused: pl.DataFrame, erasures: pl.DataFrame, network: Network, identity_key: str) -> Forbidden:
    """In: `RefusedKeys` of the network; `CrmErasures`. The keys that are asked about: key, value."""

    def forbidden(keys: pl.DataFrame) -> pl.Series:
        numbered = keys.with_row_index("place")
        hits = numbered.join(refused, on=["key", "value"], how="semi")["place"]
        is_refused = pl.Series([False]).new_from_index(0, keys.height).scatter(hits, values=True)
        return is_refused | tombstoned(keys, network=network, erasures=erasures, identity_key=identity_key)

    return forbidden
