"""The statements that may decide, as the warehouse has them, and what is refused by ids that no record has."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of, literal, store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.opt_outs import region_read
from pipelines.customers.statements import UNKNOWN_TIME, matters_of, newest_refusals
from pipelines.identifiers.digests import digest_kinds, prehashed
from pipelines.identifiers.ids.otherwise import refusing_otherwise
from schemas.crm import SetAsideCustomers

#: What of a statement decides beside whom it names; who took it where is read by `relance why` only.
SPOKEN = "purpose, network, region, status, captured_at, valid_from, valid_to"

#: What is heard of a person by other than the ids of their records.
SAID = {"person_id": pl.String, "matter": pl.UInt32, "spoken": pl.Int64}

#: No yes: what is said where nobody can say what was.
_UNHEARD = UNKNOWN_TIME * 4 + 1


class Records(NamedTuple):
    """Where the records lie of whom something may be said: tables."""

    #: `CanonicalCustomers`, or of them customer_id, e-mail and phone, as typed too, and country_code.
    customers: str
    #: customer_id, person_id.
    persons: str
    #: Who else has ids of their own, which mean nobody else.
    others: str | None = None

    def unowned(self, ids: str) -> str:
        """SQL for the `ids` (SQL for customer_id) that are none of the others'."""
        return f"{ids} ANTI JOIN {self.others} USING (customer_id)" if self.others else ids


#: Those of the night.
TONIGHT = Records("warehouse.crm_customers", "warehouse.customer_records")


def heard(rules: ConsentRules, records: Records = TONIGHT) -> str:
    """SQL for the statements that may decide: customer_id, address and what decides of a statement."""
    heard = ", ".join(map(literal, rules.matters.purposes))
    return (
        f"SELECT customer_id, address, {SPOKEN} FROM ({as_meant(rules.statements, rules, records)}) "
        f"WHERE purpose::VARCHAR IN ({heard})"
    )


def as_meant(consents: str, rules: ConsentRules, records: Records) -> str:
    """SQL for the rows of a table of `CrmConsents`, their regions as they are meant of the records."""
    region = region_read(records.customers, consents, rules.settings.default_country)
    return f"SELECT * REPLACE ({region} AS region) FROM {consents}"


def refusing(statements: pl.DataFrame) -> pl.DataFrame:
    """The statements that are no yes, or of which nobody knows the time."""
    return statements.filter((pl.col("status") != "granted") | pl.col("captured_at").is_null())


def by_phones(connection: duckdb.DuckDBPyConnection, named: pl.DataFrame, customers: str) -> pl.DataFrame:
    """In: address, any columns; a table (SQL) of `CanonicalCustomers`. Out: the rows whose address is a digest of some
    customers' phone, with or without its plus, by each of these phones."""
    digests = named.select(prehashed(pl.col("address")).alias("digest"))["digest"]
    asked = digests.drop_nulls().unique()
    if asked.is_empty():
        return named.clear()
    store_frame(connection, "_digests", asked.to_frame())
    hashed = [f"{how}({text})" for how in digest_kinds(asked) for text in ("canonical_phone", "canonical_phone[2:]")]
    phones = " UNION ".join(
        f"SELECT {each} AS digest, canonical_phone AS phone FROM {customers} WHERE {each} IN (FROM _digests)"
        for each in hashed
    )
    found = named.with_columns(digest=digests).join(frame_of(connection.sql(phones)), on="digest")
    return found.with_columns(address="phone").select(named.columns)


def refused_by_other_ids(warehouse: Warehouse, rules: ConsentRules, records: Records = TONIGHT) -> pl.DataFrame:
    """given, matter, spoken, person_id: what people refuse by an id that is no customer's as it is written, and one's
    otherwise."""
    otherwise = refusing_otherwise(
        warehouse.connection, records.unowned(f"FROM ({heard(rules, records)})"), records.customers
    )
    if otherwise.is_empty():
        return pl.DataFrame(schema={"given": pl.String, **SAID})
    store_frame(warehouse.connection, "_otherwise", otherwise)
    refused = _newest_refusals(warehouse, rules, "SELECT given FROM _otherwise", records)
    persons = f"SELECT given, person_id FROM _otherwise JOIN {records.persons} USING (customer_id)"
    return refused.join(warehouse.read(persons), on="given")


def refused_by_set_aside(warehouse: Warehouse, rules: ConsentRules) -> pl.DataFrame:
    """address, matter, spoken: what those refuse whose row was set aside, as if they had said it of its addresses,
    which others may have too; of a line that could not be split, nobody can say that they do not."""
    warehouse.ensure("set_aside_customers", SetAsideCustomers)
    rows = warehouse.read("SELECT customer_id, canonical_email, canonical_phone FROM warehouse.set_aside_customers")
    if rows.is_empty():
        return pl.DataFrame(schema={"address": pl.String, "matter": pl.UInt32, "spoken": pl.Int64})
    ids = "SELECT customer_id FROM warehouse.set_aside_customers"
    by_id = _newest_refusals(warehouse, rules, ids).join(rows, left_on="given", right_on="customer_id")
    unsplit = rows.filter(pl.col("customer_id").is_null()).with_columns(
        matter=pl.lit(rules.matters.of("ads_upload"), dtype=pl.UInt32), spoken=pl.lit(_UNHEARD, dtype=pl.Int64)
    )
    words = [
        frame.select("matter", "spoken", address=f"canonical_{kind}").drop_nulls("address")
        for frame in (by_id, unsplit)
        for kind in ("email", "phone")
    ]
    return pl.concat(words).select("address", "matter", "spoken").unique()


def not_allowed_since(
    warehouse: Warehouse,
    rules: ConsentRules,
    refused: pl.DataFrame,
    records: Records,
    said: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Those of the refusals (person_id, matter, spoken, any columns) after which no record of the person allows it, nor
    what else is `said` of them (person_id, matter, spoken)."""
    store_frame(warehouse.connection, "_refusing_people", refused.select(pl.col("person_id").unique()))
    statements = warehouse.read(
        f"SELECT person_id, said.* FROM (SELECT customer_id, {SPOKEN} FROM ({heard(rules, records)})) AS said "
        f"JOIN {records.persons} USING (customer_id) SEMI JOIN _refusing_people USING (person_id)"
    )
    by_record = matters_of(statements, rules.matters, rules.instant).select("person_id", "matter", "spoken")
    every = by_record if said is None else pl.concat([by_record, said.select(by_record.columns)])
    allowed = every.filter(pl.col("spoken") % 4 == 0).group_by("person_id", "matter")
    later = refused.join(allowed.agg(since=pl.col("spoken").max()), on=["person_id", "matter"], how="left")
    return later.filter((pl.col("since") > pl.col("spoken")).fill_null(False).not_()).select(refused.columns)


def sharing_with_set_aside(warehouse: Warehouse, day: date) -> pl.DataFrame:
    """given, customer_id: ids whose row was set aside on `day`, if that is the last night's, and who has an address of
    theirs."""
    warehouse.ensure("set_aside_customers", SetAsideCustomers)
    kinds = " UNION ".join(
        "SELECT set_aside.customer_id AS given, record.customer_id FROM warehouse.set_aside_customers AS set_aside "
        f"JOIN warehouse.crm_customers AS record ON set_aside.canonical_{kind} = record.canonical_{kind} "
        "WHERE set_aside.customer_id IS NOT NULL"
        for kind in ("email", "phone")
    )
    newest = "SELECT max(as_of) FROM warehouse.pulls WHERE \"table\" = 'customers'"
    return warehouse.read(f"SELECT given, customer_id FROM ({kinds}) WHERE $day = ({newest}) ORDER BY ALL", day=day)


def listed(warehouse: Warehouse, records: Records = TONIGHT) -> pl.DataFrame:
    """`CrmSuppressions`, and of each id whose row was set aside the row's addresses, which others may have too, and of
    each digest the phones of the records that have it."""
    warehouse.ensure("set_aside_customers", SetAsideCustomers)
    named = "warehouse.crm_suppressions"
    theirs = f"{named} JOIN warehouse.set_aside_customers USING (customer_id)"
    kinds = " UNION ".join(
        f"SELECT rule, NULL, canonical_{kind} FROM {theirs} WHERE canonical_{kind} IS NOT NULL"
        for kind in ("email", "phone")
    )
    every = warehouse.read(f"SELECT rule, customer_id, address FROM {named} UNION {kinds} ORDER BY ALL")
    return pl.concat([every, by_phones(warehouse.connection, every, records.customers)])


def _newest_refusals(warehouse: Warehouse, rules: ConsentRules, ids: str, records: Records = TONIGHT) -> pl.DataFrame:
    """given, matter, spoken: of each of the ids (SQL), as `newest_refusals` has it."""
    statements = f"SELECT customer_id, {SPOKEN} FROM ({heard(rules, records)}) WHERE customer_id IN ({ids})"
    return newest_refusals(warehouse.read(statements), rules.matters, rules.instant)
