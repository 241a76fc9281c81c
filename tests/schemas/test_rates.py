"""`rates.csv`: an unreadable line is told by its number and never taken for another rate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.rates import read_rates

HEADER = "currency,valid_from,rate\n"


def rates_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "rates.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_rates(path, "EUR")
    return str(caught.value)


def test_rates_are_decimals_from_a_day_on(tmp_path: Path) -> None:
    path = rates_file(tmp_path, f"{HEADER}USD,2024-01-01,0.905\n GBP , 2024-07-01 , 1.1640 \n")
    assert read_rates(path, "EUR").rows() == [
        ("USD", date(2024, 1, 1), Decimal("0.905")),
        ("GBP", date(2024, 7, 1), Decimal("1.164")),
    ]


@pytest.mark.parametrize("text", [None, HEADER, HEADER.strip()])
def test_a_company_with_one_currency_needs_no_rates(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "rates.csv" if text is None else rates_file(tmp_path, text)
    assert read_rates(path, "EUR").is_empty()
    assert read_rates(path, "EUR").columns == ["currency", "valid_from", "rate"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"\ufeff{HEADER}USD,2024-01-01,0.9\n", id="byte-order mark"),
        pytest.param(f"{HEADER}USD,2024-01-01,0.9\n".replace("\n", "\r\n"), id="Windows line ends"),
        pytest.param(f"{HEADER}USD,2024-01-01,0.9", id="no last line end"),
    ],
)
def test_files_as_spreadsheets_save_them_are_read(tmp_path: Path, text: str) -> None:
    assert read_rates(rates_file(tmp_path, text), "EUR").rows() == [("USD", date(2024, 1, 1), Decimal("0.9"))]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("dollar,2024-01-01,0.9", id="no currency"),
        pytest.param("usd,2024-01-01,0.9", id="lower case"),
        pytest.param(",2024-01-01,0.9", id="no code"),
        pytest.param("USD,01/01/2024,0.9", id="another way to write days"),
        pytest.param("USD,2024-02-30,0.9", id="no such day"),
        pytest.param("USD,2024-01-01,", id="no rate"),
        pytest.param("USD,2024-01-01,0", id="rate of nothing"),
        pytest.param("USD,2024-01-01,-0.9", id="negative rate"),
        pytest.param("USD,2024-01-01,NaN", id="not a number"),
        pytest.param("USD,2024-01-01,Infinity", id="without end"),
        pytest.param("USD,2024-01-01,about 1", id="words"),
        pytest.param("USD,2024-01-01,0.12345678901", id="more decimals than are kept"),
        pytest.param("USD,2024-01-01,100000000000", id="more digits than are kept"),
        pytest.param("USD,2024-01-01", id="a field short"),
        pytest.param("USD,2024-01-01,1,08", id="decimal comma, which is a field too many"),
        pytest.param("USD;2024-01-01;0.9", id="another delimiter"),
    ],
)
def test_a_wrong_line_is_told_by_its_number(tmp_path: Path, line: str) -> None:
    path = rates_file(tmp_path, f"{HEADER}GBP,2024-01-01,1.16\n{line}\nCHF,2024-01-01,1.05\n")
    message = refusal(path)
    assert message.startswith(f"{path}, line 3: ")
    assert "expected a currency code, a day (2025-01-31) and a positive decimal rate" in message


def test_a_blank_line_does_not_move_the_numbers_of_those_below(tmp_path: Path) -> None:
    path = rates_file(tmp_path, f"{HEADER}GBP,2024-01-01,1.16\n\n\nUSD,soon,0.9\n")
    assert refusal(path).startswith(f"{path}, line 5: ")


@pytest.mark.parametrize(
    "header", ["currency,rate,valid_from\n", "currency;valid_from;rate\n", "USD,2024-01-01,0.9\n", "", "\n"]
)
def test_another_header_is_refused(tmp_path: Path, header: str) -> None:
    path = rates_file(tmp_path, header)
    assert refusal(path) == f"{path}: the header must be currency,valid_from,rate."


def test_two_rates_of_one_currency_from_the_same_day_are_refused(tmp_path: Path) -> None:
    path = rates_file(tmp_path, f"{HEADER}USD,2024-01-01,0.9\nGBP,2024-01-01,1.2\nUSD,2024-01-01,0.8\n")
    assert refusal(path).startswith(f"{path}: a currency has two rates from the same day on")


def test_a_file_that_is_no_text_is_told_and_not_traced(tmp_path: Path) -> None:
    path = rates_file(tmp_path, HEADER.encode() + b"USD,2024-01-01,0.9\xa0\n")
    assert str(path) in refusal(path)


def test_a_rate_of_the_companys_own_currency_is_1_or_all_of_them_are_in_another(tmp_path: Path) -> None:
    own = rates_file(tmp_path, "currency,valid_from,rate\nEUR,2024-01-01,1.00\nUSD,2024-01-01,0.9\n")
    assert read_rates(own, "EUR")["currency"].to_list() == ["EUR", "USD"]
    dollars = rates_file(tmp_path, "currency,valid_from,rate\nUSD,2024-01-01,1\nEUR,2024-01-01,1.09\n")
    told = f"{dollars}, line 3: EUR is the company's own currency and worth 1, not 1.09. A rate says what one unit "
    assert refusal(dollars).startswith(told)
