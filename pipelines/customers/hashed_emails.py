"""Records that have a digest in place of an e-mail, beside records that have the e-mail: to joining both are one."""

from __future__ import annotations

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.identifiers.digests import digest_kinds

#: SQL: the digests that are match keys. (A canonical e-mail that is one, and no digest, has an @.)
_DIGESTS = (
    "SELECT rowid AS place, canonical_email AS digest FROM warehouse.crm_customers "
    "WHERE email_refusal IS NULL AND NOT contains(canonical_email, '@')"
)


def with_addresses(warehouse: Warehouse) -> str:
    """SQL for `CanonicalCustomers` and their place: the canonical e-mail of a digest is what somebody's record has."""
    rows = "SELECT rowid AS place, * FROM warehouse.crm_customers"
    digests = some_digests(warehouse)
    if digests.is_empty():
        return rows
    hashed = " UNION ALL ".join(
        f"SELECT place, canonical_email AS address FROM ({_DIGESTS}) "
        f"JOIN warehouse.crm_customers ON {how}(canonical_email) = digest WHERE email_refusal IS NULL"
        for how in digest_kinds(digests)
    )
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _addresses AS SELECT DISTINCT * FROM ({hashed})")
    return (
        f"SELECT * EXCLUDE (address) REPLACE (coalesce(address, canonical_email) AS canonical_email) FROM ({rows}) "
        "LEFT JOIN _addresses USING (place)"
    )


def some_digests(warehouse: Warehouse) -> pl.Series:
    """Of each kind of digest that tonight's records have in place of an e-mail, one."""
    return warehouse.read(f"SELECT any_value(digest) AS digest FROM ({_DIGESTS}) GROUP BY strlen(digest)")["digest"]
