"""`relance confirm` and `relance unconfirm`, as typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.home import Home
from catalog.journal import confirmations
from catalog.store import open_catalog
from pipelines.holdings.confirming import confirm
from pipelines.holdings.open_lists import base_of, open_lists
from schemas.uploads import FileEntry
from tests.commands.test_messages import LOYAL, home, manifest, no_other_installation, relance, words

__all__ = ["home", "no_other_installation"]


@pytest.fixture
def version(home: Home) -> str:
    full = FileEntry(name="club_b.full.csv", kind="full", rows=9, bytes=9, sha256="0" * 64)
    published = manifest().model_copy(update={"files": (full,)})
    with open_catalog(home) as catalog:
        catalog.add_version(LOYAL, published, "content")
    return published.version


def test_what_was_done_is_said_back(home: Home, version: str) -> None:
    said = words(relance("confirm", "google_ads/fr/loyal", version, "--as", "created", "--home", home.root))
    assert said == f"google_ads/fr/loyal {version} is confirmed as created. The list was last filled with {version}."
    with open_catalog(home) as catalog:
        assert [(each.version, each.kind) for each in confirmations(catalog, LOYAL)] == [(version, "created")]
    undone = words(relance("unconfirm", "google_ads/fr/loyal", "--home", home.root))
    assert (
        undone == f"google_ads/fr/loyal {version} is no longer confirmed as created. No list of this audience is open."
    )


def test_what_was_said_twice_is_not_said_to_be_taken_back_whole(home: Home, version: str) -> None:
    with open_catalog(home) as catalog:
        full = FileEntry(name="club_b.full.csv", kind="full", rows=9, bytes=9, sha256="0" * 64)
        replacing = manifest("2025-07-01.1", (full,)).model_copy(update={"replaceable": True})
        catalog.add_version(LOYAL, replacing, "other")
        confirm(catalog, LOYAL, version, "created")
        for _ in range(2):
            confirm(catalog, LOYAL, "2025-07-01.1", "replaced")
    once = words(relance("unconfirm", "google_ads/fr/loyal", "--home", home.root))
    assert once == (
        "google_ads/fr/loyal 2025-07-01.1 was confirmed as replaced more than once: the last is taken back, an earlier "
        "one stands. Take that back too if it is not so either. The list was last filled with 2025-07-01.1."
    )
    twice = words(relance("unconfirm", "google_ads/fr/loyal", "--home", home.root))
    assert twice == (
        f"google_ads/fr/loyal 2025-07-01.1 is no longer confirmed as replaced. The list was last filled with {version}."
    )


def test_removals_are_not_said_to_fill_a_list(home: Home, version: str) -> None:
    gone = FileEntry(name="club_b.remove.csv", kind="remove", rows=1, bytes=9, sha256="0" * 64)
    with open_catalog(home) as catalog:
        confirm(catalog, LOYAL, version, "created")
        base = base_of(open_lists(confirmations(catalog, LOYAL)))
        published = manifest("2025-07-01.1", (gone,)).model_copy(update={"base": base})
        catalog.add_version(LOYAL, published, "other")
    said = words(relance("confirm", "google_ads/fr/loyal", "2025-07-01.1", "--as", "removed", "--home", home.root))
    assert said == (
        "google_ads/fr/loyal 2025-07-01.1 is confirmed as removed. "
        f"The list was last filled with {version}, and the removals of 2025-07-01.1 were taken out."
    )


def test_every_other_list_that_is_open_is_named(home: Home, version: str) -> None:
    full = FileEntry(name="club_b.full.csv", kind="full", rows=9, bytes=9, sha256="0" * 64)
    with open_catalog(home) as catalog:
        confirm(catalog, LOYAL, version, "created")
        for later in ("2025-07-01.1", "2025-07-02.1"):
            catalog.add_version(LOYAL, manifest(later, (full,)), later)
    said = words(relance("confirm", "google_ads/fr/loyal", "2025-07-01.1", "--as", "created", "--home", home.root))
    assert said.endswith(f"Still open: the list last filled with {version}.")
    said = words(relance("confirm", "google_ads/fr/loyal", "2025-07-02.1", "--as", "created", "--home", home.root))
    assert said.endswith(f"Still open: the lists last filled with {version}, 2025-07-01.1.")


def test_a_refusal_is_one_sentence_and_code_1(home: Home, version: str) -> None:
    result = relance("confirm", "google_ads/fr/loyal", version, "--as", "added", "--home", home.root)
    assert result.exit_code == 1
    assert words(result).startswith("journal error: google_ads/fr/loyal")
    assert "it has no add file" in words(result)


def test_wrong_words_end_with_code_2(home: Home, version: str) -> None:
    assert relance("confirm", "google_ads", version, "--as", "created", "--home", home.root).exit_code == 2
    assert relance("confirm", "google_ads/fr/loyal", version, "--as", "uploaded", "--home", home.root).exit_code == 2
    assert relance("confirm", "google_ads/fr/loyal", version, "--home", home.root).exit_code == 2


def test_a_home_where_nothing_ran_says_so_and_stays_untouched(tmp_path: Path) -> None:
    result = relance("confirm", "meta/loyal", "2025-01-01.1", "--as", "created", "--home", tmp_path / "none")
    assert result.exit_code == 1
    assert "nothing ran there yet" in words(result)
    assert not (tmp_path / "none").exists()
