"""Statements and lists that name nobody, since the address in them is none: who typed it is protected by nothing."""

from __future__ import annotations

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.identifiers.digests import is_digest
from pipelines.identifiers.email_refusals import email_refusal
from pipelines.identifiers.emails import canonical_email
from pipelines.identifiers.fillers import is_filler
from pipelines.identifiers.wrapped import PLAIN
from pipelines.tombstones.tombstones import with_phone
from schemas.said import Said
from schemas.source import TableName


def unreadable_statements(warehouse: Warehouse, table: TableName, default_country: str | None) -> tuple[Said, ...]:
    """What is to be told of tonight's statements that name no record, and nobody by their address; nothing of any other
    table."""
    if table != "consents":
        return ()
    rows = _unreadable(warehouse, "crm_consents WHERE customer_id IS NULL", default_country).height
    if not rows:
        return ()
    says = (
        "Rows of consents that name nobody, since their address is neither an e-mail nor a phone of any country that "
        "customers live in: {rows}. What they refuse is heard by nobody: look at how the select in sources.toml gives "
        "address."
    )
    return (Said(says, rows=rows),)


def unreadable_requests(requests: pl.DataFrame) -> tuple[Said, ...]:
    """What is to be told of tonight's requests to be forgotten (`ErasureRequests`) by an e-mail that is none."""
    by_email = requests.filter(pl.col("customer_id").is_null(), pl.col("phone").is_null())
    rows = by_email.filter(email_refusal(canonical_email(pl.col("email"))) == "not_an_email").height
    says = (
        "Requests to be forgotten by an e-mail that is none, so that nobody is forgotten by them: {rows}. Look at how "
        "the select in sources.toml gives email."
    )
    return (Said(says, rows=rows),) if rows else ()


def unreadable_lists(warehouse: Warehouse, default_country: str | None) -> tuple[Said, ...]:
    """What is to be told of tonight's suppression lists, rule by rule."""
    found = _unreadable(warehouse, "crm_suppressions WHERE customer_id IS NULL", default_country)
    says = (
        "Rows of suppressions/{rule}.toml that name nobody, since their address is neither an e-mail nor a phone of "
        "any country that customers live in: {rows}. Whom they mean is protected by nothing: look at how its select "
        "gives address."
    )
    counts = found.group_by("rule").len("rows").sort("rule")
    return tuple(Said(says, rows=rows, rule=rule) for rule, rows in counts.iter_rows())


def _unreadable(warehouse: Warehouse, rows: str, default_country: str | None) -> pl.DataFrame:
    """Those of the rows (SQL after FROM, with a condition) whose address nobody can have."""
    plain = f"regexp_full_match(address, '{PLAIN}')"
    said = warehouse.read(f"FROM warehouse.{rows} AND address IS NOT NULL AND NOT {plain}")
    typed = said.select("address").unique().filter(~is_digest(pl.col("address")), ~is_filler(pl.col("address")))
    is_email = email_refusal(canonical_email(pl.col("address"))) != "not_an_email"
    typed = typed.filter(~is_email.fill_null(True))
    nowhere = pl.DataFrame({"country": [None]}, {"country": pl.String})
    lived_in = warehouse.read("SELECT DISTINCT country FROM warehouse.crm_customers WHERE country IS NOT NULL")
    # Nearly all are read at once; only the others are tried everywhere.
    for countries in (nowhere, lived_in):
        read = with_phone(typed.join(countries, how="cross"), "address", default_country)
        typed = typed.join(read.drop_nulls("phone_e164"), on="address", how="anti")
    return said.join(typed, on="address", how="semi")
