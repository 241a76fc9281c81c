"""One table of the CRM, read and with erasures applied: what is written to the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of, insert_frame, store_frame
from pipelines.crm.arrival import Arrival
from pipelines.crm.contract import ROW, shape
from pipelines.crm.days import check_orders_reach
from pipelines.crm.erasures import erased_addresses, erased_values, tombstones, without_erased_customers
from pipelines.crm.money import with_rate
from pipelines.crm.read import Crm
from pipelines.identifiers.canonical import with_canonical
from schemas.crm import NAMING_COLUMNS, PURPOSES, CanonicalCustomers, CrmErasures, Quarantine
from schemas.errors import EmptyCrmError
from schemas.network import Network
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


class Table(NamedTuple):
    """A table to write. Rows read = accepted + `quarantined`; of the accepted, `erased` are not in `select`."""

    connection: duckdb.DuckDBPyConnection
    #: SQL over temporary tables of `connection`.
    select: str
    temporary: tuple[str, ...]
    quarantined: pl.DataFrame
    read: int
    erased: int

    @property
    def rows(self) -> pl.DataFrame:
        """The rows to write."""
        return frame_of(self.connection.sql(self.select))

    def drop(self) -> None:
        """Give back the memory of the temporary tables, once the rows are written."""
        for name in self.temporary:
            self.connection.execute(f"DROP TABLE {name}")


#: Digits at a phone's end that are the same with and without a country code.
_LAST_DIGITS = 6


def pull_erasures(reading: Reading, known: pl.DataFrame) -> Table:
    """Tonight's requests as tombstones, added to the `known` ones of earlier nights (`CrmErasures`)."""
    pulled = reading.crm.pull("erasures")
    requests = pl.concat([pulled.accepted, _unreadable_requests(pulled.broken, reading.as_of)])
    records = _meant(requests, reading.crm)
    fresh = tombstones(
        requests,
        records,
        identity_key=reading.identity_key,
        default_country=reading.settings.default_country,
        networks=reading.networks,
        countries=reading.crm.distinct("customers", "country") if requests["phone"].count() else None,
    )
    every = pl.concat([known, fresh]).unique(["request_id", "form", "tombstone"], keep="first", maintain_order=True)
    connection = reading.crm.connection
    store_frame(connection, "_tombstones", every.select(CrmErasures.column_names()))
    temporary = ("_tombstones", pulled.arrival.name)
    quarantined = _dated(pulled.quarantined, reading.as_of)
    return Table(connection, "FROM _tombstones", temporary, quarantined, pulled.read, 0)


def pull_table(
    table: TableName, reading: Reading, erasures: pl.DataFrame, living: str = "warehouse.crm_customers"
) -> Table:
    """A table's accepted rows without what `erasures` (`CrmErasures`) forbids, and its quarantined rows.

    `living` is the table of the customers already read without the erased.

    Raises:
        SourceError: a source cannot be read as declared.
        EmptyCrmError: there is no customer.
        DayError: the asked day is before the first order.
    """
    pulled = reading.crm.pull(table, (lambda orders: _without_rate(orders, reading)) if table == "orders" else None)
    arrival, connection = pulled.arrival, reading.crm.connection
    if table == "consents":
        insert_frame(connection, arrival.name, _refusals(pulled.broken))
    accepted = arrival.height()
    if table == "customers":
        if not accepted:
            places = ", ".join(reading.crm.places(table))
            gave = f"{places} gave {pulled.read} rows and none keeps its contract"
            msg = f"The CRM is empty: {gave}. Nothing was published."
            raise EmptyCrmError(msg)
        select, temporary = _canonical_customers(arrival, erasures, reading), (arrival.name, "_canonical")
    else:
        _forget(arrival, erasures, reading, living)
        select, temporary = arrival.select, (arrival.name,)
    kept = frame_of(connection.sql(f"SELECT count(*) AS rows FROM ({select})"))["rows"].item()
    quarantined = _dated(pulled.quarantined, reading.as_of)
    return Table(connection, select, temporary, quarantined, pulled.read, accepted - kept)


def _canonical_customers(arrival: Arrival, erasures: pl.DataFrame, reading: Reading) -> str:
    """SQL for `CanonicalCustomers`: only what identifies somebody goes through Polars, the rest stays in DuckDB."""
    identifying = arrival.read(f"SELECT rowid AS {ROW}, customer_id, email, phone, country FROM {arrival.name}")
    kept = without_erased_customers(
        with_canonical(
            identifying,
            default_country=reading.settings.default_country,
            prehashed=reading.crm.sources.tables.customers.prehashed,
        ),
        erasures,
        identity_key=reading.identity_key,
        default_country=reading.settings.default_country,
    )
    store_frame(arrival.connection, "_canonical", kept.drop("customer_id", "country"))
    canonical = set(kept.columns) - {"customer_id", "country"}
    columns = ", ".join(
        f"{'_canonical' if name in canonical else arrival.name}.{name}" for name in CanonicalCustomers.column_names()
    )
    return f"SELECT {columns} FROM {arrival.name} JOIN _canonical ON {arrival.name}.rowid = _canonical.{ROW}"


def _forget(arrival: Arrival, erasures: pl.DataFrame, reading: Reading, living: str) -> None:
    """Take out rows of erased customers, and what names an erased address."""
    if erasures.is_empty():
        return
    # Living customers need no look: there are many more of them.
    doubtful = arrival.read(f"SELECT DISTINCT customer_id FROM {arrival.name} ANTI JOIN {living} USING (customer_id)")
    gone = erased_values(doubtful["customer_id"], "customer_id", erasures, reading.identity_key)
    arrival.execute("DELETE FROM {table} WHERE customer_id IN (SELECT unnest($values))", values=gone.to_list())
    if arrival.table == "consents":
        addresses = arrival.read(f"SELECT DISTINCT address FROM {arrival.name} WHERE address IS NOT NULL")["address"]
        erased = erased_addresses(
            addresses,
            erasures,
            identity_key=reading.identity_key,
            default_country=reading.settings.default_country,
        )
        arrival.execute(
            "UPDATE {table} SET address = NULL WHERE address IN (SELECT unnest($values))", values=erased.to_list()
        )
        arrival.execute(f"DELETE FROM {{table}} WHERE coalesce({', '.join(NAMING_COLUMNS['consents'])}) IS NULL")


def _without_rate(orders: Arrival, reading: Reading) -> pl.DataFrame:
    """source_row, rule, shape of orders whose currency has no rate on their day."""
    settings = reading.settings
    first = orders.read(f"SELECT min(ordered_at) AS first FROM {orders.name}")["first"].item()
    if first is not None:
        check_orders_reach(reading.as_of, first.astimezone(settings.zone).date())
    foreign = orders.read(
        f"SELECT rowid AS {ROW}, ordered_at, currency FROM {orders.name} WHERE currency <> '{settings.currency}'"
    ).with_columns(pl.col(ROW).cast(pl.UInt32))
    rated = with_rate(foreign, reading.rates, currency=settings.currency, time_zone=settings.time_zone)
    return rated.filter(pl.col("rate").is_null()).select(
        ROW, rule="no rate for " + pl.col("currency"), shape=shape(pl.col("currency"))
    )


def _refusals(broken: pl.DataFrame) -> pl.DataFrame:
    """A consent statement that cannot be read refuses: whom it names, for its purpose, on all networks.

    Without a readable purpose it refuses for every purpose.
    """
    named = broken.filter(_names_somebody("customer_id", "address"))
    every = pl.lit(list(PURPOSES), dtype=pl.List(pl.String))
    return named.with_columns(
        pl.when(pl.col("purpose").is_in(PURPOSES)).then(pl.concat_list("purpose")).otherwise(every).alias("purpose"),
        *(
            pl.lit(None, dtype=broken.schema[name]).alias(name)
            for name in ("network", "captured_at", "valid_from", "valid_to")
        ),
        status=pl.lit("unknown"),
    ).explode("purpose")


def _meant(requests: pl.DataFrame, crm: Crm) -> pl.DataFrame:
    """The `CrmCustomers` rows that a request may mean: rather too many than too few."""
    ends = requests["phone"].str.replace_all(r"[^0-9]", "").str.tail(_LAST_DIGITS)
    wanted = {
        "customer_id": requests["customer_id"],
        "lower(email)": requests["email"].str.to_lowercase(),
        f"right(regexp_replace(phone, '[^0-9]', '', 'g'), {_LAST_DIGITS})": ends.filter(ends != ""),
    }
    return crm.matching("customers", {name: values.drop_nulls().unique() for name, values in wanted.items()})


def _unreadable_requests(broken: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """An erasure request that breaks its contract still erases whom it names, as of today."""
    return broken.filter(_names_somebody("customer_id", "email", "phone")).with_columns(
        pl.col("request_id").fill_null("unreadable"),
        pl.col("requested_at").fill_null(pl.lit(as_of).cast(broken.schema["requested_at"])),
    )


def _names_somebody(*columns: str) -> pl.Expr:
    return pl.any_horizontal(pl.col(*columns).is_not_null())


def _dated(quarantined: pl.DataFrame, as_of: date) -> pl.DataFrame:
    return quarantined.with_columns(as_of=pl.lit(as_of)).select(Quarantine.column_names())
