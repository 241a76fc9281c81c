"""Columns of the CRM of which most values are no match key: more likely is that they are given in another way."""

from __future__ import annotations

import polars as pl

from catalog.warehouse import Warehouse
from schemas.said import Said

_COLUMNS = ("email", "phone", "postal_code", "mobile_ad_id")
#: Above this share of what is given, it is told.
_MOST = 0.5
#: What is refused for what it says, and not for how it is written.
_FILLERS = ("placeholder", "shared")


def mostly_refused(warehouse: Warehouse) -> tuple[Said, ...]:
    """What is to be told of tonight's customers, column by column."""
    counts = ", ".join(f"count({column}) AS {column}" for column in _COLUMNS)
    given = warehouse.read(f"SELECT {counts} FROM warehouse.crm_customers").row(0, named=True)
    every = warehouse.read(
        "SELECT identifier, refusal, sum(records)::BIGINT AS records FROM warehouse.identifier_refusals "
        "GROUP BY ALL ORDER BY ALL"
    )
    refused = every.filter(~pl.col("refusal").is_in(_FILLERS))
    told = []
    for column in _COLUMNS:
        reasons = dict(refused.filter(identifier=column).select("refusal", "records").iter_rows())
        if sum(reasons.values()) > _MOST * given[column]:
            told.append(
                Said(
                    "customers.{column}: of {given} values {refused} are no match key ({reasons}), and no network gets "
                    "them. Look at how the select in sources.toml gives them.",
                    column=column,
                    given=given[column],
                    refused=sum(reasons.values()),
                    reasons=", ".join(f"{reason}: {rows}" for reason, rows in reasons.items()),
                )
            )
    return tuple(told)
