"""Rows that broke their contract, and refuse or ask to be forgotten all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.digests import Digest
from pipelines.identifiers.emails.wrapped import unwrapped
from pipelines.tombstones.erased import erased_marks, own_tombstones, without_erased
from pipelines.tombstones.tombstones import Compared
from schemas.crm import NAMING_COLUMNS, PURPOSES, SetAsideCustomers, somebody_named


def broken_refusals(broken: pl.DataFrame) -> pl.DataFrame:
    """A consent statement that cannot be read refuses: whom it names, for its purpose, on all networks.

    Without a readable purpose it refuses for every purpose.
    """
    named = broken.filter(somebody_named("consents"))
    every = pl.lit(list(PURPOSES), dtype=pl.List(pl.String))
    return named.with_columns(
        pl.when(pl.col("purpose").is_in(PURPOSES)).then(pl.concat_list("purpose")).otherwise(every).alias("purpose"),
        *(
            pl.lit(None, dtype=broken.schema[name]).alias(name)
            for name in ("network", "captured_at", "valid_from", "valid_to")
        ),
        status=pl.lit("unknown"),
    ).explode("purpose")


def broken_requests(broken: pl.DataFrame) -> pl.DataFrame:
    """An erasure request that breaks its contract still erases whom it names; `requested_at` is null where it cannot
    be read."""
    return broken.filter(somebody_named("erasures")).with_columns(
        # Whoever they name stays one request, however often it is read.
        pl.col("request_id").fill_null(
            pl.concat_str(pl.lit("unreadable"), *NAMING_COLUMNS["erasures"], separator=" ", ignore_nulls=True)
        ),
    )


def set_aside_customers(
    broken: pl.DataFrame,
    unsplit: pl.Series,
    erasures: pl.DataFrame,
    compared: Compared,
    prehashed: Mapping[Literal["email"], Digest],
) -> pl.DataFrame:
    """`SetAsideCustomers`: the rows by whose id somebody may refuse, and the e-mails in lines that could not be split,
    of whose id nobody knows; without what `erasures` (`CrmErasures`) forbid to keep.

    In: `CrmCustomers` rows that broke their contract, and lines as they stand in the file.
    """
    named = broken.filter(pl.col("customer_id").is_not_null())
    # A sign behind the line lets one that is an address be found in it too.
    texts = unsplit.str.replace_all(r"[|\t]", ",") + ","
    lines = unwrapped(texts, among_words=True).select(email="address").unique(maintain_order=True)
    rows = pl.concat([named, lines], how="diagonal")
    columns = SetAsideCustomers.column_names()
    if rows.is_empty():
        return pl.DataFrame(SetAsideCustomers.create_empty()).select(columns)
    canonical = with_canonical(rows, default_country=compared.default_country, prehashed=prehashed).select(columns)
    own = own_tombstones(canonical, compared.identity_key, erasures)
    kept = without_erased(canonical, erased_marks(canonical, own, erasures, compared))
    return kept.filter(pl.any_horizontal(pl.col("canonical_email", "canonical_phone").is_not_null()))
