"""Which of a network's keys are those of somebody erased: no file may carry them again."""

from __future__ import annotations

import polars as pl

from pipelines.crm.erasures import has_tombstone
from pipelines.identifiers.match_keys import columns_of, form_of
from schemas.network import Network


def tombstoned(keys: pl.DataFrame, *, network: Network, erasures: pl.DataFrame, identity_key: str) -> pl.Series:
    """For each of the network's keys, whether it belongs to somebody erased, in the form that the network sees.

    In: keys (key, value), as `AudienceKeys`; erasures (`CrmErasures`). Out: Boolean, row by row. A key whose name the
    network no longer has is compared in every form.
    """
    forms = {key.name: [form_of(columns) for columns in columns_of(network, key)] for key in network.keys}
    every = erasures["form"].unique().to_list()
    found = pl.Series("tombstoned", [False]).new_from_index(0, keys.height)
    if erasures.is_empty():
        return found
    for name in keys["key"].unique():
        places = (keys["key"] == name).arg_true()
        values = keys["value"].gather(places)
        for form in forms.get(name, every):
            hits = places.filter(has_tombstone(values, form, erasures, identity_key))
            found = found.scatter(hits, values=True)
    return found
