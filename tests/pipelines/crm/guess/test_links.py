"""Whose order, request or statement it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import md5

import duckdb
import polars as pl
import pytest

from catalog.duckdb_connection import connect
from catalog.home import Home
from pipelines.crm.guess.files import found_in, quoted
from pipelines.crm.guess.tables import Guess, guessed
from tests.pipelines.crm.guess.guesses import ORDERS, PEOPLE, guess, lines


def test_orders_without_a_customer_id_find_the_customer_by_email():
    made = guess(
        customers=PEOPLE, orders={"id": ["1"], "email": ["A@example.org"], "total": ["1.50"], "date": ["2024-01-01"]}
    )
    with duckdb.connect(":memory:") as connection:
        connection.sql("CREATE TABLE customers AS SELECT '7' AS id, 'a@example.org ' AS email")
        connection.sql("CREATE TABLE orders AS SELECT unnest(['A@example.org', 'z@example.org']) AS email")
        sql = lines(made, "orders")["customer_id"]
        assert connection.sql(f"SELECT {sql} FROM orders AS o").fetchall() == [("7",), (None,)]
    assert made.selects["orders"].alias == "o"


def test_orders_name_customers_by_a_column_that_both_have():
    people = {**PEOPLE, "customer_no": ["C1", "C2", "C3"]}
    orders = {**{name: values for name, values in ORDERS.items() if name != "customer_id"}, "customer_no": ["C1"] * 3}
    assert lines(guess(customers=people, orders=orders), "customers")["customer_id"] == "customer_no"


def hexed(number: int) -> str:
    return md5(str(number).encode()).hexdigest()


def people_and_orders(make: Callable[[int], str], name: str, rows: int = 40) -> dict[str, dict[str, list[str | None]]]:
    """As many customers as orders, every second of whom bought twice; `name` says who in the orders."""
    people = {"id": [make(row) for row in range(rows)], "email": [f"a{row}@example.org" for row in range(rows)]}
    orders = {
        "order_id": [f"o{row}" for row in range(rows)],
        name: [make(row // 2 * 2) for row in range(rows)],
        "order_date": ["2024-01-31"] * rows,
        "total": ["10.00"] * rows,
        "currency": ["EUR"] * rows,
        "status": ["paid"] * rows,
    }
    return {"customers": people, "orders": orders}  # type: ignore[return-value]


def asked_of_link(made: Guess) -> list[str]:
    return [told for told in made.selects["orders"].decide if told.startswith("orders.customer_id")]


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("order_customer_customer_id", hexed),  # Shopware
        ("Contact Name.id", lambda number: f"zcrm_554321{number:06d}"),  # Zoho
        ("Deal - Contact person ID", str),  # Pipedrive
        ("Customer/External ID", lambda number: f"__export__.res_partner_{number}"),  # Odoo
    ],
)
@pytest.mark.parametrize("beside", [{}, {"email": ["a1@example.org"] * 40}, {"Customer": ["Lee"] * 40}])
def test_the_column_whose_values_are_customers_ids_says_whose_an_order_is(name, make, beside):
    """Whatever it is called, and before an e-mail, which a guest may share with a customer."""
    tables = people_and_orders(make, name)
    made = guess(customers=tables["customers"], orders={**tables["orders"], **beside})
    (link,) = [line for line in made.selects["orders"].lines if line.column == "customer_id"]
    assert (link.sql, link.note) == (quoted(name), "by its values: they are ids of customers")
    assert made.selects["orders"].alias is None
    assert not asked_of_link(made)


def test_an_apostrophe_that_keeps_zeros_is_no_part_of_an_id():
    tables = people_and_orders(lambda number: f"{number:012d}", "Contact Name.id")
    tables["customers"]["id"] = [f"'{key}" for key in tables["customers"]["id"]]
    made = guess(**tables)
    assert lines(made, "customers")["customer_id"] == "ltrim(id, '''')"
    assert lines(made, "orders")["customer_id"] == '"Contact Name.id"'


def test_ids_under_a_name_that_says_nothing_are_taken_and_asked_about():
    made = guess(**people_and_orders(hexed, "bill_to"))
    assert lines(made, "orders")["customer_id"] == "bill_to"
    (asked,) = asked_of_link(made)
    assert asked.startswith(
        "orders.customer_id: bill_to is taken since it holds ids of customers, and its name says no"
    )


@pytest.mark.parametrize(
    "name",
    [
        "quantity",
        "ref",
        "customer_group_id",
        "Sales Person ID",
        "created_by_user_id",
        "Owner ID",
        "customers",
        "store_id",
    ],
)
def test_small_numbers_are_no_customers_ids_by_chance(name):
    """What is counted from 1 is in every other table's ids."""
    made = guess(**people_and_orders(lambda number: str(number + 1), name))
    assert made.unfit["orders"][1] == "no column of it is customer_id or email"


def test_a_few_numbers_that_return_may_be_those_of_staff_whatever_the_name():
    tables = people_and_orders(str, "Contact name.id", rows=400)
    tables["orders"]["Contact name.id"] = [str(row % 30) for row in range(400)]
    assert "orders" in guess(**tables).unfit


@pytest.mark.parametrize("values", ["strangers", "blank", "few", "referrer"])
def test_a_column_of_which_not_nearly_all_values_are_customers_ids_is_no_link(values):
    name = "Referrer contact ID" if values == "referrer" else "bill_to" if values == "few" else "Contact Name.id"
    tables = people_and_orders(hexed, name)
    given = tables["orders"][name]
    if values == "strangers":
        given[::5] = [hexed(-1)] * 8
    elif values == "blank":
        given[1:] = [None] * 39
    elif values == "few":
        given[:] = given[:4] * 10
    assert made_without_link(tables) == "no column of it is customer_id or email"


def made_without_link(tables: dict[str, dict[str, list[str | None]]]) -> str:
    return guess(**tables).unfit["orders"][1]


def test_of_several_columns_with_customers_ids_the_one_named_so_is_taken_and_else_a_person_asked():
    tables = people_and_orders(hexed, "bill_to")
    orders = tables["orders"] | {"deliver_to": [*reversed(tables["orders"]["bill_to"])]}
    made = guess(customers=tables["customers"], orders={**orders, "contact_name_id": orders["bill_to"]})
    assert made.selects["orders"].mapped["customer_id"] == "contact_name_id"
    fault = "no column of it is customer_id or email by name, and bill_to and deliver_to hold ids of customers alike"
    assert made_without_link({**tables, "orders": orders}) == fault
    made = guess(customers=tables["customers"], orders={**orders, "email": tables["customers"]["email"]})
    (asked,) = asked_of_link(made)
    assert asked.startswith("orders.customer_id: bill_to and deliver_to hold ids of customers alike, and which of them")
    made = guess(customers=tables["customers"], orders={**orders, "Customer": ["Lee"] * 40})
    (asked,) = asked_of_link(made)
    assert asked.endswith("check whose it is: bill_to and deliver_to hold some")


@pytest.mark.parametrize("kind", ["utf-8", "windows-1250", "parquet", "sqlite"])
def test_a_sample_of_orders_is_looked_up_among_all_customers(tmp_path, kind):
    """The first rows of both are seldom of the same people."""
    people = {"Nr.": [hexed(row) for row in range(3000)], "Příjmení": ["Dvořák"] * 3000, "email": ["x@y.cz"] * 3000}
    orders = people_and_orders(lambda number: hexed(number + 2900), "Contact Name.id")["orders"]
    tables = {"customers": pl.DataFrame(people).rename({"Nr.": "Customer ID"}), "orders": pl.DataFrame(orders)}
    for name, frame in tables.items():
        if kind == "sqlite":
            with closing(sqlite3.connect(tmp_path / f"{name}.db")) as shop, shop:
                shop.execute(f"CREATE TABLE {name} ({', '.join(map(quoted, frame.columns))})")
                shop.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * frame.width)})", frame.rows())
        elif kind == "parquet":
            frame.write_parquet(tmp_path / f"{name}.parquet")
        else:
            (tmp_path / f"{name}.csv").write_bytes(frame.write_csv().encode(kind.replace("windows-", "cp")))
    connection = connect(Home.at(tmp_path / "home"), "1GB")
    try:
        paths = [path for path in sorted(tmp_path.iterdir()) if path.is_file()]
        made = guessed(found_in(paths, connection, tmp_path / "config"))
    finally:
        connection.close()
    assert made.selects["orders"].mapped["customer_id"] == "Contact Name.id"
    assert not asked_of_link(made)


def test_a_link_that_meets_no_customer_is_called_into_question():
    orders = {**ORDERS, "customer_id": ["x", "y", "z"]}
    assert "orders.customer_id" in guess(customers=PEOPLE, orders=orders).selects["orders"].decide[0]


def test_ids_of_another_system_are_no_link_however_many_customers_there_are():
    """Where the sample does not hold every customer, what ids are made of tells."""
    many = {
        "id": [f"{number}" for number in range(1, 501)],
        "email": [f"c{number}@example.org" for number in range(1, 501)],
    }
    orders = {**ORDERS, "email": ["c501@example.org"] * 3}
    of_stripe = {**orders, "customer_id": ["cus_9s6XKzkNRiz8i3", "cus_NffrFeUfNV2Hib", "cus_4QFJOjw2pOmAGJ"]}
    linked = guess(customers=many, orders=of_stripe).selects["orders"]
    assert linked.alias == "o"
    assert "customer_id holds other ids than id of customers, so email finds the customer" in " ".join(linked.decide)
    for ids in (["901", "902", "guest"], ["901.0", "902.0", "903.0"]):
        numbered = guess(customers=many, orders={**orders, "customer_id": ids}).selects["orders"]
        assert numbered.alias is None
        assert "orders.customer_id" not in " ".join(numbered.decide)


def test_a_column_that_holds_customers_ids_is_named_where_another_was_taken():
    signs = ["Qy0AbC", "Qy1DeF", "Qz2GhI"] * 200
    # What ids begin with tells nothing alone: some begin with a time.
    later = {**ORDERS, "customer_id": ["66c2f1a0b1", "66c2f1a0b2", "66c2f1a0b3"], "email": ["c@example.org"] * 3}
    early = {"id": [f"64a1{number:06x}" for number in range(600)], "email": ["a@example.org"] * 600}
    plain = guess(customers=early, orders=later).selects["orders"]
    assert plain.alias is None and "orders.customer_id" not in " ".join(plain.decide)
    people = {"id": [f"003{sign}{number}" for number, sign in enumerate(signs)], "email": ["a@example.org"] * 600}
    orders = {
        **ORDERS, "customer_id": ["001Qy0AbC7", "001Qz1DeF8", "001Qy2GhI9"], "bill_to": people["id"][:3]
    }  # fmt: skip
    [asked] = [
        told for told in guess(customers=people, orders=orders).selects["orders"].decide if "customer_id" in told
    ]
    assert asked.endswith("check whose it is: bill_to holds some")


@pytest.mark.parametrize(
    ("cells", "sign"),
    [(["1;2", "2", "3"], ";"), (["1", "2; 3", ""], ";"), (["1|2", "2", "3"], "|"), (["1,2", "3", "2"], ",")],
)
def test_an_order_of_several_customers_counts_for_the_first_and_that_is_asked_about(cells, sign):
    deals = guess(customers=PEOPLE, orders={**ORDERS, "customer_id": cells}).selects["orders"]
    read = next(line for line in deals.lines if line.column == "customer_id")
    assert read.sql == f"split_part(customer_id, '{sign}', 1)"
    assert [decide for decide in deals.decide if "several ids" in decide]
    assert not [decide for decide in deals.decide if "check whose it is" in decide]


@pytest.mark.parametrize(
    "cells", [["1,234", "2,345,678", "3"], ["a;", ";b", "c"], ["x y;z", "2", "3"], ["fr|1", "fr|2", "de|1"]]
)
def test_an_id_with_a_sign_in_it_is_one(cells):
    made = guess(customers=PEOPLE, orders={**ORDERS, "customer_id": cells})
    assert lines(made, "orders")["customer_id"] == "customer_id"


def test_requests_and_statements_of_several_customers_are_asked_about():
    requests = {"request_id": ["a", "b"], "customer_id": ["1;2", "3"], "requested_at": ["2026-01-01", "2026-01-02"]}
    (decide,) = guess(customers=PEOPLE, erasures=requests).selects["erasures"].decide
    assert "by unnest(string_split(customer_id, ';'))" in decide
    assert "request_id || '/' || unnest(string_split(customer_id, ';'))" in decide
