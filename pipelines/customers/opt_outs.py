"""Californian opt-outs: refusals that forbid handing a person's data to anybody."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import literal
from pipelines.identifiers.places.countries import unknown_countries
from schemas.jurisdictions import is_californian, is_elsewhere
from schemas.settings import Purpose

#: A refusal of these by a Californian forbids handing the person's data to anybody.
_PURPOSES: tuple[Purpose, ...] = ("ads_upload", "ads_personalization")


def with_opt_outs(consents: pl.DataFrame) -> pl.DataFrame:
    """The statements, and each Californian opt-out once more, as a refusal of `ads_upload` on all networks.

    An opt-out is a denied or withdrawn `ads_upload` or `ads_personalization` whose region says California or its law,
    or is none that is known: nobody can say that it is no Californian's. Source: California Civil Code 1798.120 and
    1798.135: who opted out of sale or sharing may not have their data handed on for advertising in other contexts,
    whoever it goes to. `CA` alone is Canada: of whom it is not, `region_read` says.
    """
    refusals = consents.filter(
        pl.col("region").is_not_null(),
        pl.col("purpose").is_in(_PURPOSES),
        pl.col("status").is_in(["denied", "withdrawn"]),
    )
    regions = refusals["region"].cast(pl.String).unique()
    opting_out = [*filter(is_californian, regions), *unread_regions(regions)]
    if not opting_out:
        return consents
    ads_upload: Purpose = "ads_upload"
    everywhere = refusals.filter(pl.col("region").is_in(opting_out)).with_columns(
        purpose=pl.lit(ads_upload, dtype=consents.schema["purpose"]),
        network=pl.lit(None, dtype=consents.schema["network"]),
    )
    return pl.concat([consents, everywhere])


def region_read(customers: str, consents: str, default_country: str | None) -> str:
    """SQL for the region of `consents` (a table) as it is meant: `CA` alone, in a refusal, is California, unless the
    record lives in Canada. It is so where no record says where they live.

    In: `customers`, a table of customer_id and country_code.
    """
    purposes = ", ".join(map(literal, _PURPOSES))
    bare = (
        f"status IN ('denied', 'withdrawn') AND purpose IN ({purposes}) "
        "AND lower(regexp_replace(region, '[^A-Za-z]', '', 'g')) = 'ca'"
    )
    # Only of the few who are spoken of so anything has to be held.
    asked = f"SELECT customer_id FROM {consents} WHERE {bare}"
    canadians = (
        f"SELECT customer_id FROM {customers} WHERE coalesce(country_code, {literal(default_country)}) = 'CA' "
        f"AND customer_id IN ({asked})"
    )
    theirs = f"coalesce(customer_id IN ({canadians}), FALSE)"
    return f"CASE WHEN {bare} AND NOT {theirs} THEN 'US-CA' ELSE region END"


def unread_regions(regions: pl.Series) -> list[str]:
    """Which of the regions as typed, each once, are no place and no law that is known; words for none are of none."""
    return [typed for typed in unknown_countries(regions) if not is_californian(typed) and not is_elsewhere(typed)]
