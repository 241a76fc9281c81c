"""The states and provinces that people live in."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.places.cities import region_letters
from schemas.regions import SUBDIVISIONS


def subdivisions(records: pl.DataFrame) -> pl.DataFrame:
    """In: country (ISO 3166 alpha-2), region as typed, and whose they are. Out: that, and `subdivision` (ISO 3166-2,
    `US-CA`), each once; only of countries whose states have codes of the post. Where nobody knows the country,
    a state's name or code is one of the US: what hangs on it limits what may be done with somebody's data.
    """
    records = records.with_columns(pl.col("country").fill_null("US"))
    distinct = records.select("country", "region").unique()
    code = region_letters(pl.col("region"), pl.col("country")).str.to_uppercase()
    known = distinct.with_columns(subdivision=pl.col("country") + "-" + code).filter(
        pl.col("subdivision").is_in(list(SUBDIVISIONS))
    )
    return records.join(known, on=["country", "region"]).drop("country", "region").unique()
