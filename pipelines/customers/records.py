"""CRM records with canonical e-mail, phone and country, and the reason where one is no match key."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.countries import country_codes
from pipelines.identifiers.emails import canonical_email, email_refusal
from pipelines.identifiers.phones import resolve_phones
from schemas.settings import Settings


def canonical_records(customers: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """In: `crm_customers`. Out, a row a record: customer_id, email, email_refusal, phone (E.164), phone_refusal,
    phone_country_source, first_name, last_name, postal_code, country (ISO alpha-2), created_at, updated_at.

    An e-mail or phone on more records than the settings allow is refused as `shared`.
    """
    records = (
        customers.join(country_codes(customers["country"]), on="country", how="left", maintain_order="left")
        .with_columns(country="iso_country", email=canonical_email(pl.col("email")))
        .with_columns(email_refusal=email_refusal(pl.col("email")))
        .rename({"phone": "typed_phone"})
    )
    phones = resolve_phones(
        records.lazy().select(phone="typed_phone", country="country"), default_country=settings.default_country
    ).collect()
    records = records.join(
        phones.select("country", "phone_refusal", "phone_country_source", typed_phone="phone", phone="phone_e164"),
        on=["typed_phone", "country"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    most = settings.joining.shared_by_more_than
    return records.with_columns(_shared("email", most), _shared("phone", most)).select(
        "customer_id", "email", "email_refusal", "phone", "phone_refusal", "phone_country_source",
        "first_name", "last_name", "postal_code", "country", "created_at", "updated_at",
    )  # fmt: skip


def _shared(identifier: str, most: int) -> pl.Expr:
    refusal = pl.col(f"{identifier}_refusal")
    shared = refusal.is_null() & (pl.len().over(identifier) > most)
    return pl.when(shared).then(pl.lit("shared")).otherwise(refusal).alias(f"{identifier}_refusal")
