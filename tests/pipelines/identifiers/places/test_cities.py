"""Regions in the form of Meta's page, and what Amazon's forms make of other letters."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from pipelines.identifiers.persons.names import ascii as name_ascii
from pipelines.identifiers.places.cities import city_ascii, region_ascii, region_letters
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
        ("CALIFORNIA (CA)", "US", "ca"),
        ("California, USA", "US", "ca"),
        ("State of California", "US", "ca"),
        ("US-California", None, "ca"),
        ("United States, Texas", "US", "tx"),
        ("Washington State", "US", "wa"),
        ("Commonwealth of Massachusetts", "US", "ma"),
        ("USA-CA", "US", "ca"),
        ("Ontario Province", "CA", "on"),
        ("CA - California", "US", "ca"),
        ("ＣＡ", "US", "ca"),
        ("Kalifornien", "US", "ca"),
        ("New York, NY", None, "ny"),
        ("Ontario, Canada", "CA", "on"),
        ("Province de Québec", "CA", "qc"),
        ("Baja California", "MX", "bajacalifornia"),
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


@pytest.mark.parametrize("typed", ["California", " CA ", "US-CA", "Calif.", "California, USA"])
def test_amazon_gets_one_state_under_one_key(typed: str) -> None:
    assert pl.select(region_ascii(pl.lit(typed), pl.lit("US"))).item() == "ca"


@pytest.mark.parametrize("form", [name_ascii, city_ascii, lambda typed: region_ascii(typed, pl.lit("PL"))])
@pytest.mark.parametrize(
    ("typed", "expected"),
    [("Łódź", "lodz"), ("Gießen", "giessen"), ("DIYARBAKIR ı", "diyarbakiri"), ("Đà Nẵng", "danang")],
)
def test_amazon_gets_every_letter_of_latin_in_ascii(
    form: Callable[[pl.Expr], pl.Expr], typed: str, expected: str
) -> None:
    assert pl.select(form(pl.lit(typed))).item() == expected
