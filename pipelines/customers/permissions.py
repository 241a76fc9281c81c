"""Consent: where each person's keys may be sent. Who has said nothing may not be sent, unless the company assumes it.

Within one scope (a record or an address; a purpose; a network or all) the newest valid statement speaks, of equal times
the less permissive. Across a person's scopes the least permissive wins.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl

from pipelines.identifiers.emails import canonical_email
from pipelines.identifiers.phones import resolve_phones
from schemas.countries import country_codes as all_countries
from schemas.customers import Permissions
from schemas.network import Network
from schemas.settings import Purpose, Settings

#: How far a statement is from a yes.
_REFUSAL = {"granted": 0, "pending": 1, "unknown": 1, "denied": 2, "withdrawn": 2}


def permissions(  # noqa: PLR0913 - what a person said, and by which rules it is read
    records: pl.DataFrame,
    customers: pl.DataFrame,
    consents: pl.DataFrame,
    *,
    networks: dict[str, Network],
    settings: Settings,
    as_of: date,
) -> pl.DataFrame:
    """In: `CustomerRecords`, `Customers`, `CrmConsents`. Out: `Permissions`, for the given networks."""
    asked = sorted({purpose for network in networks.values() for purpose in network.consent})
    valid = _valid(consents, settings, as_of).filter(pl.col("purpose").is_in(asked))
    spoken = _by_person(_newest(valid), records, settings)
    parts = [_granted(customers, spoken, name, network, settings) for name, network in networks.items()]
    empty = pl.DataFrame(Permissions.create_empty())
    return pl.concat([empty, *parts]).sort("network", "person_id")


def instant_of(consents: pl.DataFrame, settings: Settings, as_of: date) -> datetime:
    """When statements must be valid: the end of the day, or the newest statement read if that is later."""
    end = datetime.combine(as_of + timedelta(days=1), datetime.min.time(), settings.zone)
    newest = consents["captured_at"].max()
    return max(end, newest) if isinstance(newest, datetime) else end


def _valid(consents: pl.DataFrame, settings: Settings, as_of: date) -> pl.DataFrame:
    instant = pl.lit(instant_of(consents, settings, as_of)).dt.convert_time_zone("UTC")
    begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= instant)
    lasting = pl.col("valid_to").is_null() | (pl.col("valid_to") > instant)
    return consents.filter(begun & lasting)


def _newest(consents: pl.DataFrame) -> pl.DataFrame:
    """A row a scope: customer_id or address, purpose, network, refusal. A statement of unknown time is the newest.

    A statement on a record and an address is one on each.
    """
    none = pl.lit(None, dtype=pl.String)
    consents = pl.concat(
        [
            consents.filter(pl.col("customer_id").is_not_null()).with_columns(address=none),
            consents.filter(pl.col("address").is_not_null()).with_columns(customer_id=none),
        ]
    )
    refusal = pl.col("status").replace_strict(_REFUSAL, return_dtype=pl.Int64)
    moment = pl.col("captured_at").dt.timestamp("us").fill_null(2**60)
    scopes = ["customer_id", "address", "purpose", "network"]
    return consents.group_by(scopes).agg(spoken=(moment * 4 + refusal).max()).with_columns(refusal=pl.col("spoken") % 4)


def _by_person(scopes: pl.DataFrame, records: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """person_id, purpose, network, refusal: the least permissive word on each of the person's scopes."""
    by_record = scopes.join(records.select("customer_id", "person_id"), on="customer_id")
    addressed = scopes.filter(pl.col("address").is_not_null())
    typed = addressed.select("address").unique()
    named = typed.with_columns(email=canonical_email(pl.col("address")))
    # A phone on a form has no country: it is read as each country that a customer lives in.
    numbers = typed.filter(~pl.col("address").str.contains("@")).join(records.select("country").unique(), how="cross")
    phones = resolve_phones(
        numbers.lazy().select("country", phone="address"), default_country=settings.default_country
    ).collect()
    holders = pl.concat(
        [
            named.join(records.select("email", "person_id").unique(), on="email").select("address", "person_id"),
            phones.select(address="phone", phone="phone_e164")
            .join(records.select("phone", "person_id").unique(), on="phone")
            .select("address", "person_id"),
        ]
    ).unique()
    by_address = addressed.join(holders, on="address")
    columns = ["person_id", "purpose", "network", "refusal"]
    return (
        pl.concat([by_record.select(columns), by_address.select(columns)])
        .group_by("person_id", "purpose", "network")
        .agg(pl.col("refusal").max())
    )


def _granted(
    customers: pl.DataFrame, spoken: pl.DataFrame, name: str, network: Network, settings: Settings
) -> pl.DataFrame:
    heard = spoken.filter(pl.col("network").is_null() | (pl.col("network") == name))
    allowed = customers.select("person_id", "country").with_columns(assumed=pl.lit(False))
    for purpose in network.consent:
        words = heard.filter(pl.col("purpose") == purpose).group_by("person_id").agg(pl.col("refusal").max())
        silent = pl.col("refusal").is_null()
        by_assumption = silent & pl.col("country").is_in(_assumed(purpose, settings)).fill_null(
            settings.assumed(purpose, None)
        )
        allowed = (
            allowed.join(words, on="person_id", how="left")
            .filter((pl.col("refusal") == 0).fill_null(False) | by_assumption)
            .with_columns(assumed=pl.col("assumed") | pl.col("refusal").is_null())
            .drop("refusal")
        )
    return allowed.select("person_id", network=pl.lit(name), assumed="assumed")


def _assumed(purpose: Purpose, settings: Settings) -> list[str]:
    """The countries of which silence counts as granted."""
    return [country for country in sorted(all_countries()) if settings.assumed(purpose, country)]
