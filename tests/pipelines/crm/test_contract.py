"""Every row keeps its contract or is set aside with the rule it broke and a shape that gives nothing away."""

from __future__ import annotations

from datetime import UTC, datetime

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.crm.contract import BROKEN_RULE, BROKEN_TEXT, ROW, judge, shape
from schemas.crm import (
    CONSENT_STATUSES,
    ORDER_STATUSES,
    PURPOSES,
    VISIT_EVENTS,
    ConsentStatements,
    CrmCustomers,
    CrmOrders,
    CrmVisits,
    ErasureRequests,
)

MOMENT = datetime(2025, 1, 31, tzinfo=UTC)
ORDER = {
    "order_id": "o1", "customer_id": "c1", "ordered_at": MOMENT, "amount": 1250, "currency": "EUR",
    "status": "completed", "channel": None,
}  # fmt: skip
VISIT = {"event_id": "v1", "customer_id": "c1", "occurred_at": MOMENT, "event": "visit", "item": None}
CONSENT = {
    "record_id": None, "customer_id": "c1", "address": None, "purpose": "ads_upload", "network": None, "region": None,
    "status": "granted", "captured_at": MOMENT, "valid_from": None, "valid_to": None, "source": None,
}  # fmt: skip
ERASURE = {"request_id": "r1", "customer_id": "c1", "email": None, "phone": None, "requested_at": MOMENT}


def read(contract: type[dy.Schema], *rows: dict[str, object]) -> pl.DataFrame:
    """Rows as the reader gives them; a row may say which rule its text broke."""
    extra = {BROKEN_RULE: pl.String, BROKEN_TEXT: pl.String}
    schema = {**pl.DataFrame(contract.create_empty()).schema, **extra}
    complete = [{**dict.fromkeys(schema), **row} for row in rows]
    return pl.DataFrame(complete, schema=schema).with_row_index(ROW)


def faults(contract: type[dy.Schema], *rows: dict[str, object]) -> list[tuple[int, str, str | None]]:
    return judge(read(contract, *rows), contract).broken.select(ROW, "rule", "shape").rows()


def kept(contract: type[dy.Schema], *rows: dict[str, object]) -> list[int]:
    return judge(read(contract, *rows), contract).accepted[ROW].to_list()


@pytest.mark.parametrize(
    ("contract", "row"),
    [(CrmOrders, ORDER), (CrmVisits, VISIT), (ConsentStatements, CONSENT), (ErasureRequests, ERASURE),
     (CrmCustomers, {"customer_id": "c1"})],
)  # fmt: skip
def test_a_row_that_keeps_its_contract_is_accepted(contract: type[dy.Schema], row: dict[str, object]) -> None:
    judged = judge(read(contract, row), contract)
    assert judged.broken.is_empty()
    assert judged.accepted.columns == [*contract.column_names(), ROW]
    assert judged.accepted.select(row.keys()).to_dicts() == [row]


@pytest.mark.parametrize(
    ("contract", "row", "rule", "seen"),
    [
        (CrmCustomers, {"customer_id": None, "email": "a@x.fr"}, "customer_id missing", None),
        (CrmOrders, {**ORDER, "order_id": None}, "order_id missing", None),
        (CrmOrders, {**ORDER, "customer_id": None}, "customer_id missing", None),
        (CrmOrders, {**ORDER, "ordered_at": None}, "ordered_at missing", None),
        (CrmOrders, {**ORDER, "amount": None}, "amount missing", None),
        (CrmOrders, {**ORDER, "currency": None}, "currency missing", None),
        (CrmOrders, {**ORDER, "currency": "EURO"}, "currency not allowed", "AAAA"),
        (CrmOrders, {**ORDER, "status": "shipped"}, "status not allowed", "aaaaaaa"),
        (CrmVisits, {**VISIT, "event": "Click 12"}, "event not allowed", "Aaaaa 99"),
        (ConsentStatements, {**CONSENT, "purpose": "marketing"}, "purpose not allowed", "aaaaaaaaa"),
        (ConsentStatements, {**CONSENT, "status": "yes"}, "status not allowed", "aaa"),
        (ConsentStatements, {**CONSENT, "captured_at": None}, "captured_at missing", None),
        (ConsentStatements, {**CONSENT, "customer_id": None}, "names somebody not so", None),
        (ErasureRequests, {**ERASURE, "customer_id": None}, "names somebody not so", None),
        (ErasureRequests, {**ERASURE, "requested_at": None}, "requested_at missing", None),
    ],
)
def test_a_row_that_breaks_its_contract_is_told_by_the_rule(
    contract: type[dy.Schema], row: dict[str, object], rule: str, seen: str | None
) -> None:
    assert faults(contract, row) == [(0, rule, seen)]
    assert kept(contract, row) == []


@pytest.mark.parametrize(
    ("contract", "row", "column", "words"),
    [
        (CrmOrders, ORDER, "status", ORDER_STATUSES),
        (CrmVisits, VISIT, "event", VISIT_EVENTS),
        (ConsentStatements, CONSENT, "purpose", PURPOSES),
        (ConsentStatements, CONSENT, "status", CONSENT_STATUSES),
    ],
)
def test_every_word_of_ours_is_allowed(
    contract: type[dy.Schema], row: dict[str, object], column: str, words: tuple[str, ...]
) -> None:
    rows = [{**row, column: word, contract.column_names()[0]: word} for word in words]
    assert kept(contract, *rows) == list(range(len(words)))


def test_a_text_that_could_not_be_read_is_told_by_its_shape() -> None:
    row = {**ORDER, "ordered_at": None, BROKEN_RULE: "ordered_at unreadable", BROKEN_TEXT: "31/12/2024"}
    assert faults(CrmOrders, row) == [(0, "ordered_at unreadable", "99/99/9999")]


def test_a_broken_row_is_told_once_however_many_rules_it_breaks() -> None:
    row = {**ORDER, "order_id": None, "currency": None, "status": "lost", "customer_id": None}
    assert len(faults(CrmOrders, row)) == 1


def test_a_broken_row_keeps_what_could_be_read() -> None:
    row = {**CONSENT, "status": "perhaps"}
    broken = judge(read(ConsentStatements, row), ConsentStatements).broken
    assert broken.select("customer_id", "purpose", "status").rows() == [("c1", "ads_upload", "perhaps")]


def test_of_rows_that_are_equal_in_every_column_the_first_is_kept() -> None:
    assert kept(CrmOrders, ORDER, {**ORDER, "order_id": "o2"}, ORDER, ORDER) == [0, 1]
    assert faults(CrmOrders, ORDER, ORDER, ORDER) == [(1, "order_id repeated", "a9"), (2, "order_id repeated", "a9")]


@pytest.mark.parametrize(
    "change", [{"amount": 1251}, {"status": "refunded"}, {"customer_id": "c2"}, {"channel": "web"}]
)
def test_of_rows_that_differ_under_one_identifier_none_is_kept(change: dict[str, object]) -> None:
    assert kept(CrmOrders, ORDER, {**ORDER, **change}) == []
    assert [rule for _, rule, _ in faults(CrmOrders, ORDER, {**ORDER, **change})] == ["order_id repeated"] * 2
    assert kept(CrmOrders, ORDER, ORDER, {**ORDER, **change}) == []


def test_repeated_statements_are_all_kept_since_they_have_no_identifier() -> None:
    assert kept(ConsentStatements, CONSENT, CONSENT) == [0, 1]


def test_rows_without_an_identifier_are_missing_it_and_not_repeated() -> None:
    assert [rule for _, rule, _ in faults(CrmCustomers, {}, {})] == ["customer_id missing"] * 2


def test_an_empty_table_is_accepted_as_empty() -> None:
    judged = judge(read(CrmOrders), CrmOrders)
    assert judged.accepted.is_empty()
    assert judged.broken.is_empty()
    assert judged.accepted.columns == [*CrmOrders.column_names(), ROW]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "order_id": st.sampled_from([None, "o1", "o2", "o3"]),
            "customer_id": st.sampled_from([None, "c1", "c2"]),
            "ordered_at": st.sampled_from([None, MOMENT]),
            "amount": st.sampled_from([None, 1, 2]),
            "currency": st.sampled_from([None, "EUR", "€"]),
            "status": st.sampled_from(["completed", "lost"]),
            "channel": st.sampled_from([None, "web"]),
            BROKEN_RULE: st.sampled_from([None, None, None, "amount unreadable"]),
            BROKEN_TEXT: st.just("12 345"),
        }
    ),
    max_size=12,
)


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_each_row_comes_out_once_accepted_or_broken(rows: list[dict[str, object]]) -> None:
    judged = judge(read(CrmOrders, *rows), CrmOrders)
    assert sorted([*judged.accepted[ROW], *judged.broken[ROW]]) == list(range(len(rows)))
    assert judged.accepted["order_id"].is_unique().all()
    assert judged.broken["rule"].null_count() == 0
    assert CrmOrders.is_valid(judged.accepted.drop(ROW), cast=True)


# Shapes


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("jane.doe@example.com", "aaaa.aaa@aaaaaaa.aaa"),
        ("+33 6 12-34", "+99 9 99-99"),
        ("31/12/2024 10:00", "99/99/9999 99:99"),
        ("ÀÉÎ ßñø", "AAA aaa"),
        ("李雷", "aa"),
        ("٣٤", "99"),
        ("½ Ⅷ", "9 9"),
        ("e\u0301", "aa"),
        ("ǅ", "a"),
        ("A9a", "A9a"),
        ("", ""),
    ],
)
def test_a_shape_shows_letters_as_a_and_digits_as_9(text: str, seen: str) -> None:
    assert pl.Series([text]).to_frame("text").select(shape(pl.col("text"))).item() == seen


@given(st.text(max_size=80))
def test_a_shape_never_shows_a_letter_or_digit_of_the_value(text: str) -> None:
    seen = pl.Series([text], dtype=pl.String).to_frame("text").select(shape(pl.col("text"))).item()
    assert all(sign in "aA9" for sign in seen if sign.isalnum())
    assert len(seen) == min(len(text), 40)


def test_nothing_has_no_shape() -> None:
    assert pl.Series([None], dtype=pl.String).to_frame("text").select(shape(pl.col("text"))).item() is None
