"""Erased addresses that the CRM still gives for a living record: who refused for the address refused for the record.

Otherwise asking to be forgotten would bring somebody back: a refusal, or a list that names the address or its domain,
would go with it, and the record's other address would be sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of, store_frame
from pipelines.identifiers.digests import HEX_LENGTHS, prehashed
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.hashes import hashed
from pipelines.tombstones.erased import tombstone_of
from pipelines.tombstones.held import held_addresses, with_phone
from pipelines.tombstones.tombstones import Compared
from schemas.crm import RAW_MARK, WithheldAddresses
from schemas.suppression import Suppression


def withheld_addresses(customers: pl.DataFrame, marks: pl.DataFrame, compared: Compared) -> pl.DataFrame:
    """`WithheldAddresses` of the records whose own id was not erased: each address in a cell of which one was.

    In, row by row: customers (customer_id, email, phone, country as typed), their `erased_marks`.
    """
    identity_key = compared.identity_key
    blanked = customers.with_columns(pl.when(marks[column]).then(column).alias(column) for column in ("email", "phone"))
    held = held_addresses(blanked.filter(~marks["customer_id"]), compared.default_country)
    found = [
        theirs.select("customer_id", "form", tombstone_of(theirs["value"], form, identity_key).alias("tombstone"))
        for form in ("email", "phone")
        for theirs in [held.filter(form=form)]
    ]
    emails = held.filter(form="email").select("customer_id", email="value")
    every = pl.concat([*found, _domains(emails, identity_key), *_digests(emails, identity_key)])
    return every.select(WithheldAddresses.column_names()).unique()


def _digests(emails: pl.DataFrame, identity_key: str) -> Iterator[pl.DataFrame]:
    """customer_id, form, tombstone of each e-mail's digests, by which lists name it. In: customer_id, email."""
    plain = emails.filter(pl.col("email").str.contains("@", literal=True))
    for how in HEX_LENGTHS:
        form = f"digest_{how}"
        stones = tombstone_of(hashed(plain["email"], how), form, identity_key)
        yield plain.select("customer_id", form=pl.lit(form), tombstone=stones)


def _domains(emails: pl.DataFrame, identity_key: str) -> pl.DataFrame:
    """customer_id, form, tombstone of each e-mail's domain, and of those that it is part of. In: customer_id, email."""
    domains = emails.select("customer_id", domain=pl.col("email").str.extract("@([^@]+)$")).drop_nulls()
    found = [domains]
    while not domains.is_empty():
        domains = domains.with_columns(pl.col("domain").str.extract(r"^[^.]+\.([^.]+\..+)$")).drop_nulls()
        found.append(domains)
    every = pl.concat(found)
    stones = tombstone_of(every["domain"], "domain", identity_key)
    return every.select("customer_id", form=pl.lit("domain"), tombstone=stones)


def suppressed_by_domain(withheld: pl.DataFrame, rules: Mapping[str, Suppression], identity_key: str) -> pl.DataFrame:
    """`CrmSuppressions`: the records of which an erased e-mail is of a domain that a rule names.

    In: `WithheldAddresses`.
    """
    named = pl.DataFrame(
        [(name, domain) for name, rule in rules.items() for domain in rule.domains],
        schema={"rule": pl.String, "domain": pl.String},
        orient="row",
    )
    marked = named.with_columns(tombstone_of(named["domain"], "domain", identity_key).alias("tombstone"))
    held = withheld.filter(pl.col("form") == "domain")
    found = marked.join(held, on="tombstone").select("rule", "customer_id", address=pl.lit(None, pl.String))
    return found.unique().sort(pl.all())


def keep_for_holders(
    connection: duckdb.DuckDBPyConnection, table: str, withheld: pl.DataFrame, living: str, compared: Compared
) -> int:
    """Add to `table` what it refuses for an erased address, for the records that have it; how many rows that makes.

    They speak last, whatever a record says itself: of the scopes of a person the least permissive wins. In:
    `WithheldAddresses`; `living` is the table of the customers, or a query in brackets.
    """
    if withheld.is_empty():
        return 0
    columns = connection.sql(f"FROM {table} LIMIT 0").columns
    # Without a status it is a list, and a list speaks as a refusal does.
    refused = "address IS NOT NULL" + (" AND status <> 'granted'" if "status" in columns else "")
    holders = holders_of(
        frame_of(connection.sql(f"SELECT DISTINCT address FROM {table} WHERE {refused}"))["address"],
        withheld,
        frame_of(connection.sql(f"SELECT DISTINCT country FROM {living}"))["country"],
        compared,
    )
    if holders.is_empty():
        # An insert of no rows would lose others (docs/decisions/0010).
        return 0
    store_frame(connection, "_holders", holders)
    # No raw row alone gives such a row.
    last = "".join(f", NULL AS {name}" for name in ("captured_at", RAW_MARK) if name in columns)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _kept AS SELECT said.* REPLACE (_holders.customer_id AS customer_id, "
        f"NULL AS address{last}) FROM {table} AS said JOIN _holders USING (address) WHERE {refused}"
    )
    connection.execute(f"INSERT INTO {table} FROM _kept")
    return frame_of(connection.sql("SELECT count(*) AS rows FROM _kept"))["rows"].item()


def holders_of(addresses: pl.Series, withheld: pl.DataFrame, countries: pl.Series, compared: Compared) -> pl.DataFrame:
    """address, customer_id: the records in `withheld` (`WithheldAddresses`) that have each of the addresses as typed.

    A phone on a form has no country: it is read in each of the `countries` that customers live in (as typed).
    """
    typed = addresses.drop_nulls().unique().to_frame("address")
    emails = typed.filter(pl.col("address").str.contains("@", literal=True))
    emails = emails.with_columns(value=canonical_email(pl.col("address")))
    lived_in = pl.concat([countries, pl.Series([None], dtype=pl.String)]).unique().to_frame("country")
    phones = typed.join(emails, on="address", how="anti").join(lived_in, how="cross")
    # Many numbers to read, and of no use where no phone was withheld.
    phones = phones if "phone" in withheld["form"] else phones.clear()
    phones = with_phone(phones, "address", compared.default_country).select("address", value="phone_e164")
    # A CRM may keep an e-mail as its digest only.
    digests = [emails.with_columns(value=hashed(emails["value"], how)) for how in HEX_LENGTHS]
    named = typed.with_columns(prehashed(pl.col("address")).alias("value")).drop_nulls()
    values = [("email", pl.concat([emails, named, *digests])), ("phone", phones)]
    values += [(f"digest_{how}", named) for how in HEX_LENGTHS]
    marked = pl.concat(
        each.select(
            "address", tombstone_of(each["value"], form, compared.identity_key).alias("tombstone"), form=pl.lit(form)
        )
        for form, each in values
    )
    return marked.join(withheld, on=["form", "tombstone"]).select("address", "customer_id").unique()
