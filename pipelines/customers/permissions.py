"""Consent: where each person's keys may be sent. Who has said nothing may not be sent, unless the company assumes it.

Within one scope (a record or an address; a purpose; a network or all) the newest valid statement speaks, of equal times
the less permissive. Across a person's scopes the least permissive wins.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

import polars as pl

from pipelines.identifiers.digests import HEX_LENGTHS, Digest, is_digest, is_prehashed
from pipelines.identifiers.emails import canonical_email
from pipelines.identifiers.hashes import hashed
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
    instant: datetime,
) -> pl.DataFrame:
    """In: `PersonRecords`, `Customers`, `CrmConsents`. Out: `Permissions`, for the given networks.

    `instant` is when statements must be valid.
    """
    people = customers.select("person_id", "country").with_row_index("person")
    matters = _Matters(purposes_asked(networks), sorted(networks))
    words = _words(
        _statements(consents, matters, instant),
        records.join(people.select("person_id", "person"), on="person_id").with_row_index("record"),
        settings,
    )
    parts = [
        _granted(people, words, matters, name=name, network=network, settings=settings)
        for name, network in networks.items()
    ]
    empty = pl.DataFrame(Permissions.create_empty())
    return pl.concat([empty, *parts])


def purposes_asked(networks: dict[str, Network]) -> list[Purpose]:
    """The purposes that some network asks for: statements about others need not be read."""
    return sorted({purpose for network in networks.values() for purpose in network.consent})


def instant_of(newest_statement: datetime | None, settings: Settings, as_of: date) -> datetime:
    """When statements must be valid: the end of the day, or the newest statement read if that is later."""
    end = datetime.combine(as_of + timedelta(days=1), datetime.min.time(), settings.zone)
    return max(end, newest_statement) if newest_statement is not None else end


class _Matters(NamedTuple):
    """Numbers for what a statement is about, a purpose on a network or on all: numbers group faster than texts."""

    purposes: list[Purpose]
    networks: list[str]

    def number(self, purpose: pl.Expr, network: pl.Expr) -> pl.Expr:
        """The matter of each statement; null if nobody asks about it."""
        reach = network.replace_strict({name: place for place, name in enumerate(self.networks, 1)}, default=None)
        reach = pl.when(network.is_null()).then(0).otherwise(reach)
        return (purpose.replace_strict(self._places(), default=None) * self._reaches + reach).cast(pl.UInt32)

    def of(self, purpose: Purpose, network: str) -> list[int]:
        """The matters that speak of a purpose on a network."""
        first = self._places()[purpose] * self._reaches
        return [first, first + self.networks.index(network) + 1]

    def _places(self) -> dict[Purpose, int]:
        return {purpose: place for place, purpose in enumerate(self.purposes)}

    @property
    def _reaches(self) -> int:
        return len(self.networks) + 1


def _statements(consents: pl.DataFrame, matters: _Matters, instant: datetime) -> pl.DataFrame:
    """customer_id, address, matter, refusal, and `spoken`: what orders valid statements by time, then by refusal."""
    at = pl.lit(instant).dt.convert_time_zone("UTC")
    begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= at)
    lasting = pl.col("valid_to").is_null() | (pl.col("valid_to") > at)
    refusal = pl.col("status").replace_strict(_REFUSAL, return_dtype=pl.Int64)
    # Who spoke at an unknown time refuses, whatever was said, and last.
    refusal = pl.when(pl.col("captured_at").is_null()).then(pl.max_horizontal(refusal, 1)).otherwise(refusal)
    moment = pl.col("captured_at").dt.timestamp("us").fill_null(2**60)
    return consents.select(
        "customer_id",
        "address",
        matter=matters.number(pl.col("purpose"), pl.col("network")),
        refusal=refusal,
        spoken=pl.when(begun & lasting).then(moment * 4 + refusal),
    ).filter(pl.col("matter").is_not_null())


def _words(statements: pl.DataFrame, records: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """person, matter, refusal: the least permissive of a person's scopes; null if none of them is valid now.

    A scope is a record or an address; the newest of its statements speaks. One statement on both is one on each.
    """
    by_record = (
        statements.join(records.select("customer_id", "record", "person"), on="customer_id")
        .group_by("record", "matter")
        .agg(pl.col("person").first(), pl.col("spoken").max())
    )
    addressed = statements.filter(pl.col("address").is_not_null())
    by_address = (
        _by_canonical_address(addressed, records, settings)
        .group_by("address", "matter")
        .agg(pl.col("spoken").max())
        .join(_holders(records), on="address")
    )
    columns = ["person", "matter", "spoken"]
    return (
        pl.concat([by_record.select(columns), by_address.select(columns)])
        .group_by("person", "matter")
        .agg(refusal=(pl.col("spoken") % 4).max())
    )


def _holders(records: pl.DataFrame) -> pl.DataFrame:
    """address, person: whose each e-mail and phone is."""
    parts = [records.select("person", address=kind).drop_nulls() for kind in ("email", "phone")]
    return pl.concat(parts).unique()


def _by_canonical_address(addressed: pl.DataFrame, records: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """The statements with their address as an e-mail or E.164.

    A phone on a form has no country. A refusal is heard in every country that a customer lives in; a grant in the
    default country only, or where that reading is none, in the one country that is left.
    """
    none = pl.lit(None, dtype=pl.String)
    email = pl.col("address").str.contains("@", literal=True) | is_digest(pl.col("address"))
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
    columns = ["address", "matter", "spoken"]
    return pl.concat(
        [
            *_by_email(addressed.filter(email).select(columns), records),
            *(part.rename({"phone_e164": "address"}).select(columns) for part in heard),
        ]
    )


def _by_email(addressed: pl.DataFrame, records: pl.DataFrame) -> list[pl.DataFrame]:
    """The statements by canonical e-mail, and again by its digests of the kinds that records hold instead."""
    canonical = addressed.with_columns(canonical_email(pl.col("address")))
    held = records.select(pl.col("email").filter(is_prehashed(pl.col("email"))).str.len_bytes().unique()).to_series()
    kinds: list[Digest] = [how for how, length in HEX_LENGTHS.items() if length in held]
    typed = canonical.filter(pl.col("address").str.contains("@", literal=True))
    return [canonical, *(typed.with_columns(address=hashed(typed["address"], how)) for how in kinds)]


def _granted(  # noqa: PLR0913 - who is asked about, what was said, and the network that asks
    people: pl.DataFrame,
    words: pl.DataFrame,
    matters: _Matters,
    *,
    name: str,
    network: Network,
    settings: Settings,
) -> pl.DataFrame:
    allowed = people.with_columns(assumed=pl.lit(False))
    for purpose in network.consent:
        heard = words.filter(pl.col("matter").is_in(matters.of(purpose, name)))
        said = heard.group_by("person").agg(pl.col("refusal").max(), has_spoken=pl.lit(True))
        assumed_there = pl.col("country").is_in(_assumed(purpose, settings)).fill_null(settings.assumed(purpose, None))
        silent = pl.col("has_spoken").is_null()
        allowed = (
            allowed.join(said, on="person", how="left")
            .filter((pl.col("refusal") == 0).fill_null(False) | (silent & assumed_there))
            .with_columns(assumed=pl.col("assumed") | silent)
            .drop("refusal", "has_spoken")
        )
    return allowed.select("person_id", network=pl.lit(name), assumed="assumed")


def _assumed(purpose: Purpose, settings: Settings) -> list[str]:
    """The countries of which silence counts as granted."""
    return [country for country in sorted(all_countries()) if settings.assumed(purpose, country)]
