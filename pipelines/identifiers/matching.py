"""Every declared match column of an identifier: its form, then its hash, each distinct value once."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipelines.identifiers import countries, emails, names, phone_forms, postal_codes
from pipelines.identifiers.hashes import hashed
from schemas.identifiers import MatchColumn

#: (identifier, form) → expression over the row's columns, named as the identifiers are.
_FORMS: dict[tuple[str, str], Callable[[], pl.Expr]] = {
    ("email", "plain"): lambda: emails.plain(pl.col("email")),
    ("email", "google"): lambda: emails.google(pl.col("email")),
    ("phone", "digits"): lambda: phone_forms.digits(pl.col("phone")),
    ("phone", "e164"): lambda: phone_forms.e164(pl.col("phone")),
    ("first_name", "letters"): lambda: names.letters(pl.col("first_name")),
    ("first_name", "untitled"): lambda: names.untitled(pl.col("first_name")),
    ("last_name", "letters"): lambda: names.letters(pl.col("last_name")),
    ("last_name", "untitled"): lambda: names.untitled(pl.col("last_name")),
    ("postal_code", "compact"): lambda: postal_codes.compact(pl.col("postal_code"), pl.col("country")),
    ("postal_code", "trimmed"): lambda: postal_codes.trimmed(pl.col("postal_code"), pl.col("country")),
    ("country", "lower"): lambda: countries.lower(pl.col("country")),
    ("country", "upper"): lambda: countries.upper(pl.col("country")),
}


def with_match_columns(rows: pl.DataFrame, columns: tuple[MatchColumn, ...]) -> pl.DataFrame:
    """Rows plus each match column (String, null where the form has no value).

    In: the identifiers' own columns (`email`, or `phone`, or `first_name` …). Names, postal codes and countries repeat:
    each distinct one is hashed once. A person's addresses hardly do.
    """
    for column in columns:
        if column.kind != "mailing_address":
            rows = rows.with_columns(hashed_address(rows[column.identifier], column).alias(column.name))
            continue
        needs = ["postal_code", "country"] if column.identifier == "postal_code" else [column.identifier]
        distinct = rows.select(needs).unique().with_columns(_form(column))
        distinct = distinct.with_columns(hashed(distinct[column.name], column.hash).alias(column.name))
        rows = rows.join(distinct, on=needs, how="left", nulls_equal=True, maintain_order="left")
    return rows


def hashed_address(values: pl.Series, column: MatchColumn) -> pl.Series:
    """Canonical e-mails or phones as the match column shows them, row by row."""
    formed = values.to_frame(column.identifier).select(_form(column))
    return hashed(formed[column.name], column.hash)


def _form(column: MatchColumn) -> pl.Expr:
    return _FORMS[column.identifier, column.form]().alias(column.name)
