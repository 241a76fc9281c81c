"""A row a person, and every id ever given."""

from __future__ import annotations

from datetime import date

import polars as pl

from schemas.customers import PersonAliases


def customers(records: pl.DataFrame) -> pl.DataFrame:
    """In: `PersonRecords`. Out: `Customers`, with the country of the newest record that has one."""
    # Most people have one record; only the others need comparing.
    several = records.filter(pl.col("position") == 2).select("person_id")
    theirs = records.join(several, on="person_id", how="semi")
    newest = pl.coalesce("updated_at", "created_at")
    located = (
        theirs.filter(pl.col("country").is_not_null())
        .sort(newest, "position", descending=[True, False], nulls_last=True)
        .unique("person_id", keep="first", maintain_order=True)
        .select("person_id", newest_country="country")
    )
    counted = theirs.group_by("person_id").agg(
        records=pl.len().cast(pl.UInt32), first_created_at=pl.col("created_at").min()
    )
    return (
        records.filter(pl.col("position") == 1)
        .select("person_id", "country", "created_at")
        .join(counted.join(located, on="person_id", how="left"), on="person_id", how="left")
        .select(
            "person_id",
            pl.col("records").fill_null(1),
            country=pl.when(pl.col("records").is_null()).then("country").otherwise("newest_country"),
            created_at=pl.coalesce("first_created_at", "created_at"),
        )
    )


def person_aliases(known: pl.DataFrame, records: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Every id of `known` (`PersonAliases`) and of today's `records`, each with the person it stands for today.

    `records` come earliest first. An id is made from a record, so it follows that record; if the CRM lost the record,
    it follows the person it stood for last.
    """
    today = records.select(alias="own_id", now="person_id")
    kept = today.join(known.select("alias", "since"), on="alias", how="left").select(
        "alias", person_id="now", since=pl.col("since").fill_null(pl.lit(as_of))
    )
    lost = known.join(today, on="alias", how="anti")
    # Whom last night's people are today: the person of their own record, else of their earliest that is still there.
    heirs = (
        known.join(lost, on="person_id", how="semi")
        .join(today.with_row_index("age"), on="alias")
        .sort(pl.col("alias") != pl.col("person_id"), "age")
        .unique("person_id", keep="first", maintain_order=True)
        .select("person_id", heir="now")
    )
    followed = lost.join(heirs, on="person_id", how="left").select(
        "alias", pl.coalesce("heir", "person_id").alias("person_id"), "since"
    )
    # An order that the rows' own does not change; by the ids themselves it would take five times as long (measured).
    return pl.concat([kept, followed]).select(PersonAliases.column_names()).sort(pl.col("alias").hash())
