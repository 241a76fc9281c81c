"""The tables of identifiers, brought up to tonight: only people of whom something changed are worked out again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.identifiers.batches import batches
from pipelines.identifiers.identifiers import identifier_refusals, identifiers
from pipelines.identifiers.sharing import shared_kinds, sharing, sharing_with
from pipelines.identifiers.stored import (
    DIGESTS,
    NO_DIGESTS,
    append_identifiers,
    forget_unused_digests,
    stored_identifiers,
)
from pipelines.tables.changes import are_noted, begin_notes, drop_notes, note
from pipelines.tables.rules import is_made_by, rules_of, set_made_by
from schemas.identifiers import MatchColumn

#: Above this share of all people, to work everything out again takes less time (measured).
_MOST = 0.1


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
    warehouse.replace_all(_everybody(warehouse, columns))
    with warehouse.transaction():
        begin_notes(warehouse)
        drop_notes(warehouse, "identifiers")
        set_made_by(warehouse, "identifiers", rules)
    return warehouse.height("customers")


def _everybody(warehouse: Warehouse, columns: tuple[MatchColumn, ...]) -> Iterator[dict[str, pl.DataFrame]]:
    """Table → its rows, batch by batch."""
    shared, known = sharing(warehouse, columns), NO_DIGESTS
    for records in batches(warehouse, columns):
        stored = stored_identifiers(identifiers(records, columns, shared), columns, known)
        known = pl.concat([known, stored[DIGESTS]])
        yield {**stored, "identifier_refusals": identifier_refusals(records)}


def _find_people(warehouse: Warehouse, columns: tuple[MatchColumn, ...]) -> bool:
    """Put into `_again` whoever has to be worked out again; False if they are too many."""
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE _again AS SELECT person_id FROM warehouse.changed_customer_records "
        "UNION SELECT person_id FROM warehouse.customer_records "
        "SEMI JOIN warehouse.changed_crm_customers USING (customer_id)"
    )
    if warehouse.read("SELECT count(*) FROM _again").item() > _MOST * warehouse.height("customers"):
        return False
    kinds = shared_kinds(columns)
    # Of a value that goes from one person, the others' count changes; so it does of a value that comes.
    shared = [column.name for column in columns if column.kind in kinds]
    _add_people(warehouse, [_sharing_before(name) for name in shared])
    _add_people(warehouse, [sharing_with(kind, "_again") for kind in kinds])
    return True


def _add_people(warehouse: Warehouse, selects: Iterable[str]) -> None:
    every = " UNION ".join(["FROM _again", *selects])
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _more AS {every}")
    warehouse.execute("CREATE OR REPLACE TEMP TABLE _again AS FROM _more")


def _sharing_before(column: str) -> str:
    """SQL for who shared a value of the column, as it was, with people of `_again`."""
    held = f"SELECT person_id, {column} FROM warehouse.identifiers WHERE shared_by > 1 AND {column} IS NOT NULL"
    return (
        f"SELECT person_id FROM ({held}) SEMI JOIN (FROM ({held}) SEMI JOIN _again USING (person_id)) USING ({column})"
    )


def _replace_some(warehouse: Warehouse, columns: tuple[MatchColumn, ...]) -> int:
    """Replace the rows of the people in `_again`."""
    shared, people = sharing(warehouse, columns, "_again"), 0
    with warehouse.transaction():
        for table in ("identifiers", "identifier_refusals"):
            warehouse.execute(f"DELETE FROM warehouse.{table} WHERE person_id IN (FROM _again)")
        for records in batches(warehouse, columns, "_again"):
            append_identifiers(warehouse, identifiers(records, columns, shared))
            warehouse.append("identifier_refusals", identifier_refusals(records))
            people += records["person_id"].n_unique()
        forget_unused_digests(warehouse)
        begin_notes(warehouse)
        note(warehouse, "identifiers", "FROM _again")
    return people
