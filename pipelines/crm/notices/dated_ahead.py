"""Rows that are dated after today: a source's clock or zone, or a mistake."""

from __future__ import annotations

from datetime import datetime

from catalog.warehouse import Warehouse
from pipelines.local_days import midnight_after
from schemas.said import Said
from schemas.source import TableName, table_said

#: What says when a row happened.
_DATED: dict[TableName, str] = {"orders": "ordered_at", "visits": "occurred_at", "consents": "captured_at"}


def dated_ahead(warehouse: Warehouse, table: TableName, now: datetime) -> tuple[Said, ...]:
    """What is to be told of rows of a table, as written tonight, that are dated after today.

    `now` is in the company's time zone.
    """
    column = _DATED.get(table)
    if column is None:
        return ()
    found = warehouse.read(
        f"SELECT count(*) AS rows, max({column}) AS newest FROM warehouse.crm_{table} WHERE {column} >= $tomorrow",
        tomorrow=midnight_after(now.date(), now.tzinfo),
    )
    rows, newest = found.row(0)
    if not rows:
        return ()
    told = {
        "rows": rows,
        "table": table_said(table),
        "newest": newest.astimezone(now.tzinfo).date(),
        "column": column,
    }
    if table == "consents":
        msg = Said(
            "Rows of {table} dated after today, up to {newest}: {rows}. Consents are judged as of that day, so those "
            "that are valid until an earlier one do not count. Correct their {column} at the source, or leave them out "
            "of the select in sources.toml.",
            **told,
        )
    else:
        msg = Said(
            "Rows of {table} dated after today, up to {newest}: {rows}. They do not count before. Correct their "
            "{column} at the source, or leave them out of the select in sources.toml.",
            **told,
        )
    return (msg,)
