"""The sample CRM: a made-up French retailer's customers, orders, consents, visits and erasures.

It is dirty on purpose, as real exports are, and in known shares: of `MIXES` each row gets exactly one alternative,
`CHANCES` happen independently of each other, `BROKEN` are the few rows that break their table's contract. The folder
`sample_crm` says how: `people.sql` is the truth, the files named like tables write it down as a CRM would.

Every value is a hash of the seed and the row's number, so rows come out alike on any number of threads, and nothing
has to be sorted. The people are invented, but a random phone may ring somewhere: never upload a sample to a network.
"""

from __future__ import annotations

import os
import tomllib
from datetime import date
from itertools import accumulate, chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb

from schemas.errors import ConfigError
from schemas.source import TABLES

#: The first customer joined, the first order in the export, and the last day of everything.
OPENING: Final = date(2022, 1, 1)
FIRST_DAY: Final = date(2022, 7, 1)
LAST_DAY: Final = date(2025, 6, 30)

#: Tables of alternatives: each row gets one, in these shares (thousandths at the finest). `as typed` is no fault.
MIXES: Final[dict[str, dict[str, float]]] = {
    "countries": {
        "FR": 0.600,
        "DE": 0.100,
        "ES": 0.080,
        "IT": 0.070,
        "BE": 0.060,
        "NL": 0.030,
        "GB": 0.025,
        "CH": 0.015,
        "US": 0.012,
        "CA": 0.008,
    },
    "mail_hosts": {"example": 0.86, "gmail.com": 0.13, "googlemail.com": 0.01},
    "emails": {
        "as typed": 0.818,
        "blank": 0.060,
        "only a space": 0.005,
        "placeholder": 0.005,
        "sha256": 0.003,
        "md5": 0.002,
        "no at sign": 0.003,
        "two at signs": 0.002,
        "no domain ending": 0.002,
        "upper case": 0.040,
        "capitalised": 0.040,
        "spaced": 0.020,
    },
    "phones": {
        "as typed": 0.781,
        "blank": 0.170,
        "only a space": 0.005,
        "placeholder": 0.004,
        "too short": 0.006,
        "too long": 0.004,
        "bare plus": 0.002,
        "twice": 0.003,
        "spaced": 0.025,
    },
    "first_names": {
        "as typed": 0.86,
        "blank": 0.02,
        "upper case": 0.03,
        "lower case": 0.02,
        "spaced": 0.02,
        "decomposed": 0.05,
    },
    "last_names": {
        "as typed": 0.81,
        "blank": 0.01,
        "upper case": 0.10,
        "lower case": 0.01,
        "spaced": 0.02,
        "decomposed": 0.05,
    },
    "birth_dates": {"known": 0.795, "blank": 0.200, "placeholder": 0.005},
    "genders": {"known": 0.80, "blank": 0.20},
    "addresses": {"whole": 0.75, "only city and postcode": 0.15, "blank": 0.10},
    "country_spellings": {
        "code": 0.84,
        "lower-case code": 0.03,
        "French name": 0.06,
        "English name": 0.04,
        "other spelling": 0.02,
        "blank": 0.01,
    },
    "advertising_ids": {"blank": 0.92, "Android": 0.05, "iOS": 0.02, "zeros": 0.01},
    "order_states": {"completed": 0.92, "refunded": 0.04, "cancelled": 0.03, "pending": 0.01},
    "channels": {"web": 0.55, "store": 0.35, "app": 0.10},
    "consent_stories": {
        # 70 % end with `ads_upload` granted on every network,
        "opted in": 0.47,
        "opted in at the till": 0.08,
        "not personalised": 0.03,
        "came back": 0.04,
        "changed their mind": 0.02,
        "renewed": 0.03,
        "opted in by e-mail": 0.03,
        # 2 % on one of two networks,
        "one network only": 0.01,
        "all but one network": 0.01,
        # 13 % without,
        "left": 0.055,
        "left by e-mail": 0.015,
        "refused": 0.025,
        "expired": 0.015,
        "pending": 0.010,
        "unknown": 0.010,
        # and 15 % never said anything.
        "silent": 0.15,
    },
    "events": {"visit": 0.42, "view_product": 0.33, "add_to_cart": 0.13, "begin_checkout": 0.07, "purchase": 0.05},
    "erasures_by": {"customer id": 0.60, "e-mail": 0.25, "phone": 0.15},
}

#: What happens independently, as a share of the rows it can happen to.
CHANCES: Final = {
    "second_record": 0.03,  # of customers: an earlier customer once more; same name, e-mail or else phone
    "second_keeps_email": 0.60,
    "second_in_capitals": 0.50,
    "couple": 0.01,  # of customers: the e-mail, last name and address of the customer before, another first name
    "plus_tag": 0.10,  # of gmail.com and googlemail.com addresses
    "pays_in_own_currency": 0.35,
    "never_orders": 0.135,
    "orders_at_once": 0.75,
    "lapses": 0.60,
    "refund_booking": 0.008,  # of repeat orders: a negative `completed` amount, that of the order before
    "gift": 0.10,
    "after_summer": 0.35,
    "never_visits": 0.25,
    "erasure": 0.002,
}

#: Rows that break their contract: one customer in `BROKEN_EVERY` each, beginning with these (counted from 0).
BROKEN_EVERY: Final = 20_000
BROKEN: Final = {"customer_id": 77, "order_time": 11, "order_amount": 22, "order_currency": 33, "order_rate": 44}

PLACEHOLDER_EMAILS: Final = ["none@none.com", "test@test.com", "noemail@example.com", "NOEMAIL@NOEMAIL.COM", "na@na.na"]
PLACEHOLDER_PHONES: Final = ["0000000000", "0123456789", "9999999999", "00000", "n/a"]

#: The letters of a phone's shape as what DuckDB's regexp_replace calls groups.
_DIGIT_GROUPS: Final = {ord(letter): rf"\{place}" for place, letter in enumerate("ABCDEFGHI", start=1)}

_FOLDER: Final = Path(__file__).with_suffix("")


def write_sample(directory: Path, customers: int, seed: int) -> dict[str, int]:
    """Write `<table>.csv` and `<table>.parquet` of a CRM with `customers` records into `directory`.

    The same size and seed give the same bytes. Returns each table's number of rows.

    Raises:
        ConfigError: `customers` is not positive, or the folder cannot be written.
    """
    if customers < 1:
        msg = f"a sample needs at least one customer, not {customers}."
        raise ConfigError(msg)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        scratch = TemporaryDirectory(dir=directory, prefix=".sample-")
    except OSError as error:
        msg = f"{directory} cannot be written: {(error.strerror or 'unknown reason').lower()}. Give another DIR."
        raise ConfigError(msg) from None
    with scratch as name, _connection(Path(name)) as connection:
        _declare(connection, customers, seed)
        for script in ("macros", "people", *TABLES):
            connection.execute((_FOLDER / f"{script}.sql").read_text(encoding="utf-8"))
        rows = {table: _write(connection, table, Path(name)) for table in TABLES}
        # Only now, so that a sample which fails leaves the old one whole.
        for file in (f"{table}.{kind}" for table in TABLES for kind in ("csv", "parquet")):
            (Path(name) / file).replace(directory / file)
    return rows


def _connection(folder: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory; what does not fit spills into `folder`."""
    settings = {
        "temp_directory": str(folder / "spilled"),
        "memory_limit": "3GB",
        "autoinstall_known_extensions": False,
        # One thread alone cuts Parquet's row groups elsewhere, and the bytes would differ.
        "threads": max(2, os.cpu_count() or 1),
    }
    return duckdb.connect(config=settings)


def _declare(connection: duckdb.DuckDBPyConnection, customers: int, seed: int) -> None:
    """Hand the constants and words to the SQL, as variables."""
    countries = tomllib.loads((_FOLDER / "countries.toml").read_text(encoding="utf-8"))
    epoch = date(1970, 1, 1)
    variables = {
        "seed": seed,
        "customers": customers,
        "opening": (OPENING - epoch).days,
        "first_day": (FIRST_DAY - epoch).days,
        "last_day": (LAST_DAY - epoch).days,
        "chances": CHANCES,
        "broken": BROKEN,
        "broken_every": BROKEN_EVERY,
    }
    for name, value in variables.items():
        connection.execute(f"SET VARIABLE {name} = ?", [value])
    texts = {
        "codes": list(countries),
        "placeholder_emails": PLACEHOLDER_EMAILS,
        "placeholder_phones": PLACEHOLDER_PHONES,
        **{f"mix_{name}": _thousandths(mix) for name, mix in MIXES.items()},
        **_words(list(countries.values())),
    }
    for name, value in texts.items():
        # As one text, because DuckDB takes a fifth of a second for a thousand texts in a parameter.
        connection.execute(f"SET VARIABLE {name} = string_split(?, ';')", [";".join(value)])


def _words(countries: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Each field of all countries as one list; where a country has many, also where its own begin and how many."""
    words: dict[str, list[str]] = {}
    for field in countries[0]:
        values: list[Any] = [country[field] for country in countries]
        if field == "phone_shapes":
            values = [[shape.translate(_DIGIT_GROUPS) for shape in shapes] for shapes in values]
        if isinstance(values[0], list):
            counts = [len(value) for value in values]
            words[f"{field}_count"] = [str(count) for count in counts]
            words[f"{field}_from"] = [str(1 + before) for before in accumulate(counts[:-1], initial=0)]
            values = list(chain.from_iterable(values))
        words[field] = values
    return words


def _thousandths(mix: dict[str, float]) -> list[str]:
    """The alternatives of a mix, each as often among a thousand as its share says."""
    return [alternative for alternative, share in mix.items() for _ in range(round(share * 1000))]


def _write(connection: duckdb.DuckDBPyConnection, table: str, folder: Path) -> int:
    """Write one table as Parquet, then as CSV from it; returns its rows."""
    files = {kind: str(folder / f"{table}.{kind}") for kind in ("parquet", "csv")}
    generated = "COPY (FROM query_table($table)) TO $parquet (FORMAT parquet, DICTIONARY_SIZE_LIMIT 5000)"
    connection.execute(generated, {"table": table, "parquet": files["parquet"]})
    copied = connection.execute("COPY (FROM read_parquet($parquet)) TO $csv (FORMAT csv, HEADER)", files)
    return copied.fetchall()[0][0]
