"""What has to change at a network, counted key by key, and why it would not take the files that change it."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.holdings.holdings import LISTED_KEYS, Differences
from pipelines.uploads.rows.audience_rows import ListRows
from pipelines.uploads.rows.row_keys import rows_of_keys
from pipelines.uploads.versions.changes import Changes, changes, deltas
from schemas.network import Network, networks
from schemas.network_file import MinimumRows

NOTHING = pl.DataFrame(schema=LISTED_KEYS)


def listed(values: str, label: str = "", key: str = "email") -> pl.DataFrame:
    return pl.DataFrame([(label, key, value) for value in values], schema=LISTED_KEYS, orient="row")


def network(name: str, ui_removal: str = "documented", **minimum: int) -> Network:
    found = networks()[name].allowing(())
    least = MinimumRows(**{"full": 1, "add": 1, "remove": 1, **minimum})
    return found.model_copy(
        update={"ui_removal": ui_removal, "file": found.file.model_copy(update={"minimum_rows": least})}
    )


def full(network: Network, keys: pl.DataFrame) -> tuple[ListRows, ...]:
    """The full files of people who have one of the keys each."""
    lists = {each.label: each for each in network.lists}
    parts = [(lists[label], part.select("key", "value")) for (label,), part in keys.group_by("list")]
    return tuple(ListRows(each, rows_of_keys(theirs, each, network), theirs) for each, theirs in parts)


def change(adds: pl.DataFrame = NOTHING, removes: pl.DataFrame = NOTHING, stuck: tuple[str, ...] = ()) -> Changes:
    return Changes(adds, removes, (), stuck)


def test_a_list_without_a_full_file_loses_what_is_forbidden_and_each_key_is_counted_once() -> None:
    carried = [("a", "2025-01-01.9"), ("c", "2025-01-01.10"), ("d", "2025-01-01.10")]
    found = Differences(
        NOTHING,
        listed("abe"),
        pl.DataFrame(
            [("", "email", *each) for each in carried], schema={**LISTED_KEYS, "version": pl.String}, orient="row"
        ),
    )

    def forbidden(keys: pl.DataFrame) -> pl.Series:
        return keys["value"].is_in(["a", "c", "e"])

    held = changes(found, (), forbidden)
    assert set(held.removes["value"]) == {"a", "c", "e"}
    assert (held.forbidden, held.astray, held.stuck) == (3, ("2025-01-01.9", "2025-01-01.10"), ("",))
    replaced = changes(found, full(network("meta"), listed("x")), forbidden)
    assert set(replaced.removes["value"]) == {"a", "b", "c", "e"}
    assert (replaced.forbidden, replaced.stuck) == (3, ())


@pytest.mark.parametrize(
    ("there", "adds", "removes", "told"),
    [
        ("abcd", "a", "", None),
        ("abc", "abc", "", None),
        ("ab", "ab", "", "adds people only by files of at least 3 rows, this one would have 2"),
        ("ab", "", "xy", None),
        ("ab", "", "x", "removes people only by files of at least 2 rows, this one would have 1"),
        ("a", "", "xy", "wants 2 members to be left, and there would be 1"),
    ],
)
def test_a_file_has_as_many_rows_as_the_network_asks_for(there: str, adds: str, removes: str, told: str | None) -> None:
    meta = network("meta", add=3, remove=2, left=2)
    found = deltas(change(listed(adds), listed(removes)), full(meta, listed(there)), meta, filled=True)
    assert (told is None) == (found.obstacle is None)
    assert (told or "") in str(found.obstacle or "")
    assert sum(part.rows.height for part in found.add) == (min(len(there), 3) if adds else 0)
    unfilled = deltas(change(listed(adds), listed(removes)), full(meta, listed(there)), meta, filled=False)
    assert unfilled.add == (), "there is no list to add to"


def test_of_several_lists_the_shortest_file_counts_and_is_named() -> None:
    snapchat = network("snapchat", add=2, remove=2)
    keys = pl.concat([listed("ab", "emails"), listed("c", "phones", "phone")])
    for asked, told in ((change(adds=keys), "adds"), (change(removes=keys), "removes")):
        assert f"{told} people only by files of at least 2 rows, that of phones would have 1" in str(
            deltas(asked, full(snapchat, keys), snapchat, filled=True).obstacle
        )


def test_a_removal_is_undocumented_only_where_there_is_one_and_none_where_the_network_takes_none() -> None:
    adding, removing = change(adds=listed("a")), change(removes=listed("x"))
    for ui_removal, undocumented, told in (("documented", False, ""), ("unconfirmed", True, ""),
                                           ("none", True, "removes nobody from a list with a file")):  # fmt: skip
        meta = network("meta", ui_removal)
        found = deltas(removing, full(meta, listed("a")), meta, filled=True)
        assert (found.undocumented, told in str(found.obstacle or "")) == (undocumented, True)
        assert bool(told) == (found.obstacle is not None)
        added = deltas(adding, full(meta, listed("a")), meta, filled=True)
        assert (added.undocumented, added.obstacle) == (False, None)


def test_a_list_that_the_network_has_no_more_is_named() -> None:
    meta = network("meta")
    found = deltas(change(removes=listed("x", "devices"), stuck=("devices",)), (), meta, filled=True)
    assert found.remove == ()
    assert "has no list devices any more" in str(found.obstacle)
