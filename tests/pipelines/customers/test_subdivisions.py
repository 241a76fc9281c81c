"""Who lives in California, whatever people write for it, and wherever it is where no country is known."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.customers.subdivisions import subdivisions


@pytest.mark.parametrize(
    ("country", "region", "code"),
    [
        ("US", "California", "US-CA"),
        ("US", " CA ", "US-CA"),
        ("US", "ca", "US-CA"),
        ("US", "US-CA", "US-CA"),
        ("US", "us_ca", "US-CA"),
        ("US", "Calif.", "US-CA"),
        ("US", "New York", "US-NY"),
        ("CA", "Québec", "CA-QC"),
        ("CA", "CA-ON", "CA-ON"),
        ("CA", "CA", None),
        ("CA", "US-CA", None),
        ("FR", "US-CA", None),
        ("US", "Baja California", None),
        ("MX", "California", None),
        (None, "California", "US-CA"),
        (None, "CA", "US-CA"),
        (None, "Québec", None),
        ("US", None, None),
        ("FR", "Île-de-France", None),
    ],
)
def test_a_state_is_known_by_its_country_and_what_people_write_for_it(
    country: str | None, region: str | None, code: str | None
) -> None:
    record = {"person_id": ["p"], "country": [country], "region": [region]}
    found = subdivisions(pl.DataFrame(record, schema=dict.fromkeys(record, pl.String)))
    assert found["subdivision"].to_list() == ([code] if code else [])


def test_somebody_with_records_in_two_states_lives_in_both() -> None:
    records = pl.DataFrame({"person_id": ["p", "p", "p"], "country": ["US"] * 3, "region": ["CA", "NY", "California"]})
    assert set(subdivisions(records).iter_rows()) == {("p", "US-CA"), ("p", "US-NY")}
