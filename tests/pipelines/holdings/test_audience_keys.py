"""What is kept of each version's keys: those it carried, whatever came, left, was thinned, dropped or unfinished."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.warehouse import Warehouse, open_warehouse
from pipelines.holdings.audience_keys import (
    FileKeys,
    add_pending_keys,
    drop_keys,
    ensure_keys,
    file_keys,
    finish_keys,
    kept_and_left,
    key_versions,
    sent_keys,
    settle_pending_keys,
    since_newest,
    thin_keys,
)
from pipelines.holdings.holdings import LISTED_KEYS, Event, Holdings, differences
from pipelines.uploads.brake import turnover
from schemas.segment import Audience

AUDIENCE, OTHER = Audience("meta", "main", "loyal"), Audience("meta", "main", "other")

VALUES = st.sets(st.sampled_from("abcdef"), min_size=1)
#: Some of six people in each of two lists; a list without anybody has no file.
LISTS = st.dictionaries(st.sampled_from(["", "us"]), VALUES, max_size=2)
FILLED = st.dictionaries(st.sampled_from(["", "us"]), VALUES, min_size=1, max_size=2)
#: What happens to older versions after a night, and which of them.
LATER = st.lists(st.tuples(st.sampled_from(["drop", "thin", "crash"]), st.integers(0, 5)), max_size=2)

#: (list, value)
Carried = set[tuple[str, str]]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    home = Home.at(tmp_path_factory.mktemp("keys") / "home")
    with open_warehouse(home, open_keys(home), "2GB") as opened:
        ensure_keys(opened)
        yield opened


def listed(lists: dict[str, set[str]]) -> pl.DataFrame:
    rows = [(name, "email", value) for name, values in lists.items() for value in sorted(values)]
    return pl.DataFrame(rows, schema=LISTED_KEYS, orient="row")


def written(warehouse: Warehouse, audience: Audience, version: str, lists: dict[str, set[str]]) -> None:
    """A version's keys, pending: of its full files, of an add file with one of them, and of a remove file."""
    full = listed(lists)
    by_list = [(name, full.filter(list=name).select("key", "value")) for name in lists]
    files = [FileKeys("full", name, keys) for name, keys in by_list]
    files += [FileKeys("add", name, keys.head(1)) for name, keys in by_list]
    files += [FileKeys("remove", name, keys.head(1).with_columns(value=pl.lit("gone"))) for name, keys in by_list]
    add_pending_keys(warehouse, audience, version, files, since_newest(warehouse, audience, full))


def kept(warehouse: Warehouse, audience: Audience) -> dict[tuple[str, str], Carried]:
    """(version, kind) → what is kept of its keys."""
    found: dict[tuple[str, str], Carried] = {}
    every = warehouse.read(f"FROM {file_keys()}").filter(**audience._asdict())
    for version, kind, label, value in every.select("version", "kind", "list", "value").iter_rows():
        assert (label, value) not in found.setdefault((version, kind), set())
        found[version, kind].add((label, value))
    return found


def numbers(warehouse: Warehouse, version: str, kind: str) -> dict[str, int]:
    files = warehouse.read("FROM warehouse.key_versions").filter(**AUDIENCE._asdict(), version=version, kind=kind)
    return dict(files.select("list", "version_id").iter_rows())


def emptied(warehouse: Warehouse) -> None:
    warehouse.execute("DELETE FROM warehouse.audience_keys")
    warehouse.execute("DELETE FROM warehouse.key_versions")


@settings(max_examples=12)
@given(st.lists(st.tuples(LISTS, LATER), min_size=1, max_size=6))
# A key goes that came with the version, and the others of the series stay.
@example([({"": {"a"}}, []), ({"": {"a", "b"}}, [("drop", 1)])])
# What an old version is thinned to is no series that later ones go on with.
@example([({"": {"a", "b", "c"}}, []), ({"": {"a", "b"}}, [("thin", 0)]), ({"": {"a"}}, [])])
# The number of a version that is gone is still what a key left with.
@example([({"": {"a"}, "us": {"a", "b"}}, []), ({"": {"a"}, "us": {"a"}}, [("drop", 1)]), ({"us": {"a"}}, [])])
def test_each_version_keeps_what_it_carried_whatever_becomes_of_others(
    warehouse: Warehouse, nights: list[tuple[dict[str, set[str]], list[tuple[str, int]]]]
) -> None:
    emptied(warehouse)
    expected: dict[tuple[str, str], Carried] = {}
    thin: set[int] = set()
    written(warehouse, OTHER, "1", {"": set("abc")})
    finish_keys(warehouse, OTHER, "1")
    for night, (lists, later) in enumerate(nights):
        version = str(night)
        written(warehouse, AUDIENCE, version, lists)
        assert version not in set(key_versions(warehouse, AUDIENCE)["version"])
        finish_keys(warehouse, AUDIENCE, version)
        for name, values in lists.items():
            expected.setdefault((version, "full"), set()).update((name, value) for value in values)
            expected.setdefault((version, "add"), set()).add((name, min(values)))
            expected.setdefault((version, "remove"), set()).add((name, "gone"))
        for what, which in later:
            old = str(which)
            if what == "crash":
                written(warehouse, OTHER, "torn", {"": {"z"}})
                written(warehouse, AUDIENCE, "torn", {"": {"z"}, **lists})
                settle_pending_keys(warehouse, set())
            elif what == "drop":
                drop_keys(warehouse, AUDIENCE, [old])
                expected = {file: carried for file, carried in expected.items() if file[0] != old}
            elif which < night and (version, "full") in expected:
                now = expected[version, "full"]
                for kind in ("full", "add"):
                    for name, number in numbers(warehouse, old, kind).items():
                        if name in lists:
                            thin.add(number)
                            thin_keys(warehouse, number, numbers(warehouse, version, "full")[name])
                    expected[old, kind] = {
                        each for each in expected.get((old, kind), set()) if each[0] not in lists or each not in now
                    }
        files = key_versions(warehouse, AUDIENCE)
        assert set(files.filter(~pl.col("whole"))["version_id"]) == thin & set(files["version_id"])
        assert kept(warehouse, AUDIENCE) == {file: carried for file, carried in expected.items() if carried}
        others = {
            ("1", "full"): {("", each) for each in "abc"},
            ("1", "add"): {("", "a")},
            ("1", "remove"): {("", "gone")},
        }
        assert kept(warehouse, OTHER) == others
    rows = warehouse.height("audience_keys")
    drop_keys(warehouse, AUDIENCE, ["none"])
    assert warehouse.height("audience_keys") == rows
    drop_keys(warehouse, AUDIENCE, [str(night) for night in range(len(nights))])
    assert warehouse.height("audience_keys") == 5


@settings(max_examples=12)
@given(st.lists(FILLED, min_size=1, max_size=4), LISTS, st.data())
def test_what_is_asked_of_the_newest_difference_is_as_if_every_key_were_looked_at(
    warehouse: Warehouse, nights: list[dict[str, set[str]]], tonight: dict[str, set[str]], data: st.DataObject
) -> None:
    emptied(warehouse)
    for night, lists in enumerate(nights):
        written(warehouse, AUDIENCE, str(night), lists)
        finish_keys(warehouse, AUDIENCE, str(night))
    files = [
        (number, str(night), kind, name)
        for night in range(len(nights))
        for kind in ("full", "add")
        for name, number in numbers(warehouse, str(night), kind).items()
    ]
    events = st.lists(st.tuples(st.sampled_from(files), st.booleans()), max_size=4)
    held, carried = (
        tuple(
            # Nothing is removed with a full file.
            Event(number, version, name, order, present or kind == "full")
            for order, ((number, version, kind, name), present) in enumerate(data.draw(events))
        )
        for _ in range(2)
    )
    full = listed(tonight)
    since = since_newest(warehouse, AUDIENCE, full)
    found = Holdings(held, carried, ())
    quick, whole = differences(warehouse, full, found, since), differences(warehouse, full, found)
    for one, other in zip(quick, whole, strict=True):
        assert one.sort(pl.all()).equals(other.sort(pl.all()))

    last = len(nights) - 1
    now, before = ({value for values in lists.values() for value in values} for lists in (tonight, nights[last]))
    counted = kept_and_left(warehouse, AUDIENCE, str(last), full, since)
    assert turnover(*counted, len(now)) == (len(before), len(now), len(before & now))
    assert turnover(0, 0, len(now)).share == 0

    for one, other in ((0, last), (last, 0)):
        sent = sent_keys(warehouse, AUDIENCE, [str(one)], newest=str(other))
        missing = {value for name, values in nights[one].items() for value in values - nights[other].get(name, set())}
        assert missing <= set(sent["value"]) <= {value for values in nights[one].values() for value in values}

    # Of files that are not known whole nobody says how many they carried.
    for name, number in numbers(warehouse, "0", "full").items():
        thin_keys(warehouse, number, numbers(warehouse, "0", "add")[name])
    assert kept_and_left(warehouse, AUDIENCE, "0", full, since) == (0, 0)
