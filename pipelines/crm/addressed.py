"""The addresses in statements, as they are compared."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.digests import prehashed
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.tombstones.held import with_phone


def with_addresses(statements: pl.DataFrame, default_country: str | None) -> pl.DataFrame:
    """The statements (address as typed, and whatever else) with `email`, which may be a digest in hex, and `phone` for
    the address. A phone on a form is read in the default country.
    """
    address = pl.col("address")
    emails = statements.with_columns(email=pl.coalesce(prehashed(address), canonical_email(address)))
    phoned = with_phone(emails.with_columns(country=pl.lit(None, pl.String)), "address", default_country)
    return phoned.select(*statements.columns, "email", phone="phone_e164")
