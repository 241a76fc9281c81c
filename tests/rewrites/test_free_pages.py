"""No page of the warehouse holds what requests took out: looked for in a file that is, for once, not encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Company
from tests.nights import night
from tests.rewrites.conftest import after_a_night, come_as_another, theirs
from tests.test_forgetting import confirm_plan, state

BOB_ASKS = "id,customer,time\nr1,2,2024-06-20 10:00:00\n"
BOB = ("bob@example.org", "Béranger")
#: Bob's, which is in a key that Google has.
POSTAL_CODE = "94025-3215"


@pytest.fixture(scope="module", autouse=True)
def _unencrypted() -> Iterator[None]:
    def attach(
        connection: duckdb.DuckDBPyConnection, path: Path, name: str, key: str, *, read_only: bool = False
    ) -> bool:
        connection.execute(f"ATTACH '{path}' AS {name}")
        return True

    with pytest.MonkeyPatch.context() as patched:
        for module in ("catalog.warehouse_file", "catalog.rewrite"):
            patched.setattr(f"{module}.attach_encrypted", attach)
        yield


@pytest.fixture(scope="module")
def first_night(_unencrypted: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after a night in which nobody had asked for anything, and its company."""
    return after_a_night(tmp_path_factory.mktemp("first"), "2024-06-30", "")


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
    company.write("customers", theirs(company) + "5,shared@example.org,047765,Eve,Evers,1000,BE,2023-04-01\n")
    company.write("erasures", BOB_ASKS.replace("r1,2", "r1,3"))
    night(company.config, home, "2024-07-01")
    assert in_pages(home, "shared@example.org", "carla@example.org") == ["shared@example.org"]
    come_as_another(company)
    night(company.config, home, "2024-07-01")
    assert in_pages(home, "shared@example.org") == []
    assert in_pages(home, "Evers")
