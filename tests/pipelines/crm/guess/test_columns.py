"""Which column is which: by its name, and by values where they leave no doubt."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.crm.guess.files import quoted
from tests.pipelines.crm.guess.guesses import ORDERS, PEOPLE, columns, guess, lines


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


@pytest.mark.parametrize(
    ("landline", "mobile"),
    [
        ("Phone", "Mobile"), ("Telefon", "Mobil"), ("Téléphone", "Portable"), ("Teléfono", "Teléfono móvil"),
        ("Telefono", "Cellulare"), ("Telefoon", "GSM-nummer"), ("HomePhone", "MobilePhone"),
        ("Person - Phone - Work", "Person - Phone - Mobile"), ("LANDLINE_NUMBER", "SMS"),
    ],
)  # fmt: skip
def test_the_mobile_is_taken_and_the_landline_where_there_is_none(landline, mobile):
    """People sign up to networks with their mobiles, so that a landline matches hardly anybody."""
    people = {"id": ["1", "2", "3"], landline: ["030 1234567", "030 1234568", None]}
    people[mobile] = ["+49 151 1234567", " ", None]
    customers = guess(customers=people | {"email": PEOPLE["email"]}).selects["customers"]
    assert customers.mapped["phone"] == mobile
    assert not {landline, mobile} & {*customers.unused}
    (phone,) = [line.sql for line in customers.lines if line.column == "phone"]
    with duckdb.connect() as connection:
        rows = f"(SELECT unnest($1::VARCHAR[]) AS {quoted(landline)}, unnest($2::VARCHAR[]) AS {quoted(mobile)})"
        read = connection.execute(f"SELECT {phone} FROM {rows}", [people[landline], people[mobile]]).fetchall()
    assert read == [("+49 151 1234567",), ("030 1234568",), (None,)]


@pytest.mark.parametrize(
    ("name", "values"),
    [("Mobile", ["yes", "no", "yes"]), ("Mobile", [None, "", None]), ("Shipping phone", ["030 1234567"] * 3)],
)
def test_what_holds_no_mobile_or_somebody_else_s_phone_is_left_alone(name, values):
    first = "SMS" if name != "Mobile" else "Phone"
    people = {**PEOPLE, first: ["+49 151 1234567"] * 3, name: values}
    assert lines(guess(customers=people), "customers")["phone"] == first


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


def test_an_address_is_known_by_several_words_that_say_whose_it_is_and_where():
    """Shopware's customers have an address for bills and one for parcels; Pipedrive's columns say Person."""
    shopware = [
        f"default_{use}_address_{part}" for use in ("shipping", "billing") for part in ("zipcode", "city", "country")
    ]
    assert columns("customers", "id", "email", *shopware) == {
        "customer_id": "id", "email": "email", "postal_code": "default_billing_address_zipcode",
        "city": "default_billing_address_city", "country": "default_billing_address_country",
    }  # fmt: skip
    parcels = columns("customers", "id", "email", *shopware[:3])
    assert parcels["postal_code"] == "default_shipping_address_zipcode"
    pipedrive = {
        "postal_code": "Person - ZIP/Postal code of Postal address", "country": "Person - Country of Postal address",
        "city": "Person - City/town/village/locality of Postal address", "created_at": "Person - Person created",
        "region": "Person - State/county of Postal address", "updated_at": "Person - Update time",
    }  # fmt: skip
    found = columns("customers", "Person - ID", *pipedrive.values())
    assert found == {"customer_id": "Person - ID", **pipedrive}
    emails = {"Person - Email - Work": PEOPLE["email"], "Person - Email - Home": ["", "", ""]}
    assert columns("customers", "Person - ID", **emails)["email"] == "Person - Email - Work"


@pytest.mark.parametrize("name", ["Other Contact Email", "other_member_mail", "work_contact_phone"])
def test_an_address_of_another_person_elsewhere_is_not_the_customer_s(name):
    assert columns("customers", "id", "first_name", "last_name", name).keys() == {
        "customer_id", "first_name", "last_name",
    }  # fmt: skip


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


def test_a_flag_named_like_a_person_is_no_link():
    flagged = {name: values for name, values in ORDERS.items() if name != "customer_id"} | {
        "email": PEOPLE["email"], "member": ["0", "1", "0"],
    }  # fmt: skip
    made = guess(customers=PEOPLE, orders=flagged)
    assert made.selects["orders"].mapped.get("customer_id") != "member"


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


def test_a_column_for_zip_and_postal_codes_is_one():
    assert columns("customers", "SubscriberID", "EmailAddress", "ZipPostal")["postal_code"] == "ZipPostal"
