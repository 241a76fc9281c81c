"""A CRM in which nothing changes any more: most likely an export that died and left its last file.

Nothing fails then, while nobody who withdraws is heard.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from catalog.warehouse import Warehouse
from schemas.said import Said
from schemas.source import TableName, table_said

#: The tables by which people are sent or not; of others a night without anything new is nothing to tell.
_WATCHED: tuple[TableName, ...] = ("customers", "consents")


def note_arrival(warehouse: Warehouse, table: TableName, digest: str | None, day: date) -> None:
    """Keep the digest of a watched table's raw rows, in place of what an earlier try of the day read. It belongs into
    the transaction that writes the table.
    """
    if table in _WATCHED and digest is not None:
        arrival = pl.DataFrame({"as_of": [day], "table": [table], "digest": [digest]})
        warehouse.replace_where("arrivals", '"table" = $table AND as_of = $day', arrival, table=table, day=day)


def standing_still(warehouse: Warehouse, day: date, nights: int) -> tuple[Said, ...]:
    """What is to be told of a night of `day` if no watched table that it read has changed for so many nights: each
    found the rows that one of an earlier day had left.
    """
    if not warehouse.has("arrivals"):
        return ()
    every = warehouse.read('SELECT "table", as_of, digest FROM warehouse.arrivals ORDER BY as_of DESC')
    since: dict[str, date] = {}
    for table in _WATCHED:
        read = every.filter(pl.col("table") == table)
        if read.is_empty() or read["as_of"][0] != day:
            continue
        # The newest come first.
        alike = read.filter((pl.col("digest") == read["digest"][0]).cum_min())
        if alike.height <= nights:
            return ()
        since[table] = alike["as_of"][-1]
    if not since:
        return ()
    msg = Said(
        "The CRM is as it was, for {nights} nights or more: {tables}. If the job that writes the export died and left "
        "its last file, nobody who withdrew or asked to be forgotten since is heard: look at it. If the CRM may stand "
        "still so long, raise unchanged_nights in relance.toml.",
        nights=nights,
        tables=[Said("no change of {table} since {day}", table=table_said(name), day=on) for name, on in since.items()],
    )
    return (msg,)
