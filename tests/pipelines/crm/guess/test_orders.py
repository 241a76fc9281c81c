"""Which rows are orders, in which state they are, and what they lack."""

from __future__ import annotations

import re

import duckdb
import pytest

from tests.pipelines.crm.guess.guesses import ORDERS, PEOPLE, guess, lines, read_orders

STATES = {
    "id": ["o1", "o2", "o3"],
    "customer_id": ["1", "2", "1"],
    "created_at": ["2024-01-01"] * 3,
    "total": ["9.50"] * 3,
}


@pytest.mark.parametrize(
    ("name", "values", "asked"),
    [
        ("fulfilment", ["Erfüllt", "Storniert", "Erfüllt"], True),
        ("zustand", ["Erfüllt", "Erfüllt", "Erfüllt"], False),
        ("land", ["FR", "DE", "FR"], False),
        ("code", ["A1", "A2", "A1"], False),
    ],
)
def test_a_state_that_no_name_tells_is_asked_about(name, values, asked):
    made = guess(customers={"id": ["1"], "email": ["a@x.fr"]}, orders={**STATES, name: values})
    assert lines(made, "orders")["status"] == "'completed'"
    told = [each for each in made.selects["orders"].decide if f"if {name} says which were called off" in each]
    assert bool(told) is asked


@pytest.mark.parametrize(
    ("more", "but"),
    [
        ({}, ""),
        ({"Cancelled at": [None, "2024-01-02", None]}, " but what Cancelled at tells of"),
        ({"Refunded Amount": ["0.00", "9.50", "0.00"]}, " but what Refunded Amount tells of"),
    ],
)
def test_that_every_row_counts_as_a_completed_order_is_to_be_decided(more, but):
    """Orders that were called off or never paid would be revenue."""
    made = guess(customers={"id": ["1"], "email": ["a@x.fr"]}, orders={**STATES, **more})
    (said,) = [each for each in made.selects["orders"].decide if each.startswith("orders.status")]
    assert said == (
        f"orders.status: no column is known as the state, so that every row{but} counts as a completed order; if some "
        "were called off, or never paid, leave them out with WHERE, or join what says so"
    )


def test_statuses_of_ours_stay_and_others_are_translated_by_the_whole_vocabulary():
    assert lines(guess(customers=PEOPLE, orders=ORDERS), "orders")["status"] == "status"
    made = guess(customers=PEOPLE, orders={**ORDERS, "status": ["paid", "Storniert", "mystery"]})
    sql = lines(made, "orders")["status"]
    with duckdb.connect(":memory:") as connection:
        read = connection.sql(
            f"SELECT {sql} FROM (VALUES ('paid'), ('Storniert'), ('mystery')) AS t(status)"
        ).fetchall()
    assert read == [("completed",), ("cancelled",), ("mystery",)]
    assert "mystery" not in sql
    assert "does not know" in made.selects["orders"].decide[0]


@pytest.mark.parametrize("refunds", [{}, {"refunded_amount": ["", "5.00", "12.50"]}])
def test_every_state_of_several_words_is_known(refunds):
    made = guess(
        customers=PEOPLE, orders={**ORDERS, **refunds, "status": ["Closed Lost", "completed", "Partial Refund"]}
    )
    sql = lines(made, "orders")["status"]
    assert not re.findall(r"'[^',()]*\n[^',()]*'", sql)
    with duckdb.connect(":memory:") as connection:
        row = "SELECT 'Closed Lost' AS status, '9.00' AS total, NULL AS refunded_amount"
        assert connection.execute(f"SELECT {sql} FROM ({row})").fetchall() == [("cancelled",)]


def test_a_state_whose_words_are_known_goes_before_one_of_which_none_is():
    """Odoo's orders have an invoice_status too; its partner_id may hold a name."""
    kept = {column: values for column, values in ORDERS.items() if column not in {"status", "customer_id"}}
    orders = {
        **kept,
        "partner_id": ["Ann Lee", "Bo Kim", "Cy Roe"],
        "partner_id/id": PEOPLE["id"],
        "invoice_status": ["invoiced", "to invoice", "no"],
        "state": ["sale", "cancel", "draft"],
    }
    made = guess(customers=PEOPLE, orders=orders)
    assert made.selects["orders"].mapped["customer_id"] == "partner_id/id"
    assert read_orders(made, orders, "status") == [("completed",), ("cancelled",), ("pending",)]


@pytest.mark.parametrize(("rows", "told"), [(30, True), (5, False)])
def test_an_order_id_that_is_made_up_is_asked_about_and_a_column_that_may_be_it_named(rows, told):
    """Two orders of one day and sum would count once."""
    orders = {
        "Ticket": [f"T-{row}" for row in range(rows)],
        "customer_id": ["2"] * rows,
        "order_date": ["2024-01-31"] * rows,
        "total": ["10.00"] * rows,
        "currency": ["EUR"] * rows,
        "status": ["paid"] * rows,
    }
    made = guess(customers=PEOPLE, orders=orders)
    assert lines(made, "orders")["order_id"] == "md5(concat_ws('/', customer_id, order_date, total))"
    (said,) = made.selects["orders"].decide
    assert said.startswith(
        "orders.order_id: no column is called an id, so that it is made of customer_id and order_date"
    )
    assert ("Every row has another Ticket: if it is the id, take it" in said) == told


def test_what_orders_lack_is_literal_and_said():
    made = guess(customers=PEOPLE, orders={"id": ["1"], "customer_id": ["1"], "price": ["1.50"]})
    orders = made.selects["orders"]
    assert lines(made, "orders")["currency"] == "'EUR'"
    assert lines(made, "orders")["status"] == "'completed'"
    assert orders.options == {"without_times": "true"}
    assert any("currency" in sentence for sentence in orders.decide)


def test_a_shopify_export_keeps_the_first_line_of_each_order():
    orders = {
        "Name": ["#1", "#1", "#2"],
        "Email": ["a@example.org", None, "b@example.org"],
        "Created at": ["2025-10-22 12:58:38 +0530", None, "2025-10-23 12:58:38 +0530"],
        "Total": ["10.00", None, "12.00"],
    }
    assert guess(customers=PEOPLE, orders_export=orders).selects["orders"].where == "trim(Total) <> ''"
    lined = {**orders, "Total": ["10.00", "11.00", "12.00"]}
    assert "GROUP BY" in " ".join(guess(customers=PEOPLE, orders_export=lined).selects["orders"].decide)
