"""Consents granted after a request: they bring back whom they speak of, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from catalog.duckdb_connection import literal
from pipelines.crm.meant import meant
from pipelines.crm.read import Crm
from pipelines.identifiers.digests import prehashed
from pipelines.identifiers.emails import canonical_email
from pipelines.pieces import picked
from pipelines.tombstones.erased import in_countries_of_alike, requests_for, requests_for_emails
from pipelines.tombstones.held import with_phone
from pipelines.tombstones.tombstones import Compared, person_tombstones, tombstones
from schemas.crm import TOMBSTONE, CrmErasures, ErasureRequests
from schemas.network import Network

_NAMED = ("customer_id", "email", "phone")


def with_lifted(erasures: pl.DataFrame, crm: Crm, compared: Compared, networks: dict[str, Network]) -> pl.DataFrame:
    """`CrmErasures` with `lifted_at` of each tombstone that a later grant speaks of, as the CRM stands now.

    A grant uncovers what a request by the same record or address would cover: that record and its addresses, or that
    address and the records that have no other.
    """
    standing = erasures.with_columns(lifted_at=pl.lit(None, dtype=erasures.schema["lifted_at"]))
    if standing.is_empty():
        return standing
    named = [
        _named(grants, column, standing, compared.identity_key)
        for grants in _grants(crm, standing["requested_at"].min(), compared.default_country)
        for column in _NAMED
    ]
    spoken = pl.concat([pl.DataFrame(ErasureRequests.create_empty()), *named], how="diagonal")
    latest = spoken.group_by(*_NAMED).agg(pl.col("requested_at").max()).with_row_index("request_id")
    if latest.is_empty():
        return standing
    spoken = latest.with_columns(pl.col("request_id").cast(pl.String)).select(spoken.columns)
    held = meant(spoken, crm)
    uncovered = pl.concat(
        [
            tombstones(spoken, held, compared, networks=networks),
            person_tombstones(spoken, compared.identity_key),
        ]
    ).select("form", "tombstone", grant="request_id", granted_at="requested_at")
    return (
        standing.drop("lifted_at")
        .join(_lifted(standing, uncovered), on=TOMBSTONE, how="left", maintain_order="left")
        .select(CrmErasures.column_names())
    )


def _lifted(standing: pl.DataFrame, uncovered: pl.DataFrame) -> pl.DataFrame:
    """`TOMBSTONE`, lifted_at: the tombstones that a grant lifts. In: `CrmErasures`; grant, granted_at, form, tombstone.

    What others can have too, as a name and postcode or one mailbox's form of several addresses, is lifted only of a
    request that covers the record or address that was granted: of another it is somebody else's.
    """
    later = standing.select(*TOMBSTONE, "requested_at").join(uncovered, on=["form", "tombstone"])
    later = later.filter(pl.col("granted_at") > pl.col("requested_at"))
    own = later.filter(pl.col("form").is_in(_NAMED))
    with_own = later.join(own, on=["request_id", "grant"], how="semi")
    return with_own.group_by(TOMBSTONE).agg(lifted_at=pl.col("granted_at").max())


def voided_grants(statements: pl.DataFrame, erasures: pl.DataFrame, compared: Compared) -> pl.Series:
    """For each granted statement, whether a request that was lifted since voids it: only what came after it counts.

    In: statements (customer_id, address, captured_at); erasures (`CrmErasures`). Out: Boolean, row by row. Whatever a
    grant may be heard by is looked at: an e-mail where its digest was asked for, or the other way round, and a phone
    that is none in the default country as one of the countries of erased phones that end alike.
    """
    lifted = erasures.filter(pl.col("lifted_at").is_not_null())
    rows = _canonical(statements, compared.default_country).with_row_index("place")
    abroad = in_countries_of_alike(
        rows.filter(pl.col("phone").is_null()).select("address"), lifted, compared.identity_key
    )
    elsewhere = with_phone(abroad, "address", None).select("address", elsewhere="phone_e164").unique()
    located = rows.join(elsewhere, on="address", how="left").with_columns(pl.coalesce("phone", "elsewhere"))
    asking = {
        "customer_id": requests_for(rows["customer_id"], "customer_id", lifted, compared.identity_key),
        "email": requests_for_emails(rows["email"], lifted, compared.identity_key),
        "phone": requests_for(located["phone"], "phone", lifted, compared.identity_key),
    }
    later = [
        located.join(requests, left_on=column, right_on="value").filter(pl.col("captured_at") <= pl.col("requested_at"))
        for column, requests in asking.items()
    ]
    voided = pl.concat(each.select("place") for each in later)["place"].unique()
    return rows["place"].is_in(voided.implode())


def _grants(crm: Crm, since: object, default_country: str | None) -> Iterator[pl.DataFrame]:
    """customer_id, email, phone, captured_at: whom statements granted after `since` speak of, piece by piece."""
    after = f"status = 'granted' AND captured_at > {literal(since)}"
    arrival = crm.read_ahead("consents").arrival
    for granted in arrival.every_in_pieces("customer_id, address, captured_at", after):
        yield _canonical(granted, default_country)


def _canonical(statements: pl.DataFrame, default_country: str | None) -> pl.DataFrame:
    """The statements with `email`, which may be a digest in hex, and `phone` for the address. A phone on a form is read
    in the default country."""
    address = pl.col("address")
    emails = statements.with_columns(email=pl.coalesce(prehashed(address), canonical_email(address)))
    phoned = with_phone(emails.with_columns(country=pl.lit(None, pl.String)), "address", default_country)
    return phoned.select("customer_id", "address", "email", "captured_at", phone="phone_e164")


def _named(grants: pl.DataFrame, column: str, standing: pl.DataFrame, identity_key: str) -> pl.DataFrame:
    """request_id, `column`, requested_at: each erased record or address that is granted, as if it were asked for."""
    erased = requests_for(grants[column], column, standing, identity_key)["value"].unique()
    granted = grants.filter(pl.col(column).is_in(erased.implode())).group_by(column)
    latest = granted.agg(requested_at=pl.col("captured_at").max())
    return picked(latest.with_columns(request_id=pl.lit("grant")))
