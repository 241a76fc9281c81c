"""Customers whose ids are others tonight: of what relance keeps, only what their addresses lead to is theirs."""

from __future__ import annotations

from datetime import date

from catalog.warehouse import Warehouse
from schemas.said import Said

#: So large a share of ids does not change in a night.
_TOLD_SHARE = 0.5


def renumbered(warehouse: Warehouse, day: date) -> tuple[Said, ...]:
    """What is to be told once tonight's customers are written, of ids that are gone while as many people are there. Of
    a table that is smaller by so many the brake speaks.
    """
    if not warehouse.has("past_crm_customers"):
        return ()
    gone, now, before = warehouse.read(
        "SELECT (SELECT count(DISTINCT customer_id) FROM warehouse.past_crm_customers "
        "ANTI JOIN warehouse.crm_customers USING (customer_id) WHERE held_until = $day) AS gone, "
        '(SELECT count(*) FROM warehouse.crm_customers) AS now, (SELECT "read" - quarantined - erased AS rows '
        "FROM warehouse.pulls WHERE \"table\" = 'customers' AND as_of < $day ORDER BY as_of DESC LIMIT 1) AS before",
        day=day,
    ).row(0)
    if before is None or gone <= _TOLD_SHARE * before or now <= _TOLD_SHARE * before:
        return ()
    says = (
        "{gone} of {before} customer_ids are in the CRM no more, and others are: if those are the same people (zeros "
        "in front, a prefix, a new system), let the select of customers in sources.toml give the ids as before. By new "
        "ones whom holdouts keep out is drawn anew, and refusals and requests to be forgotten by an old id mean only "
        "who still has its e-mail or phone."
    )
    return (Said(says, gone=gone, before=before),)
