"""Which of a network's keys are those of somebody erased: no file may carry them again."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pipelines.at_once import at_once
from pipelines.identifiers.match_keys import key_forms, tombstone_form
from pipelines.pieces import picked
from pipelines.tombstones.erased import has_tombstone, requests_for
from schemas.network import Network


def tombstoned(keys: pl.DataFrame, *, network: Network, erasures: pl.DataFrame, identity_key: str) -> pl.Series:
    """For each of the network's keys, whether it belongs to somebody erased, in the form that the network sees.

    In: keys (key, value), as `AudienceKeys`; erasures (`CrmErasures`). Out: Boolean, row by row. A key whose name the
    network no longer has is compared in every form.
    """
    found = pl.Series("tombstoned", [False]).new_from_index(0, keys.height)
    for places, form in _asked(keys, network, erasures):
        values = keys["value"].gather(places)
        found = found.scatter(places.filter(has_tombstone(values, form, erasures, identity_key)), values=True)
    return found


def keys_by_request(keys: pl.DataFrame, *, network: Network, erasures: pl.DataFrame, identity_key: str) -> pl.DataFrame:
    """request_id, key, value: the network's keys (key, value) that each request forbids, lifted or not."""

    def forbidden(asked: tuple[pl.Series, str]) -> pl.DataFrame:
        places, form = asked
        named = keys[places]
        requests = requests_for(named["value"], form, erasures, identity_key)
        return picked(named.join(requests, on="value").select("request_id", "key", "value"))

    nothing = pl.DataFrame(schema={"request_id": pl.String, "key": pl.String, "value": pl.String})
    return pl.concat([nothing, *at_once(forbidden, _asked(keys, network, erasures))]).unique()


def _asked(keys: pl.DataFrame, network: Network, erasures: pl.DataFrame) -> Iterator[tuple[pl.Series, str]]:
    """The places of keys of each name, with each form in which they may have a tombstone."""
    if erasures.is_empty():
        return
    forms = {key.name: [tombstone_form(columns) for columns in key_forms(network, key)] for key in network.keys}
    every = erasures["form"].unique().sort().to_list()
    for name in keys["key"].unique().sort():
        places = (keys["key"] == name).arg_true()
        for form in forms.get(name, every):
            yield places, form
