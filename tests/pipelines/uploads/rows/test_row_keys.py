"""Keys of rows, and rows of keys."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.uploads.rows.row_keys import carrying, keys_of_rows, lacks, rows_of_keys
from schemas.network import networks
from tests.pipelines.uploads.versions.test_deltas import PEOPLE, Person, rows_of

NETWORKS = {name: each.allowing(()) for name, each in networks().items()}


@pytest.mark.parametrize("name", ["google_ads", "meta", "tiktok", "snapchat", "microsoft_ads"])
@settings(max_examples=15)
@given(people=PEOPLE, data=st.data())
def test_rows_made_of_keys_carry_just_those_keys(name: str, people: dict[int, Person], data: st.DataObject) -> None:
    file = NETWORKS[name].file
    network = NETWORKS[name].model_copy(
        update={"file": file.model_copy(update={"minimum_rows": file.minimum_rows.model_copy(update={"full": 1})})}
    )
    for part in rows_of(people, network).lists:
        drawn = st.lists(st.booleans(), min_size=part.keys.height, max_size=part.keys.height)
        chosen = part.keys.filter(pl.Series(data.draw(drawn), dtype=pl.Boolean))
        rows = rows_of_keys(chosen, part.upload_list, network)
        assert rows.height == chosen.height
        assert rows.columns == part.rows.columns
        # The value of a key alone is 0, without decimals.
        assert rows.dtypes == [pl.Decimal(18, 0) if kind == pl.Decimal else kind for kind in part.rows.dtypes]
        assert set(keys_of_rows(rows, part.upload_list, network).iter_rows()) == set(chosen.iter_rows())
        hit = carrying(part.rows, chosen, part.upload_list, network)
        kept = keys_of_rows(part.rows.filter(~hit), part.upload_list, network)
        assert set(kept.iter_rows()).isdisjoint(set(chosen.iter_rows()))
        assert hit.any() == bool(chosen.height)


def test_a_key_alone_is_a_row_of_every_network_but_of_those_that_want_more_in_each_row() -> None:
    for name, each in NETWORKS.items():
        needs = {lacks(key, part, each) for part in each.lists for key in each.keys_of(part)}
        expected = {"amazon_ads": ("externalUserId", "countryCode"), "liveramp": ("AUDIENCEKEY",)}.get(name, ())
        assert needs == {expected}, name
