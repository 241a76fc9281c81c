"""A CRM in which nothing changes any more is told of, once that is so for as many nights as the company says."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from catalog.home import Home
from catalog.nights import night_report
from catalog.store import open_catalog
from catalog.warehouse import Warehouse
from pipelines.crm.notices.standing_still import note_arrival, standing_still
from schemas.source import TableName
from tests.conftest import Company
from tests.nights import night

FIRST = date(2025, 3, 1)


def read(warehouse: Warehouse, day: date, customers: str, consents: str | None = "c") -> None:
    digests: dict[TableName, str | None] = {"customers": customers, "consents": consents, "orders": "o"}
    with warehouse.transaction():
        for table, digest in digests.items():
            note_arrival(warehouse, table, digest, day)


def days(number: int, first: date = FIRST) -> list[date]:
    return [first + timedelta(days=later) for later in range(number)]


def test_it_is_told_from_so_many_nights_on_that_found_nothing_new_and_since_when(warehouse: Warehouse) -> None:
    for number, day in enumerate(days(5)):
        read(warehouse, day, customers="former" if number == 0 else "same")
        told = standing_still(warehouse, day, 3, 14)
        assert bool(told) == (number == 4), day
    assert "no change of customers since 2025-03-02; no change of consents since 2025-03-01" in told[0]


def test_one_table_that_changes_is_enough_and_one_that_is_absent_says_nothing(warehouse: Warehouse) -> None:
    for number, day in enumerate(days(6)):
        read(warehouse, day, customers="same", consents=str(number))
        assert not standing_still(warehouse, day, 3, 14)
    for day in days(10)[6:]:
        read(warehouse, day, customers="same", consents=None)
        assert standing_still(warehouse, day, 3, 14), day


def test_consents_that_stand_still_beside_customers_that_change_are_told_after_longer(warehouse: Warehouse) -> None:
    # The tests share a warehouse.
    for number, day in enumerate(days(7, date(2025, 5, 1))):
        read(warehouse, day, customers=str(number), consents="former" if number == 0 else "same")
        told = standing_still(warehouse, day, 3, 5)
        assert bool(told) == (number == 6), day
    assert "not since 2025-05-02" in told[0]


def test_customers_that_stand_still_for_as_long_are_not_said_to_change(warehouse: Warehouse) -> None:
    for day in days(9, date(2025, 7, 1)):
        read(warehouse, day, customers="still", consents="still")
        assert not standing_still(warehouse, day, 30, 5)


def test_a_day_that_is_run_again_is_one_night(warehouse: Warehouse) -> None:
    assert not standing_still(warehouse, FIRST, 1, 14)
    for _ in range(4):
        read(warehouse, FIRST, customers="same")
        assert not standing_still(warehouse, FIRST, 1, 14)


def test_a_night_says_it_until_one_row_is_another_whatever_the_file(company: Company, home_after_a_night: Path) -> None:
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    company.declare("relance.toml", f"unchanged_nights = 1\n{settings}")

    def told(day: str) -> bool:
        night(company.config, home_after_a_night, day)
        with open_catalog(Home.at(home_after_a_night)) as catalog:
            last = catalog.last_night()
            assert last is not None
            return any("The CRM is as it was" in notice for notice in night_report(catalog, last["night"]).notices)

    assert not told("2024-06-30")
    consents = company.folder / "consents.csv"
    header, *rows = consents.read_text(encoding="utf-8").splitlines(keepends=True)
    consents.write_text("".join([header, *reversed(rows)]), encoding="utf-8")
    assert told("2024-07-01")
    consents.write_text(consents.read_text(encoding="utf-8").replace("c2,2,granted", "c2,2,denied"), encoding="utf-8")
    assert not told("2024-07-01")
