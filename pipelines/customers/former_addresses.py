"""Refusals by an address that a record had: they are its person's when the address goes, until a later yes.

Otherwise whoever refused by their e-mail would be sent again once the CRM has another for them, or merges the record
that had it. What is kept of such an address is a keyed hash, and only while something refuses by it on a night that is
kept; the refusal itself is read from the CRM each night.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from catalog.duckdb_connection import store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.heard import SAID, TONIGHT, Records, not_allowed_since
from pipelines.identifiers.digests import HEX_LENGTHS, Digest, digest_kinds, is_prehashed
from pipelines.identifiers.emails.further import further_emails
from pipelines.identifiers.emails.refusals import is_placeholder
from pipelines.identifiers.hashes import hashed, keyed_hash

_TABLE = "former_addresses"
_NEEDED = ("past_crm_customers", "past_customer_records", "customer_records", "person_aliases")


class _FormerAddresses(dy.Schema):
    #: The id of a person whose only record is the one that had the address.
    alias = dy.String()
    mark = dy.String()


#: SQL: alias, address, mark: whose refused address (`_refused_addresses`) each was on kept nights, or is known to have
#: been.
_HAD = f"""
    WITH had AS MATERIALIZED ({{found}}), own AS MATERIALIZED (
        SELECT customer_id, own_id AS alias FROM warehouse.customer_records SEMI JOIN had USING (customer_id)
        UNION SELECT customer_id, own_id FROM warehouse.past_customer_records SEMI JOIN had USING (customer_id)
    )
    SELECT alias, address, mark FROM had JOIN own USING (customer_id)
    UNION SELECT alias, address, mark FROM warehouse.{_TABLE} JOIN _refused_addresses USING (mark)
"""
_PAST = "warehouse.past_crm_customers"
#: SQL, by what kind of an address it is: which of a record's is somebody's, so that a refusal by it is heard.
_SOMEBODYS = {"email": "email_refusal IS DISTINCT FROM 'placeholder'", "phone": "phone_refusal IS NULL"}


def refused_by_former_addresses(  # noqa: PLR0913, PLR0917 - what was said, by which rules it is read, and of whom
    warehouse: Warehouse,
    rules: ConsentRules,
    words: pl.DataFrame,
    said: pl.DataFrame,
    identity_key: str,
    records: Records = TONIGHT,
) -> pl.DataFrame:
    """address, person_id, matter, spoken: what the records' people refuse by addresses that records of theirs had, that
    nobody has now, and have not allowed since by a record or by an address. In: what `said_of_addresses` gives, and
    what is `said` of the people (person_id, matter, spoken) by the addresses that they have."""
    refused = words.filter(pl.col("spoken") % 4 > 0)
    if refused.is_empty() or not all(map(warehouse.has, _NEEDED)):
        return pl.DataFrame(schema={"address": pl.String, **SAID})
    warehouse.ensure(_TABLE, _FormerAddresses)
    addresses = refused.select(pl.col("address").unique())
    marked = addresses.with_columns(mark=keyed_hash("former address:" + addresses["address"], identity_key))
    holding = {"warehouse.crm_customers", records.customers}
    store_frame(warehouse.connection, "_refused_addresses", _forms(warehouse, marked, {_PAST, *holding}))
    _find_former(warehouse, digest_kinds(_digests_of(addresses["address"])))
    _drop_held(warehouse, holding)
    theirs = warehouse.read(
        "SELECT DISTINCT address, known.person_id FROM _had JOIN warehouse.person_aliases AS known USING (alias) "
        f"SEMI JOIN {records.persons} USING (person_id)"
    )
    found = refused.join(theirs, on="address").select("address", *SAID)
    return not_allowed_since(warehouse, rules, found, records, said)


def _forms(warehouse: Warehouse, addresses: pl.DataFrame, tables: set[str]) -> pl.DataFrame:
    """The `addresses` as `shown`: as they are, and e-mails as each kind of digest that a record of the tables has."""
    lengths = " UNION ".join(
        f"SELECT strlen(canonical_email) AS length FROM {table} WHERE NOT contains(canonical_email, '@')"
        for table in tables
    )
    held = warehouse.read(lengths)["length"]
    emails = addresses.filter(pl.col("address").str.contains("@", literal=True))
    digests = (
        emails.with_columns(shown=hashed(emails["address"], how))
        for how, length in HEX_LENGTHS.items()
        if length in held
    )
    return pl.concat([addresses.with_columns(shown="address"), *digests])


def _digests_of(addresses: pl.Series) -> pl.Series:
    """Those of the addresses that are digests."""
    return addresses.to_frame("address").filter(is_prehashed(pl.col("address")))["address"]


def _named(kind: str, digests: list[Digest]) -> list[str]:
    """SQL for how a record's address may be named: as it is, or by a digest; a phone's is one with its plus or not."""
    plain = f"canonical_{kind}"
    texts = [plain] if kind == "email" else [plain, f"{plain}[2:]"]
    return [plain, *(f"{how}({text})" for how in digests for text in texts)]


def _find_former(warehouse: Warehouse, digests: list[Digest]) -> None:
    """Put into `_had` what `_HAD` says."""
    further = further_emails(warehouse.connection, _PAST).filter(~is_placeholder(pl.col("address")))
    named = [further.rename({"address": "shown"})]
    named += [further.select("customer_id", shown=hashed(further["address"], how)) for how in digests]
    store_frame(warehouse.connection, "_further_before", pl.concat(named))
    found = [
        f"SELECT customer_id, address, mark FROM {_PAST} JOIN _refused_addresses ON {each} = shown WHERE {somebodys}"
        for kind, somebodys in _SOMEBODYS.items()
        for each in _named(kind, digests)
    ]
    found.append("SELECT customer_id, address, mark FROM _further_before JOIN _refused_addresses USING (shown)")
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _had AS {_HAD.format(found=' UNION '.join(found))}")


def _drop_held(warehouse: Warehouse, tables: set[str]) -> None:
    """Take out of `_had` the addresses that somebody has in one of the tables."""
    had = warehouse.read("SELECT DISTINCT address FROM _had")["address"]
    sought = "SELECT shown FROM _refused_addresses SEMI JOIN _had USING (address)"
    held = " UNION ".join(
        f"SELECT {each} AS shown FROM {table} WHERE {each} IN ({sought})"
        for table in tables
        for kind in _SOMEBODYS
        for each in _named(kind, digest_kinds(_digests_of(had)))
    )
    warehouse.execute(
        f"DELETE FROM _had WHERE address IN (SELECT address FROM _refused_addresses WHERE shown IN ({held}))"
    )


def keep_former_addresses(warehouse: Warehouse) -> None:
    """Keep what `refused_by_former_addresses` found last, for when no kept night has it any more."""
    if warehouse.has(_TABLE):
        _ensure_had(warehouse)
        warehouse.execute(f"INSERT INTO warehouse.{_TABLE} SELECT alias, mark FROM _had EXCEPT FROM warehouse.{_TABLE}")


def take_former_addresses(warehouse: Warehouse) -> pl.DataFrame:
    """alias, address: what `refused_by_former_addresses` found last, which is not kept then."""
    _ensure_had(warehouse)
    found = warehouse.read("SELECT DISTINCT alias, address FROM _had")
    warehouse.execute("DROP TABLE _had")
    return found


def _ensure_had(warehouse: Warehouse) -> None:
    warehouse.execute("CREATE TEMP TABLE IF NOT EXISTS _had (alias VARCHAR, address VARCHAR, mark VARCHAR)")
