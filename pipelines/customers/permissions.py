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
    """In: `PersonRecords`, `Customers`, `CrmConsents`. Out: `Permissions`, for the given networks."""
    asked = sorted({purpose for network in networks.values() for purpose in network.consent})
    statements = _scoped(consents.filter(pl.col("purpose").is_in(asked)), records, settings)
    valid = _valid(statements, instant_of(consents, settings, as_of))
    recorded = _by_person(statements, records).select("person_id", "purpose", "network").unique()
    spoken = (
        _by_person(_newest(valid), records).group_by("person_id", "purpose", "network").agg(pl.col("refusal").max())
    )
    parts = [
        _granted(customers, spoken, recorded, name=name, network=network, settings=settings)
        for name, network in networks.items()
    ]
    empty = pl.DataFrame(Permissions.create_empty())
    return pl.concat([empty, *parts]).sort("network", "person_id")


def instant_of(consents: pl.DataFrame, settings: Settings, as_of: date) -> datetime:
    """When statements must be valid: the end of the day, or the newest statement read if that is later."""
    end = datetime.combine(as_of + timedelta(days=1), datetime.min.time(), settings.zone)
    newest = consents["captured_at"].max()
    return max(end, newest) if isinstance(newest, datetime) else end


def _valid(consents: pl.DataFrame, valid_at: datetime) -> pl.DataFrame:
    instant = pl.lit(valid_at).dt.convert_time_zone("UTC")
    begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= instant)
    lasting = pl.col("valid_to").is_null() | (pl.col("valid_to") > instant)
    return consents.filter(begun & lasting)


def _scoped(consents: pl.DataFrame, records: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Statements by customer_id or by canonical address (e-mail or E.164); one on both is one on each.

    A phone on a form has no country. A refusal is heard in every country that a customer lives in; a grant in the
    default country only, or where that reading is none, in the one country that is left.
    """
    none = pl.lit(None, dtype=pl.String)
    refusal = pl.col("status").replace_strict(_REFUSAL, return_dtype=pl.Int64)
    # Who spoke at an unknown time refuses, whatever was said.
    refusal = pl.when(pl.col("captured_at").is_null()).then(pl.max_horizontal(refusal, 1)).otherwise(refusal)
    consents = consents.with_columns(refusal=refusal)
    addressed = consents.filter(pl.col("address").is_not_null()).with_columns(customer_id=none)
    email = pl.col("address").str.contains("@")
    typed = addressed.filter(~email).select(phone="address").unique()
    held = records.select("country").unique()
    readings = (
        resolve_phones(typed.join(held, how="cross").lazy(), default_country=settings.default_country)
        .collect()
        .filter(pl.col("phone_e164").is_not_null())
    )
    known = readings.filter(pl.col("phone_e164").is_in(records["phone"].drop_nulls().unique().implode()))
    default = resolve_phones(
        typed.with_columns(country=none).lazy(), default_country=settings.default_country
    ).collect()
    certain = pl.concat(
        [
            default.filter(pl.col("phone_e164").is_not_null()).select("phone", "phone_e164"),
            known.join(default.filter(pl.col("phone_e164").is_null()), on="phone", how="semi")
            .select("phone", "phone_e164")
            .unique()
            .filter(pl.len().over("phone") == 1),
        ]
    )
    any_of = known.select("phone", "phone_e164").unique()
    phoned = addressed.filter(~email).rename({"address": "phone"})
    heard = [
        phoned.filter(pl.col("refusal") == 0).join(certain, on="phone"),
        phoned.filter(pl.col("refusal") > 0).join(any_of, on="phone"),
    ]
    columns = consents.columns
    return pl.concat(
        [
            consents.filter(pl.col("customer_id").is_not_null()).with_columns(address=none),
            addressed.filter(email).with_columns(address=canonical_email(pl.col("address"))),
            *(part.rename({"phone_e164": "address"}).select(columns) for part in heard),
        ]
    )


def _newest(statements: pl.DataFrame) -> pl.DataFrame:
    """A row a scope: customer_id or address, purpose, network, refusal. A statement of unknown time is the newest."""
    refusal = pl.col("refusal")
    moment = pl.col("captured_at").dt.timestamp("us").fill_null(2**60)
    scopes = ["customer_id", "address", "purpose", "network"]
    return (
        statements.group_by(scopes).agg(spoken=(moment * 4 + refusal).max()).with_columns(refusal=pl.col("spoken") % 4)
    )


def _by_person(scopes: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """person_id, purpose, network, refusal: the scopes of each person."""
    columns = ["person_id", "purpose", "network", "refusal"]
    holders = pl.concat(
        [
            records.select("person_id", address=kind).filter(pl.col("address").is_not_null())
            for kind in ("email", "phone")
        ]
    ).unique()
    by_record = scopes.join(records.select("customer_id", "person_id"), on="customer_id")
    return pl.concat([by_record.select(columns), scopes.join(holders, on="address").select(columns)])


def _granted(  # noqa: PLR0913 - what was said, and the network that asks
    customers: pl.DataFrame,
    spoken: pl.DataFrame,
    recorded: pl.DataFrame,
    *,
    name: str,
    network: Network,
    settings: Settings,
) -> pl.DataFrame:
    heard = spoken.filter(pl.col("network").is_null() | (pl.col("network") == name))
    allowed = customers.select("person_id", "country").with_columns(assumed=pl.lit(False))
    for purpose in network.consent:
        words = heard.filter(pl.col("purpose") == purpose).group_by("person_id").agg(pl.col("refusal").max())
        said = recorded.filter(pl.col("purpose") == purpose, pl.col("network").is_null() | (pl.col("network") == name))[
            "person_id"
        ].unique()
        silent = pl.col("refusal").is_null() & ~pl.col("person_id").is_in(said.implode())
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
