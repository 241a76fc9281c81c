"""Guesses of tables, columns and dialects; none of them may rest on luck or put words into somebody's mouth."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from catalog.duckdb_connection import connect
from catalog.home import Home
from pipelines.crm.guess import Guess, guessed
from pipelines.crm.guess_columns import matches
from pipelines.crm.guess_files import Found, FoundTable, found_in, quoted
from pipelines.crm.guess_names import kind
from pipelines.crm.guess_shapes import decimal_sign, has_thousands
from pipelines.crm.guess_time_forms import day_first_format, time_format
from schemas.errors import ConfigError, SourceError

PEOPLE = {
    "id": ["1", "2", "3"],
    "email": ["a@example.org", "b@example.org", "c@example.org"],
    "first_name": ["Ann", "Bo", "Cy"],
}
ORDERS = {
    "id": ["10", "11", "12"],
    "customer_id": ["1", "1", "2"],
    "order_date": ["2024-01-31", "2024-02-01 10:00:00", "2024-02-02T10:00:00Z"],
    "total": ["10.00", "12.50", "-3.00"],
    "currency": ["EUR", "EUR", "EUR"],
    "status": ["completed", "refunded", "pending"],
}


def columns(table: str, *names: str, **values: list[str | None]) -> dict[str, str]:
    """Contract column → source column, for columns without values and with."""
    found = matches(table, {**dict.fromkeys(names, ()), **values})  # type: ignore[arg-type]
    return {column: match.name for column, match in found.items()}


def guess(**tables: dict[str, list[str | None]]) -> Guess:
    """The guess for tables given as columns."""
    found = [
        FoundTable(name, f"{name}.csv", name, {column: tuple(values) for column, values in table.items()})
        for name, table in tables.items()
    ]
    return guessed(Found({}, tuple(found)))


def lines(made: Guess, table: str) -> dict[str, str]:
    """Contract column → SQL of the active lines."""
    return {line.column: line.sql for line in made.selects[table].lines if line.active}  # type: ignore[index]


def files(folder: Path, *names: str) -> Found:
    connection = connect(Home.at(folder / "home"), "1GB")
    try:
        return found_in([folder / name for name in names], connection, folder / "config")
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address City,"
            "Default Address Province Code,Default Address Country Code,Default Address Zip,Phone",
            "customer_id first_name last_name email - city region country postal_code phone",
        ),
        (
            "Record ID,First Name,Last Name,Email,Phone Number,Create Date,Postal Code,State/Region,Street Address",
            "customer_id first_name last_name email phone created_at postal_code region street",
        ),
        (
            "Id,FirstName,LastName,MobilePhone,Email,MailingStreet,MailingCity,MailingPostalCode,MailingCountryCode,"
            "Birthdate,CreatedDate,LastModifiedDate,HasOptedOutOfEmail,AccountId",
            "customer_id first_name last_name phone email street city postal_code country birth_date created_at "
            "updated_at - -",
        ),
        (
            "property_email,id,property_firstname,property_lastname,property_createdate",
            "email customer_id first_name last_name created_at",
        ),
        ("entity_id,email,firstname,lastname,dob,_website", "customer_id email first_name last_name birth_date -"),
        (
            "user_id,user_email,billing_first_name,billing_last_name,billing_postcode,shipping_country,user_registered",
            "customer_id email first_name last_name postal_code country created_at",
        ),
        (
            "Email,Klaviyo ID,First Name,Last Name,Phone Number,Address,City,State / Region,Country,Zip Code",
            "email customer_id first_name last_name phone street city region country postal_code",
        ),
        (
            "Numéro client;Nom;Prénom;Adresse e-mail;Téléphone portable;Date de naissance;Rue;Ville;Code postal;Pays",
            "customer_id last_name first_name email phone birth_date street city postal_code country",
        ),
        (
            "Kundennummer;Vorname;Name;E-Mail-Adresse;Handynummer;Geburtsdatum;Straße;Ort;PLZ;Land;Anrede",
            "customer_id first_name last_name email phone birth_date street city postal_code country -",
        ),
        (
            "ID Cliente;Nombre;Apellidos;Correo electrónico;Teléfono móvil;Fecha de nacimiento;Ciudad;Código postal;"
            "País",
            "customer_id first_name last_name email phone birth_date city postal_code country",
        ),
        (
            "Codice cliente;Nome;Cognome;Indirizzo e-mail;Cellulare;Data di nascita;Città;CAP;Provincia;Sesso",
            "customer_id first_name last_name email phone birth_date city postal_code region gender",
        ),
        (
            "Klantnummer;Voornaam;Achternaam;E-mailadres;Telefoonnummer;Geboortedatum;Woonplaats;Postcode;Land",
            "customer_id first_name last_name email phone birth_date city postal_code country",
        ),
        (
            "Kd-Nr.;Vorname;Nachname;Straße;PLZ;Ort;Geb.-Datum;Kunde seit",
            "customer_id first_name last_name street postal_code city birth_date created_at",
        ),
        (
            "id_customer,firstname,lastname,email,birthday,date_add,date_upd",
            "customer_id first_name last_name email birth_date created_at updated_at",
        ),
        (
            "CONTACT ID,EMAIL,SMS,WHATSAPP,ADDED_TIME,MODIFIED_TIME",
            "customer_id email phone - created_at updated_at",
        ),
        ("Record ID,Email,Create Date (GMT+1)", "customer_id email created_at"),
        ("Reference ID,First Name,Email Address,Square Customer ID", "- first_name email customer_id"),
        ("(Do Not Modify) Contact,Email,(Do Not Modify) Row Checksum", "customer_id email -"),
    ],
)
def test_customer_columns_are_known_in_six_languages_and_many_exports(header, expected):
    names = header.split(";" if ";" in header else ",")
    wanted = {column: name for name, column in zip(names, expected.split(), strict=True) if column != "-"}
    assert columns("customers", *names) == wanted


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("InvoiceId,CustomerId,InvoiceDate,Total", "order_id customer_id ordered_at amount"),
        ("id,user_id,item,price,state", "order_id customer_id - amount status"),
        (
            "Name,Email,Financial Status,Fulfillment Status,Currency,Subtotal,Total,Created at",
            "order_id email status - currency - amount ordered_at",
        ),
        (
            "id,Created date (UTC),Amount,Currency,Status,Customer ID",
            "order_id ordered_at amount currency status customer_id",
        ),
        (
            "increment_id,customer_id,customer_email,grand_total,order_currency_code,created_at,status",
            "order_id customer_id email amount currency ordered_at status",
        ),
        ("N° commande;Code client;Date de commande;Montant TTC;Devise;Statut",
         "order_id customer_id ordered_at amount currency status"),
        ("Bestellnummer;Kunden-Nr;Bestelldatum;Gesamtbetrag;Währung;Bestellstatus",
         "order_id customer_id ordered_at amount currency status"),
        ("Número de pedido;Cliente;Fecha de pedido;Importe total;Moneda;Estado",
         "order_id customer_id ordered_at amount currency status"),
        ("Numero ordine;Codice cliente;Data ordine;Importo;Valuta;Stato ordine",
         "order_id customer_id ordered_at amount currency status"),
        ("Bestelnummer;Klantnummer;Besteldatum;Totaalbedrag;Valuta;Status",
         "order_id customer_id ordered_at amount currency status"),
        ("Rechnungs-Nr.;Kd-Nr.;Re.-Datum;Netto;Brutto;Status", "order_id customer_id ordered_at - amount status"),
        ("Record ID,Deal Name,Deal Stage,Close Date (GMT+1),Amount,Currency,Associated Contact IDs",
         "order_id - status ordered_at amount currency customer_id"),
        ("SalesOrderID,OrderDate,Status,SalesOrderNumber,PurchaseOrderNumber,AccountNumber,CustomerID,SubTotal",
         "order_id ordered_at status - - - customer_id amount"),
        ("Sales Order ID,Customer ID,Sales Order Date,Total", "order_id customer_id ordered_at amount"),
        ("SalesOrderNumber,CustomerID,OrderDate,Total", "order_id customer_id ordered_at amount"),
        ("sale_order_id,customer_id,order_date,total", "order_id customer_id ordered_at amount"),
        ("Date,Gross Sales,Net Sales,Tax,Total Collected,Fees,Net Total,Transaction ID,Customer ID",
         "ordered_at - - - amount - - order_id customer_id"),
        ("id,name,date_order,partner_id/id,amount_untaxed,amount_total,state",
         "order_id - ordered_at customer_id - amount status"),
        ("id_order,reference,id_customer,current_state,total_paid,invoice_number,date_add,date_upd",
         "order_id - customer_id status amount - ordered_at -"),
    ],
)  # fmt: skip
def test_order_columns_are_known_in_six_languages_and_many_exports(header, expected):
    names = header.split(";" if ";" in header else ",")
    wanted = {column: name for name, column in zip(names, expected.split(), strict=True) if column != "-"}
    assert columns("orders", *names) == wanted


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("raw_customers", "customers"), ("sf_contact_data", "customers"), ("Kundenliste 2024", "customers"),
        ("customer_details", "customers"), ("clients", "customers"), ("salesforce_leads", "customers"),
        ("Invoice", "orders"), ("commandes_clients", "orders"), ("customerOrders", "orders"), ("Aufträge", "orders"),
        ("InvoiceLine", "other"), ("order_items", "other"), ("Bestellpositionen", "other"), ("Employee", "other"),
        ("customer_address", "other"), ("refunds", "other"), ("customer_consents", "consents"),
        ("gql_customer_visit", "visits"), ("GDPR deletions", "erasures"), ("plans", None), ("export", None),
    ],
)  # fmt: skip
def test_a_tables_name_says_what_it_is(name, expected):
    assert kind(name) == expected


def test_a_column_called_mail_that_holds_yes_and_no_is_not_the_email():
    found = columns("customers", mail=["yes", "no", "yes"], contact=["a@example.org", "b@example.org", None])
    assert found["email"] == "contact"


def test_values_find_an_email_only_if_one_column_alone_has_them():
    two = {"x1": ["a@example.org"], "x2": ["b@example.org"]}
    assert "email" not in columns("customers", **two)
    assert columns("customers", x1=["a@example.org"], owner_email=["b@example.org"])["email"] == "x1"


def test_a_numeric_or_repeating_column_called_id_is_not_taken_against_its_values():
    repeating = columns("customers", id=["1", "1", "1"], email=["a@example.org", "b@example.org", "c@example.org"])
    assert "customer_id" not in repeating


@pytest.mark.parametrize(
    ("header", "amount"),
    [
        ("OrderID,CustomerID,OrderDate,SubTotal,TaxAmt,Freight,TotalDue", "TotalDue"),
        ("OrderID,CustomerID,OrderDate,GrandTotal", "GrandTotal"),
        ("OrderID,CustomerID,OrderDate,NetTotal,UnitPrice", "NetTotal"),
        ("id,customer_id,created_at,order_total_excl_tax,order_total_incl_tax", "order_total_incl_tax"),
        ("Order ID,Customer ID,Order Date,Subtotal (inc tax),Order Total (ex tax),Order Total (inc tax)",
         "Order Total (inc tax)"),
        ("id,customer_id,date_created,subtotal_ex_tax,total_ex_tax,total_inc_tax,total_tax", "total_inc_tax"),
        ("Rechnungsnummer,Kundennummer,Rechnungsdatum,Netto", "Netto"),
    ],
)  # fmt: skip
def test_what_an_order_is_worth_is_found_under_the_names_of_totals(header, amount):
    assert columns("orders", *header.split(","))["amount"] == amount


def test_a_total_due_is_asked_about_and_is_none_where_it_is_mostly_paid():
    kept = {column: values for column, values in ORDERS.items() if column != "total"}
    due = guess(customers=PEOPLE, orders={**kept, "SubTotal": ORDERS["total"], "TotalDue": ["12.00", "15.00", "0.00"]})
    (said,) = due.selects["orders"].decide
    assert said.startswith("orders.amount: TotalDue is read as what an order is worth; if it is what is still to be")
    paid = guess(customers=PEOPLE, orders={**kept, "SubTotal": ORDERS["total"], "TotalDue": ["0.00", "0.00", "1.00"]})
    assert paid.selects["orders"].mapped["amount"] == "SubTotal"


def test_lists_and_structures_are_no_address_and_an_id_in_braces_is_one():
    nested = {"emails": ["[a@example.org]"] * 2, "phone": ["[+33 6 12 34 56 78]", "[]"], "street": ["{'no': 5}", None]}
    ids = ["{0B5E1C2A-0000-4000-8000-000000000001}", "{0B5E1C2A-0000-4000-8000-000000000002}"]
    assert columns("customers", id=ids, **nested) == {"customer_id": "id"}


def test_a_blank_column_gives_way_to_a_filled_one():
    found = columns("customers", phone=[None, ""], mobile=["+33 6 12 34 56 78", None])
    assert found["phone"] == "mobile"


def test_dynamics_address_is_known_and_the_state_of_its_records_is_no_region():
    found = columns(
        "customers", "contactid", "address1_line1", "address1_city", "address1_postalcode", "address1_country",
        "address1_stateorprovince", statecode=["Aktiv", "Inaktiv"],
    )  # fmt: skip
    assert found["street"] == "address1_line1" and found["region"] == "address1_stateorprovince"
    assert [found[name] for name in ("city", "postal_code", "country")] == [
        "address1_city", "address1_postalcode", "address1_country",
    ]  # fmt: skip
    assert "region" not in columns("customers", statecode=["Aktiv", "Inaktiv", "Aktiv"])


def test_customers_with_what_they_have_spent_are_customers_where_there_are_no_others():
    extract = {
        "customer_id": ["1", "2"], "email": ["a@x.fr", "b@x.fr"], "created_at": ["2024-01-01", "2024-01-02"],
        "lifetime_value": ["12.50", "8.00"],
    }  # fmt: skip
    made = guess(extract=extract)
    assert [*made.selects] == ["customers"]


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


def test_the_state_of_an_account_is_no_region_and_a_country_is_not_guessed_from_languages():
    found = columns("customers", state=["enabled", "disabled"], land=["yes", "no"], language=["fr", "de"])
    assert not {"region", "country"} & found.keys()


def test_hashed_names_are_left_out_and_hashed_emails_are_called_so():
    digest = ["0cc175b9c0f1b6a831c399e269772661", "92eb5ffee6ae2fec3ad71c777531578f", None]
    made = guess(customers={"id": ["1", "2", "3"], "email": digest, "first_name": digest})
    assert lines(made, "customers") == {"customer_id": "id", "email": "email"}
    assert made.contradicted["customers"] == {"first_name": "first_name"}
    assert "hashed" in made.selects["customers"].decide[0]


def test_a_lone_name_is_neither_first_nor_last_name():
    assert "last_name" not in columns("customers", "id", "name", "email")
    whole = ["Ann Example", "Bo Other"]
    assert columns("customers", vorname=["Ann", "Bo"], name=whole) == {"first_name": "vorname"}


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
            assert connection.sql(asked).fetchone() == (datetime(2024, 2, 13, 9, 5), None)


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


@pytest.mark.parametrize("column", ["is_void", "blocked", "do_not_use"])
def test_a_status_is_not_taken_where_a_flag_may_have_ended_the_statement(column):
    made = guess(customers=PEOPLE, consents={**STATEMENTS, column: ["0", "1", "0"]})
    assert "consents" not in made.selects


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


def read_orders(made: Guess, orders: dict[str, list[str | None]], *wanted: str) -> list[tuple[object, ...]]:
    """The orders as the guessed select reads their columns."""
    names = ", ".join(quoted(name) for name in orders)
    chosen = ", ".join(lines(made, "orders")[column] for column in wanted)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE given ({', '.join(f'{quoted(name)} VARCHAR' for name in orders)})")
        connection.executemany(
            f"INSERT INTO given ({names}) VALUES ({', '.join('?' * len(orders))})",
            [list(row) for row in zip(*orders.values(), strict=True)],
        )
        return connection.sql(f"SELECT {chosen} FROM given").fetchall()


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


@pytest.mark.parametrize(
    ("names", "amount", "currency", "refunds"),
    [
        ("grand_total base_grand_total total_refunded base_total_refunded base_currency_code order_currency_code",
         "base_grand_total", "base_currency_code", "base_total_refunded"),
        ("grand_total base_grand_total total_refunded base_total_refunded order_currency_code",
         "grand_total", "order_currency_code", "total_refunded"),
        ("grand_total base_grand_total base_total_refunded base_currency_code",
         "base_grand_total", "base_currency_code", "base_total_refunded"),
        ("grand_total base_total_refunded order_currency_code", "grand_total", "order_currency_code", None),
        ("total_price_set_pres_amount total_price_set_pres_currency_code total_price currency presentment_currency",
         "total_price", "currency", None),
        ("total_price_set_pres_amount total_price_set_pres_currency_code total_price_set_shop_amount "
         "total_price_set_shop_currency_code presentment_currency_code",
         "total_price_set_shop_amount", "total_price_set_shop_currency_code", None),
        ("total_price_set_pres_amount presentment_currency_code",
         "total_price_set_pres_amount", "presentment_currency_code", None),
    ],
)  # fmt: skip
def test_an_amount_is_taken_with_the_currency_and_the_refunds_of_its_own_side(names, amount, currency, refunds):
    values = {name: ["EUR", "USD"] if "currency" in name else ["10.00", "12.50"] for name in names.split()}
    found = columns("orders", **values)
    assert (found["amount"], found["currency"], found.get("refunded_amount")) == (amount, currency, refunds)


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


def test_a_flag_named_like_a_person_is_no_link():
    flagged = {name: values for name, values in ORDERS.items() if name != "customer_id"} | {
        "email": PEOPLE["email"], "member": ["0", "1", "0"],
    }  # fmt: skip
    made = guess(customers=PEOPLE, orders=flagged)
    assert made.selects["orders"].mapped.get("customer_id") != "member"


def test_minor_units_need_a_name_that_says_so():
    whole = ["100", "250", "300"]
    named = {column: values for column, values in ORDERS.items() if column != "total"}
    assert guess(customers=PEOPLE, orders={**named, "amount_cents": whole}).selects["orders"].options == {
        "amount": '"minor"'
    }
    made = guess(customers=PEOPLE, orders={**ORDERS, "total": whole})
    assert made.selects["orders"].options == {}
    assert "cents" in made.selects["orders"].decide[0]


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


@pytest.mark.parametrize(
    ("name", "lost", "lacks"),
    [
        ("Rechnungen", "customer_id", "no column of it is customer_id or email"),
        ("erasures", "customer_id", "no column of it is customer_id or email or phone"),
        ("consents", "customer_id", "no column of it is customer_id or address"),
    ],
)
def test_a_table_that_has_the_name_and_not_the_person_is_told_as_such(name, lost, lacks):
    table = {column: values for column, values in (ORDERS | {"request_id": ["1", "2", "3"]}).items() if column != lost}
    made = guess(customers=PEOPLE, **{name: table})
    ((_, fault),) = made.unfit.values()
    assert fault == lacks


def test_a_second_table_of_customers_with_other_columns_is_named_as_such():
    other = {"Nr": ["1", "2", "3"], "E-Mail": PEOPLE["email"]}
    made = guess(customers=PEOPLE, kunden=other, warehouses={"id": ["1", "2"]})
    assert [table.name for table in made.could_be["customers"]] == ["kunden"]


@pytest.mark.parametrize(
    "name",
    [
        "blocked_customers", "opted_out_contacts", "OptOuts 2026", "do_not_contact", "doNotCall", "dnc_list",
        "customer_blacklist", "BlockList", "sales_suppression_list", "suppressed_leads", "bounced_contacts",
        "email bounces", "unsubscribed_email_audience_export_7f3a9c", "unsubscribes",
        "cleaned_email_audience_export_7f3a9c", "complaints", "opt_out_of_sale", "Do-not-e-mail",
        "gdpr_opt_outs", "blocked_addresses", "clients désabonnés", "liste d'opposition", "Ne pas contacter",
        "Kundensperrliste", "gesperrte_kunden", "Werbewidersprüche", "clientes_bloqueados", "Lista de supresión",
        "clienti disiscritti", "non_contattare", "afgemelde_klanten", "geblokkeerde klanten",
    ],
)  # fmt: skip
def test_a_list_of_whom_not_to_upload_is_never_customers_and_told_as_what_it_is(name):
    more = {**PEOPLE, "last_name": ["Lee", "Lo", "Ly"], "phone": ["+33612345678", "+33612345679", "+33612345670"]}
    made = guess(customers=PEOPLE, **{name: more})
    assert made.selects["customers"].found.name == "customers"
    assert [table.name for table in made.suppressions] == [name]
    assert not made.alike
    assert not made.could_be
    with pytest.raises(ConfigError, match="lists whom not to upload; rename what holds customers"):
        guess(**{name: more})


@pytest.mark.parametrize(
    "name",
    [
        "customers_without_bounces", "contacts_not_blocked", "unblocked_customers", "customers_cleaned",
        "subscribed_email_audience_export_7f3a9c", "kunden_ohne_abmeldungen", "robinson_customers",
    ],
)  # fmt: skip
def test_what_is_left_when_such_a_list_is_taken_away_is_customers(name):
    made = guess(**{name: {**PEOPLE, "unsubscribed": ["no", "yes", "no"], "do_not_contact": ["0", "1", "0"]}})
    assert made.selects["customers"].found.name == name
    assert not made.suppressions


def test_cleaned_contacts_never_go_before_plain_customers_and_are_asked_about_where_they_are_alone():
    """Mailchimp's cleaned contacts bounced; other people call so what they tidied."""
    more = {**PEOPLE, "phone": ["+33 6 12 34 56 78"] * 3, "city": ["Paris"] * 3}
    made = guess(cleaned_contacts=more, customers={"id": PEOPLE["id"], "email": PEOPLE["email"]})
    assert made.selects["customers"].found.name == "customers"
    assert [table.name for table in made.perhaps_suppressions] == ["cleaned_contacts"]
    assert not made.alike
    alone = guess(cleaned_contacts=more, tickets={"id": PEOPLE["id"], "email": PEOPLE["email"]})
    assert alone.selects["customers"].found.name == "cleaned_contacts"
    (said,) = alone.selects["customers"].decide
    assert said.startswith("customers: by its name cleaned_contacts.csv may hold the addresses that a mailing took out")
    assert not guess(customers=more).selects["customers"].decide


def test_blocked_payments_and_statements_of_consent_are_what_they_are():
    assert [kind(name) for name in ("blocked_payments", "bounced_payments", "consents_optouts")] == [
        "orders", "orders", "consents",
    ]  # fmt: skip


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


def test_an_order_that_nobody_paid_has_a_time_all_the_same():
    orders = {**ORDERS, "Paid at": ["2024-01-31", None, None], "Created at": ["2024-01-30"] * 3}
    del orders["order_date"]
    assert lines(guess(customers=PEOPLE, orders=orders), "orders")["ordered_at"] == '"Created at"'


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


def test_leading_apostrophes_go():
    made = guess(customers={"Customer ID": ["'7210448300001", "'7210448300002"], "Email": ["a@b.org", "c@d.org"]})
    assert lines(made, "customers")["customer_id"] == "ltrim(\"Customer ID\", '''')"


def test_primary_keys_are_ids_and_a_country_s_id_is_it_only_where_it_names_one():
    people = {"customer_pk": PEOPLE["id"], "email": PEOPLE["email"], "country_id": ["FR", "DE", "US"]}
    orders = {**ORDERS, "customer_pk": ORDERS["customer_id"], "order_pk": ORDERS["id"]}
    made = guess(customers=people, orders={name: orders[name] for name in orders if name not in {"id", "customer_id"}})
    assert {"customer_id": "customer_pk", "country": "country_id"}.items() <= lines(made, "customers").items()
    assert {"customer_id": "customer_pk", "order_id": "order_pk"}.items() <= lines(made, "orders").items()
    made = guess(customers={**people, "country_id": ["73", "80", "231"]}, orders=ORDERS)
    assert "country" not in lines(made, "customers")


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


def test_a_newsletter_is_no_consent_to_uploads():
    made = guess(customers={**PEOPLE, "newsletter": ["yes"] * 3, "accepts_marketing": ["true"] * 3})
    assert set(made.selects) == {"customers"}
    assert {"newsletter", "accepts_marketing"} <= set(made.selects["customers"].unused)


def test_consents_in_our_words_are_taken_and_others_only_proposed():
    statements = {
        "customer_id": ["1", "2"],
        "purpose": ["ads_upload", "ads_upload"],
        "status": ["granted", "denied"],
        "captured_at": ["2024-01-01", "2024-01-02"],
    }
    assert "consents" in guess(customers=PEOPLE, consents=statements).selects
    made = guess(customers=PEOPLE, consents={**statements, "purpose": ["newsletter", "ads"]})
    assert "consents" not in made.selects
    assert made.unfit["consents"][1] == "purpose has other words than purpose may have"
    assert "consents" in guess(customers=PEOPLE, consents={**statements, "network": ["", "Meta"]}).selects
    made = guess(customers=PEOPLE, consents={**statements, "network": ["Facebook", "all"]})
    assert made.unfit["consents"][1] == "network has other words than network may have"
    without = {name: values for name, values in statements.items() if name != "purpose"}
    assert "no column of it is purpose" in guess(customers=PEOPLE, consents=without).unfit["consents"][1]


STATEMENTS = {
    "customer_id": ["1", "2", "3"],
    "purpose": ["ads_upload"] * 3,
    "status": ["granted"] * 3,
    "created_at": ["2024-01-01", "2024-01-02", "2024-01-03"],
}


@pytest.mark.parametrize(
    "column",
    [
        "revoked_at",
        "withdrawn_on",
        "is_active",
        "deleted_at",
        "confirmed_at",
        "Widerrufen am",
        "date de retrait",
        "unsub_date",
        "date_fin",
        "abgemeldet_am",
        "version_to",
        "lapsed_at",
    ],
)
def test_a_status_is_not_taken_where_another_column_may_have_ended_the_statement(column):
    assert "consents" in guess(customers=PEOPLE, consents=STATEMENTS).selects
    made = guess(customers=PEOPLE, consents={**STATEMENTS, column: ["", "2025-01-01", ""]})
    assert "consents" not in made.selects
    assert made.unfit["consents"][1].startswith(f"{column} may say that a statement is no longer or not yet valid")


@pytest.mark.parametrize("written", ["31/01/2025", "31-Jan-2025", "1738281600"])
def test_an_end_of_a_statement_that_cannot_be_read_never_reads_as_no_end(written):
    made = guess(customers=PEOPLE, consents={**STATEMENTS, "expiry_date": [written] * 3})
    with duckdb.connect() as connection:
        asked = f"SELECT ({lines(made, 'consents')['valid_to']})::VARCHAR FROM (SELECT $1::VARCHAR AS expiry_date)"
        assert connection.execute(asked, ["soon"]).fetchall() == [("soon",)]
        assert connection.execute(asked, [None]).fetchall() == [(None,)]


def test_a_time_of_change_beside_the_time_of_making_is_asked_about():
    made = guess(customers=PEOPLE, consents={**STATEMENTS, "updated_at": ["2025-01-01"] * 3})
    (said,) = made.selects["consents"].decide
    assert said.startswith("consents.captured_at: created_at is read and updated_at is not")


@pytest.mark.parametrize("column", ["type", "request_type", "type_of_request", "RequestKind", "Demande (nature)"])
def test_requests_of_several_kinds_are_not_all_taken_for_requests_to_be_forgotten(column):
    requests = {"request_id": ["1", "2"], "email": ["a@example.org", "b@example.org"]}
    made = guess(customers=PEOPLE, gdpr_requests={**requests, column: ["erasure", "access"]})
    assert "erasures" not in made.selects
    select, fault = made.unfit["erasures"]
    assert fault.startswith(f"{column} tells several kinds of requests apart")
    assert select.where == f"{quoted(column)} = 'your word for them'"
    assert "erasures" in guess(customers=PEOPLE, gdpr_requests={**requests, column: ["erasure"] * 2}).selects


EVENTS = {"user_id": ["1", "2", "3"], "created_at": ["2024-01-31"] * 3}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["Page View", "add_to_cart", "purchase"], ["visit", "add_to_cart", "purchase"]),
        (["Product Viewed", "Checkout Started", "Order Completed"], ["view_product", "begin_checkout", "purchase"]),
        (["Viewed Product", "Started Checkout", "Placed Order"], ["view_product", "begin_checkout", "purchase"]),
    ],
)
def test_events_of_other_tools_are_translated(given, read):
    made = guess(customers=PEOPLE, events={**EVENTS, "event_name": given})
    assert not made.selects["visits"].decide
    with duckdb.connect() as connection:
        asked = f"SELECT {lines(made, 'visits')['event']} FROM (SELECT unnest($1::VARCHAR[]) AS event_name)"
        assert [row[0] for row in connection.execute(asked, [given]).fetchall()] == read


def test_an_event_that_has_no_translation_is_said_to_be_set_aside():
    made = guess(customers=PEOPLE, events={**EVENTS, "event_name": ["page_view", "purchase", "scroll"]})
    (said,) = made.selects["visits"].decide
    assert said.startswith("visits.event: event_name holds words that relance does not know")
    unknown = guess(customers=PEOPLE, events={**EVENTS, "event_name": ["scroll", "click", "purchase"]})
    assert unknown.unfit["visits"][1] == "event_name has other words than event may have"


def test_a_metric_says_what_happened_as_klaviyo_writes_it():
    events = {"Event ID": ["e0", "e1"], "Profile ID": ["1", "2"], "Timestamp": ["2026-11-01T10:00:00Z"] * 2}
    opened = guess(customers=PEOPLE, events={**events, "Metric": ["Opened Email", "Received Email"]})
    assert opened.unfit["visits"][1] == "Metric has other words than event may have"
    known = guess(customers=PEOPLE, events={**events, "Metric": ["Active on Site", "Viewed Product"]})
    assert known.selects["visits"].mapped["event"] == "Metric"
    (said,) = guess(customers=PEOPLE, events=events).selects["visits"].decide
    assert said.startswith("visits.event: no column says what happened, so that every row counts as a visit")


def test_an_erasure_request_without_an_id_is_not_named_by_its_address():
    made = guess(customers=PEOPLE, erasures={"email": ["a@example.org"], "received": ["2024-01-01"]})
    assert lines(made, "erasures") == {"request_id": "received", "email": "email", "requested_at": "received"}


def test_employees_and_order_lines_are_not_taken():
    made = guess(customers=PEOPLE, employees=PEOPLE, orders=ORDERS, order_items=ORDERS)
    assert [table.name for table in made.not_used] == ["employees", "order_items"]


def test_a_table_that_only_joins_others_is_no_orders():
    joins = {"contact_id": ["1"], "deal_id": ["7"], "_fivetran_synced": ["2024-01-01"]}
    assert "orders" not in guess(customers=PEOPLE, deal_contact=joins).selects


def test_without_customers_the_error_names_the_tables():
    with pytest.raises(ConfigError, match=r"None of plans.csv looks like customers"):
        guess(plans={"id": ["1"], "name": ["Basic"]})


@pytest.mark.parametrize(
    ("delimiter", "encoding", "expected"),
    [
        (",", "utf-8", {}),
        (";", "utf-8-sig", {"delimiter": ";"}),
        # Latin-1, which a later file with a ’ or a € would not be in.
        ("\t", "latin-1", {"delimiter": "\t", "encoding": "windows-1252"}),
        ("|", "utf-16", {"delimiter": "|", "encoding": "utf-16"}),
        (";", "cp1252", {"delimiter": ";", "encoding": "windows-1252"}),
    ],
)
def test_a_csvs_delimiter_and_encoding_are_found(tmp_path, delimiter, encoding, expected):
    last = "l’été" if encoding == "cp1252" else "Zoë"
    rows = [["id", "E-Mail", "Prénom"], ["1", "a@example.org", '"Ann, Bo; Cy"'], ["2", "b@example.org", last]]
    (tmp_path / "clients.csv").write_bytes("\n".join(delimiter.join(row) for row in rows).encode(encoding))
    found = files(tmp_path, "clients.csv")
    assert found.sources["clients"].model_dump(exclude_defaults=True) == {"files": "../clients.csv", **expected}
    assert found.tables[0].columns["Prénom"] == ("Ann, Bo; Cy", last)


#: Names as people of each language write them.
WESTERN = {
    "French": "Hélène Anaïs Zoë François Benoît Jérôme Gaëlle Éléonore l’Œuvre où août Côté Lévêque",
    "German": "Müller Jürgen Grüße Größe Weiß Süß Bäcker Öztürk Österreich Fußgänger",
    "Spanish": "José Muñoz Núñez Ibáñez Íñigo Güell Martínez nº 2ª ¿Qué? Coruña",
    "Portuguese": "João Conceição Gonçalves Simões Antônio Inês Guimarães ações",
    "Italian": "Nicolò Forlì città Cantù D’Amò perché Cefalù",
    "Danish": "Søren Bjørn Åse Mærsk Østergård Æbelø",
    "Finnish": "Hämäläinen Mäkinen Pöyhönen Jääskeläinen Äänekoski Töölö",
}
ELSEWHERE = {
    "cp1250": [
        "Jiří Dvořák Zdeněk Růžička Šárka Němec",
        "Paweł Łukasz Wójcik Zając Grażyna Michałek",
        "Győri Erdős Szabó Csűrös Gergő Kovács",
        "Horvat Kovačević Babić Đurić Šimić",
        "Ionuţ Mădălina Cătălin Bălan Ţuţea",
    ],
    "cp1251": ["Ольга Сергеева Юрий"],
    "cp1253": ["Γιώργος Παπαδόπουλος Μαρία"],
    "cp1254": ["Yılmaz Şahin Çelik Aydın Doğan Ayşe"],
    "cp1257": ["Kazlauskas Žukauskas Jūratė Čepaitė"],
    "gbk": ["王伟 李娜 张敏"],
    "cp949": ["김철수 이영희"],
}


def doubts(folder: Path, names: str, codec: str) -> tuple[str, list[str]]:
    """The encoding that is written for a file of such names, and what is to be decided of it."""
    rows = [f"{number};a{number}@example.org;{name}" for number, name in enumerate(names.split())]
    (folder / "clients.csv").write_bytes("\n".join(["id;email;name", *rows, ""]).encode(codec))
    found = files(folder, "clients.csv")
    return found.sources["clients"].encoding, list(found.doubts.values())


@pytest.mark.parametrize("language", WESTERN)
def test_western_names_in_windows_1252_leave_nothing_to_decide(tmp_path, language):
    assert doubts(tmp_path, WESTERN[language], "cp1252") == ("windows-1252", [])


@pytest.mark.parametrize(("codec", "names"), [(codec, each) for codec, all_ in ELSEWHERE.items() for each in all_])
def test_names_of_another_encoding_are_for_a_person_to_decide(tmp_path, codec, names):
    encoding, sentences = doubts(tmp_path, names, codec)
    (sentence,) = sentences
    assert encoding == "windows-1252"
    assert f"{codec.replace('cp', 'windows-')} (" in sentence
    assert "in UTF-8" in sentence
    assert not any(name in sentence for name in names.split())


def test_what_windows_1252_has_no_sign_for_is_proposed_as_windows_1250(tmp_path):
    names = "Ťažký Šťastný Dvořák Němec Veselý Černý"
    encoding, (sentence,) = doubts(tmp_path, names, "cp1250")
    assert encoding == "windows-1250"
    assert "windows-1252" not in sentence


@pytest.mark.parametrize(
    ("names", "codec", "told"),
    [
        ("花子 翔太 渡辺 鈴木 佐藤", "cp932", "is in Shift-JIS, which relance does not read. Save it as CSV in UTF-8"),
        ("Jürgen Müller Hélène", "cp850", "is neither in UTF-8 nor in Windows-1252. Save it as CSV in UTF-8"),
    ],
)
def test_what_cannot_be_read_is_to_be_saved_as_utf_8(tmp_path, names, codec, told):
    with pytest.raises(ConfigError, match=told):
        doubts(tmp_path, names, codec)


def test_a_long_field_does_not_hide_the_delimiter(tmp_path):
    (tmp_path / "clients.csv").write_text(f"id;note\n1;{'a, b ' * 50_000}\n2;x\n")
    found = files(tmp_path, "clients.csv")
    assert found.sources["clients"].delimiter == ";"
    assert list(found.tables[0].columns) == ["id", "note"]


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_delimiter_at_the_end_of_the_header_alone_is_no_column(tmp_path, delimiter, encoding):
    rows = ["id,e-mail,", "1,a@example.org", "2,l’été", "3,c@example.org"]
    (tmp_path / "clients.csv").write_bytes("\n".join(rows).replace(",", delimiter).encode(encoding))
    found = files(tmp_path, "clients.csv")
    assert found.sources["clients"].delimiter == delimiter
    assert found.tables[0].columns == {"id": ("1", "2", "3"), "e-mail": ("a@example.org", "l’été", "c@example.org")}


def test_parquet_sqlite_and_duckdb_are_known_by_their_bytes(tmp_path):
    pl.DataFrame(PEOPLE).write_parquet(tmp_path / "people.bin")
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute('CREATE TABLE "Order Details" (id INTEGER PRIMARY KEY AUTOINCREMENT)')
        # DuckDB cannot read what SQLite alone quotes so; the tables are of use all the same.
        connection.execute("CREATE VIEW subtotals AS SELECT [Order Details].id FROM [Order Details]")
    connection.close()
    with duckdb.connect(str(tmp_path / "crm.db")) as connection:
        connection.sql(
            "CREATE SCHEMA sales; CREATE TABLE sales.customers AS SELECT 1 AS id, DATE '2024-01-01' AS created"
        )
    found = files(tmp_path, "people.bin", "shop.db", "crm.db")
    assert found.sources["people"].format == "parquet"
    assert (found.sources["shop"].sqlite, found.sources["crm"].duckdb) == ("../shop.db", "../crm.db")
    places = ["people", 'shop."Order Details"', "shop.subtotals", "crm.sales.customers"]
    assert [table.place for table in found.tables] == places
    assert (found.tables[1].columns, found.tables[2].columns) == ({"id": ()}, {})
    assert found.tables[3].columns == {"id": ("1",), "created": ("2024-01-01",)}


def test_numbered_parts_are_one_source_and_reserved_names_are_avoided(tmp_path):
    for name in ("orders_1.csv", "orders_2.csv", "order.csv", "warehouse.csv"):
        (tmp_path / name).write_text("id,total\n1,2.50\n")
    found = files(tmp_path, "orders_2.csv", "orders_1.csv", "order.csv", "warehouse.csv")
    assert {name: source.files for name, source in found.sources.items()} == {
        "orders": "../orders_*.csv",
        "crm_order": "../order.csv",
        "crm_warehouse": "../warehouse.csv",
    }


@pytest.mark.parametrize(
    ("names", "pattern", "called"),
    [
        (["orders_2026_01.parquet", "orders_2026_02.parquet"], "orders_*_*.parquet", "orders"),
        (["orders/day=2026-01-01/data_0.parquet", "orders/day=2026-01-02/data_0.parquet"],
         "orders/day=*-*-*/data_0.parquet", "orders"),
        (["orders/1/day.csv", "orders/2/day.csv"], "orders/*/day.csv", "orders"),
    ],
)  # fmt: skip
def test_files_that_differ_in_digits_are_one_source_whatever_they_are(tmp_path, names, pattern, called):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        frame = pl.DataFrame({"id": ["1"], "total": ["2.50"]})
        (frame.write_parquet if name.endswith("parquet") else frame.write_csv)(tmp_path / name)
    found = files(tmp_path, *names)
    assert {name: source.files for name, source in found.sources.items()} == {called: f"../{pattern}"}
    assert [table.title for table in found.tables] == [pattern.removeprefix("orders/")]


def test_parquet_files_with_other_columns_are_sources_of_their_own(tmp_path):
    pl.DataFrame({"id": ["1"], "total": ["2.50"]}).write_parquet(tmp_path / "table1.parquet")
    pl.DataFrame({"id": ["1"], "email": ["a@example.org"]}).write_parquet(tmp_path / "table2.parquet")
    assert len(files(tmp_path, "table1.parquet", "table2.parquet").sources) == 2


def test_files_elsewhere_are_written_absolute_and_globs_in_their_names_escaped(tmp_path):
    folder = tmp_path / "a" / "exports [old]"
    folder.mkdir(parents=True)
    (folder / "x.csv").write_text("id,email\n1,a@example.org\n")
    connection = connect(Home.at(tmp_path / "home"), "1GB")
    found = found_in([folder / "x.csv"], connection, tmp_path / "b" / "config")
    connection.close()
    assert found.sources["x"].files == str(folder / "x.csv").replace("[", "[[]")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\x1f\x8brest", "gzip"),
        (b'{"id": 1}', "JSON"),
        (b"--\n-- PostgreSQL database dump\n--\n\nCOPY users (email) FROM stdin;\nsecret@example.org\n", "dump in SQL"),
        (b"-- MySQL dump 10.13  Distrib 8.0\n--\n", "dump in SQL"),
        (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "dump in SQL"),
        (b"1,secret@example.org,Ann\n2,b@example.org,Bo\n", "not the names of columns"),
        (b"sep=;\nid;email\n", "sep="),
        ("id,email\n".encode("utf-16-le"), "byte-order mark"),
        (b"\xfe\xff" + "id,email\n1,secret@example.org\n".encode("utf-16-be"), "big end first"),
    ],
)
def test_files_that_cannot_be_read_are_refused_without_quoting_them(tmp_path, content, message):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(ConfigError, match=message) as refused:
        files(tmp_path, "x.csv")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("content", [b"id,email\r\n1,secret@x.org\n2,b@x.org\r\n", b"id,email\n1,secret@x.org\r\n"])
def test_a_file_whose_lines_end_in_two_ways_is_refused_as_such(tmp_path, content):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(SourceError, match=r"x\.csv is no regular CSV: its line ends are mixed") as refused:
        files(tmp_path, "x.csv")
    assert "secret" not in str(refused.value)


def test_names_are_quoted_only_where_sql_needs_it():
    assert [quoted(name) for name in ("Email", "order", "First Name", 'a"b')] == [
        "Email",
        '"order"',
        '"First Name"',
        '"a""b"',
    ]


@pytest.mark.parametrize(("rows", "told"), [(30, True), (5, False)])
def test_a_column_that_may_be_the_id_is_named_where_the_email_is_taken_for_it(rows, told):
    cards = [f"{number:010d}" for number in range(rows)]
    made = guess(
        clients={
            "Numero_carte": cards,
            "Email": [f"a{number}@example.org" if number else None for number in range(rows)],
            "Nom": ["Maes"] * rows,
            "Prenom": ["Luc"] * rows,
            "Vu": [f"{1 + number % 28:02d}.01.2024 10:{number:02d}" for number in range(rows)],
        }
    )
    assert lines(made, "customers")["customer_id"] == "lower(trim(Email))"
    asked = [sentence for sentence in made.selects["customers"].decide if sentence.startswith("customers.customer_id")]
    assert asked == told * [
        "customers.customer_id: no column is called an id, so that Email is taken for it, and rows without one are set "
        "aside. Every row has another Numero_carte: if it is the id, take it, here and in the other tables"
    ]


def test_the_time_of_a_visit_is_found_by_its_values():
    made = guess(
        customers={"id": ["4", "5", "6"], "email": ["a@x.fr", "b@x.fr", "c@x.fr"]},
        web_events={
            "event_id": ["1", "2", "3"],
            "subscriber_id": ["4", "5", "6"],
            "happened_at": ["2024-01-31 10:00:00", "2024-02-01 11:00:00", "2024-02-02 12:30:00"],
        },
    )
    assert lines(made, "visits")["occurred_at"] == "happened_at"


def test_a_column_for_zip_and_postal_codes_is_one():
    assert columns("customers", "SubscriberID", "EmailAddress", "ZipPostal")["postal_code"] == "ZipPostal"
