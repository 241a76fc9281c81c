"""Phones: 10 M in the sample's shapes, normalised and hashed for Meta and Google, beside the `phonenumbers` loop."""

from __future__ import annotations

import resource
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import duckdb
import phonenumbers
import polars as pl
from rich.console import Console
from rich.table import Table

from catalog.home import Environment
from commands import sample_crm
from pipelines.identifiers.hashes import hashed
from pipelines.identifiers.phones import forms as phone_forms
from pipelines.identifiers.phones import resolve_phones

Result = TypeVar("Result")

PHONES, SLICE, LOOPED = 10_000_000, 5_000_000, 20_000
#: What we hold ourselves to. Both digests are within the rate; the loop only reads, and is compared with reading.
FEWEST_A_SECOND, FEWEST_TIMES, MOST_GIGABYTES = 1_000_000, 40.0, 6.0

#: States of `sample_crm.MIXES["phones"]` that leave no phone to tell apart from others.
_EMPTY = {"blank", "only a space", "placeholder"}


def main() -> None:
    """Make the phones once, measure, print the figures; exit 1 if they are below what we hold ourselves to."""
    out = Console(width=100, highlight=False)
    path = Environment().home.resolve() / "bench" / "phones.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_phones(path, PHONES)
    reading = hashing = 0.0
    accepted = 0
    for start in range(0, PHONES, SLICE):
        read, seconds = _timed(_read, _slice(path, start, SLICE))
        reading += seconds
        digests, seconds = _timed(_digests, read.select("phone_e164").drop_nulls())
        hashing += seconds
        accepted += digests.height
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    looped, seconds = _timed(_loop, _slice(path, 0, LOOPED))
    whole, rate, loop = PHONES / (reading + hashing), PHONES / reading, LOOPED / seconds
    table = Table("", "phones/s", "accepted")
    table.add_row("read", f"{rate:,.0f}", f"{accepted / PHONES:.1%}")
    table.add_row("read and hashed for Meta and Google", f"{whole:,.0f}", "")
    table.add_row(f"phonenumbers, a loop over {LOOPED:,}", f"{loop:,.0f}", f"{looped / LOOPED:.1%}")
    out.print(table)
    out.print(
        f"Read and hashed: {whole:,.0f} a second (at least {FEWEST_A_SECOND:,}); reading is {rate / loop:.0f} times as "
        f"fast as the loop (at least {FEWEST_TIMES:.0f}); peak {gigabytes:.2f} GB (at most {MOST_GIGABYTES})."
    )
    raise SystemExit(whole < FEWEST_A_SECOND or rate < FEWEST_TIMES * loop or gigabytes > MOST_GIGABYTES)


def write_phones(path: Path, count: int) -> None:
    """Write distinct `phone`s with their `country`, in the sample's shares, shapes and faults."""
    words = tomllib.loads(Path(sample_crm.__file__).with_suffix("").joinpath("countries.toml").read_text("utf-8"))
    groups = {ord(letter): rf"\{place}" for place, letter in enumerate("ABCDEFGHI", start=1)}
    shares = sample_crm.MIXES["phones"].items()
    faults = [fault for fault, share in shares if fault not in _EMPTY for _ in range(round(share * 1000))]
    homes = [home for home, share in sample_crm.MIXES["countries"].items() for _ in range(round(share * 1000))]
    with duckdb.connect(config={"memory_limit": "3GB"}) as connection:
        connection.execute("CREATE TABLE words (country VARCHAR, code VARCHAR, prefixes VARCHAR[], shapes VARCHAR[])")
        connection.executemany(
            "INSERT INTO words VALUES (?, ?, ?, ?)",
            [
                (home, word["dial_code"], word["phone_prefixes"], [s.translate(groups) for s in word["phone_shapes"]])
                for home, word in words.items()
            ],
        )
        connection.execute("SET VARIABLE faults = ?", [faults])
        connection.execute("SET VARIABLE homes = ?", [homes])
        connection.execute(_PHONES.format(count=count, path=path))


#: No number twice: the multiplier shares no factor with the 7999993 numbers, and each round takes other prefixes.
_PHONES = """
COPY (
    WITH drawn AS (
        SELECT
            number,
            getvariable('homes')[1 + number % 1000] AS country,
            (hash(number % 7999993, 'prefix') >> 2)::BIGINT + number // 7999993 AS prefix,
            (hash(number, 'shape') >> 2)::BIGINT AS shape,
            getvariable('faults')[1 + ((hash(number, 'fault') >> 2)::BIGINT % len(getvariable('faults')))] AS fault
        FROM range({count}) AS counted(number)
    ),
    numbered AS (
        SELECT
            country,
            code,
            fault,
            shapes[1 + shape % len(shapes)] AS shape,
            prefixes[1 + prefix % len(prefixes)] || (2000000 + number * 7368787 % 7999993)::VARCHAR AS digits
        FROM drawn JOIN words USING (country)
    ),
    typed AS (
        SELECT *, regexp_replace(digits, '^(.)(.)(.)(.)(.)(.)(.)(.)(.*)$', shape) AS phone FROM numbered
    )
    SELECT
        CASE fault
            WHEN 'too short' THEN left(phone, len(phone) - 3)
            WHEN 'too long' THEN phone || '99'
            WHEN 'bare plus' THEN '+' || digits
            WHEN 'twice' THEN phone || ' / +' || code || digits
            WHEN 'spaced' THEN ' ' || phone
            ELSE phone
        END AS phone,
        country
    FROM typed
) TO '{path}' (FORMAT parquet)
"""


def _slice(path: Path, start: int, count: int) -> pl.DataFrame:
    return pl.scan_parquet(path).slice(start, count).collect()


def _read(phones: pl.DataFrame) -> pl.DataFrame:
    return resolve_phones(phones.lazy(), default_country=None).collect()


def _digests(numbers: pl.DataFrame) -> pl.DataFrame:
    number = pl.col("phone_e164")
    forms = numbers.select(google=phone_forms.e164(number), meta=phone_forms.digits(number))
    return pl.DataFrame([hashed(forms["google"], "sha256"), hashed(forms["meta"], "sha256").alias("meta")])


def _loop(phones: pl.DataFrame) -> int:
    """What one writes without us, and how many it accepts."""
    accepted = 0
    for phone, country in phones.iter_rows():
        try:
            number = phonenumbers.parse(phone, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            accepted += bool(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return accepted


def _timed(work: Callable[[pl.DataFrame], Result], phones: pl.DataFrame) -> tuple[Result, float]:
    started = time.monotonic()
    return work(phones), time.monotonic() - started


if __name__ == "__main__":
    main()
