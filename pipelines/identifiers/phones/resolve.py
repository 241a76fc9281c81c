"""Both paths together: what the fast path is not sure of goes to the library, each distinct field once."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.phones.fast import READING, decide
from pipelines.identifiers.phones.library import read_phone
from pipelines.identifiers.phones.metadata import REGIONS

_SCHEMA = pl.Schema({"phone": pl.String, "country": pl.String, **READING})


def resolve_phones(phones: pl.LazyFrame, *, default_country: str | None) -> pl.LazyFrame:
    """Each distinct field as E.164 with the region it belongs to, or the reason why it is refused; in no order.

    In: phone (as typed), country (the record's own, ISO alpha-2 or null).
    Out: phone, country, one row for each distinct pair, and
        phone_e164, phone_country: null when refused; the country of a number without one is 001;
        phone_country_source: international, own_country or default_country, null when refused;
        phone_refusal: blank, placeholder, no_country, bare_plus, several_numbers, not_a_number or not_valid,
            null when accepted.
    """
    pairs = phones.select(pl.col("phone", "country").cast(pl.String)).unique()
    return pairs.map_batches(
        lambda frame: _resolve(frame, default_country),
        schema=_SCHEMA,
        projection_pushdown=False,
        predicate_pushdown=False,
        slice_pushdown=False,
    )


def decided_rows(pairs: pl.DataFrame, *, default_country: str | None) -> pl.DataFrame:
    """The distinct pairs (phone, country) that the fast path decides, with its columns: for tests and benchmarks."""
    rows = _known_countries(pairs, default_country)
    return rows.select("row", "phone", "country").join(decide(rows), on="row").drop("row")


def _resolve(pairs: pl.DataFrame, default_country: str | None) -> pl.DataFrame:
    rows = _known_countries(pairs, default_country)
    decided = decide(rows)
    undecided = rows.filter(~pl.col("row").is_in(decided["row"].implode()))
    readings = pl.concat([decided, _read_by_library(undecided)], how="diagonal").sort("row")
    return pairs.hstack(readings.select(READING.names()))


def _known_countries(pairs: pl.DataFrame, default_country: str | None) -> pl.DataFrame:
    """phone, country → row, phone, country, own_country and default_country: null unless the library knows them."""
    default = default_country if default_country in REGIONS else None
    return pairs.with_row_index("row").with_columns(
        own_country=pl.when(pl.col("country").is_in(list(REGIONS))).then("country"),
        default_country=pl.lit(default, pl.String),
    )


def _read_by_library(rows: pl.DataFrame) -> pl.DataFrame:
    """row, phone, own_country, default_country → row and the result's columns."""
    fields = ["phone", "own_country", "default_country"]
    distinct = rows.select(fields).unique()
    readings = [
        read_phone(phone, own_country=own_country, default_country=default_country)
        for phone, own_country, default_country in distinct.iter_rows()
    ]
    read = pl.concat([distinct, pl.DataFrame(readings, schema=READING, orient="row")], how="horizontal")
    return rows.select("row", *fields).join(read, on=fields, nulls_equal=True).drop(fields)
