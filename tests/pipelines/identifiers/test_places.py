"""Regions in the form of Meta's page."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.identifiers.places import region_letters
from schemas.regions import CANADA, US


@pytest.mark.parametrize(
    ("typed", "country", "expected"),
    [
        ("Texas", "US", "tx"),
        ("TX", "US", "tx"),
        (" Tex. ", "US", "tx"),
        ("US-TX", None, "tx"),
        ("N. Dak.", "US", "nd"),
        ("W. Va.", "US", "wv"),
        ("Washington, D.C.", "US", "dc"),
        ("P.Q.", "CA", "qc"),
        ("Ont.", None, "on"),
        ("Québec", "CA", "qc"),
        # Other countries' regions have names, and no code of these.
        ("Ill", "FR", "ill"),
        ("Ont.", "US", "ont"),
        ("Île-de-France", "FR", "îledefrance"),
        ("75", "FR", None),
        (None, "US", None),
    ],
)
def test_a_state_or_province_is_its_posts_code_however_it_is_written(
    typed: str | None, country: str | None, expected: str | None
) -> None:
    frame = pl.DataFrame({"region": [typed], "country": [country]}, schema={"region": pl.String, "country": pl.String})
    assert frame.select(region_letters(pl.col("region"), pl.col("country"))).item() == expected


def test_no_short_form_is_anothers_code() -> None:
    for states in (US, CANADA):
        codes = set(states.values())
        assert all(code == name for name, code in states.items() if name in codes)
