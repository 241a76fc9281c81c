"""Rows that broke their contract, and refuse or ask to be forgotten all the same."""

from __future__ import annotations

from datetime import date, timedelta, tzinfo

import polars as pl

from pipelines.local_days import midnight_after
from schemas.crm import NAMING_COLUMNS, PURPOSES, somebody_named


def broken_refusals(broken: pl.DataFrame) -> pl.DataFrame:
    """A consent statement that cannot be read refuses: whom it names, for its purpose, on all networks.

    Without a readable purpose it refuses for every purpose.
    """
    named = broken.filter(somebody_named("consents"))
    every = pl.lit(list(PURPOSES), dtype=pl.List(pl.String))
    return named.with_columns(
        pl.when(pl.col("purpose").is_in(PURPOSES)).then(pl.concat_list("purpose")).otherwise(every).alias("purpose"),
        *(
            pl.lit(None, dtype=broken.schema[name]).alias(name)
            for name in ("network", "captured_at", "valid_from", "valid_to")
        ),
        status=pl.lit("unknown"),
    ).explode("purpose")


def broken_requests(broken: pl.DataFrame, as_of: date, zone: tzinfo) -> pl.DataFrame:
    """An erasure request that breaks its contract still erases whom it names. Without a readable time it counts from
    the end of the day that read it first, so that no yes of that day comes after it."""
    end = midnight_after(as_of, zone) - timedelta(microseconds=1)
    return broken.filter(somebody_named("erasures")).with_columns(
        # Whoever they name stays one request, however often it is read.
        pl.col("request_id").fill_null(
            pl.concat_str(pl.lit("unreadable"), *NAMING_COLUMNS["erasures"], separator=" ", ignore_nulls=True)
        ),
        pl.col("requested_at").fill_null(pl.lit(end).cast(broken.schema["requested_at"])),
    )
