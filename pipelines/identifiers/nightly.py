"""The tables of identifiers, brought up to tonight: only people of whom something changed are worked out again."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.history.changes import are_noted, begin_notes
from pipelines.identifiers.identifiers import identifier_refusals, identifiers
from pipelines.identifiers.rules import is_made_by, rules_of, set_made_by
from pipelines.identifiers.stored import append_identifiers, stored_identifiers
from schemas.identifiers import MatchColumn

#: Read only where some network asks for it.
_ASKED_RARELY = ("birth_date", "gender", "city", "region")
#: Above this share of all people, to work everything out again takes less time (measured).
_MOST = 0.1

#: SQL for what two people have in common if they share an identifier of the kind, and seldom otherwise. An ad id is
#: trimmed later, and is nothing but these characters.
_SHARED = {
    "email": "canonical_email",
    "phone": "canonical_phone",
    "mobile_ad_id": "regexp_replace(mobile_ad_id, '[^0-9A-Za-z_-]', '', 'g')",
}


def update_identifiers(warehouse: Warehouse, columns: tuple[MatchColumn, ...]) -> int:
    """Make `identifiers` and `identifier_refusals` those of `customer_records` and `crm_customers` as they are now, in
    these match columns. Out: how many people's identifiers were normalised and hashed for it.

    What is kept of the night before is of people whose records are unchanged since, who share no identifier with
    anybody of whom that is not so, and was made by the same rules.
    """
    rules = rules_of(columns)
    if is_made_by(warehouse, "identifiers", rules) and are_noted(warehouse) and _find_people(warehouse, columns):
        return _replace_some(warehouse, columns)
    # Whoever is killed before the end leaves tables that are not built upon.
    set_made_by(warehouse, "identifiers", None)
    records = warehouse.read(_person_records(columns))
    people = records["person_id"].n_unique()
    beside = {"identifier_refusals": identifier_refusals(records)}
    found = identifiers(records, columns)
    # Texts of everybody need not be held twice while they are written.
    del records
    stored = stored_identifiers(found, columns)
    del found
    warehouse.replace_all({**stored, **beside})
    with warehouse.transaction():
        begin_notes(warehouse)
        set_made_by(warehouse, "identifiers", rules)
    return people


def _person_records(columns: tuple[MatchColumn, ...], whose: str = "") -> str:
    """SQL for what `identifiers` needs of `PersonRecords`: raw values lie in `crm_customers` only."""
    asked = [name for name in _ASKED_RARELY if name in {column.identifier for column in columns}]
    return f"""
    SELECT person_id, position, records.email_refusal, records.phone_refusal, customer_id, canonical_email AS email,
        canonical_phone AS phone, country_code AS country, {"".join(f"{name}, " for name in asked)}phone_country_source,
        phone_type, first_name, last_name, postal_code, mobile_ad_id, created_at, updated_at
    FROM warehouse.customer_records AS records JOIN warehouse.crm_customers USING (customer_id) {whose}
    """


def _find_people(warehouse: Warehouse, columns: tuple[MatchColumn, ...]) -> bool:
    """Put into `_again` whoever has to be worked out again, and into `_beside` also those with whom they share
    something, by whom it is counted; False if they are too many."""
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE _again AS SELECT person_id FROM warehouse.changed_customer_records "
        "UNION SELECT person_id FROM warehouse.customer_records "
        "SEMI JOIN warehouse.changed_crm_customers USING (customer_id)"
    )
    if warehouse.read("SELECT count(*) FROM _again").item() > _MOST * warehouse.height("customers"):
        return False
    kinds = [kind for kind in _SHARED if kind in {column.kind for column in columns}]
    # Of a value that goes from one person, the others' count changes; so it does of a value that comes.
    shared = [column.name for column in columns if column.kind in kinds]
    _add_people(warehouse, "_again", [_sharing_before(name) for name in shared])
    _add_people(warehouse, "_again", [_sharing_now(kind, "_again") for kind in kinds])
    warehouse.execute("CREATE OR REPLACE TEMP TABLE _beside AS FROM _again")
    _add_people(warehouse, "_beside", [_sharing_now(kind, "_again") for kind in kinds])
    return True


def _add_people(warehouse: Warehouse, table: str, selects: Iterable[str]) -> None:
    every = " UNION ".join([f"FROM {table}", *selects])
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _more AS {every}")
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS FROM _more")


def _sharing_before(column: str) -> str:
    """SQL for who shared a value of the column, as it was, with people of `_again`."""
    held = f"SELECT person_id, {column} FROM warehouse.identifiers WHERE shared_by > 1 AND {column} IS NOT NULL"
    return (
        f"SELECT person_id FROM ({held}) SEMI JOIN (FROM ({held}) SEMI JOIN _again USING (person_id)) USING ({column})"
    )


def _sharing_now(kind: str, people: str) -> str:
    """SQL for who shares an identifier of the kind with `people`, as it is tonight."""
    # Joined at the last moment: reading both tables whole would take half of the stage's time (measured).
    held = (
        f"SELECT customer_id, {_SHARED[kind]} AS value FROM warehouse.crm_customers WHERE {_SHARED[kind]} IS NOT NULL"
    )
    records = f"FROM warehouse.customer_records SEMI JOIN {people} USING (person_id)"
    theirs = f"FROM ({held}) SEMI JOIN ({records}) USING (customer_id)"
    sharing = f"FROM ({held}) SEMI JOIN ({theirs}) USING (value)"
    return f"SELECT person_id FROM warehouse.customer_records SEMI JOIN ({sharing}) USING (customer_id)"


def _replace_some(warehouse: Warehouse, columns: tuple[MatchColumn, ...]) -> int:
    """Replace the rows of the people in `_again`."""
    again = warehouse.read("FROM _again")
    records = warehouse.read(_person_records(columns, "SEMI JOIN _beside USING (person_id)"))
    asked = pl.col("person_id").is_in(again["person_id"].implode())
    found = identifiers(records, columns).filter(asked)
    refused = identifier_refusals(records).filter(asked)
    with warehouse.transaction():
        for table in ("identifiers", "identifier_refusals"):
            warehouse.execute(f"DELETE FROM warehouse.{table} WHERE person_id IN (FROM _again)")
        append_identifiers(warehouse, found)
        warehouse.append("identifier_refusals", refused)
        begin_notes(warehouse)
    return records["person_id"].n_unique()
