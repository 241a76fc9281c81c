"""Orders called off, and money given back."""

from __future__ import annotations

import pytest

from tests.pipelines.crm.guess.guesses import ORDERS, PEOPLE, guess, read_orders


@pytest.mark.parametrize("name", ["Refunded Amount", "Amount Refunded", "Total Refunded", "Montant remboursé"])
def test_revenue_is_net_of_what_was_given_back(name):
    """Shopify's, Stripe's and Magento's exports say it beside the full amount."""
    orders = {**ORDERS, "status": ["completed"] * 3, "total": ["100.00"] * 3, name: ["0.00", "-30.50", "100.00"]}
    made = guess(customers=PEOPLE, orders=orders)
    assert read_orders(made, orders, "amount", "status") == [
        ("100.00", "completed"), ("69.500000", "completed"), ("0.000000", "refunded"),
    ]  # fmt: skip
    assert made.selects["orders"].decide == (
        f"orders.amount: {name} is subtracted from total, and an order of which all was given back is refunded; if "
        "total is already less by it, name that column alone, here and in the status",
    )
    assert name not in made.selects["orders"].unused


def test_refunds_are_subtracted_as_they_are_written_and_one_that_cannot_be_read_leaves_no_amount():
    refunds = ["0,00 €", "1.030,50 €", "viel 5"]
    orders = {**ORDERS, "total": ["1.100,00 €"] * 3, "Erstattungsbetrag": refunds}
    made = guess(customers=PEOPLE, orders=orders)
    assert made.selects["orders"].options["decimal"] == '","'
    assert read_orders(made, orders, "amount") == [("1100,00",), ("69,500000",), (None,)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Cancelled at", [None, "2025-10-26 12:58:37 +0200", ""]),
        ("canceled_at", ["", "1706691845", None]),
        ("storniert_am", ["0000-00-00 00:00:00", "2025-10-26 12:58:37", None]),
        ("is_cancelled", ["false", "TRUE", "false"]),
        ("Cancelled", ["0", "1", "0"]),
    ],
)
def test_an_order_that_was_called_off_is_cancelled_whatever_its_payment_says(name, values):
    orders = {**ORDERS, "status": ["paid"] * 3, name: values}
    made = guess(customers=PEOPLE, orders=orders)
    assert read_orders(made, orders, "status") == [("completed",), ("cancelled",), ("completed",)]
    assert not made.selects["orders"].decide


def test_cancellations_that_the_sample_lacks_are_read_all_the_same():
    orders = {**ORDERS, "Cancelled at": [None] * 3}
    made = guess(customers=PEOPLE, orders=orders)
    assert read_orders(made, {**orders, "Cancelled at": [None, "2025-10-26 12:58:37", "yes"]}, "status") == [
        ("completed",), ("cancelled",), ("cancelled",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values"),
    [("refunded", ["false", "true", "false"]), ("Refunded date (UTC)", [None, "2025-10-05 10:00:00", None])],
)
def test_a_refund_of_which_nobody_says_how_much_is_one_of_all_and_asked_about(name, values):
    orders = {**ORDERS, "status": ["paid"] * 3, name: values}
    made = guess(customers=PEOPLE, orders=orders)
    assert read_orders(made, orders, "status") == [("completed",), ("refunded",), ("completed",)]
    (said,) = made.selects["orders"].decide
    assert said.startswith(f"orders.status: {name} says which orders were refunded, and no column how much")


def test_a_partial_refund_without_its_amount_is_asked_about():
    orders = {**ORDERS, "status": ["paid", "Partially_Refunded", "refunded"]}
    (said,) = guess(customers=PEOPLE, orders=orders).selects["orders"].decide
    assert said.startswith("orders.amount: by status a part of some orders was given back, and no column says how much")
    told = guess(customers=PEOPLE, orders={**orders, "Refunded Amount": ["0.00", "2.00", "3.00"]})
    assert len(told.selects["orders"].decide) == 1


def test_a_partial_refund_that_the_sample_lacks_is_set_aside_rather_than_counted_in_full():
    """Where no column says how much was given back."""
    orders = {**ORDERS, "status": ["paid", "shipped", "refunded"]}
    made = guess(customers=PEOPLE, orders=orders)
    later = {**orders, "status": ["paid", "Partially Refunded", "teilweise erstattet"]}
    assert read_orders(made, later, "status") == [("completed",), ("Partially Refunded",), ("teilweise erstattet",)]
    net = {column: values for column, values in orders.items() if column != "total"}
    made = guess(customers=PEOPLE, orders={**net, "current_total_price": ORDERS["total"]})
    assert read_orders(made, later, "status")[1:] == [("completed",)] * 2


def test_a_partial_refund_whose_amount_is_zero_is_set_aside_and_asked_about():
    """BigCommerce's refunded_amount is always 0, whatever was given back."""
    orders = {**ORDERS, "total": ["100.00"] * 3, "status": ["Completed", "Partially Refunded", "Shipped"]}
    made = guess(customers=PEOPLE, orders={**orders, "refunded_amount": ["0.0000"] * 3})
    given = {**orders, "refunded_amount": ["0.0000", "0.0000", None]}
    assert read_orders(made, given, "amount", "status") == [
        ("100.00", "completed"), ("100.00", "Partially Refunded"), ("100.00", "completed"),
    ]  # fmt: skip
    assert any(
        said.startswith(
            "orders.status: by status a part of some orders was given back, and refunded_amount does not say"
        )
        for said in made.selects["orders"].decide
    )
    shopify = {**orders, "refunded_amount": ["0.00", "30.00", ""]}
    made = guess(customers=PEOPLE, orders=shopify)
    assert read_orders(made, shopify, "amount", "status")[1] == ("70.000000", "completed")
    assert not any(said.startswith("orders.status") for said in made.selects["orders"].decide)


def test_what_else_may_tell_of_refunds_is_asked_about_unless_it_says_nothing():
    orders = {**ORDERS, "chargeback_sum": ["0.00", "5.00", ""], "cancel_reason": ["", "none", ""]}
    (said,) = guess(customers=PEOPLE, orders=orders, refunds={"order_id": ["11"]}).selects["orders"].decide
    assert said.startswith("orders.amount: chargeback_sum and refunds.csv may tell of money given back")
    net = {column: values for column, values in orders.items() if column != "total"}
    made = guess(customers=PEOPLE, orders={**net, "current_total_price": ORDERS["total"]}, refunds={"order_id": ["11"]})
    assert not made.selects["orders"].decide
