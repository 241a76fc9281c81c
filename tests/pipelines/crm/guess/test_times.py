"""How times are read; whether the day or the month stands first is never guessed."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.crm.guess.files import quoted
from pipelines.crm.guess.time_forms import day_first_format, time_format
from tests.pipelines.crm.guess.guesses import ORDERS, PEOPLE, guess, lines


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-31", "iso"), ("2020-09-11 13:26:15.000 ", "iso"), ("2024-01-31T10:00:00+0100", "iso"),
        ("2024/01/31 9:05", "iso"), ("04-FEB-2021 13.20.22.245676861", "%d-%b-%Y %H.%M.%S.%n"),
        ("20240131", "%Y%m%d"), ("31/01/2024", None), ("01/31/2024 10:00", None), ("31.01.2024", None),
        ("1700000000", None),
    ],
)  # fmt: skip
def test_only_times_that_can_be_read_one_way_are_read(value, expected):
    assert time_format([value, value, None]) == expected


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("Nov 3, 2025 2:05:01 PM", "2025-11-03 14:05:01"), ("Nov 13, 2025, 12:05 am", "2025-11-13 00:05:00"),
        ("3-NOV-2025", "2025-11-03 00:00:00"), ("03 November 2025 14:05", "2025-11-03 14:05:00"),
        ("November 3, 2025", "2025-11-03 00:00:00"), ("3 Nov 2025 14:05:01", "2025-11-03 14:05:01"),
        ("2025-11-03 02:15 PM", "2025-11-03 14:15:00"), ("2025-11-03 12:15:01 am", "2025-11-03 00:15:01"),
        ("2025/11/3 2:15pm", "2025-11-03 14:15:00"),
    ],
)  # fmt: skip
def test_a_month_in_words_or_a_year_in_front_leaves_no_doubt_which_is_the_day(value, read):
    """Magento's orders say `Nov 3, 2025 2:05:01 PM`, WordPress's `2025-11-03 2:05 pm`."""
    made = guess(customers=PEOPLE, orders={**ORDERS, "order_date": [value] * 3})
    assert not made.selects["orders"].decide
    with duckdb.connect() as connection:
        asked = f"SELECT ({lines(made, 'orders')['ordered_at']})::VARCHAR FROM (SELECT $1::VARCHAR AS order_date)"
        assert connection.execute(asked, [value]).fetchall() == [(read,)]


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("Close Date (GMT-5)", "2024-03-01 21:15:00", "2024-03-02 02:15:00"),
        ("Close Date (GMT+1)", "2024-03-01 21:15:30", "2024-03-01 20:15:30"),
        ("Order date (UTC+05:30)", "2024-03-01 21:15:00", "2024-03-01 15:45:00"),
        ("Created at (UTC)", "Mar 1, 2024 9:15 PM", "2024-03-01 21:15:00"),
        ("date_created_gmt", "2024-03-01T21:15:00", "2024-03-01 21:15:00"),
        ("Order Date (America/New_York)", "2024-07-01 21:15", "2024-07-02 01:15:00"),
        ("Order Date (GMT-5)", "2024-03-01 09:15 PM", "2024-03-02 02:15:00"),
        ("Close Date (GMT-5)", "2024-03-01T21:15:00Z", "2024-03-01 21:15:00"),
        ("Close Date (GMT-5)", "2024-03-01", "2024-03-01 00:00:00"),
    ],
)  # fmt: skip
def test_times_are_read_in_the_zone_that_their_column_s_name_says(name, value, read):
    """HubSpot's exports say the account's zone in the names of their columns."""
    kept = {column: values for column, values in ORDERS.items() if column != "order_date"}
    made = guess(customers=PEOPLE, orders={**kept, name: [value, None, value]})
    assert not made.selects["orders"].decide
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        sql = f"({lines(made, 'orders')['ordered_at']})::TIMESTAMPTZ::TIMESTAMP::VARCHAR"
        assert connection.execute(f'SELECT {sql} FROM (SELECT $1::VARCHAR AS "{name}")', [value]).fetchall() == [
            (read,)
        ]


@pytest.mark.parametrize(
    ("name", "values", "write"),
    [
        ("Order Date (EST)", ["2024-03-01 21:15"] * 3, "nullif(trim(\"Order Date (EST)\"), '') || '-05:00'"),
        ("CREATED_AT_CET", ["2024-03-01 21:15"] * 3, "nullif(trim(CREATED_AT_CET), '') || '+01:00'"),
        ("Date (GMT+1)", ["2024-03-01", "2024-03-01 21:15", None], "nullif(trim(\"Date (GMT+1)\"), '') || '+01:00'"),
    ],
)
def test_a_zone_that_leaves_a_doubt_is_asked_about(name, values, write):
    """EST is written in summer too, and some of the times may say nothing of their hour."""
    kept = {column: values for column, values in ORDERS.items() if column != "order_date"}
    made = guess(customers=PEOPLE, orders={**kept, name: values})
    assert lines(made, "orders")["ordered_at"] == quoted(name)
    (said,) = made.selects["orders"].decide
    assert said.endswith(f"write {write}")


def test_a_zone_is_told_with_days_that_may_stand_first():
    kept = {column: values for column, values in ORDERS.items() if column != "order_date"}
    made = guess(customers=PEOPLE, orders={**kept, "Date (GMT-5)": ["13.2.2024 9:05"] * 3})
    ((day, month),) = [line.instead for line in made.selects["orders"].lines if line.column == "ordered_at"]
    assert (day.if_so, month.if_so) == ("if the day stands first", "if the month stands first, as in the US")
    assert "'%d.%m.%Y %H:%M')::VARCHAR || '-05:00'" in day.sql
    assert "'%m.%d.%Y %H:%M')::VARCHAR || '-05:00'" in month.sql


def test_a_month_of_another_language_is_not_read_as_if_it_were_english():
    assert time_format(["13 Dez 2025", "3 Mai 2025"]) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("31/01/2024", "%d/%m/%Y"), ("31.01.2024 9:05", "%d.%m.%Y %H:%M"), ("31-1-24 09:05:00", "%d-%m-%y %H:%M:%S"),
        ("31/01/2024, 09:05", "%d/%m/%Y, %H:%M"), ("1/31/2024 9:05 PM", "%d/%m/%Y %I:%M %p"),
        ("1/31/2024 9:05:00am", "%d/%m/%Y %I:%M:%S%p"), ("1700000000", "%d/%m/%Y %H:%M"),
    ],
)  # fmt: skip
def test_how_to_read_days_that_stand_first_is_told_by_the_values(value, expected):
    assert day_first_format([value, None, value, "never"]) == expected


def test_what_is_told_of_such_times_reads_them():
    for written in ("13.2.2024 9:05", "2/13/2024 9:05 AM"):
        orders = {**ORDERS, "order_date": [written] * 3}
        made = guess(customers=PEOPLE, orders=orders).selects["orders"]
        ((likelier, other),) = [line.instead for line in made.lines if line.column == "ordered_at"]
        with duckdb.connect() as connection:
            asked = f"SELECT {likelier.sql}, {other.sql} FROM (SELECT '{written}' AS order_date)"
            assert connection.sql(asked).fetchone() == ("2024-02-13 09:05:00", written)


def test_times_as_in_mails_are_read_and_a_form_that_is_not_known_is_said_to_be_one():
    """BigCommerce writes its orders' times so."""
    orders = {**ORDERS, "order_date": ["Sat, 03 Mar 2018 02:35:28 +0000", "Mon, 5 Mar 2018 23:35:28 -0500", None]}
    made = guess(customers=PEOPLE, orders=orders)
    assert not made.selects["orders"].decide
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        sql = f"({lines(made, 'orders')['ordered_at']})::TIMESTAMPTZ::VARCHAR"
        asked = f"SELECT {sql} FROM (SELECT unnest($1::VARCHAR[]) AS order_date)"
        assert [row[0] for row in connection.execute(asked, [orders["order_date"]]).fetchall()] == [
            "2018-03-03 02:35:28+00", "2018-03-06 04:35:28+00", None,
        ]  # fmt: skip
    unknown = ["13 Dez 2025", "3 Mai 2025", "4 Jun 2025"]
    made = guess(customers={**PEOPLE, "created": unknown}, orders={**ORDERS, "order_date": unknown})
    for table in ("customers", "orders"):
        assert "in a form that relance does not know" in made.selects[table].decide[0]
    assert lines(made, "orders")["ordered_at"] == "order_date"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (["1/31/2024", "2/1/2024"], "; in some rows of the sample only the month can"),
        (["31.1.2024", "1.2.2024"], "; in some rows of the sample only the day can"),
        (["31.1.2024", "1.31.2024"], "; in some rows of the sample only the day can, in others only the month"),
        (["1/2/2024", "2/1/2024"], ", these rows are set aside"),
    ],
)
def test_what_the_sample_says_of_day_and_month_is_told(written, said):
    orders = {**ORDERS, "order_date": [*written, None]}
    (sentence,) = guess(customers=PEOPLE, orders=orders).selects["orders"].decide
    assert sentence.endswith(said)


def test_the_order_of_day_and_month_is_never_guessed():
    people = {**PEOPLE, "created": ["31/01/2024", "01/02/2024", "28/02/2024"]}
    made = guess(customers=people, orders={**ORDERS, "order_date": ["31/01/2024", "01/02/2024", "28/02/2024"]})
    assert lines(made, "orders")["ordered_at"] == "order_date"
    assert "created_at" not in lines(made, "customers")  # a day that cannot be read would cost the whole record
    for table in ("customers", "orders"):
        assert "day or the month" in made.selects[table].decide[0]


def test_a_day_that_mysql_does_not_know_is_no_day_and_a_time_without_such_days_is_preferred():
    some = ["0000-00-00 00:00:00", "2024-02-01 10:00:00", "2024-02-02 10:00:00"]
    every = ["2024-01-31 10:00:00", "2024-02-01 10:00:00", "2024-02-02 10:00:00"]
    unpaid = {name: values for name, values in ORDERS.items() if name != "order_date"} | {"invoice_date": some}
    born = {**PEOPLE, "birthday": ["0000-00-00", "1980-02-29", None]}
    made = guess(customers=born, orders={**unpaid, "date_add": every})
    assert made.selects["orders"].mapped["ordered_at"] == "date_add"
    assert guess(customers=born, orders=unpaid).selects["orders"].mapped["ordered_at"] == "invoice_date"
    with duckdb.connect() as connection:
        asked = f"SELECT {lines(made, 'customers')['birth_date']} FROM (SELECT unnest($1::VARCHAR[]) AS birthday)"
        assert [row[0] for row in connection.execute(asked, [born["birthday"]]).fetchall()] == [
            None,
            "1980-02-29",
            None,
        ]


@pytest.mark.parametrize("created", ["1706691845", "1706691845.0", "1706691845000", "1706691845000000", " 1706691845 "])
def test_a_count_since_1970_is_read_as_the_moment_that_it_is(created):
    orders = {**ORDERS, "order_date": [created, created, None]}
    sql = lines(guess(customers=PEOPLE, orders=orders), "orders")["ordered_at"]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Europe/Paris'")
        ((read,),) = connection.execute(f"SELECT ({sql})::VARCHAR FROM (SELECT $1 AS order_date)", [created]).fetchall()
    assert read == "2024-01-31 10:04:05+01"


@pytest.mark.parametrize("number", ["20240131", "612345678", "2706691845", "17066918450"])
def test_another_number_is_no_count_since_1970(number):
    orders = {**ORDERS, "order_date": [number] * 3}
    assert "to_timestamp" not in lines(guess(customers=PEOPLE, orders=orders), "orders").get("ordered_at", "")


@pytest.mark.parametrize("name", ["order_date", "Order Date (GMT-5)", "Date (Europe/Paris)", "Order Date (EST)"])
@pytest.mark.parametrize(
    "written", ["3-NOV-2025 14:05", "20251103", "1706691845", "13.2.2024 9:05", "2/13/2024 9:05 AM", "13 Dez 2025"]
)
def test_a_time_that_cannot_be_read_stays_as_it_is_written_in_every_reading(name, written):
    """So that its row is set aside as unreadable; as NULL it would be said to be missing, or be lost."""
    kept = {column: values for column, values in ORDERS.items() if column != "order_date"}
    people = {**PEOPLE, "birthday": [written] * 3, name.replace("Order", "Created"): [written] * 3}
    made = guess(customers=people, orders={**kept, name: [written] * 3})
    for table in ("customers", "orders"):
        times = [
            line for line in made.selects[table].lines if line.column in {"birth_date", "created_at", "ordered_at"}
        ]
        assert times
        for line in times:
            for sql in (line.sql, *(each.sql for each in line.instead)):
                with duckdb.connect() as connection:
                    asked = f"SELECT ({sql})::VARCHAR FROM (SELECT unnest($1::VARCHAR[]) AS {quoted(line.source)})"
                    read = [row[0] for row in connection.execute(asked, [["soon", None, " "]]).fetchall()]
                    assert read[:2] == ["soon", None]
                    assert not read[2].strip()


def test_an_order_that_nobody_paid_has_a_time_all_the_same():
    orders = {**ORDERS, "Paid at": ["2024-01-31", None, None], "Created at": ["2024-01-30"] * 3}
    del orders["order_date"]
    assert lines(guess(customers=PEOPLE, orders=orders), "orders")["ordered_at"] == '"Created at"'
