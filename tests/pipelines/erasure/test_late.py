"""Somebody is forgotten while a night publishes: the version that would hold them is nowhere afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.erasures import add_request
from pipelines.holdings.confirming import confirm
from pipelines.holdings.outbox import Outbox
from pipelines.uploads.versions import commit
from tests.pipelines.tombstones.test_tombstones import request, stones
from tests.pipelines.uploads.versions.test_publication import AUDIENCE, opened, published

PEOPLE = ("jane@x.fr", "bob@x.fr")


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with opened(tmp_path) as outbox:
        yield outbox


def forgotten(outbox: Outbox, email: str, request_id: str = "r1") -> None:
    erased = stones(request(email=email, request_id=request_id), key=outbox.keys.identity)
    add_request(outbox.catalog, request_id, "email", datetime.now(UTC), erased)


def folders(outbox: Outbox) -> list[str]:
    return [path.parent.name for path in outbox.home.outbox.rglob("manifest.json")]


def test_a_version_that_a_new_request_forbids_is_not_published(outbox: Outbox) -> None:
    forgotten(outbox, "jane@x.fr")
    held = published(outbox, *PEOPLE)
    assert (held.outcome, held.version) == ("held", None)
    assert "asked to be forgotten while it was being published" in (held.reason or "")
    assert folders(outbox) == []
    assert outbox.catalog.versions(AUDIENCE, state=None) == []


def test_a_request_in_the_middle_of_the_commit_takes_the_version_back(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = commit.finish_keys

    def interrupted(*arguments: object) -> None:
        finish(*arguments)  # pyright: ignore[reportArgumentType]
        forgotten(outbox, "jane@x.fr")

    monkeypatch.setattr(commit, "finish_keys", interrupted)
    held = published(outbox, *PEOPLE)
    assert held.outcome == "held"
    assert folders(outbox) == []
    [row] = outbox.catalog.versions(AUDIENCE, state=None)
    assert row["state"] == "withdrawn"


def test_a_request_of_somebody_else_holds_nothing_up(outbox: Outbox) -> None:
    forgotten(outbox, "zoe@x.fr")
    assert published(outbox, *PEOPLE).outcome == "published"
    # What the night had read is in no row anyway.
    outbox.warehouse.replace("crm_erasures", stones(request(email="bob@x.fr"), key=outbox.keys.identity))
    forgotten(outbox, "bob@x.fr", "r1-again")
    assert published(outbox, "jane@x.fr").outcome == "published"


def test_a_version_that_takes_the_key_out_is_published_though_it_names_it(outbox: Outbox) -> None:
    published(outbox, *PEOPLE)
    confirm(outbox.catalog, AUDIENCE, "2019-06-30.1", "created")
    forgotten(outbox, "jane@x.fr")
    found = published(outbox, "bob@x.fr")
    assert (found.outcome, found.version) == ("published", "2019-06-30.2")
    assert found.manifest is not None
    assert found.manifest.has_file("remove")
