"""No page of the warehouse holds what requests took out: looked for in a file that is, for once, not encrypted."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.conftest import Company
from tests.nights import night
from tests.test_forgetting import confirm_plan, state
from tests.test_rewrites import ASKED, come_as_another, theirs

NOBODY_ASKS, BOB_ASKS = "id,customer,time\n", "id,customer,time\nr1,2,2024-06-20 10:00:00\n"
BOB = ("bob@example.org", "Béranger")
#: Bob's, which is in a key that Google has.
POSTAL_CODE = "94025-3215"


@pytest.fixture(autouse=True)
def _unencrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str, key: str) -> bool:
        connection.execute(f"ATTACH '{path}' AS {name}")
        return True

    for module in ("catalog.warehouse", "catalog.rewrite"):
        monkeypatch.setattr(f"{module}.attach_encrypted", attach)


@pytest.fixture
def home(company: Company) -> Path:
    """A home after a night in which nobody had asked for anything."""
    text = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", text.replace("[tables.erasures]\nabsent = true\n", ASKED))
    company.write("erasures", NOBODY_ASKS)
    home = company.folder.parent / "home"
    night(company.config, home, "2024-06-30")
    return home


def in_pages(home: Path, *values: str) -> list[str]:
    """Which of the values the file holds, or its write-ahead log."""
    pages = b"".join(path.read_bytes() for path in home.glob("warehouse.duckdb*"))
    return [value for value in values if value.encode() in pages]


def test_what_a_request_took_out_is_in_no_page(company: Company, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert in_pages(home, *BOB) == [*BOB]
    company.write("erasures", BOB_ASKS)
    with monkeypatch.context() as patched:
        # Rows that are deleted stay in pages: what follows could not be seen otherwise.
        patched.setattr("pipelines.erasure.settle.rewrite_warehouse", lambda home, warehouse: None)
        night(company.config, home, "2024-07-01")
    assert in_pages(home, *BOB)
    night(company.config, home, "2024-07-01")
    assert in_pages(home, *BOB) == []
    assert in_pages(home, "carla@example.org", POSTAL_CODE) == ["carla@example.org", POSTAL_CODE]


def test_a_key_that_networks_are_said_to_have_removed_is_in_no_page(company: Company, home: Path) -> None:
    confirm_plan(home)
    company.write("erasures", BOB_ASKS)
    night(company.config, home, "2024-07-01")
    confirm_plan(home)
    assert state(home) == {"r1": "removing"}
    assert in_pages(home, POSTAL_CODE)
    night(company.config, home, "2024-07-02")
    assert state(home) == {"r1": "closed"}
    assert in_pages(home, POSTAL_CODE) == []


def test_nor_is_what_a_repeated_day_wrote_over(company: Company, home: Path) -> None:
    company.write("erasures", BOB_ASKS.replace("r1,2", "r1,3"))
    company.write("customers", theirs(company) + "5,shared@example.org,047765,Eve,Evers,1000,BE,2023-04-01\n")
    night(company.config, home, "2024-07-01")
    assert in_pages(home, "shared@example.org", "carla@example.org") == ["shared@example.org"]
    come_as_another(company)
    night(company.config, home, "2024-07-01")
    assert in_pages(home, "shared@example.org") == []
    assert in_pages(home, "Evers")
