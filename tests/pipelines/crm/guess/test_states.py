"""In which state an order is, where several columns tell it."""

from __future__ import annotations

import pytest

from tests.pipelines.crm.guess.guesses import ORDERS, PEOPLE, guess, read_orders

KEPT = {column: values for column, values in ORDERS.items() if column != "status"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Order Status", "Payment Status"),
        ("Status", "Payment Status"),
        ("Bestellstatus", "Zahlungsstatus"),
        ("stato_ordine", "stato_pagamento"),
        ("Bestelstatus", "Betaalstatus"),
        ("status", "financial_status"),
    ],
)
@pytest.mark.parametrize(
    ("says", "state"),
    [
        ("Refunded", "refunded"),
        ("Voided", "cancelled"),
        ("Erstattet", "refunded"),
        ("Zurückerstattet", "refunded"),
        ("Annulée", "cancelled"),
        ("Anulada", "cancelled"),
        ("Rimborsata", "refunded"),
        ("Geannuleerd", "cancelled"),
        ("Unpaid", "pending"),
        ("Impayée", "pending"),
        ("Unbezahlt", "pending"),
        ("Onbetaald", "pending"),
        ("Charged back by the bank", "Charged back by the bank"),
    ],
)
def test_an_order_counts_only_if_every_column_of_its_state_says_so(one, other, says, state):
    """A word that relance does not know is set aside, whichever column says it."""
    for names in ((one, other), (other, one)):
        orders = {**KEPT, names[0]: ["Complete", "Complete", "paid"], names[1]: ["Paid", says, "Paid"]}
        made = guess(customers=PEOPLE, orders=orders)
        assert read_orders(made, orders, "status") == [("completed",), (state,), ("completed",)]
        told = [each for each in made.selects["orders"].decide if "an order counts only if none of them says" in each]
        assert [all(f" {name} " in each for name in names) for each in told] == [True]
        assert not {*names} & {*made.selects["orders"].unused}


def test_a_further_state_that_is_blank_says_nothing():
    orders = {**KEPT, "Order Status": ["Complete", "paid", "Canceled"], "Payment Status": ["Paid", None, ""]}
    made = guess(customers=PEOPLE, orders=orders)
    assert read_orders(made, orders, "status") == [("completed",), ("completed",), ("cancelled",)]


def test_an_end_that_the_sample_lacks_is_read_all_the_same():
    orders = {**KEPT, "Order Status": ["completed"] * 3, "Payment Status": ["Paid"] * 3}
    made = guess(customers=PEOPLE, orders=orders)
    later = {**orders, "Payment Status": ["Paid", "Refunded", "Partially refunded"]}
    assert read_orders(made, later, "status") == [("completed",), ("refunded",), ("Partially refunded",)]


def test_a_word_of_a_further_state_that_is_not_known_is_asked_about():
    orders = {**KEPT, "Order Status": ["Complete"] * 3, "Payment Status": ["Paid", "Disputed", "Paid"]}
    told = guess(customers=PEOPLE, orders=orders).selects["orders"].decide
    assert any(each.startswith("orders.status: Payment Status holds words that relance does not know") for each in told)


@pytest.mark.parametrize("partly", ["Partially refunded", "Teilweise erstattet"])
def test_a_partial_refund_that_a_further_state_tells_is_asked_about_or_subtracted(partly):
    orders = {**KEPT, "total": ["100.00"] * 3, "Order Status": ["Complete"] * 3, "Payment Status": ["Paid", partly, ""]}
    told = guess(customers=PEOPLE, orders=orders).selects["orders"].decide
    assert any(
        each.startswith("orders.amount: by Payment Status a part of some orders was given back, and no column says how")
        for each in told
    )
    known = {**orders, "Refunded Amount": ["0.00", "30.00", "0.00"]}
    made = guess(customers=PEOPLE, orders=known)
    assert read_orders(made, known, "amount", "status")[1] == ("70.000000", "completed")
    unknown = {**orders, "Refunded Amount": ["0.00", None, "0.00"]}
    made = guess(customers=PEOPLE, orders=unknown)
    assert read_orders(made, unknown, "status")[1] == (partly,)
    assert any(
        each.startswith("orders.status: by Payment Status a part of some orders was given back, and Refunded Amount")
        for each in made.selects["orders"].decide
    )


@pytest.mark.parametrize("name", ["Fulfillment", "Zustand der Zahlung", "x_studio_2"])
@pytest.mark.parametrize(
    ("says", "asked"),
    [
        ("Cancelled", True), ("Storno", True), ("Rückerstattung veranlasst", True), ("Voided", True), ("Unpaid", True),
        ("offen", True), ("teilweise erstattet", True), ("Remboursée", True), ("Annullato dal cliente", True),
        ("delivered", False), ("unfulfilled", False), ("verschickt", False), ("CANCEL10", False),
    ],
)  # fmt: skip
def test_a_column_whose_values_tell_of_orders_that_do_not_count_is_asked_about_whatever_its_name(name, says, asked):
    orders = {**ORDERS, "status": ["completed"] * 3, name: ["fulfilled", says, "NA"]}
    told = guess(customers=PEOPLE, orders=orders).selects["orders"].decide
    assert any(each.startswith(f"orders.amount: {name} may tell of money given back") for each in told) == asked


def test_what_some_of_many_people_are_called_tells_no_state():
    people = [f"name{chr(97 + row // 26)}{chr(97 + row % 26)}" for row in range(99)]
    orders = {
        "id": [str(row) for row in range(100)],
        "customer_id": ["2"] * 100,
        "order_date": ["2024-01-31"] * 100,
        "total": ["10.00"] * 100,
        "currency": ["EUR"] * 100,
        "status": ["completed"] * 100,
        "sold to": [*people, "Storni"],
    }
    assert not guess(customers=PEOPLE, orders=orders).selects["orders"].decide
