"""A month of nights: whatever a marketer does with the files, relance knows what each network holds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from catalog.erasures import erasure_requests
from catalog.store import open_catalog
from tests.nights import night
from tests.simulation.company import Company
from tests.simulation.world import World

NIGHTS, PEOPLE, SEED = 30, 2000, 1


def test_what_relance_believes_is_what_the_networks_hold_and_no_forbidden_key_comes_back(tmp_path: Path) -> None:
    company = Company(tmp_path / "company", PEOPLE, SEED, date(2025, 3, 1))
    world = World(company, tmp_path / "home", night, SEED)

    for number in range(1, NIGHTS):
        world.night(cut=number == 20)
    world.settle()

    assert world.counts["nights"] == NIGHTS
    with open_catalog(world.home) as catalog:
        closed = [request.state == "closed" for request in erasure_requests(catalog)]
    assert sum(closed) > 10, "the life is too quiet"
    assert world.counts["files searched for closed requests"] > 100
