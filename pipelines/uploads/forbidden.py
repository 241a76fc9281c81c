"""Which keys a network may not hold: those of people who are refused there, and of people who were erased."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import polars as pl

from pipelines.erasure.forbidden import tombstoned
from pipelines.identifiers.matching import hashed_address
from pipelines.uploads.changes import Forbidden
from schemas.network import Network


def forbidden_keys(  # noqa: PLR0913, PLR0917 - all that forbids a key
    refused: pl.DataFrame,
    unpermitted: Callable[[], pl.DataFrame],
    erasures: pl.DataFrame,
    network: Network,
    identity_key: str,
    suppressed: pl.Series | None = None,
) -> Forbidden:
    """In: `RefusedKeys` of the network; what reads the keys (key, value) of people who may not be sent to it, called
    only if there is a key to ask about; `CrmErasures`; e-mails that are `suppressed` (canonical), whether anybody in
    the CRM has them tonight or not. The keys asked about: key, value.
    """
    listed = pl.Series("email", [], dtype=pl.String) if suppressed is None else suppressed

    @cache
    def of_refused() -> pl.DataFrame:
        shown = [
            pl.DataFrame({"value": hashed_address(listed, match)})
            .select(key=pl.lit(key.name), value="value")
            .drop_nulls()
            for key in network.keys
            for match in network.column(key.headers[0]).matches
            if len(key.headers) == 1 and match.identifier == "email"
        ]
        return pl.concat([refused.select("key", "value"), unpermitted().select("key", "value"), *shown])

    def forbidden(keys: pl.DataFrame) -> pl.Series:
        none = pl.Series([False]).new_from_index(0, keys.height)
        if keys.is_empty():
            return none
        hits = keys.with_row_index("place").join(of_refused(), on=["key", "value"], how="semi")["place"]
        is_refused = none.scatter(hits, values=True)
        return is_refused | tombstoned(keys, network=network, erasures=erasures, identity_key=identity_key)

    return forbidden
