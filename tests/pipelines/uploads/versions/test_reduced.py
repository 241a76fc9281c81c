"""What is left of a version while its audience is held back: its very rows without what is forbidden, or nothing."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import polars as pl
import pytest

from catalog.home import Home
from catalog.secret_keys import SecretKeys
from catalog.warehouse import Warehouse
from pipelines.holdings.withdrawal import withdraw
from pipelines.uploads.versions import reduced
from pipelines.uploads.versions.reduced import Reduction
from schemas.errors import PublicationError
from schemas.journal import UploadStep
from schemas.network import Network
from schemas.network_file import MinimumRows
from schemas.uploads import Manifest
from tests.pipelines.uploads.versions.test_deltas import (  # noqa: F401 - `stores` is a fixture
    EMAIL_OF,
    JANE,
    JOHN,
    MARY,
    NETWORKS,
    Person,
    World,
    forbid,
    keys_in,
    settle,
    stores,
    value_of,
    world,
)

Stores = tuple[Home, SecretKeys, Warehouse]
BRAKE = "the brake holds it"
#: A row each, with something beside the key.
[FIRST_NAME] = NETWORKS["meta"].column("fn").matches
FOUR = {number: Person(emails=(number,), lives=number % 3, city=number % 2) for number in range(4)}


def changed(network: Network, **changes: object) -> Network:
    return network.model_copy(update={"file": network.file.model_copy(update=changes)})


def newest(company: World) -> Manifest:
    manifest = company.newest()
    assert manifest is not None
    return manifest


def held(company: World, people: dict[int, Person] = FOUR) -> Manifest:
    company.run(people, held_back=BRAKE)
    return newest(company)


def content(path: Path) -> bytes:
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            return archive.read(archive.namelist()[0])
    return path.read_bytes()


def rows_in(company: World, version: str | None) -> list[bytes]:
    return [line for file in company.files(str(version), "full") for line in content(file).splitlines(keepends=True)]


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"compression": "zip"},
        {"compression": "gzip"},
        {"newline": "\r\n"},
        {"quoting": "always", "delimiter": ";"},
        {"header": False},
    ],
    ids=str,
)
def test_every_row_stays_as_it_was_published_but_for_the_forbidden(file: dict[str, object], stores: Stores) -> None:  # noqa: F811
    with world("meta", stores) as company:
        company.network = changed(company.network, **file)
        before = rows_in(company, company.run(FOUR).version)
        # In no row at either end.
        gone = before[-2]
        [token] = [token for token, value in EMAIL_OF["meta"].items() if value.encode() in gone]
        forbid(company, "meta", token)
        after = rows_in(company, held(company, {}).version)
        assert after == [row for row in before if row != gone]


def test_files_that_are_not_as_they_were_published_say_nothing(stores: Stores) -> None:  # noqa: F811
    with world("meta", stores) as company:
        company.network = changed(company.network, maximum_rows=2)
        for damage in ("another's", "gone"):
            company.forbidden = set()
            version = company.run({**FOUR, 4: Person(phones=(1 if damage == "gone" else 2,))}).version
            files = company.files(str(version), "full")
            assert len(files) == 3
            [one] = [file for file in files if EMAIL_OF["meta"][1] in file.read_text()]
            if damage == "gone":
                one.unlink()
            else:
                one.write_text(one.read_text().replace(EMAIL_OF["meta"][1], "0" * 64))
            forbid(company, "meta", 0)
            left = {value for _, key, value in keys_in(company, held(company)) if key == "email"}
            assert left == {EMAIL_OF["meta"][number] for number in (1, 2, 3)}


def test_where_the_files_were_withdrawn_the_rows_are_those_of_who_is_there_tonight(stores: Stores) -> None:  # noqa: F811
    with world("meta", stores) as company:
        version = company.run(FOUR).version
        before = rows_in(company, version)
        forbid(company, "meta", 0)
        withdraw(company.outbox.home, company.outbox.catalog, company.audience, str(version))
        # Somebody is new, and may not come in.
        found = held(company, {**FOUR, 5: Person(emails=(5,), phones=(2,))})
        after = rows_in(company, found.version)
        assert [row for row in before if EMAIL_OF["meta"][0].encode() not in row] == after
        assert not found.keys_alone and "nothing beside" not in str(found.because)


def test_a_list_of_keys_alone_is_replaced_once_whoever_they_are_of_is_there_again(stores: Stores) -> None:  # noqa: F811
    with world("meta", stores) as company:
        version = company.run(FOUR).version
        settle(company)
        forbid(company, "meta", 0)
        withdraw(company.outbox.home, company.outbox.catalog, company.audience, str(version))
        found = held(company, {2: FOUR[2]})
        assert found.keys_alone and "hold a key and nothing beside it" in str(found.because)
        settle(company)
        # While it is held it stays as it is.
        assert company.run({2: FOUR[2]}, held_back=BRAKE).version is None
        three = {number: FOUR[number] for number in (1, 2, 3)}
        assert company.run(three).outcome == "published"
        whole = newest(company)
        assert [step.kind for step in whole.plan] == ["replaced"]
        assert "nothing beside it" in str(whole.because) and not whole.keys_alone
        settle(company)
        assert company.run(three).outcome == "fresh"


def test_a_network_that_takes_nothing_but_keys_lacks_nothing_in_rows_of_them(stores: Stores) -> None:  # noqa: F811
    with world("google_ads", stores) as company:
        version = company.run({0: JANE, 1: JOHN}).version
        forbid(company, "google_ads", 0)
        withdraw(company.outbox.home, company.outbox.catalog, company.audience, str(version))
        assert not held(company, {}).keys_alone


def test_a_row_goes_that_lacks_what_the_network_needs_in_each(stores: Stores) -> None:  # noqa: F811
    with world("meta", stores) as company:
        company.network = company.network.model_copy(update={"required_any": (("email",),)})
        company.run({0: Person(emails=(0,), phones=(0,)), 1: JOHN})
        forbid(company, "meta", 0)
        assert keys_in(company, held(company)) == {("", "email", EMAIL_OF["meta"][1])}


def test_what_counts_only_together_with_a_key_goes_with_it(stores: Stores) -> None:  # noqa: F811
    with world("meta", stores) as company:
        company.network = company.network.model_copy(update={"all_or_none": (("email", "fn"),)})
        first_name = value_of(FIRST_NAME, 1).encode()
        [_, before] = rows_in(company, company.run({0: Person(emails=(0,), phones=(0,), lives=1)}).version)
        forbid(company, "meta", 0)
        [_, after] = rows_in(company, held(company).version)
        assert (first_name in before, first_name in after) == (True, False)


def test_a_key_that_stays_where_it_may_not_stops_the_publication(
    stores: Stores,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with world("meta", stores) as company:
        company.run(FOUR)
        forbid(company, "meta", 0)
        monkeypatch.setattr(reduced, "_without", lambda rows, *rest: rows)
        with pytest.raises(PublicationError, match="holds a key that it may not"):
            held(company)


def test_files_that_hold_a_forbidden_key_have_a_successor_though_no_list_holds_it(stores: Stores) -> None:  # noqa: F811
    with world("google_ads", stores) as company:
        version = company.run({0: JANE, 1: JOHN}).version
        settle(company)
        company.do(UploadStep(kind="deleted", version=str(version), file=None, says=""))
        forbid(company, "google_ads", 0)
        found = held(company)
        assert keys_in(company, found) == {("", "email", EMAIL_OF["google_ads"][1])}
        assert (found.removes, found.reduced_from) == (0, version)


@pytest.mark.parametrize(
    ("gone", "says"), [(0, "of 2025-01-01.1"), (1, "without a forbidden key"), (2, "without 2 forbidden keys")]
)
def test_it_is_said_how_many_keys_a_full_file_that_is_none_of_tonight_s_is_without(gone: int, says: str) -> None:
    last = Manifest.model_construct(version="2025-01-01.1")
    keys = pl.DataFrame({"list": "", "key": "email", "value": ["a", "b", "c"]})
    assert str(Reduction(last, keys, keys.head(gone), is_withdrawn=False).because).endswith(says)


def test_rows_that_look_the_same_without_what_is_forbidden_become_one(stores: Stores) -> None:  # noqa: F811
    with world("meta", stores) as company:
        company.run({number: Person(emails=(number,), phones=(3,)) for number in range(2)} | {2: MARY})
        forbid(company, "meta", 0)
        forbid(company, "meta", 1)
        [full] = [entry for entry in held(company).files if entry.kind == "full"]
        assert full.rows == 2


@pytest.mark.parametrize("needed", ["country", "email"])
def test_keys_alone_make_no_file_where_the_network_wants_more_in_a_row_of_some(
    needed: str,
    stores: Stores,  # noqa: F811
) -> None:
    with world("meta", stores) as company:
        company.network = company.network.model_copy(update={"required_any": ((needed,),)})
        version = company.run({**FOUR, 4: Person(emails=(1, 2), phones=(1,), lives=1)}).version
        forbid(company, "meta", 0)
        withdraw(company.outbox.home, company.outbox.catalog, company.audience, str(version))
        assert not held(company, {}).has_file("full")


def test_who_was_removed_does_not_come_back_where_the_files_are_gone(stores: Stores) -> None:  # noqa: F811
    with world("google_ads", stores) as company:
        company.run({0: JANE, 1: JOHN, 2: MARY})
        settle(company)
        version = company.run({0: JANE, 1: JOHN}).version
        assert [step.kind for step in newest(company).plan] == ["removed"]
        forbid(company, "google_ads", 0)
        withdraw(company.outbox.home, company.outbox.catalog, company.audience, str(version))
        assert keys_in(company, held(company)) == {("", "email", EMAIL_OF["google_ads"][1])}


def test_a_list_is_kept_at_the_network_s_minimum_and_withheld_below_it(stores: Stores) -> None:  # noqa: F811
    with world("snapchat", stores) as company:
        company.run({0: JANE, 1: JOHN, 2: Person(emails=(2,), phones=(1,))})
        forbid(company, "snapchat", 0)
        first = held(company)
        assert ([entry.rows for entry in first.files if entry.kind == "full"], first.withheld) == ([2], {"phones": 1})
        company.run({0: JANE, 1: JOHN, 2: Person(emails=(2,), phones=(1, 2))})
        forbid(company, "snapchat", 1)
        second = held(company)
        assert ([entry.list for entry in second.files if entry.kind == "full"], second.withheld) == (
            ["phones"],
            {"emails": 1},
        )


@pytest.mark.parametrize(("state", "is_due"), [("withdrawn", True), ("expired", False), ("lost", False)])
def test_only_files_that_were_withdrawn_are_replaced_while_the_audience_is_held(
    state: str,
    is_due: bool,
    stores: Stores,  # noqa: F811
) -> None:
    with world("meta", stores) as company:
        version = company.run({0: JANE, 1: JOHN}).version
        company.outbox.catalog.set_state(company.audience, str(version), state)
        assert (company.run({0: JANE}, held_back=BRAKE).version is not None) == is_due


def test_rules_that_changed_while_the_audience_is_held_make_no_full_file(stores: Stores) -> None:  # noqa: F811
    with world("google_ads", stores) as company:
        company.run({0: JANE, 1: JOHN})
        settle(company)
        company.network = changed(NETWORKS["google_ads"], newline="\r\n")
        forbid(company, "google_ads", 0)
        found = held(company)
        assert (found.files, [step.kind for step in found.plan]) == ((), ["deleted"])
        assert "network's files have changed" in str(found.because)


def test_of_an_audience_that_is_too_small_a_removal_is_asked_for_once_however_small_it_is(stores: Stores) -> None:  # noqa: F811
    with world("google_ads", stores) as company:
        company.network = changed(company.network, minimum_rows=MinimumRows(full=3, add=1, remove=1))
        company.run({0: JANE, 1: JOHN, 2: MARY})
        settle(company)
        forbid(company, "google_ads", 0)
        first = company.run({1: JOHN, 2: MARY})
        assert "1 short" in str(first.reason)
        assert company.run({1: JOHN}).version == first.version
        text = (company.outbox.folder(company.audience, str(first.version)) / "README.txt").read_text()
        assert text.startswith("club.remove.csv (1 row) for Google Ads")
        assert "0 keys to add, 1 to remove.\n" in text
