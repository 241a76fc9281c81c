"""Digests and keyed hashes of columns; null stays null and an empty text is never hashed."""

from __future__ import annotations

import polars as pl
from polars_hash import col

from schemas.identifiers import Hash


def hashed(values: pl.Series, how: Hash) -> pl.Series:
    """Lower-case hex SHA-256 of each value (UTF-8), each distinct value once; `none` leaves them as they are."""
    filled = values.to_frame("value").select(pl.when(pl.col("value") != "").then("value").alias("value"))
    if how == "none":
        return filled["value"]
    return filled.select(col("value").chash.sha2_256())["value"]


def keyed_hash(values: pl.Series, key: str) -> pl.Series:
    """HMAC-SHA-256 of each value under `key`, as lower-case hex."""
    return values.to_frame("value").select(col("value").chash.hmac_sha256(key=key))["value"]
