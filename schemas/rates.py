"""`config/rates.csv`: what one unit of a foreign currency is worth in the company's, from which day on."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import polars as pl

from schemas.errors import ConfigError
from schemas.money import is_currency

#: Decimals that a rate may have.
RATE_DECIMALS = 10

_COLUMNS = ["currency", "valid_from", "rate"]


def read_rates(path: Path, own: str) -> pl.DataFrame:
    """currency (String), valid_from (Date), rate (Decimal, positive); no file is no rates.

    Raises:
        ConfigError: a line is not a currency, a day and a rate, or says that the company's `own` currency is worth
            other than 1 of itself; the error names the line.
    """
    schema = {"currency": pl.String, "valid_from": pl.Date, "rate": pl.Decimal(20, RATE_DECIMALS)}
    if not path.exists():
        return pl.DataFrame(schema=schema)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = csv.DictReader(file)
        if lines.fieldnames != _COLUMNS:
            msg = f"{path}: the header must be {','.join(_COLUMNS)}."
            raise ConfigError(msg)
        rows = [_rate(path, lines.line_num, line, own) for line in lines]
    rates = pl.DataFrame(rows, schema=schema, orient="row")
    if rates.select("currency", "valid_from").is_duplicated().any():
        msg = f"{path}: a currency has two rates from the same day on. Keep one."
        raise ConfigError(msg)
    return rates


def _rate(path: Path, number: int, line: dict[str, str], own: str) -> tuple[str, date, Decimal]:
    try:
        currency, valid_from = line["currency"].strip(), date.fromisoformat(line["valid_from"].strip())
        rate = Decimal(line["rate"].strip())
        exponent = rate.as_tuple().exponent
        if None in line or rate >= 10 ** (20 - RATE_DECIMALS):
            raise ValueError
        if not is_currency(currency) or rate <= 0 or not isinstance(exponent, int) or exponent < -RATE_DECIMALS:
            raise ValueError
    except (ValueError, InvalidOperation, AttributeError, TypeError):
        msg = f"{path}, line {number}: expected a currency code, a day (2025-01-31) and a positive decimal rate."
        raise ConfigError(msg) from None
    if currency == own and rate != 1:
        msg = (
            f"{path}, line {number}: {own} is the company's own currency and worth 1, not {rate}. A rate says what one "
            f"unit of a currency is worth in {own}."
        )
        raise ConfigError(msg)
    return currency, valid_from, rate
