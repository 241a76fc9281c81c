"""People's records read batch by batch, each person's together: what a night holds does not grow with the CRM."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import polars as pl

from catalog.warehouse import Warehouse
from schemas.identifiers import MatchColumn

#: So many records are worked out at once.
_RECORDS_AT_ONCE = 250_000
_NO_END = 2**62
#: Read only where some network asks for it.
_ASKED_RARELY = ("birth_date", "gender", "city", "region")


def batches(
    warehouse: Warehouse, columns: tuple[MatchColumn, ...], people: str | None = None
) -> Iterator[pl.DataFrame]:
    """What `identifiers` needs of `PersonRecords`, of everybody or of the people in a table, each person in one frame.

    Raw values lie in `crm_customers` only. Of many people, those who have one record are read in its order, which needs
    no sorting; the records of all others are put together first.
    """
    records = "warehouse.customer_records"
    many = people is None and warehouse.height("customer_records") > _RECORDS_AT_ONCE
    alone = f"person_id NOT IN (SELECT person_id FROM {records} WHERE position > 1)" if many else "false"
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE _whose AS SELECT place, person_id, position, email_refusal, phone_refusal, "
        f"{alone} AS alone FROM {records} {f'SEMI JOIN {people} USING (person_id)' if people else ''} "
        "JOIN (SELECT rowid AS place, customer_id FROM warehouse.crm_customers) USING (customer_id) ORDER BY place"
    )
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE _together AS "
        f"{_records(columns, 'rowid IN (SELECT place FROM _whose WHERE NOT alone)', 'NOT alone')} "
        "ORDER BY person_id, position"
    )
    for first, end in pairwise([0, *_beginnings(warehouse), _NO_END]):
        yield warehouse.read(f"FROM _together WHERE rowid >= {first} AND rowid < {end}")
    if many:
        height = warehouse.read("SELECT max(rowid) + 1 FROM warehouse.crm_customers").item()
        for first in range(0, height, _RECORDS_AT_ONCE):
            between = f"BETWEEN {first} AND {first + _RECORDS_AT_ONCE - 1}"
            yield warehouse.read(_records(columns, f"rowid {between}", f"alone AND place {between}"))
    for table in ("_whose", "_together"):
        warehouse.execute(f"DROP TABLE {table}")


def _records(columns: tuple[MatchColumn, ...], of_crm: str, of_people: str) -> str:
    """SQL for the records, by a condition on rows of `crm_customers` and one on those of `_whose`."""
    asked = [name for name in _ASKED_RARELY if name in {column.identifier for column in columns}]
    return f"""
    SELECT person_id, position, whose.email_refusal, whose.phone_refusal, customer_id, canonical_email AS email,
        canonical_phone AS phone, country_code AS country, {"".join(f"{name}, " for name in asked)}phone_country_source,
        phone_type, first_name, last_name, postal_code, mobile_ad_id, created_at, updated_at
    FROM _whose AS whose JOIN (SELECT rowid AS place, * FROM warehouse.crm_customers WHERE {of_crm}) USING (place)
    WHERE {of_people}
    """


def _beginnings(warehouse: Warehouse) -> list[int]:
    """Where in `_together` every batch but the first begins: at a person's first record."""
    firsts = warehouse.read(
        f"SELECT min(rowid) AS first FROM _together WHERE position = 1 AND rowid >= {_RECORDS_AT_ONCE} "
        f"GROUP BY rowid // {_RECORDS_AT_ONCE} ORDER BY first"
    )
    return firsts["first"].to_list()
