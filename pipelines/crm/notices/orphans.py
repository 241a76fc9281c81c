"""Orphans, rows that name no customer: a few are of customers whom the CRM deleted, many mean ids written otherwise.

What an erased record has left behind is looked for in `strangers`.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.customers.heard import Records
from pipelines.customers.merged_away import find_heirs
from schemas.said import Said
from schemas.source import TableName, table_said

#: A share that is told. A CRM keeps orders of customers whom it deleted: one in ten may be of such.
_TOLD_SHARE = 0.1

#: Of more customers than this a part is looked at: of all, a join would take long. So it is with statements of which
#: only the share is asked, for which fewer are enough.
_CUSTOMERS_LOOKED_AT = 500_000
_STATEMENTS_LOOKED_AT = 100_000


#: An id that no customer has and that so large a share of the orders bears, and more of them than any customer's, is a
#: filler: WooCommerce writes 0 for guests.
_FILLER_SHARE = 0.01
_FILLER_ROWS = 10

#: How long before a table of customers may have been whole for the last time.
_DAYS_LOOKED_BACK = 35

#: Where records lie of whom ids that are gone may speak: whose nobody is left tonight are those of nobody.
_LEFT = Records(
    "warehouse.crm_customers",
    "(SELECT person_id FROM warehouse.customer_records SEMI JOIN warehouse.crm_customers USING (customer_id))",
)

_IS_LIST = "(contains(customer_id, ';') OR contains(customer_id, '|') OR contains(customer_id, ','))"


class Orphans(NamedTuple):
    """How many rows name no customer (of very many customers an estimate), and what is to be told of it."""

    rows: int
    notices: tuple[Said, ...]


def orphans(warehouse: Warehouse, table: TableName) -> Orphans:
    """The rows of a table, as written tonight, whose customer_id no customer has; rows without one name somebody else.

    Nothing is told where customers set aside or erased may be all that is missing. Where those may be whom the CRM had
    when it was read before, the ids are not to blame.
    """
    customers = warehouse.height("crm_customers")
    parts = 1 + customers // _CUSTOMERS_LOOKED_AT
    of_part = _part(parts)
    living = f"SELECT customer_id, TRUE AS lives FROM warehouse.crm_customers {of_part}"
    found = warehouse.read(
        "SELECT count(*) AS rows, count(*) FILTER (lives IS NULL) AS orphans, "
        "count(DISTINCT customer_id) FILTER (lives IS NULL) AS ids, "
        f"count(*) FILTER (lives IS NULL AND {_IS_LIST}) AS lists "
        f"FROM (SELECT customer_id FROM warehouse.crm_{table} {of_part}) AS named "
        f"LEFT JOIN ({living}) AS living USING (customer_id)"
    )
    missing, before = _missing_customers(warehouse)
    rows, without_customer, ids, lists = found.row(0)
    several = _naming_several(warehouse, table, of_part) if lists else 0
    if several:
        notice = Said(
            "{rows} rows of {table} that were looked at name several customers in one customer_id, and so none: let "
            "the select in sources.toml take one of them, or make a row of each.",
            rows=several,
            table=table_said(table),
        )
        return Orphans(without_customer * parts, (notice,))
    filler = _filler(warehouse) if table == "orders" and without_customer else None
    if filler is not None:
        return Orphans(without_customer * parts, (filler,))
    if without_customer <= rows * _TOLD_SHARE or ids * parts <= missing:
        return Orphans(without_customer * parts, ())
    if ids * parts <= missing + before - customers:
        lost = Said(
            "{orphans} of {rows} rows of {table} that were looked at name no customer: the CRM's table of customers "
            "has {customers} rows, and had {before} in the last weeks. Look at that export first; if it is whole, "
            "compare how the selects of both tables in sources.toml give customer_id.",
            orphans=without_customer,
            rows=rows,
            table=table_said(table),
            customers=customers,
            before=before,
        )
        return Orphans(without_customer * parts, (lost,))
    notice = Said(
        "{orphans} of {rows} rows of {table} that were looked at name no customer: compare how the selects of both "
        "tables in sources.toml give customer_id (zeros in front, blanks, a prefix).",
        orphans=without_customer,
        rows=rows,
        table=table_said(table),
    )
    return Orphans(without_customer * parts, (notice,))


def _missing_customers(warehouse: Warehouse) -> tuple[int, int]:
    """How many of tonight's customers were set aside or erased; and the most that there were before, since an export
    that breaks off may do so for several nights.
    """
    return warehouse.read(
        f"""
        WITH read AS (FROM warehouse.pulls WHERE "table" = 'customers')
        SELECT (SELECT quarantined + erased FROM read ORDER BY as_of DESC LIMIT 1) AS missing, greatest(
            (SELECT rows FROM warehouse.customers_before),
            (
                SELECT max("read" - quarantined - erased) FROM read
                WHERE as_of > (SELECT max(as_of) FROM read) - {_DAYS_LOOKED_BACK}
            )
        ) AS before
        """
    ).row(0)


def named_percent(warehouse: Warehouse, identity_key: str) -> dict[str, int]:
    """Of a hundred customer_ids by which people refuse, how many are a customer's, or were one's who has another now:
    of `consents` (of very many an estimate), and of each suppression list by the place of its rule; 0 only if none is.
    What gives no id is not there.
    """
    of_part = _part(1 + warehouse.height("crm_consents") // _STATEMENTS_LOOKED_AT)
    consents = _named(warehouse, "'consents'", f"crm_consents {of_part}", of_part, identity_key)
    shares = {}
    for place, rows, named, followed in pl.concat([consents, _lists(warehouse, identity_key)]).iter_rows():
        known = named + followed
        shares[place] = max(min(known, 1), 100 * known // rows)
    return shares


def orphaned_refusals(warehouse: Warehouse, identity_key: str) -> tuple[Said, ...]:
    """What is to be told of tonight's refusals if most of their ids are no customer's: those of an opt-out list that
    comes from elsewhere are few among all statements."""
    of_part = _part(1 + warehouse.height("crm_consents") // _STATEMENTS_LOOKED_AT)
    refusing = f"crm_consents {of_part} AND status <> 'granted'"
    says = (
        "{orphans} of {rows} refusals in consents that were looked at name no customer by the customer_id as it is "
        "written: compare how the selects of customers and consents in sources.toml give it (blanks, a prefix)."
    )
    return tuple(
        Said(says, orphans=rows - named - followed, rows=rows)
        for _, rows, named, followed in _named(warehouse, "'consents'", refusing, of_part, identity_key).iter_rows()
        if rows > 2 * (named + followed)
    )


def orphaned_lists(warehouse: Warehouse, identity_key: str) -> tuple[Said, ...]:
    """What is to be told of tonight's suppression lists of which most ids are no customer's, or no longer."""
    nobodys = (
        "{orphans} of {rows} customer_ids of {place} are no customer's, so that whom they mean is protected by "
        "nothing: compare how its select and the one of customers in sources.toml give customer_id (zeros in front, "
        "blanks, a prefix)."
    )
    former = (
        "{followed} of {rows} customer_ids of {place} were a customer's who has another now, since the CRM gave a new "
        "one or merged records. They protect whoever has the record today: nothing has to be done."
    )
    told = []
    for place, rows, named, followed in _lists(warehouse, identity_key).iter_rows():
        if rows > 2 * (named + followed):
            told.append(Said(nobodys, orphans=rows - named - followed, rows=rows, place=place))
        elif rows > 2 * named:
            told.append(Said(former, followed=followed, rows=rows, place=place))
    return tuple(told)


def _lists(warehouse: Warehouse, identity_key: str) -> pl.DataFrame:
    """As `_named`, each suppression list by the place of its rule. All of each is looked at: one may be short."""
    place = "'suppressions/' || rule || '.toml'"
    return _named(warehouse, place, f"crm_suppressions {_part(1)}", _part(1), identity_key)


def _named(warehouse: Warehouse, place: str, ids: str, of_part: str, identity_key: str) -> pl.DataFrame:
    """place (an SQL expression), rows, named, followed: how many rows there are (SQL after FROM warehouse), how many of
    them name a customer, and how many one who has another id now."""
    followed = "FALSE"
    if find_heirs(warehouse, f"SELECT customer_id FROM warehouse.{ids}", identity_key, _LEFT):
        followed = "customer_id IN (SELECT given FROM _heirs)"
    return warehouse.read(
        "SELECT place, count(*) AS rows, count(lives) AS named, "
        f"count(*) FILTER (lives IS NULL AND {followed}) AS followed "
        f"FROM (SELECT {place} AS place, customer_id FROM warehouse.{ids}) AS given "
        f"LEFT JOIN (SELECT customer_id, TRUE AS lives FROM warehouse.crm_customers {of_part}) AS living "
        "USING (customer_id) GROUP BY place ORDER BY place"
    )


def _part(parts: int) -> str:
    """SQL: of so many parts of all rows with a customer_id the one that is looked at, told by a hash of the id."""
    return f"WHERE customer_id IS NOT NULL AND hash(customer_id) % {parts} = 0"


def _naming_several(warehouse: Warehouse, table: TableName, of_part: str) -> int:
    """How many rows have a customer_id that is a list, the first of which is a customer's."""
    found = warehouse.read(
        "SELECT count(*) AS rows FROM ("
        "SELECT customer_id AS listed, trim(regexp_extract(customer_id, '^(.+?)[;|,]', 1)) AS customer_id "
        f"FROM warehouse.crm_{table} {of_part} AND {_IS_LIST}) AS first "
        "SEMI JOIN warehouse.crm_customers USING (customer_id) "
        "ANTI JOIN (SELECT customer_id AS listed FROM warehouse.crm_customers "
        f"WHERE {_IS_LIST}) AS own USING (listed)"
    )
    return int(found.item())


def _filler(warehouse: Warehouse) -> Said | None:
    """What is to be told if the id that most orders bear is no customer's."""
    found = warehouse.read(
        "WITH often AS (SELECT unnest(approx_top_k(customer_id, 5)) AS customer_id FROM warehouse.crm_orders), "
        "living AS (SELECT customer_id, TRUE AS lives FROM warehouse.crm_customers "
        "SEMI JOIN often USING (customer_id)) "
        "SELECT count(*) AS bearing, lives, (SELECT count(customer_id) FROM warehouse.crm_orders) AS rows "
        "FROM warehouse.crm_orders JOIN often USING (customer_id) LEFT JOIN living USING (customer_id) "
        "GROUP BY customer_id, lives ORDER BY bearing DESC, lives LIMIT 1"
    )
    if found.is_empty():
        return None
    bearing, lives, rows = found.row(0)
    if lives or bearing < max(_FILLER_ROWS, rows * _FILLER_SHARE):
        return None
    return Said(
        "{bearing} of {rows} rows of orders bear one and the same customer_id, which no customer has, such as a 0 for "
        "guests. They count for nobody: find their customers by another column, such as an e-mail, in the select in "
        "sources.toml, or leave them out of it.",
        bearing=bearing,
        rows=rows,
    )
