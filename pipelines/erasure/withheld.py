"""Erased addresses that the CRM still gives for a living record: who refused for the address refused for the record.

Otherwise asking to be forgotten would bring somebody back: a refusal would go with its address, and the record's other
address would be sent.
"""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from pipelines.crm.arrival import Arrival
from pipelines.crm.erased import tombstone_of
from pipelines.crm.erasures import with_phone
from pipelines.identifiers.digests import HEX_LENGTHS
from pipelines.identifiers.emails import canonical_email
from pipelines.identifiers.hashes import hashed
from schemas.crm import WithheldAddresses


def withheld_addresses(customers: pl.DataFrame, own: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """`WithheldAddresses` of the records whose own id was not erased.

    In, row by row: customers (customer_id), their `own_tombstones`, their `erased_marks`.
    """
    found = [
        own.select(customers["customer_id"], form=pl.lit(form), tombstone=form).filter(
            marks[form] & ~marks["customer_id"], pl.col("tombstone").is_not_null()
        )
        for form in ("email", "phone")
    ]
    return pl.concat(found).select(WithheldAddresses.column_names())


def keep_refusals(
    consents: Arrival, withheld: str, living: str, *, identity_key: str, default_country: str | None
) -> int:
    """What was refused for an erased address is refused for the records that have it; how many statements that makes.

    They speak last, whatever a record says itself: of the scopes of a person the least permissive wins. `withheld` is
    the table of `WithheldAddresses`, `living` that of the customers.
    """
    held = consents.read(f"FROM {withheld}")
    if held.is_empty():
        return 0
    refused = "address IS NOT NULL AND status <> 'granted'"
    holders = holders_of(
        consents.read(f"SELECT DISTINCT address FROM {consents.name} WHERE {refused}")["address"],
        held,
        countries=consents.read(f"SELECT DISTINCT country FROM {living}")["country"],
        identity_key=identity_key,
        default_country=default_country,
    )
    store_frame(consents.connection, "_holders", holders)
    before = consents.height()
    consents.execute(
        "INSERT INTO {table} SELECT said.* REPLACE (_holders.customer_id AS customer_id, NULL AS address, "
        f"NULL AS captured_at) FROM {{table}} AS said JOIN _holders USING (address) WHERE {refused}"
    )
    return consents.height() - before


def holders_of(
    addresses: pl.Series,
    withheld: pl.DataFrame,
    *,
    countries: pl.Series,
    identity_key: str,
    default_country: str | None,
) -> pl.DataFrame:
    """address, customer_id: the records in `withheld` (`WithheldAddresses`) that have each of the addresses as typed.

    A phone on a form has no country: it is read in each of the `countries` that customers live in (as typed).
    """
    typed = addresses.drop_nulls().unique().to_frame("address")
    emails = typed.filter(pl.col("address").str.contains("@", literal=True))
    emails = emails.with_columns(value=canonical_email(pl.col("address")))
    lived_in = pl.concat([countries, pl.Series([None], dtype=pl.String)]).unique().to_frame("country")
    phones = typed.join(emails, on="address", how="anti").join(lived_in, how="cross")
    phones = with_phone(phones, "address", default_country).select("address", value="phone_e164")
    # A CRM may keep an e-mail as its digest only.
    digests = [emails.with_columns(value=hashed(emails["value"], how)) for how in HEX_LENGTHS]
    values = [("email", pl.concat([emails, *digests])), ("phone", phones)]
    marked = pl.concat(
        each.select("address", tombstone_of(each["value"], form, identity_key).alias("tombstone"), form=pl.lit(form))
        for form, each in values
    )
    return marked.join(withheld, on=["form", "tombstone"]).select("address", "customer_id").unique()
