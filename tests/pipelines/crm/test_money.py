"""Amounts are read to the last minor unit or not at all, and converted without a float."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.crm.money import converted, with_rate
from pipelines.crm.read import Crm
from schemas.money import exponent
from schemas.rates import RATE_DECIMALS
from schemas.source import Sources

ReadAmounts = Callable[..., list[int | tuple[str, str | None]]]


def amounts_read(
    database: duckdb.DuckDBPyConnection, folder: Path, *amounts: str, currency: str = "EUR", **declared: str
) -> list[int | tuple[str, str | None]]:
    """What became of each amount: its minor units, or the rule and the shape it was set aside with."""
    lines = [f"{number}\t{amount}\t{currency}" for number, amount in enumerate(amounts, start=1)]
    (folder / "orders.tsv").write_text("\n".join(["id\ttotal\tmoney", *lines, ""]), encoding="utf-8")
    orders = (
        "SELECT id AS order_id, 'c' AS customer_id, '2025-01-31' AS ordered_at, total AS amount, money AS currency, "
        "'completed' AS status FROM orders"
    )
    absent = {name: {"absent": True} for name in ("consents", "visits", "erasures")}
    sources = Sources.model_validate(
        {
            "sources": {"orders": {"files": "orders.tsv", "delimiter": "\t"}},
            "tables": {"customers": {"select": "FROM orders"}, "orders": {"select": orders, **declared}, **absent},
        }
    )
    with closing(database.cursor()) as connection:
        pulled = Crm(connection, sources, folder, folder).pull("orders")
        accepted = dict(pulled.accepted.select("order_id", "amount").iter_rows())
    broken = {str(row): (rule, seen) for row, rule, seen in pulled.quarantined.select("row", "rule", "shape").rows()}
    assert pulled.read == len(amounts) == len(accepted) + len(broken)
    return [{**accepted, **broken}[str(number)] for number in range(1, len(amounts) + 1)]


@pytest.fixture
def read_amounts(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> ReadAmounts:
    return partial(amounts_read, database, tmp_path)


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        ("12.50", 1250), ("12.5", 1250), ("12", 1200), ("0", 0), ("0.01", 1), ("-12.50", -1250), ("+12.50", 1250),
        (" 12.50 ", 1250), ("0012.50", 1250), ("12.500", 1250), ("12.5000000", 1250), ("1234567890.12", 123456789012),
        ("12.499999999999998", 1250), ("12.340000000000002", 1234),
    ],
)  # fmt: skip
def test_an_amount_is_read_to_its_last_cent(read_amounts: ReadAmounts, amount: str, minor: int) -> None:
    assert read_amounts(amount) == [minor]


@pytest.mark.parametrize(
    ("amount", "seen"),
    [
        ("12.345", "99.999"), ("0.001", "9.999"), ("12,50", "99,99"), ("1,234.50", "9,999.99"),
        ("1 234.50", "9 999.99"), ("1'234.50", "9'999.99"), ("12.50 EUR", "99.99 AAA"), ("€12.50", "€99.99"),
        ("(12.50)", "(99.99)"), ("12.50-", "99.99-"), ("1.234.50", "9.999.99"), ("twelve", "aaaaaa"), ("NaN", "AaA"),
        ("inf", "aaa"), ("0x10", "9a99"),
    ],
)  # fmt: skip
def test_an_amount_that_is_not_exact_is_set_aside_and_never_rounded(
    read_amounts: ReadAmounts, amount: str, seen: str
) -> None:
    assert read_amounts(amount, "7") == [("amount unreadable", seen), 700]


@pytest.mark.parametrize("amount", ["", " "])
def test_no_amount_is_missing_and_not_zero(read_amounts: ReadAmounts, amount: str) -> None:
    assert read_amounts(amount) == [("amount missing", None)]


@pytest.mark.parametrize("amount", ["99999999999.99", "999999999999.99", "12345678901", "9" * 18, "9" * 30, "1e300"])
def test_an_absurd_amount_is_one_row_and_does_not_stop_the_others(read_amounts: ReadAmounts, amount: str) -> None:
    absurd, other = read_amounts(amount, "7")
    exact = int(Decimal(amount) * 100)
    assert absurd == exact or absurd[0] == "amount unreadable"  # pyright: ignore[reportIndexIssue]
    assert other == 700


@pytest.mark.parametrize(
    ("currency", "amount", "read"),
    [
        ("JPY", "1200", 1200),
        ("JPY", "1200.00", 1200),
        ("JPY", "1200.5", ("amount unreadable", "9999.9")),
        ("KRW", "50000", 50000),
        ("TND", "1.234", 1234),
        ("TND", "1.2", 1200),
        ("TND", "1.2345", ("amount unreadable", "9.9999")),
        ("KWD", "0.001", 1),
        ("CLF", "1.0001", 10001),
        ("HUF", "12.50", 1250),
        ("eur", "12.50", 1250),
        (" jpy ", "1200", 1200),
        ("Euro", "12.50", ("currency not allowed", "AAAA")),
        ("€", "12.50", ("currency not allowed", "€")),
        ("", "12.50", ("currency missing", None)),
    ],
)
def test_a_currency_says_how_many_decimals_there_are(
    read_amounts: ReadAmounts, currency: str, amount: str, read: int | tuple[str, str | None]
) -> None:
    assert read_amounts(amount, currency=currency) == [read]


@pytest.mark.parametrize(
    ("amount", "read"),
    [
        ("12,50", 1250), ("12,5", 1250), ("12", 1200), ("-0,01", -1), ("1234567,89", 123456789),
        ("12.50", ("amount unreadable", "99.99")), ("1.234", ("amount unreadable", "9.999")),
        ("1.234,50", ("amount unreadable", "9.999,99")), ("1 234,50", ("amount unreadable", "9 999,99")),
        ("12,345", ("amount unreadable", "99,999")), ("1,2,3", ("amount unreadable", "9,9,9")),
    ],
)  # fmt: skip
def test_a_declared_decimal_comma_is_one_and_a_point_is_none(
    read_amounts: ReadAmounts, amount: str, read: int | tuple[str, str]
) -> None:
    assert read_amounts(amount, decimal=",") == [read]


@pytest.mark.parametrize(
    ("currency", "amount", "read"),
    [
        ("EUR", "1250", 1250), ("EUR", "1250.0", 1250), ("EUR", "-1250", -1250), ("JPY", "1200", 1200),
        ("TND", "1234", 1234), ("EUR", "12.50", ("amount unreadable", "99.99")),
    ],
)  # fmt: skip
def test_declared_minor_units_are_taken_as_they_are(
    read_amounts: ReadAmounts, currency: str, amount: str, read: int | tuple[str, str]
) -> None:
    assert read_amounts(amount, currency=currency, amount="minor") == [read]


def test_minor_units_may_have_a_decimal_comma_too(read_amounts: ReadAmounts) -> None:
    assert read_amounts("1250,00", "1250,5", amount="minor", decimal=",") == [1250, ("amount unreadable", "9999,9")]


@settings(max_examples=30, deadline=None)
@given(
    minor=st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=20),
    currency=st.sampled_from(["EUR", "JPY", "TND", "CLF"]),
)
def test_whatever_is_written_exactly_is_read_exactly(
    database: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory, minor: list[int], currency: str
) -> None:
    texts = [f"{Decimal(amount).scaleb(-exponent(currency)):f}" for amount in minor]
    assert amounts_read(database, tmp_path_factory.mktemp("amounts"), *texts, currency=currency) == minor


# Rates


def rates(*rows: tuple[str, date, str]) -> pl.DataFrame:
    schema = {"currency": pl.String, "valid_from": pl.Date, "rate": pl.Decimal(20, RATE_DECIMALS)}
    return pl.DataFrame([(code, day, Decimal(rate)) for code, day, rate in rows], schema=schema, orient="row")


def orders(*rows: tuple[str, datetime | None, int]) -> pl.DataFrame:
    schema = {"currency": pl.String, "ordered_at": pl.Datetime("us", "UTC"), "amount": pl.Int64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def rate_of(currency: str, moment: datetime | None, known: pl.DataFrame, time_zone: str = "Europe/Paris") -> object:
    return with_rate(orders((currency, moment, 1)), known, currency="EUR", time_zone=time_zone)["rate"].item()


RATES = rates(("USD", date(2025, 2, 1), "0.95"), ("USD", date(2025, 1, 1), "0.9"), ("GBP", date(2025, 1, 1), "1.2"))


@pytest.mark.parametrize(
    ("currency", "moment", "rate"),
    [
        pytest.param("USD", datetime(2025, 1, 15, tzinfo=UTC), "0.9", id="the newest rate of the day"),
        pytest.param("USD", datetime(2025, 3, 1, tzinfo=UTC), "0.95", id="holds until the next"),
        pytest.param("USD", datetime(2025, 1, 31, 22, 59, tzinfo=UTC), "0.9", id="to the end of the local day"),
        pytest.param("USD", datetime(2025, 1, 31, 23, 0, tzinfo=UTC), "0.95", id="from the start of the local day"),
        pytest.param("USD", datetime(2024, 12, 31, tzinfo=UTC), None, id="none before the first"),
        pytest.param("CHF", datetime(2025, 1, 15, tzinfo=UTC), None, id="none of another currency"),
        pytest.param("EUR", datetime(1999, 1, 1, tzinfo=UTC), "1", id="the company's own is one, always"),
        pytest.param("USD", None, "0.95", id="an order without a time takes the newest"),
        pytest.param("EUR", None, "1", id="its own without a time"),
    ],
)
def test_an_order_has_the_rate_of_its_local_day(currency: str, moment: datetime | None, rate: str | None) -> None:
    assert rate_of(currency, moment, RATES) == (None if rate is None else Decimal(rate))


def test_a_company_without_rates_knows_its_own_currency_only() -> None:
    assert rate_of("EUR", datetime(2025, 1, 1, tzinfo=UTC), rates()) == 1
    assert rate_of("USD", datetime(2025, 1, 1, tzinfo=UTC), rates()) is None


january = st.datetimes(datetime(2024, 12, 30), datetime(2025, 1, 9), timezones=st.just(UTC))


@settings(max_examples=25)
@given(
    given_orders=st.lists(st.tuples(st.sampled_from(["USD", "GBP", "CHF", "EUR"]), st.none() | january, st.just(7))),
    known=st.lists(
        st.tuples(st.sampled_from(["USD", "GBP"]), st.dates(date(2024, 12, 30), date(2025, 1, 9))), unique=True
    ),
)
def test_in_whatever_order_orders_and_rates_are_each_order_has_its_own_rate_and_place(
    given_orders: list[tuple[str, datetime | None, int]], known: list[tuple[str, date]]
) -> None:
    table = rates(*((code, day, str(number)) for number, (code, day) in enumerate(known, 2)))

    def expected(code: str, moment: datetime | None) -> Decimal | None:
        day = date.max if moment is None else moment.astimezone(ZoneInfo("Europe/Paris")).date()
        valid = [(since, number) for number, (of, since) in enumerate(known, 2) if of == code and since <= day]
        return Decimal(1) if code == "EUR" else Decimal(max(valid)[1]) if valid else None

    rated = with_rate(orders(*given_orders), table, currency="EUR", time_zone="Europe/Paris")

    assert rated.drop("rate").equals(orders(*given_orders))
    assert rated["rate"].to_list() == [expected(code, moment) for code, moment, _ in given_orders]
    assert rated.schema["rate"] == pl.Decimal(20, RATE_DECIMALS)


def in_company_currency(amount: int, currency: str, rate: str, company: str) -> int:
    frame = pl.DataFrame({"amount": [amount], "currency": [currency], "rate": [Decimal(rate)]}).cast(
        {"rate": pl.Decimal(20, RATE_DECIMALS)}
    )
    return frame.select(converted(currency=company, currencies=[currency]).alias("amount")).item()


@pytest.mark.parametrize(
    ("amount", "currency", "rate", "company", "minor"),
    [
        (1250, "USD", "0.9", "EUR", 1125),
        (1250, "EUR", "1", "EUR", 1250),
        (1200, "JPY", "0.006", "EUR", 720),
        (1234, "TND", "0.3", "EUR", 37),
        (720, "EUR", "166.6666666667", "JPY", 1200),
        (10001, "CLF", "37", "EUR", 3700),
        (5, "USD", "0.1", "EUR", 1),
        (4, "USD", "0.1", "EUR", 0),
        (-5, "USD", "0.1", "EUR", -1),
        (-1250, "USD", "0.9", "EUR", -1125),
        (0, "USD", "0.9", "EUR", 0),
        (10**14, "USD", "0.9999999999", "EUR", 99999999990000),
    ],
)
def test_a_foreign_amount_is_converted_to_minor_units_rounded_half_away_from_zero(
    amount: int, currency: str, rate: str, company: str, minor: int
) -> None:
    assert in_company_currency(amount, currency, rate, company) == minor


@settings(max_examples=60, deadline=None)
@given(
    amount=st.integers(-(10**12), 10**12),
    rate=st.decimals(Decimal("0.0000000001"), Decimal(10000), places=RATE_DECIMALS),
    currency=st.sampled_from(["USD", "JPY", "TND", "CLF"]),
    company=st.sampled_from(["EUR", "KRW", "KWD"]),
)
def test_conversion_is_what_decimals_say(amount: int, rate: Decimal, currency: str, company: str) -> None:
    major = Decimal(amount).scaleb(-exponent(currency)) * rate
    expected = int(major.scaleb(exponent(company)).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert in_company_currency(amount, currency, str(rate), company) == expected
