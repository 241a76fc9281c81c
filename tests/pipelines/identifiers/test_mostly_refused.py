"""A column of which hardly a value is a match key is told of."""

from __future__ import annotations

from pathlib import Path

from catalog.home import Home
from catalog.nights import night_report
from catalog.store import open_catalog
from tests.conftest import Company
from tests.nights import night


def told(company: Company, home: Path, day: str) -> list[str]:
    night(company.config, home, day)
    with open_catalog(Home.at(home)) as catalog:
        last = catalog.last_night()
        assert last is not None
        return [notice for notice in night_report(catalog, last["night"]).notices if "no match key" in notice]


def test_it_is_told_with_the_reasons_until_it_is_mended(company: Company, tmp_path: Path) -> None:
    """A phone as a number with a fraction, as other programs write columns with gaps."""
    assert told(company, tmp_path / "home", "2024-06-30") == []
    path = company.folder / "customers.csv"
    customers = path.read_text(encoding="utf-8")
    header, *rows = customers.splitlines()
    place = header.split(",").index("phone")
    broken = [[*row.split(",")[:place], f"{number}.5", *row.split(",")[place + 1 :]] for number, row in enumerate(rows)]
    path.write_text("\n".join([header, *map(",".join, broken), ""]), encoding="utf-8")
    [said] = told(company, tmp_path / "home", "2024-07-01")
    # Zero and one are fillers, which say nothing of the column.
    assert f"customers.phone: of {len(rows)} values {len(rows) - 2} are no match key (not_a_number: " in said
    path.write_text(customers, encoding="utf-8")
    assert told(company, tmp_path / "home", "2024-07-02") == []
