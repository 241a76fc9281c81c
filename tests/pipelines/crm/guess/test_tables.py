"""Which of the tables found is one of ours, and what is told of the others."""

from __future__ import annotations

import pytest

from pipelines.crm.guess.names import kind
from schemas.errors import ConfigError
from tests.pipelines.crm.guess.guesses import ORDERS, PEOPLE, guess


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("raw_customers", "customers"), ("sf_contact_data", "customers"), ("Kundenliste 2024", "customers"),
        ("customer_details", "customers"), ("clients", "customers"), ("salesforce_leads", "customers"),
        ("Invoice", "orders"), ("commandes_clients", "orders"), ("customerOrders", "orders"), ("Aufträge", "orders"),
        ("InvoiceLine", "other"), ("order_items", "other"), ("Bestellpositionen", "other"), ("Employee", "other"),
        ("customer_address", "other"), ("refunds", "other"), ("customer_consents", "consents"),
        ("gql_customer_visit", "visits"), ("GDPR deletions", "erasures"), ("gdpr_requests", "erasures"),
        ("gdpr_customers", "erasures"), ("gdpr_consent_log", "consents"), ("DSGVO-Einwilligungen", "consents"),
        ("consentements_rgpd", "consents"), ("gdpr_consent_deletions", "erasures"), ("plans", None), ("export", None),
    ],
)  # fmt: skip
def test_a_tables_name_says_what_it_is(name, expected):
    assert kind(name) == expected


def test_customers_with_what_they_have_spent_are_customers_where_there_are_no_others():
    extract = {
        "customer_id": ["1", "2"], "email": ["a@x.fr", "b@x.fr"], "created_at": ["2024-01-01", "2024-01-02"],
        "lifetime_value": ["12.50", "8.00"],
    }  # fmt: skip
    made = guess(extract=extract)
    assert [*made.selects] == ["customers"]


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


def test_employees_and_order_lines_are_not_taken():
    made = guess(customers=PEOPLE, employees=PEOPLE, orders=ORDERS, order_items=ORDERS)
    assert [table.name for table in made.not_used] == ["employees", "order_items"]


def test_a_table_that_only_joins_others_is_no_orders():
    joins = {"contact_id": ["1"], "deal_id": ["7"], "_fivetran_synced": ["2024-01-01"]}
    assert "orders" not in guess(customers=PEOPLE, deal_contact=joins).selects


def test_without_customers_the_error_names_the_tables():
    with pytest.raises(ConfigError, match=r"None of plans.csv looks like customers"):
        guess(plans={"id": ["1"], "name": ["Basic"]})
