"""A segment file, and the audiences it stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.declared import read_declared
from schemas.errors import ConfigError
from schemas.segment import Audience, Segment

LOYAL = {
    "title": "Loyal customers",
    "public_name": "club_b",
    "purpose": "loyalty",
    "where": "orders_count >= 5",
    "networks": ["meta", "google_ads"],
    "owner": "team:growth",
}


def segment(folder: Path, **changes: object) -> Segment:
    fields = {name: value for name, value in {**LOYAL, **changes}.items() if value is not None}
    path = folder / "loyal.toml"
    path.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in fields.items()), encoding="utf-8")
    return read_declared(Segment, path)


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return '"' + str(value).replace("\n", "\\n") + '"'


def test_a_segment_has_one_audience_on_each_network_account_it_lists(tmp_path: Path) -> None:
    declared = segment(tmp_path, networks=["meta", "google_ads:fr", "google_ads:be"])
    assert declared.audiences("loyal") == (
        Audience("meta", "main", "loyal"),
        Audience("google_ads", "fr", "loyal"),
        Audience("google_ads", "be", "loyal"),
    )


def test_a_segment_on_no_network_has_no_audience(tmp_path: Path) -> None:
    assert segment(tmp_path, networks=[]).audiences("loyal") == ()


@pytest.mark.parametrize(
    ("audience", "written"),
    [
        (Audience("meta", "main", "loyal"), "meta/loyal"),
        (Audience("google_ads", "fr", "loyal"), "google_ads/fr/loyal"),
    ],
)
def test_an_audience_is_written_with_its_account_only_where_that_tells_something(
    audience: Audience, written: str
) -> None:
    assert str(audience) == written


def test_a_renamed_label_keeps_the_audiences_identity(tmp_path: Path) -> None:
    before, after = segment(tmp_path, public_name="club_b"), segment(tmp_path, public_name="club_c")
    assert before.audiences("loyal") == after.audiences("loyal")


@pytest.mark.parametrize("owner", ["team:growth", "team:growth-fr_2", "jane@example.com"])
def test_an_owner_can_be_reached(tmp_path: Path, owner: str) -> None:
    assert segment(tmp_path, owner=owner).owner == owner


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"wher": "true"}, "wher: is not a field", id="misspelt"),
        pytest.param({"where": None}, "where: is missing", id="no rule"),
        pytest.param({"where": " "}, "where: must not be blank", id="blank rule"),
        pytest.param({"public_name": "Club B"}, "public_name: ", id="label with a blank"),
        pytest.param({"public_name": "../club"}, "public_name: ", id="label that leaves the folder"),
        pytest.param({"owner": "growth"}, "owner: 'growth' is neither an e-mail address nor", id="nobody's"),
        pytest.param({"owner": "jane@example"}, "owner: 'jane@example' is neither", id="no whole address"),
        pytest.param({"networks": "meta"}, "networks: ", id="one network that is no list"),
        pytest.param({"networks": ["Meta"]}, "networks: 'Meta' is neither", id="network in upper case"),
        pytest.param({"networks": ["meta:"]}, "networks: 'meta:' is neither", id="account without a name"),
        pytest.param({"networks": ["meta:a:b"]}, "networks: 'meta:a:b' is neither", id="account of an account"),
        pytest.param({"networks": ["google_ads:fr\n"]}, "networks: ", id="account with a line end"),
        pytest.param({"networks": ["meta", "meta"]}, "networks: lists a network twice", id="network twice"),
        pytest.param({"networks": ["meta", "meta:main"]}, "networks: lists a network twice",
                     id="the main account under both its names"),
    ],
)  # fmt: skip
def test_a_wrong_segment_is_told_by_file_and_field(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        segment(tmp_path, **changes)
    assert str(caught.value).startswith(f"{tmp_path / 'loyal.toml'}: ")
    assert told in str(caught.value)
