"""The brake trips on what nobody would want uploaded unseen, says what it was, and lets ordinary nights pass."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.uploads.brake import Counted, Turnover, silence_forbids, tripped, turnover
from schemas.brake import Brake, SourceCounts
from schemas.uploads import LEDGER_REASONS, Ledger

LIMITS = Brake()
SAME = Turnover(1000, 1000, 1000)


def night(people: int = 1000, *, orders: int = 5000, **dropped: int) -> Counted:
    reasons = dict.fromkeys(LEDGER_REASONS, 0) | dropped
    ledger = Ledger(
        segment_people=people + sum(reasons.values()), dropped=reasons, file_people=people, file_rows=people
    )
    return Counted(ledger, SourceCounts(rows={"customers": 3000, "orders": orders}))


def keys(*values: str) -> pl.DataFrame:
    return pl.DataFrame({"key": "email", "value": list(values)}, schema={"key": pl.String, "value": pl.String})


def test_a_night_like_the_last_one_passes() -> None:
    assert tripped(night(), night(), SAME, LIMITS) == []


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (night(orders=2500), "the CRM's table of orders went from 5,000 to 2,500 rows (limit: 50% fewer)"),
        (night(orders=0), "the CRM's table of orders went from 5,000 to 0 rows (limit: 50% fewer)"),
        (night(699), "the audience went from 1,000 to 699 people (limit: 30% fewer)"),
        (night(2001), "the audience went from 1,000 to 2,001 people (limit: 100% more)"),
        (
            night(no_consent_to_ads_upload=200),
            "the share of people who may be sent went from 100% to 83% (limit: 15 points less)",
        ),
        (
            night(no_consent_to_ads_personalization=200),
            "the share of people who may be sent went from 100% to 83% (limit: 15 points less)",
        ),
        *(
            (
                night(**{reason: 200}),
                "the share of people who have a usable identifier went from 100% to 83% (limit: 15 points less)",
            )
            for reason in ("no_usable_identifier", "needed_value_missing")
        ),
    ],
)
def test_what_changed_too_much_is_said_with_its_limit(now: Counted, said: str) -> None:
    assert tripped(night(), now, SAME, LIMITS) == [said]


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (98, 0, "of the customer_ids of consents 98% were a customer's, and 0% are (limit: 50% fewer)"),
        (98, 49, "of the customer_ids of consents 98% were a customer's, and 49% are (limit: 50% fewer)"),
        (98, 50, None),
        (None, 0, "no customer_id of consents is a customer's"),
        (None, 1, None),
        # Somebody has let it pass.
        (0, 0, None),
        (98, None, None),
    ],
)
def test_a_table_that_refuses_by_ids_that_nobody_has_holds_what_it_would_let_through(
    before: int | None, now: int | None, said: str | None
) -> None:
    counted = [
        night()._replace(sources=SourceCounts(named_percent={} if share is None else {"consents": share}))
        for share in (before, now)
    ]
    found = tripped(*counted, SAME, LIMITS)
    assert found == ([] if said is None else [said])
    assert silence_forbids(found) == (not found)


@pytest.mark.parametrize(
    ("before", "now", "trips"),
    [(None, 100, True), (49, 50, True), (None, 49, False), (50, 100, False), (100, 0, False)],
)
@pytest.mark.parametrize("table", ["orders", "consents"])
def test_a_table_of_which_most_is_set_aside_holds_the_first_night_too(
    table: str, before: int | None, now: int, *, trips: bool
) -> None:
    counted = [
        night()._replace(sources=SourceCounts(set_aside_percent={} if share is None else {table: share}))
        for share in (before, now)
    ]
    found = tripped(*counted, SAME, LIMITS)
    said = f"{now}% of the rows of the CRM's table of {table} were set aside (limit: 50%)"
    assert found == ([said] if trips else [])
    # Of orders that cannot be read nobody's word is lacking.
    assert silence_forbids(found) == (not trips or table == "orders")


@pytest.mark.parametrize(
    ("before", "now", "trips"),
    [(31, 0, True), (31, 5, True), (10, 5, True), (31, 16, False), (8, 4, False), (1, 0, True), (0, 0, False),
     (None, 0, False), (31, None, False)],
)  # fmt: skip
def test_a_suppression_list_that_is_cut_holds_what_it_would_let_through(
    before: int | None, now: int | None, *, trips: bool
) -> None:
    counted = [
        night()._replace(sources=SourceCounts(listed={} if rows is None else {"suppressions/dnc.toml": rows}))
        for rows in (before, now)
    ]
    said = f"suppressions/dnc.toml went from {before} to {now} rows (limit: 50% fewer)"
    assert tripped(*counted, SAME, LIMITS) == ([said] if trips else [])


BEFORE = {"customers": 3000, "orders": 5000, "consents": 3000}


@pytest.mark.parametrize(
    ("now", "rows", "named_percent", "forbids"),
    [
        (night(), {"orders": 2500}, {}, True),
        (night(699), {}, {}, True),
        (night(no_usable_identifier=200), {}, {}, True),
        (night(), {}, {"config/suppressions/staff.toml": 0}, True),
        (night(no_consent_to_ads_upload=200), {}, {}, False),
        (night(), {"consents": 1500}, {}, False),
        (night(), {"customers": 1500}, {}, False),
        (night(), {}, {"consents": 0}, False),
    ],
)
def test_silence_is_a_no_unless_what_trips_it_shows_that_words_may_be_lacking(
    now: Counted, rows: dict[str, int], named_percent: dict[str, int], forbids: bool
) -> None:
    before = night()._replace(sources=SourceCounts(rows=BEFORE))
    now = now._replace(sources=SourceCounts(rows=BEFORE | rows, named_percent=named_percent))
    found = tripped(before, now, SAME, LIMITS)
    assert found
    assert silence_forbids(found) == forbids


def test_a_table_that_is_gone_counts_as_empty() -> None:
    gone = night()._replace(sources=SourceCounts(rows={"customers": 3000}))
    assert "orders went from 5,000 to 0" in tripped(night(), gone, SAME, LIMITS)[0]


def test_a_table_that_was_empty_before_is_no_change() -> None:
    assert tripped(night(orders=0), night(orders=0), SAME, LIMITS) == []


def test_many_new_keys_trip_it_although_nobody_left() -> None:
    assert "only 400 are the same" in tripped(night(), night(), Turnover(1000, 1000, 400), LIMITS)[0]


@given(st.integers(1, 50), st.integers(0, 50), st.integers(0, 50))
def test_the_turnover_is_none_only_where_all_keys_stayed(before: int, left: int, came: int) -> None:
    found = turnover(before, min(left, before), before - min(left, before) + came)
    assert 0 <= found.share <= 1
    assert (found.share == 0) == (left == came == 0)


@given(st.integers(1, 10_000), st.integers(0, 30_000), st.integers(1, 100), st.integers(1, 500))
def test_a_size_within_its_limits_never_trips_and_one_beyond_always(
    before: int, now: int, shrinks: int, grows: int
) -> None:
    limits = Brake(audience_shrinks=shrinks / 100, audience_grows=grows / 100)
    beyond = 100 * (before - now) > shrinks * before or 100 * (now - before) > grows * before
    assert bool(tripped(night(before), night(now), SAME, limits)) == beyond


@given(st.integers(16, 100), st.booleans())
def test_a_share_that_falls_by_its_limit_does_not_trip_and_one_more_person_does(percent: int, one_more: bool) -> None:
    was, now = (night(share, no_consent_to_ads_upload=100 - share) for share in (percent, percent - 15 - one_more))
    assert bool(tripped(was, now, SAME, Brake(audience_shrinks=1.0))) == one_more


def test_a_segment_overrides_only_what_it_sets() -> None:
    own = Brake(audience_grows=5.0)
    assert Brake(audience_shrinks=0.1).overridden(own) == Brake(audience_shrinks=0.1, audience_grows=5.0)
    assert Brake(audience_shrinks=0.1).overridden(None) == Brake(audience_shrinks=0.1)
