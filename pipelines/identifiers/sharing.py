"""Who has an identifier in common, found where the records lie: few of many, also among people who are not read."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.identifiers.identifiers import people_with
from schemas.identifiers import IdentifierKind, MatchColumn

#: SQL for what two people have in common if they share an identifier of the kind, and seldom otherwise. An ad id is
#: trimmed later, and is nothing but these characters.
_SHARED: dict[IdentifierKind, str] = {
    "email": "canonical_email",
    "phone": "canonical_phone",
    "mobile_ad_id": "regexp_replace(mobile_ad_id, '[^0-9A-Za-z_-]', '', 'g')",
}


def shared_kinds(columns: Iterable[MatchColumn]) -> list[IdentifierKind]:
    """The kinds that the match columns ask for and that people may share."""
    return [kind for kind in _SHARED if kind in {column.kind for column in columns}]


def sharing_with(kind: IdentifierKind, people: str) -> str:
    """SQL for the person_id of who shares an identifier of the kind with those in a table, and of these themselves."""
    records = f"FROM warehouse.customer_records SEMI JOIN {people} USING (person_id)"
    theirs = f"FROM ({_held(kind)}) SEMI JOIN ({records}) USING (customer_id)"
    sharing = f"FROM ({_held(kind)}) SEMI JOIN ({theirs}) USING (value)"
    return f"SELECT person_id FROM warehouse.customer_records SEMI JOIN ({sharing}) USING (customer_id)"


def sharing(
    warehouse: Warehouse, columns: Iterable[MatchColumn], people: str | None = None
) -> dict[IdentifierKind, pl.DataFrame]:
    """By kind: the identifiers (a column named as the kind) that several people have, and shared_by, how many; of
    everybody, or only of people in a table."""
    return {kind: _shared(warehouse, kind, people) for kind in shared_kinds(columns)}


def _shared(warehouse: Warehouse, kind: IdentifierKind, people: str | None) -> pl.DataFrame:
    held = f"SELECT customer_id, hash(value) AS mark FROM ({_held(kind)})"
    whose = "SELECT customer_id, person_id FROM warehouse.customer_records"
    if people is not None:
        theirs = f"FROM ({held}) SEMI JOIN ({whose} SEMI JOIN {people} USING (person_id)) USING (customer_id)"
        held = f"FROM ({held}) SEMI JOIN ({theirs}) USING (mark)"
    # Joined at the last moment: reading both tables whole would take half of the stage's time (measured).
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE _alike AS WITH held AS ({held}), "
        "several AS (SELECT mark FROM held GROUP BY mark HAVING count(*) > 1), "
        f"alike AS (FROM (FROM held SEMI JOIN several USING (mark)) JOIN ({whose}) USING (customer_id)) "
        "SELECT customer_id FROM alike SEMI JOIN "
        "(SELECT mark FROM alike GROUP BY mark HAVING min(person_id) <> max(person_id)) USING (mark)"
    )
    records = warehouse.read(
        "SELECT person_id, position, records.email_refusal, records.phone_refusal, canonical_email AS email, "
        "canonical_phone AS phone, phone_country_source, phone_type, mobile_ad_id "
        "FROM warehouse.customer_records AS records JOIN warehouse.crm_customers USING (customer_id) "
        "SEMI JOIN _alike USING (customer_id)"
    )
    warehouse.execute("DROP TABLE _alike")
    return people_with(records, kind).filter(pl.col("shared_by") > 1)


def _held(kind: IdentifierKind) -> str:
    return (
        f"SELECT customer_id, {_SHARED[kind]} AS value FROM warehouse.crm_customers WHERE {_SHARED[kind]} IS NOT NULL"
    )
