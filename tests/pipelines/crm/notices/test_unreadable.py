"""A statement or a list by an address that is none names nobody: how many rows that are is told, and no value."""

from __future__ import annotations

import hashlib

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.crm.notices.unreadable import (
    unreadable_countries,
    unreadable_lists,
    unreadable_regions,
    unreadable_requests,
    unreadable_statements,
)

READABLE = ("jane@example.com", "06 12 34 56 78", "+49 30 12345678", "0471 12 34 56", hashlib.md5(b"a").hexdigest())
#: Words and placeholders stand where somebody gave none.
FILLERS = ("n/a", "none", "0000000000")
UNREADABLE = ("06 12 34 56", "jane.doe 12", "jane@", "jane@@example.com", "jane@gmail", "jane@x..fr")


def told(warehouse: Warehouse, *addresses: str, customer_id: str | None = None) -> list[str]:
    warehouse.replace("crm_customers", pl.DataFrame({"country": ["BE", "FR", None]}))
    rows = pl.DataFrame({"address": addresses}, {"address": pl.String}).with_columns(
        customer_id=pl.lit(customer_id, dtype=pl.String), rule=pl.lit("bounced")
    )
    warehouse.replace("crm_consents", rows)
    warehouse.replace("crm_suppressions", rows)
    lists = unreadable_lists(warehouse, "FR")
    statements = unreadable_statements(warehouse, "FR")
    assert len(lists) == len(statements)
    return [str(notice) for notice in (*statements, *lists)]


def test_addresses_that_somebody_may_have_are_no_news(warehouse: Warehouse) -> None:
    assert told(warehouse, *READABLE, *FILLERS) == []
    assert told(warehouse) == []


def test_rows_that_name_nobody_are_counted_and_not_shown(warehouse: Warehouse) -> None:
    statements, lists = told(warehouse, *READABLE, *UNREADABLE, UNREADABLE[0])
    assert statements.startswith("Rows of consents that name nobody") and "live in: 7." in statements
    assert lists.startswith("Rows of suppressions/bounced.toml that name nobody") and "live in: 7." in lists
    assert not any(address in statements + lists for address in UNREADABLE)


def test_countries_that_nobody_knows_are_told_if_they_are_more_than_slips(warehouse: Warehouse) -> None:
    def told(*countries: str | None) -> list[str]:
        warehouse.replace("crm_customers", pl.DataFrame({"country": countries}, {"country": pl.String}))
        return [str(notice) for notice in unreadable_countries(warehouse)]

    assert told("FR", "Deutschland", None, "unknown", "") == []
    assert told(*["FR"] * 99, "Frnace") == []
    [said] = told("Dld", "Dld", "Oe", "FR", None)
    assert said.startswith("Customers whose country is neither a code nor a name of one: 3 of 4.")


def test_refusals_of_a_region_that_nobody_knows_are_counted_and_not_shown(warehouse: Warehouse) -> None:
    def told(*regions: str | None, purpose: str = "ads_upload", status: str = "denied") -> list[str]:
        rows = pl.DataFrame({"region": regions}, {"region": pl.String})
        warehouse.replace("crm_consents", rows.with_columns(purpose=pl.lit(purpose), status=pl.lit(status)))
        return [str(notice) for notice in unreadable_regions(warehouse)]

    assert told("US-CA", "Calif., USA", "DE-BY", "EU", "unknown", None) == []
    [said] = told("Los Angeles", "Los Angeles", "US-XX", "FR")
    assert "no law that relance knows: 3." in said and "Angeles" not in said
    # Nothing hangs on the region of these.
    assert told("Los Angeles", status="granted") == told("Los Angeles", purpose="email_marketing") == []


def test_a_request_by_an_e_mail_that_is_none_is_counted() -> None:
    asked = pl.DataFrame(
        {"request_id": ["r1", "r2", "r3", "r4"], "customer_id": [None, None, "7", None],
         "email": ["jane@", "jane@example.com", "x@", None],
         "phone": [None, None, None, "0471 12 34 56"]}
    )  # fmt: skip
    [told] = unreadable_requests(asked, pl.Series(["BE"]), None)
    assert "nobody may be forgotten by them: 1 (r1)." in str(told)
    assert unreadable_requests(asked[1:], pl.Series(["BE"]), None) == ()
    # A number of a country that nobody knows, and what Excel makes of one.
    [told] = unreadable_requests(asked[1:], None, None)
    excel = pl.DataFrame(
        {"request_id": ["r4"], "customer_id": [None], "email": [None], "phone": ["491712999999.0"]}, asked.schema
    )
    assert str(told) == str(*unreadable_requests(excel, pl.Series(["DE"]), "DE"))


def test_who_is_named_by_their_record_is_named(warehouse: Warehouse) -> None:
    assert told(warehouse, *UNREADABLE, customer_id="1") == []
