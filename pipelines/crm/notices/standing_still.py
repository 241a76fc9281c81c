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


def standing_still(warehouse: Warehouse, day: date, nights: int, consents_nights: int) -> tuple[Said, ...]:
    """What is to be told of a night of `day` if no watched table that it read has changed for `nights`, or the consents
    alone for `consents_nights`: each of so many found the rows that one of an earlier day had left.
    """
    if not warehouse.has("arrivals"):
        return ()
    every = warehouse.read('SELECT "table", as_of, digest FROM warehouse.arrivals ORDER BY as_of DESC')
    alike: dict[TableName, pl.Series] = {}
    for table in _WATCHED:
        read = every.filter(pl.col("table") == table)
        if not read.is_empty() and read["as_of"][0] == day:
            # The newest come first.
            alike[table] = read.filter((pl.col("digest") == read["digest"][0]).cum_min())["as_of"]
    if alike and all(days.len() > nights for days in alike.values()):
        return (_said_of_all({table: days[-1] for table, days in alike.items()}, nights),)
    if {*_WATCHED} <= alike.keys() and alike["customers"].len() <= consents_nights < alike["consents"].len():
        return (_said_of_consents(alike["consents"][-1], consents_nights),)
    return ()


def _said_of_all(since: dict[TableName, date], nights: int) -> Said:
    return Said(
        "The CRM is as it was, for {nights} nights or more: {tables}. If the job that writes the export died and left "
        "its last file, nobody who withdrew or asked to be forgotten since is heard: look at it. If the CRM may stand "
        "still so long, raise unchanged_nights in relance.toml.",
        nights=nights,
        tables=[Said("no change of {table} since {day}", table=table_said(name), day=on) for name, on in since.items()],
    )


def _said_of_consents(since: date, nights: int) -> Said:
    return Said(
        "Customers change and consents do not, for {nights} nights or more: not since {day}. If the job that writes "
        "the consents died and left its last file, nobody who withdrew since is heard: look at it. If nobody may say "
        "anything for so long, raise unchanged_consents_nights in relance.toml.",
        nights=nights,
        day=since,
    )
