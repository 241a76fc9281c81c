"""What people said about consent, read as the rule reads it: who spoke about what, in which scope, and what speaks.

A scope is a record or an address, a purpose, and a network or all of them. Within a scope the newest valid statement
speaks, of equal times the less permissive.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import polars as pl

from pipelines.customers.opt_outs import with_opt_outs
from pipelines.identifiers.digests import digest_kinds, is_digest, is_prehashed, prehashed
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.other_hosts import with_other_hosts
from pipelines.identifiers.emails.refusals import is_placeholder
from pipelines.identifiers.hashes import hashed
from pipelines.identifiers.phones import resolve_phones
from schemas.settings import Purpose, Settings

#: How far a statement is from a yes.
_REFUSAL = {"granted": 0, "pending": 1, "unknown": 1, "denied": 2, "withdrawn": 2}

#: Later than any statement, in microseconds.
UNKNOWN_TIME = 2**60


class Matters(NamedTuple):
    """Numbers for what a statement is about, a purpose on a network or on all: numbers group faster than texts."""

    purposes: list[Purpose]
    networks: list[str]

    def number(self, purpose: pl.Expr, network: pl.Expr) -> pl.Expr:
        """The matter of each statement; null if nobody asks about it."""
        reach = network.replace_strict({name: place for place, name in enumerate(self.networks, 1)}, default=None)
        reach = pl.when(network.is_null()).then(0).otherwise(reach)
        return (purpose.replace_strict(self._places(), default=None) * self._reaches + reach).cast(pl.UInt32)

    def of(self, purpose: Purpose, network: str | None = None) -> int:
        """The matter of a purpose on one network, or on all."""
        reach = 0 if network is None else self.networks.index(network) + 1
        return self._places()[purpose] * self._reaches + reach

    def named(self) -> pl.DataFrame:
        """matter, purpose, network (null: all) of everything that a statement may be about."""
        reaches: list[str | None] = [None, *self.networks]
        every = [(self.of(purpose, reach), purpose, reach) for purpose in self.purposes for reach in reaches]
        schema = {"matter": pl.UInt32, "purpose": pl.String, "network": pl.String}
        return pl.DataFrame(every, schema=schema, orient="row")

    def _places(self) -> dict[Purpose, int]:
        return {purpose: place for place, purpose in enumerate(self.purposes)}

    @property
    def _reaches(self) -> int:
        return len(self.networks) + 1


def matters_of(consents: pl.DataFrame, matters: Matters, instant: datetime) -> pl.DataFrame:
    """`CrmConsents` and, for those that somebody asks about, matter, refusal (0 granted, 1 not known, 2 refused) and
    `spoken`: what orders statements that are valid at `instant` by time, then by refusal; null for the others.
    """
    at = pl.lit(instant).dt.convert_time_zone("UTC")
    begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= at)
    lasting = pl.col("valid_to").is_null() | (pl.col("valid_to") > at)
    refusal = pl.col("status").replace_strict(_REFUSAL, return_dtype=pl.Int64)
    # Who spoke at an unknown time refuses, whatever was said, and last.
    refusal = pl.when(pl.col("captured_at").is_null()).then(pl.max_horizontal(refusal, 1)).otherwise(refusal)
    moment = pl.col("captured_at").dt.timestamp("us").fill_null(UNKNOWN_TIME)
    # Of a no that ended before it began, or was said, as with a filler of 1900, nobody knows that it ended.
    began = pl.coalesce("valid_from", "captured_at")
    stands = (refusal > 0) & (pl.col("valid_to") <= began).fill_null(value=False)
    return (
        with_opt_outs(consents)
        .with_columns(
            matter=matters.number(pl.col("purpose"), pl.col("network")),
            refusal=refusal,
            spoken=pl.when((begun & lasting) | stands).then(moment * 4 + refusal),
        )
        .filter(pl.col("matter").is_not_null())
    )


def by_record(statements: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """The statements on records, with the record's `record` and `person`."""
    return statements.join(records.select("customer_id", "record", "person"), on="customer_id")


def newest_refusals(statements: pl.DataFrame, matters: Matters, instant: datetime) -> pl.DataFrame:
    """given (a customer_id), matter, spoken: of each id the newest statement, where it is no yes. In: columns of
    `CrmConsents`."""
    newest = matters_of(statements, matters, instant).group_by("matter", given="customer_id")
    return newest.agg(pl.col("spoken").max()).filter(pl.col("spoken") % 4 > 0).select("given", "matter", "spoken")


def by_canonical_address(
    statements: pl.DataFrame,
    records: pl.DataFrame,
    settings: Settings,
    somebodys: Callable[[pl.Series], pl.Series] | None = None,
) -> pl.DataFrame:
    """The statements on addresses, with the `address` as an e-mail or E.164. In: everybody's records; `somebodys` tells
    which of some numbers somebody has, if the records do not have their phones.

    A phone on a form has no country. A refusal is heard in the default country and in every one that a customer lives
    in; a grant in the default country only, or where that reading is none, in the one country that is left.
    """
    addressed = statements.filter(pl.col("address").is_not_null())
    none = pl.lit(None, dtype=pl.String)
    email = pl.col("address").str.contains("@", literal=True) | is_digest(pl.col("address"))
    typed = addressed.filter(~email).select(phone="address").unique()
    # The row without a country stands for the default one, where perhaps no customer lives.
    held = pl.concat([records.select("country"), pl.DataFrame({"country": [None]}, {"country": pl.String})]).unique()
    readings = (
        resolve_phones(typed.join(held, how="cross").lazy(), default_country=settings.default_country)
        .collect()
        .filter(pl.col("phone_e164").is_not_null())
    )
    numbers = readings["phone_e164"].unique()
    # Few numbers are typed: everybody's need not be held twice.
    held_numbers = (
        somebodys(numbers) if somebodys else records["phone"].filter(records["phone"].is_in(numbers.implode()))
    )
    known = readings.filter(pl.col("phone_e164").is_in(held_numbers.unique().implode()))
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
    return pl.concat(
        [
            *_by_email(addressed.filter(email), records),
            *(part.rename({"phone_e164": "address"}).select(addressed.columns) for part in heard),
        ]
    )


def _by_email(addressed: pl.DataFrame, records: pl.DataFrame) -> list[pl.DataFrame]:
    """The statements by canonical e-mail, and again by those of its digests that records hold instead. One on a digest
    is one on each e-mail of the records that has it.

    A grant by a placeholder is nobody's: those who typed the same into another form have not agreed. What is refused
    last is so by every name of the host.
    """
    by_digest = is_digest(pl.col("address"))
    named = addressed.filter(by_digest).with_columns(prehashed(pl.col("address")))
    found = named.join(with_digests(records["email"], named["address"]), left_on="address", right_on="digest")
    typed = addressed.filter(~by_digest).with_columns(canonical_email(pl.col("address")))
    last = pl.col("spoken") == pl.col("spoken").max().over("address", "matter")
    refused = typed.filter(last, pl.col("refusal") > 0)
    elsewhere = refused.join(with_other_hosts(refused["address"]), left_on="address", right_on="email")
    typed = pl.concat([typed, elsewhere.with_columns(address="other").select(typed.columns)])
    canonical = pl.concat([typed, found.with_columns(address="email").select(typed.columns)]).filter(
        (pl.col("refusal") > 0) | ~is_placeholder(pl.col("address"))
    )
    held = records.select(pl.col("email").filter(is_prehashed(pl.col("email"))).unique()).to_series()
    digests = (canonical.with_columns(address=hashed(canonical["address"], how)) for how in digest_kinds(held))
    return [canonical, named, *(each.filter(pl.col("address").is_in(held.implode())) for each in digests)]


def named_emails(addresses: pl.Series) -> pl.Series:
    """Addresses as typed, as `email`, row by row: an e-mail canonical, a digest of one in hex, a phone null."""
    address = pl.col("address")
    email = pl.when(address.str.contains("@", literal=True)).then(canonical_email(address))
    return addresses.to_frame("address").select(pl.coalesce(email, prehashed(address)).alias("email"))["email"]


def with_digests(emails: pl.Series, digests: pl.Series) -> pl.DataFrame:
    """email, digest: those of the canonical e-mails that have one of the digests (lower-case hex)."""
    found = [pl.DataFrame(schema={"email": pl.String, "digest": pl.String})]
    for how in digest_kinds(digests):
        plain = emails.filter(emails.str.contains("@", literal=True)).unique()
        found.append(pl.DataFrame({"email": plain, "digest": hashed(plain, how)}))
    return pl.concat(found).filter(pl.col("digest").is_in(digests.implode()))


def holders(records: pl.DataFrame, person: str = "person") -> pl.DataFrame:
    """address, and the column that names the person: whose each e-mail and phone is."""
    parts = [records.select(person, address=kind).drop_nulls() for kind in ("email", "phone")]
    return pl.concat(parts).unique()
