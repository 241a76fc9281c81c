"""The tables of people, brought up to tonight. Only records that share an address leave the warehouse, to be joined;
everybody else is a person of their own, as SQL says (docs/decisions/0040)."""

from __future__ import annotations

from datetime import date

import polars as pl

from catalog.duckdb_connection import literal, registered, store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.customers import customers, person_aliases
from pipelines.customers.hashed_emails import with_addresses
from pipelines.customers.people import one_id_twice, people, person_ids
from pipelines.customers.records import canonical_records
from pipelines.customers.successors import IDENTIFYING, find_successors
from pipelines.pieces import in_pieces
from pipelines.tables.changes import are_noted, begin_notes
from pipelines.tables.intervals import Staying, replace_by
from pipelines.tables.rules import is_made_by, rules_of, set_made_by
from schemas.customers import PersonAliases
from schemas.settings import Joining

_KINDS = ("email", "phone")


def update_people(warehouse: Warehouse, joining: Joining, *, identity_key: str, as_of: date, kept_days: int) -> bool:
    """Make `customer_records`, `customers` and `person_aliases` those of `crm_customers` as it is now. It belongs into
    one transaction. Out: whether it is known of whom something may have changed: if so, the temporary table `_touched`
    has their person_id, of those who are gone too.

    New aliases are since `as_of`; what `customer_records` held before it is kept for `kept_days`. Rows of the night
    before stay if they were made by the same rules and are of people with one record, of which nothing changed.

    Raises:
        StageError: two records got the same id (of ten million, once in a hundred million CRMs).
    """
    rules = rules_of()
    joined = _joined(warehouse, joining, identity_key)
    store_frame(warehouse.connection, "_joined", joined.select("place", "customer_id", *_JOINED))
    known = is_made_by(warehouse, "customer_records", rules) and are_noted(warehouse, "joining")
    if known:
        _find_records(warehouse)
    new = _name_records(warehouse, identity_key, known=known)
    staying = Staying("rowid NOT IN (SELECT stored FROM _again WHERE stored IS NOT NULL)", may_repeat=False)
    replace_by(
        warehouse, "customer_records", _RECORDS, day=as_of, kept_days=kept_days, staying=staying if known else None
    )
    if new:
        _check_ids(warehouse, known=known)
    store_frame(warehouse.connection, "_several", customers(joined))
    _write_customers(warehouse, known=known)
    _write_aliases(warehouse, as_of, known=known)
    find_successors(warehouse, joining, identity_key)
    if known:
        warehouse.execute(
            "CREATE OR REPLACE TEMP TABLE _touched AS "
            "SELECT before AS person_id FROM _again WHERE before IS NOT NULL UNION SELECT person_id FROM _whose"
        )
    begin_notes(warehouse, "joining")
    set_made_by(warehouse, "customer_records", rules)
    return known


#: What joining finds out about a record.
_JOINED = ("person_id", "joined_by", "position", "email_refusal", "phone_refusal")

#: SQL for `CustomerRecords` of those in `_whose`.
_RECORDS = """
    SELECT customer_id, person_id, own_id, joined_by, coalesce(position, 1::UINTEGER) AS position, email_refusal,
        phone_refusal
    FROM _whose
"""

#: SQL for `Customers` of those in `_whose`.
_CUSTOMERS = """
    SELECT person_id, 1::UINTEGER AS records, country_code AS country, created_at FROM _whose WHERE position IS NULL
    UNION ALL FROM _several
"""


def _joined(warehouse: Warehouse, joining: Joining, identity_key: str) -> pl.DataFrame:
    """`PersonRecords`, and their `place` in `crm_customers`, of all records that may share an e-mail or a phone."""
    rows = with_addresses(warehouse)
    # By hash, a few may be among them that share nothing. Polars finds what is there twice in a third of the time.
    hashes = warehouse.read(
        "SELECT place, "
        + ", ".join(f"CASE WHEN {kind}_refusal IS NULL THEN hash(canonical_{kind}) END AS {kind}" for kind in _KINDS)
        + f" FROM ({rows})"
    )
    shared = pl.any_horizontal(pl.col(kind).is_not_null() & pl.col(kind).is_duplicated() for kind in _KINDS)
    store_frame(warehouse.connection, "_sharing", hashes.filter(shared).select("place"))
    del hashes
    typed = warehouse.read(
        f"SELECT place, {', '.join(IDENTIFYING)} FROM ({rows}) WHERE place IN (SELECT place FROM _sharing)"
    )
    return people(canonical_records(typed, joining), joining, identity_key=identity_key)


def _find_records(warehouse: Warehouse) -> None:
    """Put into `_again` the records that have to be written: their place in `crm_customers` (null: gone), their place
    where they are `stored` (null: new), own_id if it is known, and whose they were `before`.

    Whoever was and is alone, and did not change, is there as it would be written.
    """
    warehouse.execute("""
        CREATE OR REPLACE TEMP TABLE _again AS
        SELECT record.rowid AS place, stored.rowid AS stored, own_id, stored.person_id AS before
        FROM (
            SELECT customer_id FROM warehouse.changed_joining UNION SELECT customer_id FROM _joined
            UNION SELECT customer_id FROM warehouse.customer_records
            WHERE person_id <> own_id OR joined_by IS NOT NULL OR 'shared' IN (email_refusal, phone_refusal)
        )
        LEFT JOIN warehouse.crm_customers AS record USING (customer_id)
        LEFT JOIN warehouse.customer_records AS stored USING (customer_id)
        WHERE record.rowid IS NOT NULL OR stored.rowid IS NOT NULL
    """)


def _name_records(warehouse: Warehouse, identity_key: str, *, known: bool) -> int:
    """Put into `_whose` the records to be written, with what is written of them: own_id, person_id, and for those that
    were looked at together what joining found out. Out: how many ids are new.

    Piece by piece: a join of all of them would hold all ids.
    """
    nobody = "SELECT NULL::BIGINT AS place, NULL::VARCHAR AS own_id WHERE FALSE"
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _whose AS {_written(nobody)}")
    nameless = "WHERE place IN (SELECT place FROM _again WHERE own_id IS NULL)" * known
    new = 0
    for some in in_pieces(
        warehouse.read, "warehouse.crm_customers", lambda rows: f"SELECT place, customer_id FROM {rows} {nameless}"
    ):
        # An insert of no rows would lose others (docs/decisions/0010).
        if some.is_empty():
            continue
        new += some.height
        named = some.select("place", own_id=person_ids(some["customer_id"], identity_key))
        there = f"BETWEEN {some['place'].min()} AND {some['place'].max()}"
        with registered(warehouse.connection, named) as ids:
            warehouse.execute(f"INSERT INTO _whose {_written(f'FROM {ids}', there)}")
    if known:
        again = "SELECT place, own_id FROM _again WHERE place IS NOT NULL AND own_id IS NOT NULL"
        warehouse.insert("_whose", _written(again))
    return new


def _written(named: str, there: str = ">= 0") -> str:
    """SQL for what is written of the records that are `named` (SQL for place, own_id); their places are `there`."""
    return f"""
        SELECT place, customer_id, own_id, coalesce(found.person_id, own_id) AS person_id, joined_by, position,
            coalesce(found.email_refusal, record.email_refusal) AS email_refusal,
            coalesce(found.phone_refusal, record.phone_refusal) AS phone_refusal, country_code, created_at
        FROM (
            SELECT rowid AS place, customer_id, email_refusal, phone_refusal, country_code, created_at
            FROM warehouse.crm_customers WHERE rowid {there}
        ) AS record
        JOIN ({named}) AS named USING (place)
        LEFT JOIN (SELECT * EXCLUDE (customer_id) FROM _joined WHERE place {there}) AS found USING (place)
    """


def _check_ids(warehouse: Warehouse, *, known: bool) -> None:
    given = "warehouse.customer_records SEMI JOIN _whose USING (own_id)" if known else "_whose"
    # Polars finds in a fraction of the time that no hash is there twice, which is so but once in many CRMs.
    if warehouse.read(f"SELECT hash(own_id) AS own_id FROM {given}")["own_id"].is_unique().all():
        return
    if warehouse.read(f"SELECT count(*) <> count(DISTINCT own_id) FROM {given}").item():
        raise one_id_twice()


def _write_customers(warehouse: Warehouse, *, known: bool) -> None:
    if not known:
        warehouse.replace_by("customers", _CUSTOMERS)
        return
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _people AS {_CUSTOMERS}")
    gone = "SELECT before FROM _again UNION ALL SELECT person_id FROM _people"
    warehouse.execute(f"DELETE FROM warehouse.customers WHERE person_id IN ({gone})")
    warehouse.insert("warehouse.customers", "FROM _people")


def _write_aliases(warehouse: Warehouse, as_of: date, *, known: bool) -> None:
    """Only of ids whose person is another tonight, or whose record is gone, anything has to be found out."""
    warehouse.ensure("person_aliases", PersonAliases)
    # Of whoever stays, no id leads elsewhere; a record that comes back has its id back.
    touched = "SELECT own_id AS id FROM _again UNION ALL SELECT own_id FROM _whose"
    touched = f"SEMI JOIN ({touched}) ON id = " + "{}" if known else ""
    before = warehouse.read(f"""
        FROM warehouse.person_aliases WHERE person_id IN (
            SELECT before.person_id FROM (FROM warehouse.person_aliases {touched.format("alias")}) AS before
            LEFT JOIN (FROM warehouse.customer_records {touched.format("customer_records.own_id")}) AS now
            ON now.own_id = alias WHERE now.person_id IS DISTINCT FROM before.person_id
        )
    """)
    if not before.is_empty():
        _follow(warehouse, before, as_of)
    new = f"SELECT own_id AS alias, person_id, {literal(as_of)} AS since FROM _whose"
    warehouse.insert("warehouse.person_aliases", f"{new} ANTI JOIN warehouse.person_aliases ON alias = own_id")


def _follow(warehouse: Warehouse, before: pl.DataFrame, as_of: date) -> None:
    """Let the aliases, all those of some people, lead to whom they stand for today."""
    store_frame(warehouse.connection, "_before", before)
    today = warehouse.read(
        "SELECT own_id, person_id FROM warehouse.customer_records JOIN warehouse.crm_customers USING (customer_id) "
        "WHERE own_id IN (SELECT alias FROM _before) ORDER BY created_at NULLS LAST, customer_id"
    )
    changed = person_aliases(before, today, as_of=as_of).join(before, on=before.columns, how="anti")
    store_frame(warehouse.connection, "_changed", changed)
    warehouse.execute("DELETE FROM warehouse.person_aliases WHERE alias IN (SELECT alias FROM _changed)")
    warehouse.append("person_aliases", changed)
