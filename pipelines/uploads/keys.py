"""What identifies a member to a network: key columns of identifiers, and which of their values are refused."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pipelines.crm.erasures import refused_hashes
from pipelines.identifiers.match_keys import columns_of, form_of, key_value
from schemas.network import Network
from schemas.uploads import RefusedKeys


def refused_keys(
    identifiers: pl.DataFrame,
    permissions: pl.DataFrame,
    erasures: pl.DataFrame,
    networks: dict[str, Network],
    identity_key: str,
) -> pl.DataFrame:
    """Keys that a permitted person shares with somebody who is refused on that network, or who was erased.

    In: `Identifiers`, `Permissions`, `CrmErasures`. Out: `RefusedKeys`. A key that only refused people hold is in no
    row anyway and is left out.
    """
    empty = pl.DataFrame(RefusedKeys.create_empty())
    parts = [
        frame.select(network=pl.lit(name), key=pl.lit(key), value="value")
        for name, network in networks.items()
        for key, frame in _refused_on(
            identifiers, permissions.filter(pl.col("network") == name), erasures, network, identity_key
        )
    ]
    return pl.concat([empty, *parts]).sort(empty.columns)


def _refused_on(
    identifiers: pl.DataFrame,
    permitted: pl.DataFrame,
    erasures: pl.DataFrame,
    network: Network,
    identity_key: str,
) -> Iterator[tuple[str, pl.DataFrame]]:
    for key in network.keys:
        columns = columns_of(network, key)
        held = identifiers.select("person_id", value=key_value(columns)).filter(pl.col("value").is_not_null())
        theirs = held.join(permitted, on="person_id", how="semi").select("value")
        # Only keys that more than one person holds can be shared; by hash that is quickly seen.
        common = held.filter(pl.len().over(pl.col("value").hash()) > 1)
        others = common.join(permitted, on="person_id", how="anti").select("value")
        shared = theirs.join(others, on="value", how="semi").unique()
        if not all(column.is_reversible for column in columns):
            erased = refused_hashes(theirs["value"], form_of(columns), erasures, identity_key)
            shared = pl.concat([shared, erased.to_frame("value")]).unique()
        yield key.name, shared
