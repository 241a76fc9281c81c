"""Nobody below the company's age is uploaded, by the day, and unknown ages as it says."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.customers.ages import too_young
from schemas.customers import PersonRecords
from schemas.settings import Settings

TODAY = date(2025, 6, 30)


def barred(*born: date | None, as_of: date = TODAY, **declared: object) -> str | None:
    """Why one person with a record for each date of birth may not be uploaded."""
    settings = Settings.model_validate({"currency": "EUR", "minimum_age": 18, **declared})
    rows = [{"customer_id": str(number), "person_id": "p", "birth_date": day} for number, day in enumerate([*born])]
    records = pl.DataFrame(rows, schema=dict(PersonRecords.create_empty().schema))
    found = too_young(records, settings, as_of=as_of)
    return found["reason"].item() if found.height else None


@pytest.mark.parametrize(
    ("born", "why"),
    [
        (date(2007, 6, 30), None),
        (date(2007, 7, 1), "under_age"),
        (date(1950, 1, 1), None),
        (date(2030, 1, 1), "under_age"),
        (date(1900, 1, 1), "age_unknown"),
        (None, "age_unknown"),
    ],
)
def test_somebody_is_old_enough_on_their_birthday(born: date | None, why: str | None) -> None:
    assert barred(born) == why


def test_on_29_february_the_28th_of_an_earlier_year_counts() -> None:
    leap_day = date(2024, 2, 29)
    assert barred(date(2006, 2, 28), as_of=leap_day) is None
    assert barred(date(2006, 3, 1), as_of=leap_day) == "under_age"


def test_of_two_dates_of_birth_the_later_counts_and_of_one_the_known() -> None:
    assert barred(date(1980, 1, 1), date(2010, 1, 1)) == "under_age"
    assert barred(date(1980, 1, 1), None) is None
    assert barred(date(1900, 1, 1), date(2010, 1, 1)) == "under_age"


def test_unknown_ages_are_kept_where_the_company_says_so() -> None:
    assert barred(None, unknown_age="keep") is None
    assert barred(date(2010, 1, 1), unknown_age="keep") == "under_age"


def test_without_a_minimum_age_is_not_asked() -> None:
    assert barred(None, minimum_age=None) is None
    assert barred(date(2020, 1, 1), minimum_age=None) is None


@given(st.dates(date(1930, 1, 1), date(2020, 12, 31)), st.integers(1, 30), st.integers(0, 4000))
def test_once_old_enough_always_old_enough(born: date, minimum: int, days: int) -> None:
    birthday = date(born.year + minimum, 3, 1) if (born.month, born.day) == (2, 29) else born.replace(
        year=born.year + minimum
    )  # fmt: skip
    if (born.month, born.day) == (2, 29) and (born.year + minimum) % 4 == 0 and (born.year + minimum) != 2100:
        birthday = date(born.year + minimum, 2, 29)
    day = birthday + timedelta(days=days)
    assert barred(born, as_of=day, minimum_age=minimum) is None
    assert barred(born, as_of=birthday - timedelta(days=1), minimum_age=minimum) == "under_age"
