"""Of which erased records and addresses later grants speak: by the record or the address, by a digest of an e-mail, or
by the record that has the address tonight.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from catalog.duckdb_connection import literal, store_frame
from pipelines.crm.meant import having_digests, meant
from pipelines.crm.read import Crm
from pipelines.customers.statements import with_digests
from pipelines.identifiers.digests import HEX_LENGTHS, prehashed
from pipelines.identifiers.emails import canonical_email
from pipelines.identifiers.hashes import hashed
from pipelines.pieces import picked
from pipelines.tombstones.erased import requests_for, requests_for_emails, tombstone_of
from pipelines.tombstones.held import held_addresses, with_phone
from pipelines.tombstones.tombstones import Compared, last_digits
from schemas.crm import ErasureRequests

NAMED = ("customer_id", "email", "phone")


def granted(standing: pl.DataFrame, crm: Crm, compared: Compared) -> pl.DataFrame:
    """`ErasureRequests`, as if what is granted were asked for: each record and address that has a tombstone in
    `standing` (`CrmErasures`) and of which a later grant in the CRM speaks. E-mails are named in each spelling.
    """
    named = [
        _named(grants, column, standing, compared.identity_key)
        for grants in _grants(crm, standing["requested_at"].min(), compared.default_country)
        for column in NAMED
    ]
    nothing = pl.DataFrame(ErasureRequests.create_empty())
    spoken = pl.concat([nothing, *named, _by_their_records(standing, crm, compared)], how="diagonal")
    spoken = pl.concat([spoken, _emails_of_records(spoken, standing, crm, compared)], how="diagonal")
    spelled = spoken.join(_spellings(spoken["email"], crm), on="email").with_columns(email="spelling")
    every = pl.concat([spoken, spelled.select(spoken.columns)])
    latest = every.group_by(*NAMED).agg(pl.col("requested_at").max()).with_row_index("request_id")
    return latest.with_columns(pl.col("request_id").cast(pl.String)).select(spoken.columns)


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
    erased = _erased(grants[column], column, standing, identity_key)
    latest = grants.filter(pl.col(column).is_in(erased.implode())).group_by(column)
    return picked(latest.agg(requested_at=pl.col("captured_at").max()))


def _erased(values: pl.Series, form: str, erasures: pl.DataFrame, identity_key: str) -> pl.Series:
    """Which of the values have a tombstone in the form; of an e-mail, as a digest too."""
    if form == "email":
        return requests_for_emails(values, erasures, identity_key)["value"].unique()
    return requests_for(values, form, erasures, identity_key)["value"].unique()


def _by_their_records(standing: pl.DataFrame, crm: Crm, compared: Compared) -> pl.DataFrame:
    """email, phone, requested_at: each address that was asked for itself, and that nobody has tonight who has not
    consented since by the record: to all to which the record ever consented, so that nothing older counts for it.
    """
    nothing = pl.DataFrame(ErasureRequests.create_empty()).select("email", "phone", "requested_at")
    # Whose address was erased with somebody else's record cannot give it back.
    by_person = standing.filter(pl.col("form") == "person").select("request_id").unique()
    asked = standing.join(by_person, on="request_id", how="anti")
    if asked.is_empty():
        return nothing
    consents, customers = crm.read_ahead("consents").arrival, crm.read_ahead("customers").arrival
    crm.connection.execute(
        "CREATE OR REPLACE TEMP TABLE _granted AS SELECT customer_id, min(granted_at) AS granted_at FROM "
        f"(SELECT customer_id, purpose, network, max(captured_at) AS granted_at FROM {consents.every} "
        "WHERE status = 'granted' AND customer_id IS NOT NULL GROUP BY customer_id, purpose, network) "
        f"GROUP BY customer_id HAVING min(granted_at) > {literal(asked['requested_at'].min())}"
    )
    rows = customers.every_in_pieces(
        "customer_id, email, phone, country", "customer_id IN (SELECT customer_id FROM _granted)"
    )
    candidates = pl.concat([picked(_with_erased(piece, asked, compared.identity_key)) for piece in rows])
    agreed = nothing if candidates.is_empty() else _agreed(candidates, asked, crm, compared)
    crm.connection.execute("DROP TABLE _granted")
    return pl.concat([nothing, agreed], how="diagonal")


def _agreed(candidates: pl.DataFrame, asked: pl.DataFrame, crm: Crm, compared: Compared) -> pl.DataFrame:
    """email, phone, requested_at: the addresses of the candidates (customer_id, email, phone, country) that have a
    tombstone in `asked` (`CrmErasures`) and of which every holder is in `_granted`.
    """
    held = held_addresses(candidates, compared.default_country)
    emails, phones = (
        _erased(held.filter(form=form)["value"], form, asked, compared.identity_key) for form in ("email", "phone")
    )
    holders = _holders(emails, phones, crm, compared.default_country)
    store_frame(crm.connection, "_holders", holders.select("customer_id").unique())
    since = crm.read_ahead("customers").arrival.read("FROM _granted SEMI JOIN _holders USING (customer_id)")
    every = holders.join(since, on="customer_id", how="left").group_by("form", "value")
    agreed = every.agg(pl.col("granted_at").min(), lacking=pl.col("granted_at").null_count()).filter(lacking=0)
    return agreed.select(
        *(pl.when(form=form).then("value").alias(form) for form in ("email", "phone")), requested_at="granted_at"
    )


def _with_erased(records: pl.DataFrame, erasures: pl.DataFrame, identity_key: str) -> pl.DataFrame:
    """The records (email, phone as typed) of which the e-mail, or a phone that ends alike, was erased."""
    emails = records.select(pl.coalesce(prehashed(pl.col("email")), canonical_email(pl.col("email"))))["email"]
    erased = _erased(emails, "email", erasures, identity_key)
    endings = tombstone_of(records.select(last_digits(pl.col("phone")))["phone"], "phone_ending", identity_key)
    stones = erasures.filter(pl.col("form") == "phone_ending")["tombstone"].unique()
    return records.filter(emails.is_in(erased.implode()) | endings.is_in(stones.implode()))


def _holders(emails: pl.Series, phones: pl.Series, crm: Crm, default_country: str | None) -> pl.DataFrame:
    """form, value, customer_id: whoever has each of the e-mails, in any spelling, and phones in the CRM tonight."""
    spellings = pl.concat([_spellings(emails, crm), pl.DataFrame({"email": emails, "spelling": emails})])
    texts = spellings["spelling"]
    # As a CRM has it that keeps digests so.
    base64 = texts.filter(~texts.str.contains("@", literal=True)).str.decode("hex").bin.encode("base64")
    sought = [pl.DataFrame({"email": pl.concat([texts, base64])}), pl.DataFrame({"phone": phones})]
    asked = pl.concat([pl.DataFrame(ErasureRequests.create_empty()), *sought], how="diagonal")
    held = held_addresses(meant(asked, crm), default_country).select("form", "value", "customer_id")
    by_email = held.filter(form="email").join(spellings, left_on="value", right_on="spelling")
    by_phone = held.filter(pl.col("form") == "phone", pl.col("value").is_in(phones.implode()))
    return pl.concat([by_email.select("form", "customer_id", value="email"), by_phone], how="diagonal").unique()


def _emails_of_records(spoken: pl.DataFrame, standing: pl.DataFrame, crm: Crm, compared: Compared) -> pl.DataFrame:
    """email, requested_at: of the e-mails of records that are `spoken` of, those that were asked for by a digest."""
    by_id = spoken.filter(pl.col("customer_id").is_not_null())
    # Hardly anybody asks by a digest: no others pay for it.
    if by_id.is_empty() or not standing["form"].str.starts_with("prehashed_").any():
        return spoken.clear().select("email", "requested_at")
    theirs = held_addresses(meant(by_id, crm), compared.default_country).filter(form="email")
    held = by_id.select("customer_id", "requested_at").join(theirs, on="customer_id")
    erased = _erased(held["value"], "email", standing, compared.identity_key)
    return held.filter(pl.col("value").is_in(erased.implode())).select("requested_at", email="value")


def _spellings(emails: pl.Series, crm: Crm) -> pl.DataFrame:
    """email, spelling: the digests of each e-mail; of a digest, the e-mail that somebody has it of, and that one's."""
    distinct = emails.drop_nulls().unique().rename("email")
    is_plain = distinct.str.contains("@", literal=True)
    digests = distinct.filter(~is_plain)
    held = having_digests(digests, crm).select(canonical_email(pl.col("email")))["email"]
    known = with_digests(held, digests).select(email="digest", plain="email")
    plain = pl.concat([pl.DataFrame({"email": distinct.filter(is_plain)}).with_columns(plain="email"), known])
    hashes = [plain.select("email", spelling=hashed(plain["plain"], how)) for how in HEX_LENGTHS]
    return pl.concat([known.rename({"plain": "spelling"}), *hashes]).unique()
