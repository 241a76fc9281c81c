"""A CRM record's e-mail, phone and country in canonical form, with the reason where one is no match key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from pipelines.identifiers.digests import HEX_LENGTHS, Digest, is_digest
from pipelines.identifiers.digests import prehashed as digest_in_hex
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.refusals import email_refusal
from pipelines.identifiers.emails.wrapped import unwrapped
from pipelines.identifiers.nothing import hashes_of_nothing
from pipelines.identifiers.phones import resolve_phones
from pipelines.identifiers.places.countries import country_codes, unknown_countries


def with_canonical(
    records: pl.DataFrame, *, default_country: str | None, prehashed: Mapping[Literal["email"], Digest] | None = None
) -> pl.DataFrame:
    """In: email, phone, country as typed; with `prehashed`, `email` may hold such digests, which are then no refusal.

    Out: the same rows and columns, and
    canonical_email, email_refusal, canonical_phone (E.164), phone_refusal, phone_country_source,
    phone_type, country_code (ISO alpha-2; null if nobody knows it). A phone without a calling code beside a country
    that nobody knows is refused as `unknown_country`.
    """
    declared = (prehashed or {}).get("email")
    named = (
        records.join(country_codes(records["country"]), on="country", how="left", maintain_order="left")
        .rename({"iso_country": "country_code"})
        .with_columns(canonical_email=_canonical_email(declared))
        .with_columns(email_refusal=_email_refusal(declared))
        .pipe(_with_unwrapped)
    )
    # A column of digests would keep the library busy for nothing.
    dialled = named.with_columns(dialled=pl.when(~is_digest(pl.col("phone"))).then("phone"))
    phones = resolve_phones(
        dialled.lazy().select(phone="dialled", country="country_code"), default_country=default_country
    ).collect()
    hashed = pl.when(is_digest(pl.col("phone"))).then(pl.lit("already_hashed"))
    # Its default reading is kept, so that whoever forbids that number is heard, but it may be somebody else's.
    elsewhere = (pl.col("phone_country_source") == "default_country") & pl.col("country").is_in(
        unknown_countries(records["country"]).implode()
    )
    misread = pl.when(elsewhere).then(pl.lit("unknown_country"))
    return (
        dialled.join(
            phones.select(
                "phone_refusal",
                "phone_country_source",
                "phone_type",
                dialled="phone",
                country_code="country",
                canonical_phone="phone_e164",
            ),
            on=["dialled", "country_code"],
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        .with_columns(phone_refusal=pl.coalesce(hashed, misread, "phone_refusal"))
        .drop("dialled")
    )


def _with_unwrapped(records: pl.DataFrame) -> pl.DataFrame:
    """With the e-mail that stands in a text like `Ada <ada@x.fr>` as canonical_email, though it is no match key:
    whoever refuses, or is forgotten, by that address is found.
    """
    places = records["email_refusal"].eq("not_an_email").fill_null(value=False).arg_true()
    found = unwrapped(records["email"].gather(places), among_words=True).unique("place", keep="first")
    emails = found.select(canonical_email(pl.col("address"))).to_series()
    return records.with_columns(records["canonical_email"].scatter(places.gather(found["place"]), emails))


def _canonical_email(declared: Digest | None) -> pl.Expr:
    canonical = canonical_email(pl.col("email"))
    return canonical if declared is None else pl.coalesce(digest_in_hex(pl.col("email")), canonical)


def _email_refusal(declared: Digest | None) -> pl.Expr:
    refusal = email_refusal(pl.col("canonical_email"))
    if declared is None:
        return refusal
    canonical = pl.col("canonical_email")
    as_declared = (refusal == "already_hashed") & (canonical.str.len_bytes() == HEX_LENGTHS[declared])
    # Whoever has such a digest has no address: it would join strangers, and have every file refused.
    of_nothing = pl.when(canonical.is_in(hashes_of_nothing(declared))).then(pl.lit("placeholder"))
    return pl.when(as_declared).then(of_nothing).otherwise(refusal)
