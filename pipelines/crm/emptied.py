"""A table that had rows the night before and has none: an export that broke, and not what everybody said."""

from __future__ import annotations

from catalog.warehouse import Warehouse
from pipelines.crm.pull import Reading
from schemas.errors import EmptyCrmError
from schemas.said import Said
from schemas.source import TableName


def check_consents_arrived(table: TableName, read: int, reading: Reading, warehouse: Warehouse) -> None:
    """Look at how many rows of consents tonight's CRM gave, before they are written; at no other table.

    Raises:
        EmptyCrmError: it gave none, and the last night that read them had some. As a word that nobody gave is a no, all
            lists would lose everybody.
    """
    if table != "consents" or read or reading.crm.sources.tables.consents.select is None or not warehouse.has("pulls"):
        return
    last = warehouse.read(
        'SELECT as_of, "read" AS rows FROM warehouse.pulls '
        """WHERE "table" = 'consents' AND as_of <= $day ORDER BY as_of DESC LIMIT 1""",
        day=reading.as_of,
    )
    if last.is_empty() or not last["rows"].item():
        return
    msg = Said(
        "The consents are empty: {places} gave no row, and had {rows} on {day}. By that nobody could be sent any more, "
        "so the night does not go by it. Export them again; if there are none any more, write absent = true under "
        "[tables.consents] in sources.toml.",
        places=", ".join(reading.crm.places("consents")),
        rows=last["rows"].item(),
        day=last["as_of"].item(),
    )
    raise EmptyCrmError(msg)
