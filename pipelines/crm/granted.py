"""Of which erased records and addresses later grants speak: by the record or the address, by a digest of an e-mail, or
by the record that has the address tonight.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from pipelines.crm.consented_anew import asked_by_themselves, given_back, of_who_consented
from pipelines.crm.known_digests import emails_of
from pipelines.crm.known_grants import KnownGrants
from pipelines.crm.meant import meant
from pipelines.crm.read import Crm
from pipelines.identifiers.digests import HEX_LENGTHS, Digest, is_prehashed
from pipelines.identifiers.hashes import hashed
from pipelines.pieces import picked
from pipelines.tombstones.erased import ever_erased, requests_for, requests_for_emails
from pipelines.tombstones.held import held_addresses
from pipelines.tombstones.tombstones import Compared
from schemas.crm import ErasureRequests

NAMED = ("customer_id", "email", "phone")


class Spoken(NamedTuple):
    """`requests`: `ErasureRequests`, as if what is granted were asked for; `records`: at least the `CrmCustomers` rows
    that they may mean; `digests`: `ErasureRequests` of the same names for digests of the e-mails of records that are
    named; `asked`: `ErasureRequests` for addresses that were asked for themselves, which no record gives back alone."""

    requests: pl.DataFrame
    records: pl.DataFrame
    digests: pl.DataFrame
    asked: pl.DataFrame


def granted(standing: pl.DataFrame, crm: Crm, compared: Compared) -> Spoken:
    """Each record and address that has a tombstone in `standing` (`CrmErasures`) and of which a later grant in the CRM
    speaks. E-mails are named in each spelling.
    """
    nothing = pl.DataFrame(ErasureRequests.create_empty())
    spoken = pl.concat([nothing, *_named(standing, crm, compared)], how="diagonal")
    by_id = spoken.drop_nulls("customer_id").group_by("customer_id").agg(pl.col("requested_at").max())
    asked = of_who_consented(standing, by_id, crm, compared)
    spellings = _spellings(pl.concat([spoken["email"], asked["email"]]), crm)
    sought = [spoken.drop("email"), spellings.select(email="spelling"), _base64(spellings), asked.select("phone")]
    # All customers are gone through once, for those who are spoken of and for those who have what was asked for.
    records = meant(pl.concat([nothing, *sought], how="diagonal"), crm)
    held = held_addresses(records, compared.default_country)
    if not asked.is_empty():
        covered = ever_erased(
            records["customer_id"], "customer_id", asked_by_themselves(standing), compared.identity_key
        )
        given = given_back(asked, _by_spelling(held, spellings), by_id, covered, crm)
        spoken = pl.concat([spoken, given], how="diagonal")
    requests = _requests(spoken, spellings)
    return Spoken(requests, records, _digests_of_records(requests, held, standing), _requests(asked, spellings))


def _requests(spoken: pl.DataFrame, spellings: pl.DataFrame) -> pl.DataFrame:
    """`ErasureRequests`, one for each id, spelling of an e-mail and phone, with its latest time."""
    columns = ErasureRequests.column_names()
    rows = pl.concat([pl.DataFrame(ErasureRequests.create_empty()), spoken], how="diagonal")
    every = rows.join(spellings, on="email", how="left").with_columns(email="spelling")
    latest = every.group_by(*NAMED).agg(pl.col("requested_at").max()).with_row_index("request_id")
    return latest.with_columns(pl.col("request_id").cast(pl.String)).select(columns)


def _named(standing: pl.DataFrame, crm: Crm, compared: Compared) -> Iterator[pl.DataFrame]:
    """customer_id, email or phone, requested_at: each erased record or address that a grant names after it was asked
    for, and when the last one does."""
    grants = crm.read_ahead("consents").once(KnownGrants, compared)
    key = compared.identity_key
    by_id = grants.by_id(standing)
    yield _granted_later(by_id, "customer_id", requests_for(by_id["customer_id"], "customer_id", standing, key))
    for rows in grants.by_address():
        yield _granted_later(rows, "email", requests_for_emails(rows["email"], standing, key))
        yield _granted_later(rows, "phone", requests_for(rows["phone"], "phone", standing, key))


def _granted_later(grants: pl.DataFrame, column: str, requests: pl.DataFrame) -> pl.DataFrame:
    """`column`, requested_at. In: `column`, granted_at; the requests (value, requested_at)."""
    later = grants.join(requests, left_on=column, right_on="value").filter(
        pl.col("granted_at") > pl.col("requested_at")
    )
    return picked(later.group_by(column).agg(requested_at=pl.col("granted_at").max()))


def _digests_of_records(requests: pl.DataFrame, held: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """`ErasureRequests` for the digests of the e-mails of the records that `requests` name, of which a CRM that has the
    e-mail now may have had the digest. In: `held_addresses` of the records."""
    # Hardly a CRM keeps digests: no others pay for it.
    kinds: list[Digest] = [how for how in HEX_LENGTHS if f"prehashed_{how}" in standing["form"]]
    emails = held.filter(pl.col("value").str.contains("@", literal=True), form="email").select("customer_id", "value")
    theirs = requests.select("request_id", "requested_at", "customer_id").join(emails, on="customer_id")
    digests = [theirs.with_columns(email=hashed(theirs["value"], how)) for how in kinds]
    nothing = pl.DataFrame(ErasureRequests.create_empty())
    return pl.concat(
        [nothing, *(each.select("request_id", "requested_at", "email") for each in digests)], how="diagonal"
    )


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
