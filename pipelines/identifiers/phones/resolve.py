"""Both paths together: what the fast path is not sure of goes to the library, each distinct field once."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.phones.decisive import ALL
from pipelines.identifiers.phones.fast import Read, read_fast, written_out
from pipelines.identifiers.phones.library import READING, read_phone
from pipelines.identifiers.phones.metadata import REGIONS

#: The columns' steps take as long for one field as the library takes for two thousand: so few it reads alone (measured:
#: 0.09 s of CPU for two thousand fields by the library, 0.145 s in columns).
FEW = 2000


def resolve_phones(phones: pl.LazyFrame, *, default_country: str | None) -> pl.LazyFrame:
    """Each distinct field as E.164 with the region it belongs to, or the reason why it is refused; in no order.

    The fields are read now and not when the result is collected: their readings are worked out once and shared, which
    a query cannot do.

    In: phone (as typed), country (the record's own, ISO alpha-2 or null).
    Out: phone, country, one row for each distinct pair, and
        phone_e164, phone_country: null when refused; the country of a number without one is 001;
        phone_country_source: international, own_country or default_country, null when refused;
        phone_refusal: blank, placeholder, no_country, bare_plus, several_numbers, not_a_number or not_valid,
            null when accepted;
        phone_type: mobile, fixed_line, fixed_line_or_mobile, toll_free, premium_rate, shared_cost, voip,
            personal_number, pager, uan or voicemail, null when refused.
    """
    pairs = _distinct(phones.select(pl.col("phone", "country").cast(pl.String)).collect())
    if pairs.height <= FEW:
        alone = _read_by_library(pairs, default_country)
        places = pl.int_range(pairs.height, dtype=pl.UInt32, eager=True)
        return written_out(Read(pairs.with_columns(digits=pl.lit(""), place=places), alone)).lazy()
    fields, readings = read_fast(pairs.lazy(), default_country=default_country)
    unread = fields["place"].is_null().arg_true()
    by_library = _read_by_library(fields.select(pl.col("phone", "country").gather(unread)), default_country)
    places = fields["place"].scatter(unread, pl.int_range(readings.height, readings.height + len(unread), eager=True))
    together = pl.concat([readings, by_library], how="diagonal_relaxed")
    return written_out(Read(fields.with_columns(place=places), together)).lazy()


def _distinct(pairs: pl.DataFrame) -> pl.DataFrame:
    """The distinct rows. Hashes tell most apart for a third of the time; only rows that share one are compared."""
    hashes = pairs.lazy().select(pl.col("phone").hash() ^ pl.col("country").hash(seed=1)).collect().to_series()
    ordered = hashes.sort()
    shared = ordered.filter(ordered == ordered.shift()).unique()
    if shared.is_empty():
        return pairs
    is_shared = hashes.is_in(shared.implode())
    return pl.concat([pairs.filter(~is_shared), pairs.filter(is_shared).unique()])


def _read_by_library(fields: pl.DataFrame, default_country: str | None) -> pl.DataFrame:
    """phone, country → the readings of `Read`, row by row."""
    default = default_country if default_country in REGIONS else None
    readings = [
        read_phone(phone, own_country=country if country in REGIONS else None, default_country=default)
        for phone, country in fields.iter_rows()
    ]
    return pl.DataFrame(readings, schema=READING, orient="row").select(
        "phone_country",
        "phone_refusal",
        "phone_type",
        start="phone_e164",
        decisive=pl.lit(ALL, pl.Int64),
        phone_country_source="phone_country_source",
    )
