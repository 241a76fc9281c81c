"""People's identifiers, each in every form that a network asks for, with what is known of their quality."""

from __future__ import annotations

from typing import get_args

import polars as pl

from pipelines.at_once import at_once
from pipelines.identifiers.email_quality import with_email_flags
from pipelines.identifiers.ids import canonical_mobile_ad_id, mobile_ad_id_refusal
from pipelines.identifiers.matching import with_match_columns
from schemas.identifiers import IdentifierRefusals, Identifiers, Kind, MatchColumn

#: A part that is only a dash or a dot says nothing.
_SOMETHING = r"[\p{L}\p{N}]"
#: What makes a record of names and address more complete than another, whatever networks ask for.
_PARTS = ["first_name", "last_name", "postal_code", "country"]

_COLUMNS = list(Identifiers.column_names())


def identifiers(records: pl.DataFrame, match_columns: tuple[MatchColumn, ...]) -> pl.DataFrame:
    """In: `PersonRecords`. Out: `Identifiers` and a column (String) for each match column, null in other kinds.

    A person has one row a distinct e-mail, phone, mobile ad id or own id, and one for name and mailing address
    together, from the most complete and then newest record: parts of different records are never mixed. Kinds that no
    match column asks for are left out.
    """
    shaped = pl.DataFrame(
        schema={**Identifiers.create_empty().schema, **{column.name: pl.String for column in match_columns}}
    )
    asked = {kind: tuple(column for column in match_columns if column.kind == kind) for kind in get_args(Kind)}
    parts = at_once(lambda kind: _of_kind(records, kind, asked[kind]), [kind for kind in asked if asked[kind]])
    return pl.concat([shaped, *parts], how="diagonal").with_columns(
        pl.col("country_inferred", "disposable", "role", "possibly_mistyped").fill_null(value=False),
        pl.col("shared_by").fill_null(1),
    )


def _of_kind(records: pl.DataFrame, kind: Kind, wanted: tuple[MatchColumn, ...]) -> pl.DataFrame:
    matched = with_match_columns(_rows_of(records, kind, wanted), wanted)
    some = pl.any_horizontal(pl.col(column.name).is_not_null() for column in wanted)
    given = [name for name in _COLUMNS if name in matched.columns] + [column.name for column in wanted]
    return matched.filter(some).with_columns(kind=pl.lit(kind)).select("kind", *given)


def identifier_refusals(records: pl.DataFrame) -> pl.DataFrame:
    """In: `PersonRecords`. Out: `IdentifierRefusals`: what people's records hold that is no match key, and why."""
    reasons = {
        "email": pl.col("email_refusal"),
        "phone": pl.col("phone_refusal"),
        "mobile_ad_id": mobile_ad_id_refusal(pl.col("mobile_ad_id")),
    }
    found = [
        records.lazy()
        .select("person_id", refusal=reason)
        # Who gave none has lost nothing.
        .filter(pl.col("refusal").is_not_null(), pl.col("refusal") != "blank")
        .group_by("person_id", "refusal")
        .agg(records=pl.len().cast(pl.UInt32))
        .select("person_id", "refusal", "records", identifier=pl.lit(identifier))
        for identifier, reason in reasons.items()
    ]
    return pl.concat(found).select(IdentifierRefusals.column_names()).sort(pl.all()).collect()


def _rows_of(records: pl.DataFrame, kind: Kind, wanted: tuple[MatchColumn, ...]) -> pl.DataFrame:
    """person_id, position, the kind's own columns, and its quality flags."""
    if kind == "email":
        usable = records.filter(pl.col("email").is_not_null(), pl.col("email_refusal").is_null())
        emails = _distinct(usable.select("person_id", "position", "email"), "email")
        return with_email_flags(emails)
    if kind == "phone":
        usable = records.filter(pl.col("phone").is_not_null(), pl.col("phone_refusal").is_null())
        inferred = pl.col("phone_country_source") == "default_country"
        return _distinct(
            usable.select("person_id", "position", "phone", "phone_type", country_inferred=inferred), "phone"
        )
    if kind == "mobile_ad_id":
        typed = records.select("person_id", "position", mobile_ad_id=canonical_mobile_ad_id(pl.col("mobile_ad_id")))
        return _distinct(typed.filter(pl.col("mobile_ad_id").is_not_null()), "mobile_ad_id")
    if kind == "external_id":
        return _distinct(records.select("person_id", "position", external_id="customer_id"), "external_id")
    if kind == "social_handle":
        # The CRM's contract has no such column.
        return pl.DataFrame(schema={"person_id": pl.String, "position": pl.UInt32, "social_handle": pl.String})
    asked = dict.fromkeys([*(column.identifier for column in wanted), "country"])
    missing = [pl.lit(None, pl.String).alias(name) for name in asked if name not in records.columns]
    return _best_records(records).select("person_id", *(name for name in asked if name in records.columns), *missing,
                                         position=pl.lit(1, pl.UInt32))  # fmt: skip


def _distinct(values: pl.DataFrame, name: str) -> pl.DataFrame:
    """A row for each person's distinct value of `name`, numbered by the record it first stands on."""
    alone, several = _by_records(values)
    ordered = (
        several.sort("person_id", "position")
        .unique(["person_id", name], keep="first", maintain_order=True)
        .with_columns(position=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("person_id"))
    )
    return pl.concat([alone.with_columns(position=pl.lit(1, pl.UInt32)), ordered]).with_columns(
        # Counting by hash is several times faster than by text.
        shared_by=pl.len().over(pl.col(name).hash()).cast(pl.UInt32)
    )


def _best_records(records: pl.DataFrame) -> pl.DataFrame:
    """Each person's most complete record, then the newest, then the first."""
    alone, several = _by_records(records)
    best = (
        several.with_columns(given=pl.sum_horizontal(pl.col(part).str.contains(_SOMETHING) for part in _PARTS))
        .sort(
            "person_id", "given", pl.coalesce("updated_at", "created_at"), "position",
            descending=[False, True, True, False], nulls_last=True,
        )
        .unique("person_id", keep="first", maintain_order=True)
    )  # fmt: skip
    return pl.concat([alone, best.drop("given")])


def _by_records(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of people who have one, which need no sorting, and those of people who have several."""
    several = pl.len().over(pl.col("person_id").hash()) > 1
    marked = rows.with_columns(several=several)
    return marked.filter(~pl.col("several")).drop("several"), marked.filter("several").drop("several")
