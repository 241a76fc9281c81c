"""Suppressed people, and the addresses that no row may carry because a list names them."""

from __future__ import annotations

import polars as pl

from pipelines.customers.statements import by_canonical_address, holders, named_emails
from schemas.settings import Settings
from schemas.suppression import Suppression
from schemas.uploads import suppressed_by


def suppressed_people(
    records: pl.DataFrame, named: pl.DataFrame, rules: dict[str, Suppression], settings: Settings
) -> pl.DataFrame:
    """In: `PersonRecords`, `CrmSuppressions`. Out: person_id, reason: everybody whom a rule names, by their first rule.

    A rule names a person by a record, by an address of theirs however it is typed (a national phone in whatever country
    customers live), or by the domain of an e-mail of theirs.
    """
    columns = ["person_id", "rule"]
    found = [pl.DataFrame(schema=dict.fromkeys(columns, pl.String))]
    if not named.is_empty():
        found.append(records.join(named, on="customer_id").select(columns))
        # A list speaks as a refusal does.
        spoken = by_canonical_address(named.with_columns(refusal=pl.lit(2), matter=0, spoken=0), records, settings)
        owners = holders(records.select("email", "phone", person="person_id"))
        found.append(spoken.join(owners, on="address").select(person_id="person", rule="rule"))
    for name, rule in rules.items():
        if rule.domains:
            ends = [f"{sign}{domain}" for domain in rule.domains for sign in ("@", ".")]
            inside = pl.any_horizontal(pl.col("email").str.ends_with(end) for end in ends)
            found.append(records.filter(inside).select("person_id", rule=pl.lit(name)))
    # A list read before its rule left the config protects whom it names until the CRM is read again.
    places = {name: place for place, name in enumerate(rules)}
    order = pl.col("rule").replace_strict(places, default=len(rules), return_dtype=pl.Int64)
    first = pl.concat(found).sort(order, "person_id").unique("person_id", keep="first", maintain_order=True)
    reasons = {name: suppressed_by(name) for name in first["rule"].unique()}
    return first.select("person_id", reason=pl.col("rule").replace_strict(reasons, return_dtype=pl.String))


def suppressed_emails(named: pl.DataFrame) -> pl.Series:
    """In: `CrmSuppressions`. Out: the e-mails that it names, as `named_emails` has them."""
    return named_emails(named["address"]).drop_nulls().unique()
