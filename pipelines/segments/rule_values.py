"""What rules calculate with."""

from __future__ import annotations

import polars as pl


def signed(features: pl.DataFrame) -> pl.DataFrame:
    """`Features` whose whole numbers have a sign: of those without, one less than 0 is more than four billion."""
    return features.cast(dict.fromkeys((pl.UInt8, pl.UInt32), pl.Int64))
