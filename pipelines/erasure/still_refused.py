"""What people refuse of whom a request takes out a record or an address, kept for the records that are left to them."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.former_addresses import take_former_addresses
from pipelines.customers.heard import SPOKEN, heard, refused_by_other_ids
from pipelines.customers.parted import keep_parted
from pipelines.customers.people import person_ids
from pipelines.customers.refused_before import keep_refused
from pipelines.customers.spoken_of import listed_people, said_otherwise
from pipelines.customers.statements import UNKNOWN_TIME, matters_of
from pipelines.erasure.erasing import Erasing
from pipelines.tombstones.erased import erased_addresses

_NEEDED = ("crm_consents", "crm_suppressions", "customer_records", "person_aliases", "decided_at")

#: SQL for the people whose record each alias is, or was.
_LOSING = """
    CREATE OR REPLACE TEMP TABLE _losing AS
    SELECT DISTINCT person_id FROM warehouse.person_aliases SEMI JOIN _losing_aliases USING (alias)
"""
_RECORDS = "warehouse.customer_records SEMI JOIN _losing USING (person_id)"
#: SQL for the statements of a table that may decide on them.
_STATEMENTS = f"""
    SELECT customer_id, address, {SPOKEN} FROM {{table}} WHERE address IS NOT NULL OR status <> 'granted'
    OR captured_at IS NULL OR customer_id IN (SELECT customer_id FROM {_RECORDS})
"""


def keep_refusals(
    erasing: Erasing, covered: pl.Series, met: pl.Series, erasures: pl.DataFrame, arriving: str | None
) -> None:
    """Keep what those refuse whose records (ids) requests cover, or `met`, or who had an address that they name; and
    who is left of the people of whom they cover a record.

    In: `CrmErasures` that were not applied yet; the statements that are `arriving`, if some are: a table, or SQL in
    brackets. It comes before anything is taken out: what refuses may go, and by what it was theirs.
    """
    warehouse, config, identity_key = erasing.warehouse, erasing.config, erasing.keys.identity
    if not all(map(warehouse.has, _NEEDED)):
        return
    keep_parted(warehouse, covered, identity_key)
    instant = warehouse.read("SELECT instant FROM warehouse.decided_at")["instant"].item()
    rules = ConsentRules(config.used_networks, config.settings, instant, statements="_statements")
    aliases = person_ids(pl.concat([covered, met]), identity_key)
    _find_losing(erasing, aliases)
    tables = ["warehouse.crm_consents", *([arriving] if arriving else [])]
    statements = " UNION ALL ".join(_STATEMENTS.format(table=table) for table in tables)
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _statements AS {statements}")
    otherwise = said_otherwise(warehouse, rules, refused_by_other_ids(warehouse, rules), identity_key)
    former = take_former_addresses(warehouse)
    erased = erased_addresses(former["address"].unique(), erasures, erasing.compared)
    _find_losing(erasing, pl.concat([aliases, former.filter(pl.col("address").is_in(erased.implode()))["alias"]]))
    listed = listed_people(warehouse, config, identity_key).select(
        "person_id",
        matter=pl.lit(rules.matters.of("ads_upload"), dtype=pl.UInt32),
        spoken=pl.lit(UNKNOWN_TIME * 4 + 2, dtype=pl.Int64),
    )
    records = warehouse.read(f"SELECT customer_id, own_id AS alias, person_id FROM {_RECORDS}")
    by_record = _said_by_records(erasing, rules).join(records, on="customer_id")
    of_others = records.join(by_record, on="person_id").filter(pl.col("alias") != pl.col("alias_right"))
    every = [of_others, *(records.join(frame, on="person_id") for frame in (otherwise, listed))]
    refused = pl.concat(frame.select("alias", "matter", "spoken") for frame in every).filter(pl.col("spoken") % 4 > 0)
    keep_refused(warehouse, rules, refused, latest=pl.lit(erasures["requested_at"].max()))
    warehouse.execute("DROP TABLE _statements")


def _find_losing(erasing: Erasing, aliases: pl.Series) -> None:
    """Put into `_losing` (person_id) the people for whom ids of single records stand."""
    store_frame(erasing.warehouse.connection, "_losing_aliases", aliases.unique().to_frame("alias"))
    erasing.warehouse.execute(_LOSING)


def _said_by_records(erasing: Erasing, rules: ConsentRules) -> pl.DataFrame:
    """customer_id, matter, spoken: the newest that each record of the people in `_losing` says."""
    statements = erasing.warehouse.read(
        f"SELECT customer_id, {SPOKEN} FROM ({heard(rules)}) WHERE customer_id IN (SELECT customer_id FROM {_RECORDS})"
    )
    said = matters_of(statements, rules.matters, rules.instant)
    return said.group_by("customer_id", "matter").agg(pl.col("spoken").max())
