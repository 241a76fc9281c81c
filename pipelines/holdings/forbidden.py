"""Which keys a network may not hold: those of people who are refused there, and of people who were erased."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipelines.holdings.audience_keys import KEYS
from pipelines.identifiers.matching import refused_address
from pipelines.tombstones.forbidden import tombstoned
from schemas.network import Network

#: For each of a network's keys (key, value), whether the law forbids that the network holds it.
Forbidden = Callable[[pl.DataFrame], pl.Series]


def nothing_forbidden(keys: pl.DataFrame) -> pl.Series:
    """Where every one of the keys may be sent."""
    return pl.Series([False]).new_from_index(0, keys.height)


def everything_forbidden(keys: pl.DataFrame) -> pl.Series:
    """Where nobody works out any more who may not be sent."""
    return ~nothing_forbidden(keys)


def forbidden_keys(  # noqa: PLR0913, PLR0917 - all that forbids a key
    refused: pl.DataFrame,
    unpermitted: Callable[[pl.DataFrame], pl.DataFrame],
    erasures: pl.DataFrame,
    network: Network,
    identity_key: str,
    emails: pl.Series,
) -> Forbidden:
    """In: `RefusedKeys` of the network; what reads of keys (key, value) at least those of people who may not be sent to
    it; `CrmErasures`; the network's `refused_emails`, whether anybody in the CRM has them tonight or not. The keys
    asked about: key, value.
    """
    shown = [
        pl.DataFrame({"value": refused_address(emails, match)}).select(key=pl.lit(key.name), value="value").drop_nulls()
        for key in network.keys
        for match in network.column(key.headers[0]).matches
        if len(key.headers) == 1 and match.identifier == "email"
    ]
    of_refused = pl.concat([refused.select("key", "value"), *shown])
    # A night asks about the same few keys again: what would come to the list, and what older versions would bring.
    looked_up = of_unpermitted = pl.DataFrame(schema=KEYS)

    def forbidden(keys: pl.DataFrame) -> pl.Series:
        nonlocal looked_up, of_unpermitted
        none = nothing_forbidden(keys)
        if keys.is_empty():
            return none
        new = keys.select("key", "value").unique().join(looked_up, on=["key", "value"], how="anti")
        if not new.is_empty():
            looked_up = pl.concat([looked_up, new])
            of_unpermitted = pl.concat([of_unpermitted, unpermitted(new).select("key", "value")])
        wanted = pl.concat([of_refused, of_unpermitted])
        hits = keys.with_row_index("place").join(wanted, on=["key", "value"], how="semi")["place"]
        is_refused = none.scatter(hits, values=True)
        return is_refused | tombstoned(keys, network=network, erasures=erasures, identity_key=identity_key)

    return forbidden
