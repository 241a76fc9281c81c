"""People's identifiers, each in every form that a network asks for."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.matching import with_match_columns
from schemas.identifiers import Identifiers, MatchColumn

#: A part that is only a dash or a dot says nothing.
_SOMETHING = r"[\p{L}\p{N}]"

_COLUMNS = list(Identifiers.column_names())


def identifiers(records: pl.DataFrame, match_columns: tuple[MatchColumn, ...]) -> pl.DataFrame:
    """In: `PersonRecords`. Out: `Identifiers` and a column (String) for each match column, null in other kinds.

    A person has one row a distinct e-mail, one a distinct phone, and one for name and mailing address together, from
    the most complete and then newest record: parts of different records are never mixed.
    """
    rows = [
        _addresses(records, "email").with_columns(country_inferred=pl.lit(False)),
        _addresses(records, "phone", inferred=pl.col("phone_country_source") == "default_country"),
        _mailing_addresses(records).with_columns(country_inferred=pl.lit(False)),
    ]
    matched = [
        with_match_columns(frame, tuple(column for column in match_columns if column.kind == frame["kind"].first()))
        for frame in rows
        if not frame.is_empty()
    ]
    shaped = pl.DataFrame(
        schema={**Identifiers.create_empty().schema, **{column.name: pl.String for column in match_columns}}
    )
    every = pl.concat(
        [shaped, *(frame.select(pl.col(_COLUMNS), *_given(frame, match_columns)) for frame in matched)], how="diagonal"
    )
    names = [column.name for column in match_columns]
    return every.filter(pl.any_horizontal(pl.col(names).is_not_null())) if names else every


def _given(frame: pl.DataFrame, match_columns: tuple[MatchColumn, ...]) -> list[str]:
    return [column.name for column in match_columns if column.name in frame.columns]


def _addresses(records: pl.DataFrame, kind: str, inferred: pl.Expr | None = None) -> pl.DataFrame:
    usable = records.filter(pl.col(kind).is_not_null(), pl.col(f"{kind}_refusal").is_null())
    distinct = (
        usable.sort("person_id", "position")
        .select("person_id", kind, country_inferred=pl.lit(False) if inferred is None else inferred)
        .unique(["person_id", kind], keep="first", maintain_order=True)
    )
    return distinct.with_columns(kind=pl.lit(kind), position=_position())


def _mailing_addresses(records: pl.DataFrame) -> pl.DataFrame:
    parts = ["first_name", "last_name", "postal_code", "country"]
    return (
        records.with_columns(given=pl.sum_horizontal(pl.col(part).str.contains(_SOMETHING) for part in parts))
        .filter(pl.col("given") > 0)
        .sort(
            "person_id", "given", pl.coalesce("updated_at", "created_at"), "position",
            descending=[False, True, True, False], nulls_last=True,
        )
        .unique("person_id", keep="first", maintain_order=True)
        .select("person_id", *parts, kind=pl.lit("mailing_address"), position=pl.lit(1, dtype=pl.UInt32))
    )  # fmt: skip


def _position() -> pl.Expr:
    return pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("person_id")
