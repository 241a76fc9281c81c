"""What an order is worth: its amount as a number, and in which currency."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.crm.guess.shapes import decimal_sign, has_thousands
from tests.pipelines.crm.guess.guesses import ORDERS, PEOPLE, guess, lines, read_orders


@pytest.mark.parametrize(
    ("values", "decimal", "thousands"),
    [
        (["12.50", "3"], ".", False), (["12,50", "3,1"], ",", False), (["1,234.50", "2.00"], ".", True),
        (["1.234,50 €", "2,00 €"], ",", True), (["12.50", "3,40", "1.00"], ".", False),
        (["59,802", "0,574"], ",", False), (["1,234", "380"], ".", True), (["1.234,500", "0,574"], ",", True),
        (["€59,802", "-€0,574"], ",", False), (["12.50", "1,234.50", "0,5"], ".", False),
    ],
)  # fmt: skip
def test_decimal_signs_and_thousands_are_told_apart(values, decimal, thousands):
    assert decimal_sign(values) == decimal
    assert has_thousands(values, "," if decimal == "." else ".") == thousands


@pytest.mark.parametrize(
    ("written", "read"),
    [("1.234,50 €", "1234,50"), ("12,50 €", "12,50"), ("1.234.567,00 €", "1234567,00"), ("1.2,5 €", "1.2,5")],
)
def test_thousands_leave_amounts_without_touching_what_is_none(written, read):
    made = guess(customers=PEOPLE, orders={**ORDERS, "total": ["1.234,50 €", "2,00 €", "3,00 €"]})
    assert made.selects["orders"].options["decimal"] == '","'
    with duckdb.connect(":memory:") as connection:
        sql = lines(made, "orders")["amount"]
        assert connection.execute(f"SELECT {sql} FROM (SELECT $v AS total)", {"v": written}).fetchall() == [(read,)]


@pytest.mark.parametrize(
    ("sample", "later"),
    [
        ("123,45-", [("123,45-", "-123,45"), ("1.234,50 -", "-1234,50"), ("7,00", "7,00"), ("-8,00", "-8,00")]),
        ("12.50- EUR", [("12.50- EUR", "-12.50"), ("7.00 EUR", "7.00")]),
    ],
)
def test_a_minus_behind_an_amount_is_read_as_sap_writes_it(sample, later):
    made = guess(
        customers=PEOPLE, orders={**ORDERS, "total": [sample, "1.234,50", "3,00"] if "," in sample else [sample] * 3}
    )
    with duckdb.connect(":memory:") as connection:
        asked = f"SELECT {lines(made, 'orders')['amount']} FROM (SELECT $v AS total)"
        for written, read in later:
            assert connection.execute(asked, {"v": written}).fetchall() == [(read,)]


@pytest.mark.parametrize("sign", ["'", "\u2019"])
def test_an_apostrophe_between_thousands_leaves_amounts_as_in_switzerland(sign):
    made = guess(customers=PEOPLE, orders={**ORDERS, "total": [f"1{sign}234.50", "2.00", "3.00"]})
    with duckdb.connect(":memory:") as connection:
        asked = f"SELECT {lines(made, 'orders')['amount']} FROM (SELECT $v AS total)"
        for written, read in ((f"1{sign}234{sign}567.05", "1234567.05"), ("7.00", "7.00"), (f"1{sign}2", f"1{sign}2")):
            assert connection.execute(asked, {"v": written}).fetchall() == [(read,)]


def test_a_dearer_order_than_the_sample_s_is_read_where_amounts_are_written_as_money():
    """The best customers' orders are the first to need a sign between thousands."""
    for sample, later, read in (("€2.50", "€1,234.50", "1234.50"), ("2,50 €", "1.234,50 €", "1234,50")):
        made = guess(customers=PEOPLE, orders={**ORDERS, "total": [sample] * 3})
        with duckdb.connect(":memory:") as connection:
            asked = f"SELECT {lines(made, 'orders')['amount']} FROM (SELECT $v AS total)"
            assert connection.execute(asked, {"v": later}).fetchall() == [(read,)]


@pytest.mark.parametrize(
    ("totals", "asked"),
    [
        (["40253", "31439", "-14022"], True), (["40253.0", "31439.0", "-14022.0"], True),
        (["40253.0", "31439", None], True), (["402.0", "314.5", "140.0"], False),
        (["402.00", "314.00", "140.00"], False),
    ],
)  # fmt: skip
def test_whole_numbers_may_be_cents_and_are_so_where_they_were_floats(totals, asked):
    (*said,) = guess(customers=PEOPLE, orders={**ORDERS, "total": totals}).selects["orders"].decide
    told = 'orders.amount: total holds whole numbers only; if they are cents, write amount = "minor"'
    assert said == ([told] if asked else [])


def test_points_before_three_digits_are_read_as_thousands_and_asked_about():
    made = guess(customers=PEOPLE, orders={**ORDERS, "total": ["380", "750", "1.540"]})
    with duckdb.connect() as connection:
        asked = f"SELECT {lines(made, 'orders')['amount']} FROM (SELECT unnest(['380', '1.540', '2.001.540']) AS total)"
        assert connection.execute(asked).fetchall() == [("380",), ("1540",), ("2001540",)]
    assert "a point stands only before three digits" in made.selects["orders"].decide[0]


def test_commas_before_three_digits_are_read_as_thousands_and_asked_about_unless_a_point_shows_the_decimals():
    made = guess(customers=PEOPLE, orders={**ORDERS, "total": ["380", "59,802", "2,001,540"]})
    (said,) = made.selects["orders"].decide
    assert said.startswith("orders.amount: in total a comma stands only before three digits")
    with duckdb.connect() as connection:
        asked = f"SELECT {lines(made, 'orders')['amount']} FROM (SELECT unnest(['380', '2,001,540']) AS total)"
        assert connection.execute(asked).fetchall() == [("380",), ("2001540",)]
    told = guess(customers=PEOPLE, orders={**ORDERS, "total": ["380.00", "59,802.00", "7.50"]})
    assert not told.selects["orders"].decide


@pytest.mark.parametrize(("sign", "options"), [(",", {"decimal": '","'}), (".", {})])
def test_a_sum_below_one_shows_that_what_stands_before_three_digits_is_no_sign_between_thousands(sign, options):
    for below in (f"0{sign}574", f"€0{sign}574"):
        totals = [f"59{sign}802", f"12{sign}117", below]
        made = guess(customers=PEOPLE, orders={**ORDERS, "total": totals})
        assert made.selects["orders"].options == options
        assert read_orders(made, {"total": totals[:2]}, "amount") == [(totals[0],), (totals[1],)]
        assert not any("thousands" in said for said in made.selects["orders"].decide)
    parts = guess(customers=PEOPLE, orders={**ORDERS, "total": ["0.125", "1.540", "2.250"]})
    assert lines(parts, "orders")["amount"] == "total"


def test_an_amount_whose_currency_may_be_of_the_other_side_is_asked_about():
    kept = {column: values for column, values in ORDERS.items() if column not in {"total", "currency"}}
    orders = {**kept, "grand_total": ORDERS["total"], "base_currency_code": ORDERS["currency"]}
    (said,) = guess(customers=PEOPLE, orders=orders).selects["orders"].decide
    assert said.startswith("orders.currency: grand_total and base_currency_code may be of two sides")


UNTOLD = {column: values for column, values in ORDERS.items() if column != "currency"}


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        (["$10", "€1,012.50", "£12"], [("10", "USD"), ("1012.50", "EUR"), ("12", "GBP")]),
        (["12.50 EUR", "1,010.00 USD", "3.00 CHF"], [("12.50", "EUR"), ("1010.00", "USD"), ("3.00", "CHF")]),
        (["EUR 12,50", "USD 10,00", "7,00"], [("12,50", "EUR"), ("10,00", "USD"), ("7,00", "")]),
    ],
)
def test_each_order_s_currency_is_told_by_what_stands_beside_its_amount(totals, expected):
    orders = {**UNTOLD, "total": totals}
    made = guess(customers=PEOPLE, orders=orders)
    assert read_orders(made, orders, "amount", "currency") == expected
    assert all(sentence.startswith("orders.currency") for sentence in made.selects["orders"].decide)
    assert made.selects["orders"].decide


@pytest.mark.parametrize(
    ("sign", "code", "asked"), [("€", "EUR", 0), ("£", "GBP", 1), ("$", "USD", 1), ("¥", "JPY", 1)]
)
def test_amounts_of_one_sign_are_of_its_currency_and_another_sign_later_is_not_read_as_it(sign, code, asked):
    orders = {**UNTOLD, "total": [f"{sign}10.00"] * 3}
    made = guess(customers=PEOPLE, orders=orders)
    other = "$" if sign == "€" else "€"
    later = {**orders, "total": [f"{sign}10.00", f"{other}10.00", "1.00"]}
    assert read_orders(made, later, "amount", "currency") == [("10.00", code), (f"{other}10.00", code), ("1.00", code)]
    assert len(made.selects["orders"].decide) == asked


@pytest.mark.parametrize(
    ("written", "code", "asked", "read"),
    [
        ("R$ 1.234,56", "BRL", False, "1234,56"), ("-R$ 1.234,56", "BRL", False, "-1234,56"),
        ("1 234,56 zł", "PLN", False, "1234,56"), ("1\u00a0234,56 Kč", "CZK", False, "1234,56"),
        ("kr 1.234,50", "SEK", True, "1234,50"), ("1.234,50 kr.", "SEK", True, "1234,50"),
        ("₹2,09,021.12", "INR", False, "209021.12"), ("₹ 1,23,45,678.50", "INR", False, "12345678.50"),
        ("Rs. 500.00", "INR", True, "500.00"), ("Rs.2,09,021.00", "INR", True, "209021.00"),
        ("CHF 12.50", None, True, "12.50"), ("1’234.50 Fr.", "CHF", True, "1234.50"),
        ("A$1,234.50", "AUD", False, "1234.50"), ("US$ 10.00", "USD", False, "10.00"),
        ("R 1 234.50", "ZAR", True, "1234.50"), ("RM10.50", "MYR", False, "10.50"),
    ],
)  # fmt: skip
def test_signs_of_other_countries_are_read_with_the_currency_they_say(written, code, asked, read):
    """What several countries' money bears is asked about."""
    orders = {**UNTOLD, "total": [written, None, written]}
    made = guess(customers=PEOPLE, orders=orders)
    assert made.selects["orders"].mapped["amount"] == "total"
    assert read_orders(made, {"total": [written]}, "amount", "currency") == [(read, code or "CHF")]
    assert made.selects["orders"].options == ({"decimal": '","'} if "," in read else {})
    assert any("put yours" in said for said in made.selects["orders"].decide) == (asked and code is not None)
    other = "€10" if code != "EUR" else "$10"
    assert read_orders(made, {"total": [other]}, "amount") == [(other,)]


def test_a_sign_that_is_a_part_of_another_is_told_apart_and_a_code_says_more_than_a_sign():
    totals = ["$10.00", "R$ 12.50", "$3.00 CAD", "A$ 5.00"]
    made = guess(customers=PEOPLE, orders={**UNTOLD, "total": totals[:3]})
    assert read_orders(made, {"total": totals}, "amount", "currency") == [
        ("10.00", "USD"), ("12.50", "BRL"), ("3.00", "CAD"), ("A5.00", "USD"),
    ]  # fmt: skip


def test_lakhs_and_crores_leave_amounts_without_touching_what_is_none():
    """As in India: a comma before the last three digits, and before every two ahead of them."""
    for orders in ({**ORDERS, "total": ["2,09,021.12", "59,802.00", "7.50"]}, {**UNTOLD, "total": ["₹7.50"] * 3}):
        made = guess(customers=PEOPLE, orders=orders)
        assert not any("amount" in said for said in made.selects["orders"].decide)
        written = ["2,09,021.12", "1,23,45,678", "59,802.00", "7.50", "12,50", "1,2"]
        assert [amount for (amount,) in read_orders(made, {"total": written}, "amount")] == [
            "209021.12", "12345678", "59802.00", "7.50", "12,50", "1,2",
        ]  # fmt: skip


def test_signs_beside_amounts_go_where_a_column_says_the_currency():
    orders = {**ORDERS, "total": ["$10.00", "€12.50", "EUR 3.00"], "currency": ["USD", "EUR", "EUR"]}
    made = guess(customers=PEOPLE, orders=orders)
    assert read_orders(made, orders, "amount", "currency") == [("10.00", "USD"), ("12.50", "EUR"), ("3.00", "EUR")]


def test_minor_units_need_a_name_that_says_so():
    whole = ["100", "250", "300"]
    named = {column: values for column, values in ORDERS.items() if column != "total"}
    assert guess(customers=PEOPLE, orders={**named, "amount_cents": whole}).selects["orders"].options == {
        "amount": '"minor"'
    }
    made = guess(customers=PEOPLE, orders={**ORDERS, "total": whole})
    assert made.selects["orders"].options == {}
    assert "cents" in made.selects["orders"].decide[0]
