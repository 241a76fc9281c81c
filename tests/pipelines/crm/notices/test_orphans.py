"""Rows that name no customer are counted, and told where they are many and no customer is known to be missing."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from catalog.home import Home
from catalog.nights import night_notices
from catalog.store import open_catalog
from catalog.warehouse import Warehouse
from pipelines.crm.notices import orphans as module
from pipelines.crm.notices.orphans import Orphans, named_percent, orphaned_lists, orphaned_refusals, orphans
from portal.language import Language
from tests.conftest import Company
from tests.nights import night


def found(
    warehouse: Warehouse,
    orders: list[str | None],
    customers: list[str],
    *,
    quarantined: int = 0,
    erased: int = 0,
    before: int = 0,
) -> Orphans:
    for table, ids in {"crm_orders": orders, "crm_customers": customers}.items():
        warehouse.replace(table, pl.DataFrame({"customer_id": ids}, schema={"customer_id": pl.String}))
    left_out = {"quarantined": quarantined, "erased": erased}
    pull = {"as_of": date(2024, 6, 1), "table": "customers", "read": len(customers) + quarantined + erased, **left_out}
    earlier = {**pull, "as_of": date(2024, 5, 1), "quarantined": 99}
    other = {**pull, "table": "orders", "quarantined": 99}
    warehouse.replace("pulls", pl.DataFrame([earlier, other, pull]))
    warehouse.replace("customers_before", pl.DataFrame({"rows": [before]}))
    return orphans(warehouse, "orders")


def test_ids_written_otherwise_are_told(warehouse: Warehouse) -> None:
    looked = found(warehouse, ["1", "1", "2"], ["001", "002"])
    assert looked.rows == 3
    assert [str(notice) for notice in looked.notices] == [
        "3 of 3 rows of orders that were looked at name no customer: compare how the selects of both tables in "
        "sources.toml give customer_id (zeros in front, blanks, a prefix)."
    ]


def test_rows_without_a_customer_id_and_rows_of_customers_are_none(warehouse: Warehouse) -> None:
    assert found(warehouse, ["1", None, None, "2"], ["1", "2", "3"]) == Orphans(0, ())
    assert found(warehouse, [], ["1"]) == Orphans(0, ())


def test_a_few_orders_of_customers_whom_the_crm_deleted_are_counted_and_not_told(warehouse: Warehouse) -> None:
    assert found(warehouse, ["1"] * 9 + ["gone"], ["1"]) == Orphans(1, ())
    assert found(warehouse, ["1"] * 8 + ["gone"], ["1"]).notices


def test_orders_of_guests_who_all_bear_one_id_are_told_though_they_are_few(warehouse: Warehouse) -> None:
    customers = [str(number) for number in range(1, 101)]
    bought = [name for name in customers for _ in range(9)]
    looked = found(warehouse, [*bought, *["0"] * 90], customers, quarantined=1)
    assert looked.rows == 90
    assert [str(notice)[:75] for notice in looked.notices] == [
        "90 of 990 rows of orders bear one and the same customer_id, which no custom"
    ]
    # A customer who bought as much may have been deleted too, and nine orders are few.
    assert found(warehouse, [*bought, *["1"] * 90, *["gone"] * 90], customers) == Orphans(90, ())
    assert found(warehouse, [*customers, *["gone"] * 9], customers) == Orphans(9, ())


@pytest.mark.parametrize("several", ["2;3", "2; 3", "2|3", "2,3;4"])
def test_an_order_that_names_several_customers_is_told_though_it_is_one_of_many(
    warehouse: Warehouse, several: str
) -> None:
    looked = found(warehouse, ["1"] * 99 + [several], ["1", "2"], quarantined=5)
    assert looked.rows == 1
    assert [str(notice) for notice in looked.notices] == [
        "1 rows of orders that were looked at name several customers in one customer_id, and so none: let the "
        "select in sources.toml take one of them, or make a row of each."
    ]
    # An id that has the sign itself is one, and of nobody known no more is known.
    assert found(warehouse, ["1"] * 99 + [several], ["1", several]) == Orphans(0, ())
    assert found(warehouse, ["1"] * 99 + [several], ["1", "3"]) == Orphans(1, ())


@pytest.mark.parametrize("why", ["quarantined", "erased"])
def test_orders_of_customers_set_aside_or_erased_are_not_told(warehouse: Warehouse, why: str) -> None:
    assert found(warehouse, ["1", "8", "8", "9"], ["1"], **{why: 2}) == Orphans(3, ())
    assert found(warehouse, ["1", "8", "8", "9"], ["1"], **{why: 1}).notices


def test_orders_of_customers_whom_tonights_export_lacks_are_told_as_such(warehouse: Warehouse) -> None:
    orders: list[str | None] = ["1", "2", "3", "3", "4"]
    assert [str(notice) for notice in found(warehouse, orders, ["1"], before=4).notices] == [
        "4 of 5 rows of orders that were looked at name no customer: the CRM's table of customers has 1 rows, and had "
        "4 in the last weeks. Look at that export first; if it is whole, compare how the selects of both tables in "
        "sources.toml give customer_id."
    ]
    # Three ids are of nobody, and only two customers went.
    compare = found(warehouse, orders, ["1"], before=3).notices[0]
    assert "compare how the selects" in str(compare)
    assert "des 5 lignes de commandes examinées" in Language("fr", ZoneInfo("Europe/Paris")).said(compare)


def shares(warehouse: Warehouse, ids: list[str | None], *listed: tuple[str, str | None]) -> dict[str, int]:
    """In: the ids of statements, and those of suppression lists beside their rule."""
    text = {"customer_id": pl.String}
    warehouse.replace("crm_customers", pl.DataFrame({"customer_id": [str(number) for number in range(400)]}, text))
    warehouse.replace("crm_consents", pl.DataFrame({"customer_id": ids}, text))
    rows = [*listed, ("typed", None)]
    warehouse.replace("crm_suppressions", pl.DataFrame(rows, {"rule": pl.String, **text}, orient="row"))
    return named_percent(warehouse, "key")


@pytest.mark.parametrize(
    ("ids", "percent"),
    [
        (["1", "2", "1", "2"], {"consents": 100}),
        (["1", "gone", "gone", "gone"], {"consents": 25}),
        (["1"] + ["gone"] * 500, {"consents": 1}),
        (["gone"], {"consents": 0}),
        ([None], {}),
        ([], {}),
    ],
)
def test_of_ids_by_which_people_refuse_it_is_known_how_many_are_a_customers(
    warehouse: Warehouse, ids: list[str | None], percent: dict[str, int]
) -> None:
    assert shares(warehouse, ids) == percent


def test_of_many_statements_a_part_is_enough(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STATEMENTS_LOOKED_AT", 100)
    known = [str(number) for number in range(400)]
    assert shares(warehouse, [*known]) == {"consents": 100}
    assert shares(warehouse, [f"CRM-{each}" for each in known]) == {"consents": 0}
    half = shares(warehouse, [*known, *(f"CRM-{each}" for each in known)])["consents"]
    assert 25 < half < 75


def test_a_short_list_is_not_lost_beside_a_long_one(warehouse: Warehouse) -> None:
    long = [("long", str(number)) for number in range(400)]
    found = shares(warehouse, [], *long, ("staff", "01"), ("staff", "02"))
    assert found == {"suppressions/long.toml": 100, "suppressions/staff.toml": 0}


def test_a_list_of_which_most_ids_are_nobodys_is_told_by_its_rule(warehouse: Warehouse) -> None:
    shares(warehouse, [], ("half", "1"), ("half", "x"), ("staff", "01"), ("staff", "02"), ("staff", "2"))
    [told] = orphaned_lists(warehouse, "key")
    assert str(told).startswith("2 of 3 customer_ids of suppressions/staff.toml are no customer's")


def test_refusals_of_which_most_ids_are_nobodys_are_told_though_they_are_few_statements(warehouse: Warehouse) -> None:
    shares(warehouse, [])
    rows = [("1", "granted")] * 90 + [("2", "denied"), ("x", "denied"), ("y", "withdrawn")]
    warehouse.replace("crm_consents", pl.DataFrame(rows, ["customer_id", "status"], orient="row"))
    [told] = orphaned_refusals(warehouse, "key")
    assert str(told).startswith("2 of 3 refusals in consents that were looked at name no customer")
    warehouse.replace("crm_consents", pl.DataFrame(rows[:-1], ["customer_id", "status"], orient="row"))
    assert orphaned_refusals(warehouse, "key") == ()


@pytest.mark.parametrize("days", [["2024-06-30"], ["2024-07-01", "2024-07-02"]])
def test_an_export_that_was_cut_is_blamed_on_a_day_that_is_repeated_and_on_each_new_one(
    company: Company, home_after_a_night: Path, days: list[str]
) -> None:
    customers = (company.folder / "customers.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (company.folder / "customers.csv").write_text("".join(customers[:50]), encoding="utf-8")
    for day in days:
        night(company.config, home_after_a_night, day)
    with open_catalog(Home.at(home_after_a_night)) as catalog:
        last = catalog.last_night()
        assert last is not None
        said = list(map(str, night_notices(catalog, [last["night"]])[last["night"]]))
    assert [each for each in said if "of orders" in each and "has 49 rows, and had 103 in the last weeks" in each]
    assert not [each for each in said if "name no customer: compare how the selects" in each]


def test_of_very_many_customers_a_part_is_looked_at(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CUSTOMERS_LOOKED_AT", 100)
    customers = [f"c{number}" for number in range(1_000)]
    assert found(warehouse, customers, customers) == Orphans(0, ())
    # More are missing than the part shows, and fewer than there are.
    looked = found(warehouse, [f"0{name}" for name in customers], customers, quarantined=400)
    assert 500 < looked.rows < 2_000
    assert looked.notices
