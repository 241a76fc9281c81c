"""What relance takes an audience's open lists to hold."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.holdings.audience_keys import file_keys, key_versions
from pipelines.holdings.holdings import LISTED_KEYS, differences, possible_lists
from pipelines.uploads.versions.state import AudienceState
from schemas.segment import Audience
from tests.pipelines.holdings.network_model import Member


def believed(warehouse: Warehouse, audience: Audience, state: AudienceState) -> Iterator[set[Member] | None]:
    """The keys of each open list by what relance knows, oldest first; of the newest, as a night works it out. None if
    it says that it does not know."""
    published_at = {row["version"]: row["published_at"] for row in state.versions}
    files = key_versions(warehouse, audience)
    *older, _ = possible_lists(state.standing, files, published_at)[:-1] or [None]
    for events in older:
        held: set[Member] = set()
        for event in events:
            query = f"SELECT key, value FROM {file_keys()} WHERE version_id = $id"
            keys = warehouse.read(query, id=event.version_id)
            theirs = {(event.list, *row) for row in keys.iter_rows()}
            held = held | theirs if event.present else held - theirs
        yield held
    if state.holdings.unknown:
        yield None
    elif state.lists:
        nothing, held_only = pl.DataFrame(schema=LISTED_KEYS), state.holdings._replace(carried=())
        yield set(differences(warehouse, nothing, held_only).leaving.iter_rows())
