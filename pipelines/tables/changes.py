"""Which rows changed since they were last read by a stage that works out only what is new.

Whoever writes such a table notes in the same transaction what came, changed or went, so that a killed night or a
repeated day loses none of it. The stage begins the notes when it works out everything, and empties them whenever it is
done; while there are none, nothing is known.
"""

from __future__ import annotations

from catalog.warehouse import Warehouse

#: By the name of the notes: the table whose rows they are about, and what is noted of a row. Each stage has its own.
NOTED = {
    "crm_customers": ("crm_customers", "customer_id"),
    "customer_records": ("customer_records", "person_id"),
    "joining": ("crm_customers", "customer_id"),
    "crm_consents": ("crm_consents", "customer_id"),
    "identifiers": ("identifiers", "person_id"),
    "permissions": ("permissions", "person_id"),
}
#: What identifiers are worked out from, and what refused keys are.
RECORDS, HOLDERS = ("crm_customers", "customer_records"), ("identifiers", "permissions")


def begin_notes(warehouse: Warehouse, *names: str) -> None:
    """From here on, note what changes (by default `RECORDS`); what was noted is done. It belongs into one transaction
    with what was done."""
    for name in names or RECORDS:
        warehouse.execute(f"CREATE TABLE IF NOT EXISTS warehouse.changed_{name} ({NOTED[name][1]} VARCHAR)")
        warehouse.execute(f"DELETE FROM warehouse.changed_{name}")


def are_noted(warehouse: Warehouse, *names: str) -> bool:
    """Whether all that changed since (by default of `RECORDS`) is known."""
    return all(warehouse.has(f"changed_{name}") for name in names or RECORDS)


def drop_notes(warehouse: Warehouse, *tables: str) -> None:
    """Say that anything in the tables may have changed."""
    for name, (table, _) in NOTED.items():
        if table in tables:
            warehouse.execute(f"DROP TABLE IF EXISTS warehouse.changed_{name}")


def note(warehouse: Warehouse, table: str, rows: str) -> None:
    """Note the rows that a SELECT gives, wherever changes of `table` are noted."""
    noting = {name: column for name, (of, column) in NOTED.items() if of == table and are_noted(warehouse, name)}
    if not noting:
        return
    column = next(iter(noting.values()))
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _noted AS SELECT DISTINCT {column} FROM ({rows})")
    for name in noting:
        warehouse.insert(f"warehouse.changed_{name}", "FROM _noted")
