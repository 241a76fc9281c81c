"""What a statement that must go says of somebody who stays: an address can be an erased person's and theirs.

`0470 12 34 56` on a form is one number in Belgium and another in France; and whoever fills in a form may name somebody
else's address. Such a statement is kept under the address that those who stay have in the CRM: none of them loses a
refusal, and nothing that the erased wrote is left.
"""

from __future__ import annotations

import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of, insert_select, store_frame
from pipelines.identifiers.digests import HEX_LENGTHS, digest_kinds, is_digest, prehashed
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.hashes import hashed
from pipelines.tombstones.held import with_phone
from schemas.crm import RAW_MARK


def keep_for_others(
    connection: duckdb.DuckDBPyConnection, table: str, going: str, living: str, *, default_country: str | None
) -> int:
    """Add to `table` what its `going` rows (an SQL condition) say of addresses of the living; how many rows that makes.

    `living` is the table of the customers who stay, or a query in brackets: canonical_email, canonical_phone, country.
    A phone is read as consents are: a refusal in every country that they live in, a grant in the default country only.
    """
    named = f"FROM {table} WHERE address IS NOT NULL AND ({going})"
    typed = frame_of(connection.sql(f"SELECT DISTINCT address {named}"))["address"]
    if typed.is_empty():
        return 0
    store_frame(connection, "_readings", _readings(connection, typed, living, default_country))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE _others AS SELECT address, value, certain FROM _readings WHERE value IN "
        f"(SELECT canonical_email FROM {living} UNION ALL SELECT canonical_phone FROM {living})"
    )
    columns = connection.sql(f"FROM {table} LIMIT 0").columns
    # Without a status it is a list, and a list speaks as a refusal does.
    heard = "(certain OR status <> 'granted')" if "status" in columns else "TRUE"
    # No raw row alone gives such a row.
    mark = f", NULL AS {RAW_MARK}" if RAW_MARK in columns else ""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _kept AS SELECT said.* REPLACE (NULL AS customer_id, value AS address{mark}) "
        f"FROM (SELECT * {named}) AS said JOIN _others USING (address) WHERE {heard}"
    )
    insert_select(connection, table, "FROM _kept")
    return frame_of(connection.sql("SELECT count(*) AS rows FROM _kept"))["rows"].item()


def _readings(
    connection: duckdb.DuckDBPyConnection, typed: pl.Series, living: str, default_country: str | None
) -> pl.DataFrame:
    """address, value, certain: what each address may be, and whether it is that for a grant too."""
    addresses = typed.to_frame("address")
    is_email = pl.col("address").str.contains("@", literal=True) | is_digest(pl.col("address"))
    text = pl.coalesce(prehashed(pl.col("address")), canonical_email(pl.col("address")))
    emails = addresses.filter(is_email).with_columns(value=text)
    # A CRM may keep an e-mail as its digest only.
    digests = [emails.with_columns(value=hashed(emails["value"], how)) for how in HEX_LENGTHS]
    countries = frame_of(connection.sql(f"SELECT DISTINCT country FROM {living} WHERE country IS NOT NULL"))
    lived_in = pl.concat([countries, pl.DataFrame({"country": [None]}, schema={"country": pl.String})])
    phones = with_phone(addresses.filter(~is_email).join(lived_in, how="cross"), "address", default_country)
    read = phones.select("address", value="phone_e164", certain=pl.col("country").is_null())
    plain = _of_digests(connection, emails, living)
    every = pl.concat([*(part.with_columns(certain=pl.lit(True)) for part in (emails, *digests, plain)), read])
    return every.drop_nulls().group_by("address", "value").agg(pl.col("certain").any())


def _of_digests(connection: duckdb.DuckDBPyConnection, emails: pl.DataFrame, living: str) -> pl.DataFrame:
    """address, value: the e-mails of the living whose digests stand in `emails` (address, value)."""
    digests = emails.filter(~pl.col("value").str.contains("@", literal=True))
    if digests.is_empty():
        return digests
    store_frame(connection, "_digests", digests)
    found = [
        f"SELECT address, canonical_email AS value FROM _digests JOIN {living} ON value = {how}(canonical_email)"
        for how in digest_kinds(digests["value"])
    ]
    return frame_of(connection.sql(" UNION ".join(found)))
