"""Consents granted after a request: they bring back whom they speak of, and nothing else does."""

from __future__ import annotations

import polars as pl

from pipelines.crm.addressed import with_addresses
from pipelines.crm.consented_anew import asked_by_themselves
from pipelines.crm.granted import NAMED, granted
from pipelines.crm.read import Crm
from pipelines.identifiers.digests import HEX_LENGTHS
from pipelines.tombstones.erased import in_countries_of_alike, requests_for, requests_for_emails
from pipelines.tombstones.held import with_phone
from pipelines.tombstones.tombstones import Compared, person_tombstones, tombstones
from schemas.crm import TOMBSTONE, CrmErasures
from schemas.network import Network

#: What is one record's or address's alone.
_OWN = [*NAMED, *(f"{kind}_{how}" for kind in ("digest", "prehashed") for how in HEX_LENGTHS)]


def with_lifted(erasures: pl.DataFrame, crm: Crm, compared: Compared, networks: dict[str, Network]) -> pl.DataFrame:
    """`CrmErasures` with `lifted_at` of each tombstone that a later grant speaks of, as the CRM stands now.

    A grant uncovers what a request by the same record or address would cover: that record and its addresses, or that
    address and the records that have no other (`granted`). An address that was asked for itself is given back by all
    records together that have it.
    """
    standing = erasures.with_columns(lifted_at=pl.lit(None, dtype=erasures.schema["lifted_at"]))
    if standing.is_empty():
        return standing
    spoken, records, digests, asked = granted(standing, crm, compared)
    if spoken.is_empty():
        return standing
    uncovered = pl.concat(
        [
            tombstones(spoken, records, compared, networks=networks),
            # Of the records that were named alone: not as if the digests had been granted.
            tombstones(digests, records.clear(), compared, networks=networks),
            person_tombstones(spoken, compared.identity_key),
        ]
    ).select("form", "tombstone", grant="request_id", granted_at="requested_at")
    forms_asked = tombstones(asked, records.clear(), compared, networks=networks)
    lifted = _lifted(
        standing,
        uncovered.with_columns(
            by_record=pl.col("grant").is_in(spoken.drop_nulls("customer_id")["request_id"].implode())
        ),
        alone=asked_by_themselves(standing).join(forms_asked, on=["form", "tombstone"], how="semi"),
    )
    return (
        standing.drop("lifted_at")
        .join(lifted, on=TOMBSTONE, how="left", maintain_order="left")
        .select(CrmErasures.column_names())
    )


def _lifted(standing: pl.DataFrame, uncovered: pl.DataFrame, *, alone: pl.DataFrame) -> pl.DataFrame:
    """`TOMBSTONE`, lifted_at: the tombstones that a grant lifts. In: `CrmErasures`; grant, by_record, granted_at, form,
    tombstone; the `CrmErasures` of addresses that were asked for alone, which no grant by a record lifts.

    A grant by a record lifts what requests that cover this record erased: what another one erased with somebody's
    record stays theirs. One by an address lifts only of requests that name it what others can have too, as a name and
    postcode or one mailbox's form of several addresses.
    """
    later = standing.select(*TOMBSTONE, "requested_at").join(uncovered, on=["form", "tombstone"])
    later = later.filter(pl.col("granted_at") > pl.col("requested_at"))
    own = pl.when("by_record").then(pl.col("form") == "customer_id").otherwise(pl.col("form").is_in(_OWN))
    with_own = later.join(later.filter(own), on=["request_id", "grant"], how="semi")
    by_address = with_own.filter(~pl.col("by_record"))
    by_record = with_own.filter("by_record").join(alone, on=TOMBSTONE, how="anti")
    return pl.concat([by_address, by_record]).group_by(TOMBSTONE).agg(lifted_at=pl.col("granted_at").max())


def voided_grants(statements: pl.DataFrame, erasures: pl.DataFrame, compared: Compared) -> pl.Series:
    """For each granted statement, whether a request that was lifted since voids it: only what came after it counts.

    In: statements (customer_id, address, captured_at); erasures (`CrmErasures`). Out: Boolean, row by row. Whatever a
    grant may be heard by is looked at: an e-mail where its digest was asked for, or the other way round, and a phone
    that is none in the default country as one of the countries of erased phones that end alike.
    """
    lifted = erasures.filter(pl.col("lifted_at").is_not_null())
    rows = with_addresses(statements, compared.default_country).with_row_index("place")
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
