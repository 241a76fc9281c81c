"""Nights that work out only what is new leave what the same nights leave in an empty home that does everything."""

from __future__ import annotations

import copy
import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.warehouse import open_warehouse
from pipelines.identifiers.stored import read_identifiers
from tests.nights import night
from tests.simulation.company import Company
from tests.simulation.world import World

PEOPLE, SEED = 300, 5
#: The folder of the company whose home forgets before each night what was worked out in the one before.
FORGETFUL = "forgetful"
#: A night's events are those of so many people, so that few nights hold all of them.
EVENTS_OF = 1500
CRM = ("crm_customers", "crm_orders", "crm_consents", "crm_visits")
COMPARED = (
    *(f"{kept}{table}" for table in CRM for kept in ("", "past_", "new_")),
    "quarantine", "pulls", "arrivals", "customer_records", "customers", "person_aliases", "permissions", "refusals",
    "identifiers", "identifier_refusals", "memberships", "refused_keys",
)  # fmt: skip


def lived(folder: Path) -> World:
    """A company and its networks."""
    company = Company(folder / "company", PEOPLE, SEED, date(2025, 3, 1))
    company.people = EVENTS_OF

    def run(config: Path, home: Path, day: str) -> None:
        if home.parent.name == FORGETFUL:
            with open_warehouse(Home.at(home), open_keys(Home.at(home)), "2GB") as warehouse:
                warehouse.execute("DELETE FROM warehouse.made_by")
        night(config, home, day)

    return World(company, folder / "home", run, SEED)


def twin(world: World, folder: Path) -> World:
    """The same company, as it is now, in a folder of its own."""
    shutil.copytree(world.home.root.parent, folder)
    other = copy.deepcopy(world)
    other.home, other.company.folder = Home.at(folder / "home"), folder / "company"
    return other


def live(world: World) -> None:
    """Two nights after the first, which miss a day and repeat one, and what is done with their files."""
    for later in (1, -1):
        world.day += timedelta(days=later)
        world.night()


def tables(world: World) -> dict[str, pl.DataFrame]:
    with open_warehouse(world.home, open_keys(world.home), "2GB") as warehouse:
        return {name: read_identifiers(warehouse, f"FROM warehouse.{name}").sort(pl.all()) for name in COMPARED}


def files(world: World) -> dict[str, object]:
    """Every published file; of a manifest all but what names the audit log, which knows the hour."""
    found: dict[str, object] = {}
    for path in sorted(world.home.outbox.rglob("*.*")):
        if path.name == "manifest.json":
            manifest = json.loads(path.read_text())
            found[str(path.relative_to(world.home.outbox))] = {
                name: value for name, value in manifest.items() if name not in {"audit_head", "signature"}
            }
        elif path.is_file():
            found[str(path.relative_to(world.home.outbox))] = path.read_bytes()
    return found


def test_the_same_nights_in_an_empty_home_that_works_out_everything_leave_the_same(
    tmp_path: Path,
) -> None:
    ours = lived(tmp_path / "ours")
    # Of a first night everything is worked out in any home.
    ours.night()
    theirs = twin(ours, tmp_path / FORGETFUL)
    for world in (ours, theirs):
        live(world)

    for (name, table), wanted in zip(tables(ours).items(), tables(theirs).values(), strict=True):
        assert table.equals(wanted), name
    assert files(ours) == files(theirs)
    assert any(path.endswith(".add.csv") for path in files(ours)), "nothing was confirmed"
