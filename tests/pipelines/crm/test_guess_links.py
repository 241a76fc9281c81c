"""Whose order, request or statement it is."""

from __future__ import annotations

import duckdb
import pytest

from tests.pipelines.crm.guesses import ORDERS, PEOPLE, guess, lines


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
