"""Addresses that were asked to be forgotten by themselves, and that the records which have them give back together."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import literal, store_frame
from pipelines.crm.read import Crm
from pipelines.identifiers.digests import prehashed
from pipelines.identifiers.emails import canonical_email
from pipelines.pieces import picked
from pipelines.tombstones.erased import ever_erased, tombstone_of
from pipelines.tombstones.held import held_addresses
from pipelines.tombstones.tombstones import Compared, last_digits
from schemas.crm import ErasureRequests


def of_who_consented(standing: pl.DataFrame, crm: Crm, compared: Compared) -> pl.DataFrame:
    """form (`email`, `phone`), value: each address that has a tombstone in `standing` (`CrmErasures`) because it was
    asked for itself, of a record that consented since to all to which it ever did, so that nothing older counts for it.
    """
    # Whose address was erased with somebody else's record cannot give it back.
    by_person = standing.filter(pl.col("form") == "person").select("request_id").unique()
    asked = standing.join(by_person, on="request_id", how="anti")
    if asked.is_empty():
        return pl.DataFrame(schema={"form": pl.String, "value": pl.String})
    crm.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _anew AS SELECT customer_id FROM ({_consented(crm, 'customer_id IS NOT NULL')}) "
        f"WHERE granted_at > {literal(asked['requested_at'].min())}"
    )
    rows = crm.read_ahead("customers").arrival.every_in_pieces(
        "customer_id, email, phone, country", "customer_id IN (FROM _anew)"
    )
    records = pl.concat([picked(_with_erased(piece, asked, compared.identity_key)) for piece in rows])
    crm.connection.execute("DROP TABLE _anew")
    held = held_addresses(records, compared.default_country)
    return pl.concat(
        pl.DataFrame(
            {"value": ever_erased(held.filter(form=form)["value"], form, asked, compared.identity_key)}
        ).select(form=pl.lit(form), value="value")
        for form in ("email", "phone")
    )


def given_back(addresses: pl.DataFrame, holders: pl.DataFrame, crm: Crm) -> pl.DataFrame:
    """email, phone, requested_at: the addresses that nobody has tonight who has not consented anew, and since when all
    of their holders have.

    In: addresses (form, value); holders (form, value, customer_id), at least whoever has one of them.
    """
    theirs = addresses.join(holders, on=["form", "value"])
    store_frame(crm.connection, "_holders", theirs.select("customer_id").unique())
    anew = crm.read_ahead("consents").arrival.read(_consented(crm, "customer_id IN (FROM _holders)"))
    every = theirs.join(anew, on="customer_id", how="left").group_by("form", "value")
    together = every.agg(pl.col("granted_at").min(), lacking=pl.col("granted_at").null_count()).filter(lacking=0)
    given = together.select(
        *(pl.when(form=form).then("value").alias(form) for form in ("email", "phone")), requested_at="granted_at"
    )
    return pl.concat([pl.DataFrame(ErasureRequests.create_empty()).select(given.columns), given])


def _consented(crm: Crm, condition: str) -> str:
    """SQL for customer_id, granted_at: since when the last consent to each, purpose by purpose, is of records that
    fulfil a condition."""
    return (
        "SELECT customer_id, min(granted_at) AS granted_at FROM "
        f"(SELECT customer_id, max(captured_at) AS granted_at FROM {crm.read_ahead('consents').arrival.every} "
        f"WHERE status = 'granted' AND {condition} GROUP BY customer_id, purpose, network) GROUP BY customer_id"
    )


def _with_erased(records: pl.DataFrame, erasures: pl.DataFrame, identity_key: str) -> pl.DataFrame:
    """The records (email, phone as typed) of which the e-mail, or a phone that ends alike, was erased."""
    emails = records.select(pl.coalesce(prehashed(pl.col("email")), canonical_email(pl.col("email"))))["email"]
    erased = ever_erased(emails, "email", erasures, identity_key)
    endings = tombstone_of(records.select(last_digits(pl.col("phone")))["phone"], "phone_ending", identity_key)
    stones = erasures.filter(pl.col("form") == "phone_ending")["tombstone"].unique()
    return records.filter(emails.is_in(erased.implode()) | endings.is_in(stones.implode()))
