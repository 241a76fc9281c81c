"""Currencies and their decimals, by ISO 4217."""

from __future__ import annotations

import pytest

from schemas.money import currencies, exponent, exponents, is_currency


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [
        ("EUR", 2), ("USD", 2), ("GBP", 2), ("CHF", 2), ("HUF", 2), ("TWD", 2), ("IDR", 2), ("MGA", 2), ("MMK", 2),
        ("JPY", 0), ("KRW", 0), ("ISK", 0), ("CLP", 0), ("VND", 0), ("XOF", 0), ("XAF", 0), ("XPF", 0), ("UGX", 0),
        ("TND", 3), ("KWD", 3), ("BHD", 3), ("JOD", 3), ("OMR", 3), ("IQD", 3), ("LYD", 3),
        ("CLF", 4), ("UYW", 4),
    ],
)  # fmt: skip
def test_a_currencys_minor_unit_is_isos_and_not_what_people_round_to(currency: str, decimals: int) -> None:
    assert exponent(currency) == decimals


def test_the_currencies_with_other_decimals_are_all_listed() -> None:
    assert all(decimals != 2 and exponent(code) == decimals for code, decimals in exponents().items())
    assert set(exponents()) <= currencies()


def test_the_list_of_exponents_cannot_be_spoilt_by_a_caller() -> None:
    exponents()["EUR"] = 7
    assert exponent("EUR") == 2


@pytest.mark.parametrize("code", ["EUR", "USD", "TND", "DEM", "FRF"])
def test_codes_of_today_and_of_old_orders_are_currencies(code: str) -> None:
    assert is_currency(code)


@pytest.mark.parametrize("code", ["eur", "Euro", "€", "EU", "EURO", "", " EUR", "ABC"])
def test_anything_else_is_none(code: str) -> None:
    assert not is_currency(code)
