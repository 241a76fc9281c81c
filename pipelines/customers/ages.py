"""Who is too young to be uploaded, or may be."""

from __future__ import annotations

from datetime import date

import polars as pl

from schemas.settings import Settings
from schemas.uploads import AGE_UNKNOWN, UNDER_AGE

#: Nobody is older: an older date of birth is a placeholder.
_OLDEST = 120


def too_young(records: pl.DataFrame, settings: Settings, *, as_of: date) -> pl.DataFrame:
    """In: `PersonRecords`. Out: person_id, reason: people younger than the company's minimum on `as_of`, or of unknown
    age where it says so.

    Of several dates of birth the latest counts. Who was born on 29 February is older on 1 March of a year without one.
    """
    if settings.minimum_age is None:
        return pl.DataFrame(schema={"person_id": pl.String, "reason": pl.String})
    plausible = pl.col("birth_date") > years_before(as_of, _OLDEST)
    born = records.lazy().group_by("person_id").agg(latest=pl.col("birth_date").filter(plausible).max()).collect()
    unknown = pl.lit(AGE_UNKNOWN if settings.unknown_age == "drop" else None, dtype=pl.String)
    reason = (
        pl.when(pl.col("latest").is_null())
        .then(unknown)
        .when(pl.col("latest") > years_before(as_of, settings.minimum_age))
        .then(pl.lit(UNDER_AGE))
    )
    return born.select("person_id", reason=reason).filter(pl.col("reason").is_not_null())


def years_before(day: date, years: int) -> date:
    """The same day of an earlier year; for 29 February, where that year has none, the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)
