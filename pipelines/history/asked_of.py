"""Whom a CRM record's id means on a kept night: the person who has the record, or has it under another id now."""

from __future__ import annotations

from typing import NamedTuple

from catalog.duckdb_connection import literal
from pipelines.customers.heard import Records
from pipelines.customers.merged_away import find_heirs
from pipelines.history.nights import Night
from schemas.errors import RelanceError

#: SQL: of ids those that no record has today.
_REPLACED = "ANTI JOIN warehouse.crm_customers USING (customer_id)"


class AskedOf(NamedTuple):
    """The person; whether the CRM has replaced the id; and the ids of records of others who came of it as well."""

    person_id: str
    by_former_id: bool
    others: tuple[str, ...]


def asked_of(night: Night, customer_id: str, identity_key: str) -> AskedOf:
    """Whom the id means.

    Raises:
        RelanceError: the night knew no such record, and nobody who had it before.
    """
    records = night.table("customer_records")
    found = night.read(f"SELECT person_id FROM {records} WHERE customer_id = $id", id=customer_id)
    if not found.is_empty():
        return AskedOf(found["person_id"].item(), by_former_id=False, others=())
    # Whose record is there today, and was not then, had come to nobody yet.
    given = f"SELECT customer_id FROM (SELECT {literal(customer_id)} AS customer_id) {_REPLACED}"
    where = Records(night.table("crm_customers"), records)
    if not find_heirs(night.warehouse, given, identity_key, where):
        msg = (
            f"The CRM had no accepted record of this customer id on {night.day}. See whether it is written as in the "
            "CRM; a row that broke its contract is in the quarantine, and `relance run` says how many are. A record "
            "with no other addresses than those of somebody who asked to be forgotten is left out as well, whatever "
            "its id; relance does not say of which records that is so."
        )
        raise RelanceError(msg)
    heirs = night.read(
        f"SELECT person_id, customer_id FROM {records} SEMI JOIN _heirs USING (person_id) "
        f"JOIN {where.customers} USING (customer_id) ORDER BY created_at NULLS LAST, customer_id"
    ).unique("person_id", keep="first", maintain_order=True)
    return AskedOf(heirs["person_id"][0], by_former_id=True, others=tuple(heirs["customer_id"][1:]))
