"""One table of the CRM, read and with erasures applied: what is written to the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of, insert_frame, literal
from pipelines.crm.arrival import Arrival
from pipelines.crm.arriving import arriving_statements
from pipelines.crm.contract import ROW, shape
from pipelines.crm.customers import CANONICAL, read_customers
from pipelines.crm.days import check_orders_reach
from pipelines.crm.forget import forget
from pipelines.crm.lifted import with_lifted
from pipelines.crm.missing import Before
from pipelines.crm.money import with_rate
from pipelines.crm.pulled import Pulled
from pipelines.crm.read import Crm
from pipelines.crm.refusing import broken_refusals, set_aside_customers
from pipelines.crm.unwrap import unwrap_refusals
from pipelines.tables.intervals import Staying
from pipelines.tombstones.covered import Covered
from pipelines.tombstones.tombstones import Compared
from pipelines.tombstones.withheld import keep_for_holders
from schemas.broken_rules import rule_said
from schemas.crm import (
    RAW_MARK,
    Quarantine,
)
from schemas.errors import EmptyCrmError
from schemas.network import Network
from schemas.said import Said
from schemas.settings import Settings
from schemas.source import TableName


@dataclass(frozen=True)
class Reading:
    """All that reading a table depends on beside its rows."""

    crm: Crm
    settings: Settings
    rates: pl.DataFrame
    identity_key: str
    networks: dict[str, Network]
    as_of: date

    @property
    def compared(self) -> Compared:
        """How addresses are compared with tombstones."""
        return Compared(self.identity_key, self.settings.default_country)

    def lift(self, erasures: pl.DataFrame) -> pl.DataFrame:
        """`CrmErasures` with what of them the CRM's consents lift."""
        return with_lifted(erasures, self.crm, self.compared, self.networks)

    def arriving_statements(self) -> str | None:
        """What `arriving_statements` gives of the CRM."""
        return arriving_statements(self.crm)


class TableToWrite(NamedTuple):
    """A table to write. Rows read = accepted + `quarantined`; of the accepted, `erased` are not in `select`."""

    connection: duckdb.DuckDBPyConnection
    #: SQL over temporary tables of `connection`, and over what stays in the warehouse.
    select: str
    temporary: tuple[str, ...]
    quarantined: pl.DataFrame
    read: int
    erased: int
    #: Of the customers: who is covered by a request, named there or not.
    covered: Covered | None = None
    #: Of the customers: `CrmErasures` that were known, where more of them are lifted.
    lifted: pl.DataFrame | None = None
    #: Of the customers: `WithheldAddresses`, and `SetAsideCustomers`.
    withheld: pl.DataFrame | None = None
    set_aside: pl.DataFrame | None = None
    #: Of the customers: how many were made canonical tonight.
    normalised: int = 0
    #: What the same raw rows have again, of a table that has a select.
    digest: str | None = None
    #: Of the requests: what a person should know of them.
    notices: tuple[Said, ...] = ()
    #: Of all but requests: SQL for the rows that arrived, and their marks; and which rows of the warehouse stay.
    arrived: str | None = None
    staying: Staying | None = None
    #: Of the customers: SQL for the rows that arrived, some in each: one for all would hold too much.
    parts: Sequence[str] = ()

    @property
    def rows(self) -> pl.DataFrame:
        """The rows to write."""
        return frame_of(self.connection.sql(self.select))

    def drop(self) -> None:
        """Give back the memory of the temporary tables, once the rows are written."""
        for name in self.temporary:
            self.connection.execute(f"DROP TABLE {name}")


def pull_table(  # noqa: PLR0913 - the table, whom it must not name, and where that is known from
    table: TableName,
    reading: Reading,
    erasures: pl.DataFrame,
    living: str = "warehouse.crm_customers",
    withheld: str = "warehouse.withheld_addresses",
    *,
    unapplied: pl.DataFrame,
    before: Before | None = None,
) -> TableToWrite:
    """A table's accepted rows without what `erasures` (`CrmErasures`) forbids, and its quarantined rows.

    `living` is the table of the customers already read without the erased, `withheld` that of their
    `WithheldAddresses`; `unapplied` are the erasures that were not yet looked for in the warehouse's rows; `before`,
    of the customers, who was there before them, where requests are new.

    Raises:
        SourceError: a source cannot be read as declared.
        EmptyCrmError: there is no customer.
        DayError: the asked day is before the first order.
    """
    pulled = reading.crm.pull(table, (lambda orders: _without_rate(orders, reading)) if table == "orders" else None)
    arrival = pulled.arrival
    accepted = pulled.read - pulled.quarantined.height
    if table != "customers":
        accepted += _forgotten(pulled, reading, erasures, living, withheld, unapplied)
        return _table(pulled, reading, arrival.written, arrival.name, accepted)
    if not accepted:
        raise EmptyCrmError(_empty_crm(pulled, reading))
    prehashed = reading.crm.sources.tables.customers.prehashed
    with reading.crm.still_read(table, pulled):
        customers = read_customers(
            arrival,
            erasures,
            unapplied,
            settings=reading.settings,
            networks=reading.networks,
            identity_key=reading.identity_key,
            prehashed=prehashed,
            lift=reading.lift,
            before=before,
        )
    known = erasures if customers.lifted is None else customers.lifted
    every = pl.concat([known, customers.covered.tombstones])
    return _table(pulled, reading, customers.written, CANONICAL, accepted)._replace(
        temporary=(*pulled.temporary, CANONICAL),
        covered=customers.covered,
        lifted=customers.lifted,
        withheld=customers.withheld,
        set_aside=set_aside_customers(pulled.broken, pulled.unsplit, every, reading.compared, prehashed),
        normalised=customers.normalised,
        parts=customers.parts,
    )


def _forgotten(  # noqa: PLR0913, PLR0917 - as in `pull_table`
    pulled: Pulled, reading: Reading, erasures: pl.DataFrame, living: str, withheld: str, fresh: pl.DataFrame
) -> int:
    """Take out of the rows that arrived what erasures forbid; how many rows came in for what could not be read, and
    for those who stay."""
    arrival, connection, more = pulled.arrival, reading.crm.connection, 0
    if arrival.table == "consents":
        refusals = broken_refusals(pulled.broken)
        insert_frame(connection, arrival.name, refusals)
        more += refusals.height + unwrap_refusals(connection, arrival.name)
        if not erasures.is_empty():
            held = arrival.read(f"FROM {withheld}")
            more += keep_for_holders(connection, arrival.name, held, living, reading.compared)
    return more + forget(arrival, erasures, living, reading.compared, unapplied=fresh)


def _table(pulled: Pulled, reading: Reading, written: str, arrived: str, accepted: int) -> TableToWrite:
    """What is written of a table: SQL for the rows that arrived, and the temporary table that has a row for each; and
    the rows of the warehouse that stay. Those of the `accepted` rows that are in neither were erased."""
    arrival, staying = pulled.arrival, None
    select, every = f"SELECT * EXCLUDE ({RAW_MARK}) FROM ({written}", f"SELECT 1 FROM {arrived}"
    if arrival.held is not None:
        staying = Staying(arrival.stays, may_repeat=not arrival.contract.primary_key())
        select += f" UNION ALL BY NAME FROM {arrival.held} WHERE {staying.rows}"
        every += f" UNION ALL SELECT 1 FROM {arrival.held} WHERE {staying.rows}"
    kept = arrival.read(f"SELECT count(*) AS rows FROM ({every})")["rows"].item()
    return TableToWrite(
        reading.crm.connection,
        f"{select})",
        pulled.temporary,
        dated(pulled.quarantined, reading.as_of),
        pulled.read,
        erased=accepted - kept,
        arrived=written,
        staying=staying,
        digest=pulled.digest,
    )


def _empty_crm(pulled: Pulled, reading: Reading) -> Said:
    """That no customer can be read, and why."""
    places = ", ".join(reading.crm.places("customers"))
    if not pulled.read:
        return Said("The CRM is empty: {places} gave no row. Nobody is added to a list.", places=places)
    return Said(
        "The CRM is empty: {places} gave {rows} rows and none keeps its contract: {broken}. Nobody is added to a list.",
        places=places,
        rows=pulled.read,
        broken=_broken_rules(pulled.quarantined),
    )


def _without_rate(orders: Arrival, reading: Reading) -> pl.DataFrame:
    """source_row, rule, shape of orders whose currency has no rate on their day."""
    settings = reading.settings
    first = orders.read(f"SELECT min(ordered_at) AS first FROM {orders.every}")["first"].item()
    if first is not None:
        check_orders_reach(reading.as_of, first.astimezone(settings.zone).date())
    foreign = orders.read(
        f"SELECT rowid AS {ROW}, ordered_at, currency FROM {orders.name} WHERE currency <> {literal(settings.currency)}"
    ).with_columns(pl.col(ROW).cast(pl.UInt32))
    rated = with_rate(foreign, reading.rates, currency=settings.currency, time_zone=settings.time_zone)
    return rated.filter(pl.col("rate").is_null()).select(
        ROW, rule="no rate for " + pl.col("currency"), shape=shape(pl.col("currency"))
    )


def _broken_rules(quarantined: pl.DataFrame) -> list[Said]:
    """Which rules the rows broke, and how many each, the most first."""
    counts = quarantined.group_by("rule").len("rows").sort("rows", "rule", descending=[True, False])
    return [Said("{rule} ({rows})", rule=rule_said(rule), rows=rows) for rule, rows in counts.iter_rows()]


def dated(quarantined: pl.DataFrame, as_of: date) -> pl.DataFrame:
    return quarantined.with_columns(as_of=pl.lit(as_of)).select(Quarantine.column_names())
