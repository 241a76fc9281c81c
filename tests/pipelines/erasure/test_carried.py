"""Keys of the erased are watched where versions carried them, and forgotten when nobody has to look for them."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import polars as pl
import pytest

from catalog.rewrite import rewrite_is_noted
from catalog.warehouse import Warehouse
from pipelines.erasure.applied import forget_lifted, not_applied
from pipelines.erasure.carried import (
    drop_erased_keys,
    erased_keys,
    note_erased_keys,
    removes_erased,
    requests_held,
    traces,
)
from pipelines.holdings.audience_keys import (
    FileKeys,
    add_pending_keys,
    ensure_keys,
    file_keys,
    finish_keys,
    since_newest,
)
from pipelines.holdings.holdings import LISTED_KEYS, Event
from schemas.erasure import ErasedKeys
from schemas.network import networks
from schemas.network_file import FileKind
from schemas.segment import Audience
from tests.pipelines.tombstones.test_tombstones import KEY, request, stones

META, GOOGLE = Audience("meta", "main", "buyers"), Audience("google_ads", "main", "buyers")
OTHER = META._replace(segment="loyal")
VERSION = "2025-06-01.1"


@pytest.fixture
def keys(warehouse: Warehouse) -> Warehouse:
    """Both networks carry `a`, `b` and `c`, which are their own; at Meta a version takes `a` out of one list."""
    for table in ("key_versions", "audience_keys", "erased_keys", "rewrite_due"):
        warehouse.execute(f"DROP TABLE IF EXISTS warehouse.{table}")
    ensure_keys(warehouse)
    for audience in (META, OTHER, GOOGLE):
        write(warehouse, audience, VERSION, "full", "abc")
    write(warehouse, META, "2025-06-02.1", "remove", "a")
    write(warehouse, GOOGLE, "2025-06-02.1", "remove", "c")
    return warehouse


def write(warehouse: Warehouse, audience: Audience, version: str, kind: FileKind, values: Iterable[str]) -> None:
    listed = pl.DataFrame([("", "email", value) for value in values], schema=LISTED_KEYS, orient="row")
    files = [FileKeys(kind, "", listed.select("key", "value"))]
    add_pending_keys(warehouse, audience, version, files, since_newest(warehouse, audience, listed))
    finish_keys(warehouse, audience, version)


def watched(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """`ErasedKeys` of request, network, value."""
    schema = pl.DataFrame(ErasedKeys.create_empty()).schema
    return pl.DataFrame([(name, network, "email", value) for name, network, value in rows], schema=schema, orient="row")


def in_full_files(warehouse: Warehouse, audience: Audience) -> str:
    found = warehouse.read(f"FROM {file_keys()}").filter(pl.col("kind") == "full", **audience._asdict())
    return "".join(found["value"].sort())


def test_of_a_finished_request_those_keys_go_that_no_other_request_watches_at_that_network(keys: Warehouse) -> None:
    every = watched(("r1", "meta", "a"), ("r1", "meta", "b"), ("r2", "meta", "b"), ("r2", "google_ads", "a"))
    keys.replace("erased_keys", every)
    drop_erased_keys(keys, ["r1"], every, [])
    assert [in_full_files(keys, each) for each in (META, OTHER, GOOGLE)] == ["bc", "bc", "abc"]
    assert erased_keys(keys).sort(pl.all()).equals(every.filter(request_id="r2").sort(pl.all()))
    assert rewrite_is_noted(keys)


def test_a_key_that_a_later_consent_allows_is_watched_on_unless_its_request_is_too_old(keys: Warehouse) -> None:
    every = watched(("r1", "meta", "a"), ("r1", "meta", "b"))
    forbidden = every.filter(value="a")
    keys.replace("erased_keys", every)
    drop_erased_keys(keys, ["r1"], forbidden, [])
    assert in_full_files(keys, META) == "bc"
    assert erased_keys(keys)["value"].to_list() == ["b"]

    drop_erased_keys(keys, ["r1"], forbidden.clear(), ["r1"])
    assert in_full_files(keys, META) == "bc", "who consented again is uploaded again"
    assert erased_keys(keys).is_empty()


def test_where_nothing_is_to_be_forgotten_the_warehouse_is_not_written_anew(keys: Warehouse) -> None:
    every = watched(("r1", "meta", "a"))
    keys.replace("erased_keys", every)
    drop_erased_keys(keys, ["r2"], every, ["r3"])
    assert not rewrite_is_noted(keys)


def test_keys_are_found_at_the_network_that_they_were_erased_at_only(keys: Warehouse) -> None:
    keys.replace("erased_keys", watched(("r1", "meta", "a"), ("r1", "google_ads", "b")))
    found = traces(keys).select("network", "segment", "kind", "value").sort(pl.all())
    assert found.rows() == [
        ("google_ads", "buyers", "full", "b"),
        ("meta", "buyers", "full", "a"),
        ("meta", "buyers", "remove", "a"),
        ("meta", "loyal", "full", "a"),
    ]


def test_a_version_removes_somebody_erased_if_its_remove_file_names_a_key_of_theirs(keys: Warehouse) -> None:
    assert not removes_erased(keys, META, "2025-06-02.1"), "nobody is erased"
    keys.replace("erased_keys", watched(("r1", "meta", "a"), ("r1", "meta", "c")))
    assert removes_erased(keys, META, "2025-06-02.1")
    assert not removes_erased(keys, META, VERSION), "it only carries them"
    assert not removes_erased(keys, GOOGLE, "2025-06-02.1"), "there it is somebody else's"


def test_a_request_is_held_while_one_of_the_network_s_lists_has_a_key_of_it_by_the_last_word(keys: Warehouse) -> None:
    schema = {"request_id": pl.String, "list": pl.String, "key": pl.String, "value": pl.String, "version_id": pl.UInt32}
    came, left = [("r1", name, "email", "a", number) for number, name in enumerate(("email", "phone"))], (2, 3)
    gone = [(*row[:4], number) for row, number in zip(came, left, strict=True)]
    found = pl.DataFrame([*came, *gone], schema=schema, orient="row")

    def held(*numbers: int) -> set[str]:
        events = [Event(each, VERSION, "", order, present=each < 2) for order, each in enumerate(numbers)]
        return requests_held(found, [[], list(reversed(events))])

    assert held(0, 1, 2) == held(0, 1, 3) == held(2, 3, 0) == {"r1"}
    assert held(0, 1, 2, 3) == held(2) == set()


def test_a_key_that_is_looked_for_again_is_kept_once_and_those_of_somebody_else_are_not(warehouse: Warehouse) -> None:
    for table in ("key_versions", "audience_keys", "erased_keys", "applied_tombstones"):
        warehouse.execute(f"DROP TABLE IF EXISTS warehouse.{table}")
    ensure_keys(warehouse)
    theirs, other = (sha256(address).hexdigest() for address in (b"jane@x.fr", b"bob@x.fr"))
    write(warehouse, META, VERSION, "full", [theirs, other])
    erasures = stones(request(email="jane@x.fr"))
    for _ in range(2):
        warehouse.replace("crm_erasures", erasures)
        assert not_applied(warehouse, "keys").height == erasures.height
        note_erased_keys(warehouse, erasures, networks(), KEY)
        assert erased_keys(warehouse).rows() == [("r1", "meta", "email", theirs)]
        assert not_applied(warehouse, "keys").is_empty()
        assert not_applied(warehouse, "rows").height == erasures.height, "rows of people are looked for apart"

        # A consent lifts the request, and is taken back.
        warehouse.replace("crm_erasures", erasures.with_columns(lifted_at=pl.col("requested_at")))
        assert not_applied(warehouse, "rows").is_empty()
        forget_lifted(warehouse)
