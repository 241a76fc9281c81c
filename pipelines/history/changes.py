"""Which rows changed since they were last read by a stage that works out only what is new.

Whoever writes such a table notes in the same transaction what came, changed or went, so that a killed night or a
repeated day loses none of it. The stage begins the notes when it works out everything, and empties them whenever it is
done; while there are none, nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable

from catalog.warehouse import Warehouse

#: What is noted of a row, by table.
NOTED = {
    "crm_customers": "customer_id", "customer_records": "person_id", "identifiers": "person_id",
    "permissions": "person_id",
}  # fmt: skip
#: What identifiers are worked out from, and what refused keys are.
RECORDS, HOLDERS = ("crm_customers", "customer_records"), ("identifiers", "permissions")


def begin_notes(warehouse: Warehouse, tables: Iterable[str] = RECORDS) -> None:
    """From here on, note what changes; what was noted is done. It belongs into one transaction with what was done."""
    for table in tables:
        warehouse.execute(f"CREATE TABLE IF NOT EXISTS warehouse.changed_{table} ({NOTED[table]} VARCHAR)")
        warehouse.execute(f"DELETE FROM warehouse.changed_{table}")


def are_noted(warehouse: Warehouse, tables: Iterable[str] = RECORDS) -> bool:
    """Whether all that changed since is known."""
    return all(warehouse.has(f"changed_{table}") for table in tables)


def drop_notes(warehouse: Warehouse, *tables: str) -> None:
    """Say that anything in the tables may have changed."""
    for table in tables:
        warehouse.execute(f"DROP TABLE IF EXISTS warehouse.changed_{table}")


def note(warehouse: Warehouse, table: str, rows: str) -> None:
    """Note the rows that a SELECT gives, if changes of `table` are noted."""
    column = NOTED.get(table)
    if column is None or not warehouse.has(f"changed_{table}"):
        return
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _noted AS SELECT DISTINCT {column} FROM ({rows})")
    # An insert of no rows would lose others (docs/decisions/0010).
    if not warehouse.read("SELECT 1 FROM _noted LIMIT 1").is_empty():
        warehouse.execute(f"INSERT INTO warehouse.changed_{table} FROM _noted")
