"""CRM records as identity sees them: canonical identifiers, and which are shared by too many."""

from __future__ import annotations

import polars as pl

from schemas.settings import Joining


def canonical_records(customers: pl.DataFrame, joining: Joining) -> pl.DataFrame:
    """In: columns of `CanonicalCustomers`. Out: the same rows, `email`, `phone` and `country` in canonical form.

    An e-mail or phone on more records than `joining` allows is refused as `shared`; what was blanked for an erasure is
    none.
    """
    most = joining.shared_by_more_than
    return (
        customers.with_columns(_refusal("email", most), _refusal("phone", most))
        .with_columns(email="canonical_email", phone="canonical_phone", country="country_code")
        .drop("canonical_email", "canonical_phone", "country_code")
    )


def _refusal(identifier: str, most: int) -> pl.Expr:
    refusal, address = pl.col(f"{identifier}_refusal"), pl.col(f"canonical_{identifier}")
    # Counting by hash is several times faster than by text.
    shared = refusal.is_null() & address.is_not_null() & (pl.len().over(address.hash()) > most)
    return pl.when(shared).then(pl.lit("shared")).otherwise(refusal).alias(f"{identifier}_refusal")
