"""Consents, visits and erasures: no guess puts words into somebody's mouth."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.crm.guess.files import quoted
from tests.pipelines.crm.guess.guesses import PEOPLE, guess, lines


@pytest.mark.parametrize("column", ["is_void", "blocked", "do_not_use"])
def test_a_status_is_not_taken_where_a_flag_may_have_ended_the_statement(column):
    made = guess(customers=PEOPLE, consents={**STATEMENTS, column: ["0", "1", "0"]})
    assert "consents" not in made.selects


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


def test_a_log_of_consents_under_a_law_s_name_is_one_to_complete_and_not_one_of_requests():
    """As Magento's extensions write it."""
    log = {
        "log_id": ["1", "2"],
        "customer_id": ["1", "2"],
        "consent_code": ["third_party_ads", "ads_personalisation"],
        "action": ["1", "0"],
        "date_consented": ["2025-01-01 09:00:00"] * 2,
        "consent_from": ["checkout"] * 2,
    }
    made = guess(customers=PEOPLE, gdpr_consent_log=log)
    ((table, (select, fault)),) = made.unfit.items()
    assert (table, fault) == ("consents", "consent_code has other words than purpose may have")
    assert select.mapped == {
        "record_id": "log_id", "customer_id": "customer_id", "purpose": "consent_code", "status": "action",
        "captured_at": "date_consented", "source": "consent_from",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ({}, "no column says when: each request counts from the day it is first read"),
        ({"city": ["Paris"]}, "no column says when: each request counts from the day it is first read"),
        (
            {"came_in": ["2024-01-01 09:00:00"], "due": ["31/01/2024"]},
            "each request counts from the day it is first read; if came_in or due says when it was made, take that",
        ),
    ],
)
def test_a_column_that_may_say_when_a_request_was_made_is_named_beside_the_line_that_needs_it(more, note):
    made = guess(customers=PEOPLE, erasures={"request_id": ["1"], "email": ["a@example.org"], **more})
    (line,) = [line for line in made.selects["erasures"].lines if line.column == "requested_at"]
    assert (line.sql, line.note) == ("NULL", note)


def test_an_erasure_request_without_an_id_is_not_named_by_its_address():
    made = guess(customers=PEOPLE, erasures={"email": ["a@example.org"], "received": ["2024-01-01"]})
    assert lines(made, "erasures") == {"request_id": "received", "email": "email", "requested_at": "received"}


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
