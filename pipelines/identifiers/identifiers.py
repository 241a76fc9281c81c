"""People's identifiers, each in every form that a network asks for, with what is known of their quality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import polars as pl

from pipelines.at_once import at_once
from pipelines.identifiers.emails.quality import with_email_flags
from pipelines.identifiers.ids.forms import canonical_mobile_ad_id, mobile_ad_id_refusal
from pipelines.identifiers.matching import with_match_columns
from pipelines.identifiers.places.postal_codes import postal_code_refusal
from pipelines.identifiers.unfit import says_nothing
from schemas.identifiers import IdentifierKind, IdentifierRefusals, Identifiers, MatchColumn

#: A part that is only a dash or a dot says nothing.
_SOMETHING = r"[\p{L}\p{N}]"
#: What makes a record of names and address more complete than another, whatever networks ask for.
_PARTS = ["first_name", "last_name", "postal_code", "country"]

_COLUMNS = list(Identifiers.column_names())


#: By kind, identifiers (a column named as the kind) and shared_by: how many people have each.
Sharing = Mapping[IdentifierKind, pl.DataFrame]


def identifiers(
    records: pl.DataFrame, match_columns: tuple[MatchColumn, ...], sharing: Sharing | None = None
) -> pl.DataFrame:
    """In: `PersonRecords`. Out: `Identifiers` and a column (String) for each match column, null in other kinds.

    A person has one row a distinct e-mail, phone, mobile ad id or own id, and one a distinct name and mailing address
    together: parts of different records are never mixed. Of these the first is sent, from the most complete and then
    newest record; a network knows the person by the others too, so that nobody else's row may carry them if the person
    refuses. Kinds that no match column asks for are left out. If the records are not everybody's, `sharing` says which
    identifiers several people have.
    """
    shaped = pl.DataFrame(
        schema={**Identifiers.create_empty().schema, **{column.name: pl.String for column in match_columns}}
    )
    asked = {
        kind: tuple(column for column in match_columns if column.kind == kind) for kind in get_args(IdentifierKind)
    }
    parts = at_once(lambda kind: _of_kind(records, kind, asked[kind], sharing), [kind for kind in asked if asked[kind]])
    return pl.concat([shaped, *parts], how="diagonal").with_columns(
        pl.col("country_inferred", "disposable", "role", "possibly_mistyped").fill_null(value=False),
        pl.col("shared_by").fill_null(1),
    )


def _of_kind(
    records: pl.DataFrame, kind: IdentifierKind, wanted: tuple[MatchColumn, ...], sharing: Sharing | None
) -> pl.DataFrame:
    rows = _mailing_addresses(records, wanted) if kind == "mailing_address" else _addresses(records, kind, sharing)
    matched = with_match_columns(rows, wanted)
    some = pl.any_horizontal(pl.col(column.name).is_not_null() for column in wanted)
    given = [name for name in _COLUMNS if name in matched.columns] + [column.name for column in wanted]
    return matched.filter(some).with_columns(kind=pl.lit(kind)).select("kind", *given)


def people_with(records: pl.DataFrame, kind: IdentifierKind) -> pl.DataFrame:
    """In: `PersonRecords`. Out: the kind's identifiers (a column of its name) and shared_by, how many have each."""
    held = _typed(records, kind).select("person_id", kind).unique()
    return held.group_by(kind).agg(shared_by=pl.len().cast(pl.UInt32))


def identifier_refusals(records: pl.DataFrame) -> pl.DataFrame:
    """In: `PersonRecords`. Out: `IdentifierRefusals`: what people's records hold that is no match key, and why."""
    reasons = {
        "email": pl.col("email_refusal"),
        "phone": pl.col("phone_refusal"),
        "mobile_ad_id": mobile_ad_id_refusal(pl.col("mobile_ad_id")),
        "postal_code": postal_code_refusal(pl.col("postal_code"), pl.col("country")),
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


def _addresses(records: pl.DataFrame, kind: IdentifierKind, sharing: Sharing | None) -> pl.DataFrame:
    """person_id, position, the identifier, its quality flags, and shared_by."""
    rows = _numbered(_typed(records, kind), kind)
    if sharing is None:
        # Counting by hash is several times faster than by text.
        rows = rows.with_columns(shared_by=pl.len().over(pl.col(kind).hash()).cast(pl.UInt32))
    elif kind in sharing:
        rows = rows.join(sharing[kind], on=kind, how="left", maintain_order="left")
    return with_email_flags(rows) if kind == "email" else rows


def _typed(records: pl.DataFrame, kind: IdentifierKind) -> pl.DataFrame:
    """person_id, position, the identifier on each record that has one, and what is known of it."""
    if kind == "email":
        usable = records.filter(pl.col("email").is_not_null(), pl.col("email_refusal").is_null())
        return usable.select("person_id", "position", "email")
    if kind == "phone":
        usable = records.filter(pl.col("phone").is_not_null(), pl.col("phone_refusal").is_null())
        inferred = pl.col("phone_country_source") == "default_country"
        return usable.select("person_id", "position", "phone", "phone_type", country_inferred=inferred)
    if kind == "mobile_ad_id":
        typed = records.select("person_id", "position", mobile_ad_id=canonical_mobile_ad_id(pl.col("mobile_ad_id")))
        return typed.filter(pl.col("mobile_ad_id").is_not_null())
    if kind == "external_id":
        return records.select("person_id", "position", external_id="customer_id")
    # Of handles the CRM's contract has no column.
    return pl.DataFrame(schema={"person_id": pl.String, "position": pl.UInt32, "social_handle": pl.String})


def _numbered(values: pl.DataFrame, name: str) -> pl.DataFrame:
    """A row for each person's distinct value of `name`, numbered by the record it first stands on."""
    alone, several = _by_records(values)
    ordered = (
        several.sort("person_id", "position")
        .unique(["person_id", name], keep="first", maintain_order=True)
        .with_columns(position=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("person_id"))
    )
    return pl.concat([alone.with_columns(position=pl.lit(1, pl.UInt32)), ordered])


def _mailing_addresses(records: pl.DataFrame, wanted: tuple[MatchColumn, ...]) -> pl.DataFrame:
    """person_id, position, and what is asked of each person's records, each once: the most complete comes first, then
    the newest, then the first."""
    asked = dict.fromkeys([*(column.identifier for column in wanted), "country"])
    missing = [pl.lit(None, pl.String).alias(name) for name in asked if name not in records.columns]
    columns = ["person_id", *(name for name in asked if name in records.columns)]
    alone, several = _by_records(records)
    given = (pl.col(part).str.contains(_SOMETHING) & ~says_nothing(pl.col(part)) for part in _PARTS)
    ordered = (
        several.with_columns(given=pl.sum_horizontal(given))
        .sort(
            "person_id", "given", pl.coalesce("updated_at", "created_at"), "position",
            descending=[False, True, True, False], nulls_last=True,
        )
        .unique(columns, keep="first", maintain_order=True)
        .select(*columns, position=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("person_id"))
    )  # fmt: skip
    return pl.concat([alone.select(*columns, position=pl.lit(1, pl.UInt32)), ordered]).with_columns(missing)


def _by_records(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of people who have one, which need no sorting, and those of people who may have several."""
    several = rows.filter(pl.col("position") > 1)["person_id"].unique()
    theirs = rows["person_id"].is_in(several.implode())
    return rows.filter(~theirs), rows.filter(theirs)
