"""The states and provinces that people live in."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.places import region_letters
from schemas.regions import SUBDIVISIONS


def subdivisions(records: pl.DataFrame) -> pl.DataFrame:
    """In: country (ISO 3166 alpha-2), region as typed, and whose they are. Out: that, and `subdivision` (ISO 3166-2,
    `US-CA`), each once; only of countries whose states have codes of the post, and never guessed without a country.
    """
    distinct = records.select("country", "region").unique()
    code = region_letters(pl.col("region"), pl.col("country")).str.to_uppercase()
    known = distinct.with_columns(subdivision=pl.col("country") + "-" + code).filter(
        pl.col("subdivision").is_in(list(SUBDIVISIONS))
    )
    return records.join(known, on=["country", "region"]).drop("country", "region").unique()
