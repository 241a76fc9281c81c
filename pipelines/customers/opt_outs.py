"""Californian opt-outs: refusals that forbid handing a person's data to anybody."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.countries import unknown_countries
from schemas.jurisdictions import is_californian, is_elsewhere
from schemas.settings import Purpose

#: A refusal of these by a Californian forbids handing the person's data to anybody.
_PURPOSES: tuple[Purpose, ...] = ("ads_upload", "ads_personalization")


def with_opt_outs(consents: pl.DataFrame) -> pl.DataFrame:
    """The statements, and each Californian opt-out once more, as a refusal of `ads_upload` on all networks.

    An opt-out is a denied or withdrawn `ads_upload` or `ads_personalization` whose region says California or its law,
    or is none that is known: nobody can say that it is no Californian's. Source: California Civil Code 1798.120 and
    1798.135: who opted out of sale or sharing may not have their data handed on for advertising in other contexts,
    whoever it goes to.
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


def unread_regions(regions: pl.Series) -> list[str]:
    """Which of the regions as typed, each once, are no place and no law that is known; words for none are of none."""
    return [typed for typed in unknown_countries(regions) if not is_californian(typed) and not is_elsewhere(typed)]
