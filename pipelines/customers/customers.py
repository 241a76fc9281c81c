"""A row a person, and every id ever given."""

from __future__ import annotations

from datetime import date

import polars as pl

from schemas.customers import Customers, PersonAliases


def customers(records: pl.DataFrame) -> pl.DataFrame:
    """In: `CustomerRecords`. Out: `Customers`, with the country of the newest record that has one."""
    newest = pl.coalesce("updated_at", "created_at")
    located = (
        records.filter(pl.col("country").is_not_null())
        .sort(newest, "position", descending=[True, False], nulls_last=True)
        .unique("person_id", keep="first", maintain_order=True)
        .select("person_id", "country")
    )
    return (
        records.group_by("person_id")
        .agg(records=pl.len().cast(pl.UInt32), created_at=pl.col("created_at").min())
        .join(located, on="person_id", how="left")
        .select(Customers.column_names())
        .sort("person_id")
    )


def person_aliases(known: pl.DataFrame, records: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Every id of `known` (`PersonAliases`) and of today's `records`, each with the person it stands for today.

    An id is made from a record, so it follows that record; if the CRM lost the record, it follows the person it stood
    for last.
    """
    today = records.select(alias="own_id", now="person_id")
    given = records.select(alias="person_id", person_id="person_id").unique().with_columns(since=pl.lit(as_of))
    every = pl.concat([known, given.select(PersonAliases.column_names())]).unique(
        "alias", keep="first", maintain_order=True
    )
    by_alias = every.join(today, on="alias", how="left")
    by_person = by_alias.join(today.rename({"alias": "person_id", "now": "now_of_person"}), on="person_id", how="left")
    return by_person.select("alias", pl.coalesce("now", "now_of_person", "person_id").alias("person_id"), "since").sort(
        "alias"
    )
