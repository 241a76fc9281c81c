"""The floor: a bare Polars script that does the same reading, grouping, hashing and writing, and nothing else.

No contract, no quarantine, no identity, no phone rules, no rates, no encryption, no ledger, no checks.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from polars_hash import col

_EMAIL, _PHONE = ("email_plain", "email_google"), ("phone_digits", "phone_e164")
_META = ["email_plain", "phone_digits", "first_letters", "last_letters", "postcode_compact", "city_letters",
         "region_letters", "country_lower", "revenue"]  # fmt: skip
_GOOGLE = ["email_google", "phone_e164", "first_untitled", "last_untitled", "country", "postcode"]


def main(sample: Path, out: Path) -> None:
    """Read the five CSV files of `sample`; write four segments for two networks into `out`."""
    out.mkdir(parents=True, exist_ok=True)

    def read(table: str) -> pl.DataFrame:
        return pl.read_csv(sample / f"{table}.csv", infer_schema=False)

    # One table at a time: all of ten million customers at once are more than 21 GB.
    asked = read("consents").filter(pl.col("purpose") == "ads_upload").sort("captured")
    granted = asked.group_by("customer").agg(pl.col("answer").last()).filter(pl.col("answer") == "granted")
    refused = asked.group_by("address").agg(pl.col("answer").last()).filter(pl.col("answer") != "granted")
    del asked
    visits = read("visits").group_by("customer").agg(last_visit=pl.col("occurred").max())
    bought = (
        read("orders")
        .filter(pl.col("state") == "completed")
        .with_columns(pl.col("total").cast(pl.Float64, strict=False))
        .group_by("customer")
        .agg(orders=pl.len(), revenue=pl.col("total").sum(), first=pl.col("placed").min(), last=pl.col("placed").max())
        .with_columns(percentile=pl.col("revenue").rank() / pl.len())
    )
    erasures = read("erasures")
    people = (
        read("customers")
        .join(granted, left_on="customer_id", right_on="customer", how="semi")
        .join(refused, left_on="email", right_on="address", how="anti")
        .join(erasures, left_on="customer_id", right_on="customer", how="anti")
        .join(erasures, on="email", how="anti")
        .join(bought, left_on="customer_id", right_on="customer")
        .join(visits, left_on="customer_id", right_on="customer", how="left")
    )
    hashed = _hashed(people)
    segments = {
        "high_value": pl.col("percentile").ge(0.8) & pl.col("last").ge("2024-06-30"),
        "loyal": pl.col("orders").ge(5) & pl.col("last").ge("2025-01-01"),
        "lapsed": pl.col("percentile").ge(0.7) & pl.col("last").lt("2024-06-30"),
        "new": pl.col("first").ge("2025-04-01"),
    }
    for name, rule in segments.items():
        members = hashed.filter(rule)
        members.select(_META).unique().sort(pl.all()).write_csv(out / f"meta_{name}.csv")
        members.select(_GOOGLE).unique().sort(pl.all()).write_csv(out / f"google_{name}.csv")


def _hashed(people: pl.DataFrame) -> pl.DataFrame:
    """The columns that relance hashes, of everyone, once each."""
    text = people.with_columns(
        pl.col("email", "first_name", "last_name", "city", "region", "country").str.to_lowercase()
    )
    sources = {
        **dict.fromkeys(_EMAIL, "email"), **dict.fromkeys(_PHONE, "phone"),
        "first_letters": "first_name", "first_untitled": "first_name", "last_letters": "last_name",
        "last_untitled": "last_name", "postcode_compact": "postcode", "city_letters": "city",
        "region_letters": "region", "country_lower": "country",
    }  # fmt: skip
    return text.with_columns(col(source).chash.sha2_256().alias(name) for name, source in sources.items())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
