"""`relance check-upload`: which list and kind a file's name means."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.check_upload import _kind, _list, _outside
from schemas.network import networks


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("club_b.full.csv", "full"),
        ("club_b.us.emails.add.part-0001.txt", "add"),
        ("club_b.remove.csv.gz", "remove"),
        # A public name may be any word; what is no file of relance's has none.
        ("add.full.csv", "full"),
        ("remove.add.csv", "add"),
        ("remove.csv", "remove"),
        ("customers.csv", "full"),
    ],
)
def test_the_kind_stands_after_the_public_name(name: str, kind: str) -> None:
    assert _kind(Path(name)) == kind


def test_the_list_stands_after_the_public_name() -> None:
    several = {
        name: network for name, network in networks().items() if len(network.lists) > 1 and network.lists[0].label
    }
    assert several
    for name, network in several.items():
        first, second = (each.label for each in network.lists[:2])
        assert _list(network, name, Path(f"{first}.{second}.full.csv"), None).label == second
        assert _list(network, name, Path(f"ours.{first}.csv"), None).label == first


@pytest.mark.parametrize(
    ("network", "name", "said"),
    [
        ("meta", "club.full.xlsx", ["its name does not end in .csv"]),
        ("meta", "club.full.CSV", []),
        ("the_trade_desk", "club.us.phones.full.txt", []),
        ("the_trade_desk", "club.eu.emails.full.txt", []),
        ("the_trade_desk", "club.eu.phones.full.txt", [
            "The Trade Desk takes no such list from European Union and United Kingdom (EUID)"
        ]),
    ],
)  # fmt: skip
def test_a_name_that_no_file_of_the_network_may_have_is_told(network: str, name: str, said: list[str]) -> None:
    known = networks()[network].allowing(())
    assert [*_outside(Path(name), _list(known, network, Path(name), None), known)] == said
