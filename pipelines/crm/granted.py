"""Of which erased records and addresses later grants speak: by the record or the address, by a digest of an e-mail, or
by the record that has the address tonight.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from catalog.duckdb_connection import literal
from pipelines.crm.consented_anew import asked_by_themselves, given_back, of_who_consented
from pipelines.crm.meant import emails_of, meant
from pipelines.crm.read import Crm
from pipelines.identifiers.digests import HEX_LENGTHS, is_prehashed, prehashed
from pipelines.identifiers.emails import canonical_email
from pipelines.identifiers.hashes import hashed
from pipelines.pieces import picked
from pipelines.tombstones.erased import ever_erased
from pipelines.tombstones.held import held_addresses, with_phone
from pipelines.tombstones.tombstones import Compared
from schemas.crm import ErasureRequests

NAMED = ("customer_id", "email", "phone")


class Spoken(NamedTuple):
    """`requests`: `ErasureRequests`, as if what is granted were asked for; `records`: at least the `CrmCustomers` rows
    that they may mean; `asked`: `ErasureRequests` for addresses that were asked for themselves, which no record gives
    back alone."""

    requests: pl.DataFrame
    records: pl.DataFrame
    asked: pl.DataFrame


def granted(standing: pl.DataFrame, crm: Crm, compared: Compared) -> Spoken:
    """Each record and address that has a tombstone in `standing` (`CrmErasures`) and of which a later grant in the CRM
    speaks. E-mails are named in each spelling.
    """
    named = [
        _named(grants, column, standing, compared.identity_key)
        for grants in _grants(crm, standing["requested_at"].min(), compared.default_country)
        for column in NAMED
    ]
    nothing = pl.DataFrame(ErasureRequests.create_empty())
    spoken = pl.concat([nothing, *named], how="diagonal")
    spoken = pl.concat([spoken, _emails_of_records(spoken, standing, crm, compared)], how="diagonal")
    by_id = spoken.drop_nulls("customer_id").group_by("customer_id").agg(pl.col("requested_at").max())
    asked = of_who_consented(standing, by_id, crm, compared)
    spellings = _spellings(pl.concat([spoken["email"], asked["email"]]), crm)
    sought = [spoken.drop("email"), spellings.select(email="spelling"), _base64(spellings), asked.select("phone")]
    # All customers are gone through once, for those who are spoken of and for those who have what was asked for.
    records = meant(pl.concat([nothing, *sought], how="diagonal"), crm)
    if not asked.is_empty():
        held = held_addresses(records, compared.default_country)
        covered = ever_erased(
            records["customer_id"], "customer_id", asked_by_themselves(standing), compared.identity_key
        )
        given = given_back(asked, _by_spelling(held, spellings), by_id, covered, crm)
        spoken = pl.concat([spoken, given], how="diagonal")
    return Spoken(_requests(spoken, spellings), records, _requests(asked, spellings))


def _requests(spoken: pl.DataFrame, spellings: pl.DataFrame) -> pl.DataFrame:
    """`ErasureRequests`, one for each id, spelling of an e-mail and phone, with its latest time."""
    columns = ErasureRequests.column_names()
    rows = pl.concat([pl.DataFrame(ErasureRequests.create_empty()), spoken], how="diagonal")
    every = rows.join(spellings, on="email", how="left").with_columns(email="spelling")
    latest = every.group_by(*NAMED).agg(pl.col("requested_at").max()).with_row_index("request_id")
    return latest.with_columns(pl.col("request_id").cast(pl.String)).select(columns)


def with_addresses(statements: pl.DataFrame, default_country: str | None) -> pl.DataFrame:
    """The statements (customer_id, address, captured_at) with `email`, which may be a digest in hex, and `phone` for
    the address. A phone on a form is read in the default country.
    """
    address = pl.col("address")
    emails = statements.with_columns(email=pl.coalesce(prehashed(address), canonical_email(address)))
    phoned = with_phone(emails.with_columns(country=pl.lit(None, pl.String)), "address", default_country)
    return phoned.select("customer_id", "address", "email", "captured_at", phone="phone_e164")


def _grants(crm: Crm, since: object, default_country: str | None) -> Iterator[pl.DataFrame]:
    """What `with_addresses` gives of the statements granted after `since`, piece by piece."""
    after = f"status = 'granted' AND captured_at > {literal(since)}"
    arrival = crm.read_ahead("consents").arrival
    for grants in arrival.every_in_pieces("customer_id, address, captured_at", after):
        yield with_addresses(grants, default_country)


def _named(grants: pl.DataFrame, column: str, standing: pl.DataFrame, identity_key: str) -> pl.DataFrame:
    """`column`, requested_at: each erased record or address that is granted."""
    erased = ever_erased(grants[column], column, standing, identity_key)
    latest = grants.filter(pl.col(column).is_in(erased.implode())).group_by(column)
    return picked(latest.agg(requested_at=pl.col("captured_at").max()))


def _emails_of_records(spoken: pl.DataFrame, standing: pl.DataFrame, crm: Crm, compared: Compared) -> pl.DataFrame:
    """email, requested_at: of the e-mails of records that are `spoken` of, those that were erased as a digest, with a
    record that had it."""
    by_id = spoken.filter(pl.col("customer_id").is_not_null())
    standing = standing.join(asked_by_themselves(standing), on="request_id", how="anti")
    # Hardly a CRM keeps digests: no others pay for it.
    if by_id.is_empty() or not standing["form"].str.starts_with("prehashed_").any():
        return spoken.clear().select("email", "requested_at")
    theirs = held_addresses(meant(by_id, crm), compared.default_country).filter(form="email")
    held = by_id.select("customer_id", "requested_at").join(theirs, on="customer_id")
    erased = ever_erased(held["value"], "email", standing, compared.identity_key)
    return held.filter(pl.col("value").is_in(erased.implode())).select("requested_at", email="value")


def _spellings(emails: pl.Series, crm: Crm) -> pl.DataFrame:
    """email, spelling: each e-mail and its digests; of a digest, the e-mail that somebody has it of, and that one's."""
    distinct = emails.drop_nulls().unique().rename("email")
    is_plain = distinct.str.contains("@", literal=True)
    known = emails_of(distinct.filter(~is_plain), crm).select(email="digest", plain="email")
    plain = pl.concat([pl.DataFrame({"email": distinct.filter(is_plain)}).with_columns(plain="email"), known])
    hashes = [plain.select("email", spelling=hashed(plain["plain"], how)) for how in HEX_LENGTHS]
    itself = distinct.to_frame().with_columns(spelling="email")
    return pl.concat([itself, known.rename({"plain": "spelling"}), *hashes]).unique()


def _base64(spellings: pl.DataFrame) -> pl.DataFrame:
    """email: the digests in base64, as some CRMs keep them."""
    digests = spellings.select(pl.col("spelling").filter(is_prehashed(pl.col("spelling"))).unique())
    # What is as long as a digest need not be one.
    return digests.select(email=pl.col("spelling").str.decode("hex", strict=False).bin.encode("base64")).drop_nulls()


def _by_spelling(held: pl.DataFrame, spellings: pl.DataFrame) -> pl.DataFrame:
    """`held_addresses`, once for each e-mail that an e-mail there is a spelling of."""
    emails = held.filter(form="email").join(spellings, left_on="value", right_on="spelling")
    phones = held.filter(form="phone").select("form", "value", "customer_id")
    return pl.concat([emails.select("form", "customer_id", value="email"), phones], how="diagonal").unique()
