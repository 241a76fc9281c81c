"""The addresses that a customer's row has, wherever in it they stand and whatever stands around them."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.digests import SHORTEST, is_digest, prehashed
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.wrapped import each_unwrapped
from pipelines.identifiers.phones import resolve_phones
from pipelines.identifiers.places.countries import country_codes

#: Whether a phone as typed may be, or have within it, an e-mail or the digest of one.
EMAIL_ASTRAY = pl.col("phone").str.contains("@", literal=True) | (pl.col("phone").str.len_bytes() >= SHORTEST)


def held_addresses(customers: pl.DataFrame, default_country: str | None) -> pl.DataFrame:
    """customer_id, form (`email`; `phone`, in E.164; `phone_text`, as it is typed, where that is no number), value,
    further: each address in the rows, which may stand in the other's column; a digest of an e-mail in hex. `further`
    are the e-mails beside the first of a cell, which is theirs to every rule (docs/decisions/0048).

    In: customer_id, email, phone, country as typed.
    """
    email, phone = pl.col("email"), pl.col("phone")
    rows = customers.select("customer_id", "email", "phone", "country").with_row_index("row")
    is_email = email.str.contains("@", literal=True) | is_digest(email)
    astray = with_phone(rows.filter(~is_email), "email", default_country).drop_nulls("phone_e164")
    address = pl.col("address")
    in_phones = each_unwrapped(
        rows.filter(EMAIL_ASTRAY).select("row", "customer_id", address=phone, cell=pl.lit("phone")),
        "address",
        among_words=True,
    ).filter(address.str.contains("@", literal=True) | is_digest(address))
    in_emails = each_unwrapped(
        rows.join(astray, on="row", how="anti").select("row", "customer_id", address=email, cell=pl.lit("email")),
        "address",
        among_words=True,
    )
    each = pl.concat([in_emails, in_phones]).select(
        "customer_id",
        form=pl.lit("email"),
        value=pl.coalesce(prehashed(address), canonical_email(address)),
        further=~pl.struct("row", "cell").is_first_distinct(),
    )
    dialled = with_phone(rows.join(in_phones, on="row", how="anti"), "phone", default_country)
    none, number = pl.lit(False), pl.col("phone_e164")
    phones = [
        astray.select("customer_id", form=pl.lit("phone"), value=number, further=none),
        dialled.drop_nulls("phone_e164").select("customer_id", form=pl.lit("phone"), value=number, further=none),
        dialled.filter(number.is_null()).select("customer_id", form=pl.lit("phone_text"), value=phone, further=none),
    ]
    return pl.concat([each, *phones]).drop_nulls("value").unique()


def with_phone(rows: pl.DataFrame, column: str, default_country: str | None) -> pl.DataFrame:
    """The rows with `phone_e164`; a phone that is an e-mail, or a digest, is none."""
    codes = country_codes(rows["country"])
    numbered = rows.join(codes, on="country", how="left", maintain_order="left").with_columns(
        # A column of digests would keep the library busy for nothing.
        typed_phone=pl.when(~pl.col(column).str.contains("@", literal=True) & ~is_digest(pl.col(column))).then(column)
    )
    phones = resolve_phones(
        numbered.lazy().select(phone="typed_phone", country="iso_country"), default_country=default_country
    ).collect()
    return numbered.join(
        phones.select(typed_phone="phone", iso_country="country", phone_e164="phone_e164"),
        on=["typed_phone", "iso_country"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
