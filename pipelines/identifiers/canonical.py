"""A CRM record's e-mail, phone and country in canonical form, with the reason where one is no match key."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.countries import country_codes
from pipelines.identifiers.email_refusals import email_refusal
from pipelines.identifiers.emails import canonical_email
from pipelines.identifiers.phones import resolve_phones


def with_canonical(records: pl.DataFrame, *, default_country: str | None) -> pl.DataFrame:
    """In: email, phone, country as typed. Out: the same rows and columns, and
    canonical_email, email_refusal, canonical_phone (E.164), phone_refusal, phone_country_source,
    phone_type, country_code (ISO alpha-2; null if nobody knows it).
    """
    named = (
        records.join(country_codes(records["country"]), on="country", how="left", maintain_order="left")
        .rename({"iso_country": "country_code"})
        .with_columns(canonical_email=canonical_email(pl.col("email")))
        .with_columns(email_refusal=email_refusal(pl.col("canonical_email")))
    )
    phones = resolve_phones(
        named.lazy().select("phone", country="country_code"), default_country=default_country
    ).collect()
    return named.join(
        phones.select(
            "phone",
            "phone_refusal",
            "phone_country_source",
            country_code="country",
            canonical_phone="phone_e164",
            phone_type=pl.lit(None, pl.String),
        ),
        on=["phone", "country_code"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
