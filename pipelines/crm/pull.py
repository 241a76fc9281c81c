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
from pipelines.crm.erased import erased_marks, own_tombstones, without_erased
from pipelines.crm.erasures import person_tombstones, tombstones
from pipelines.crm.forget import forget
from pipelines.crm.money import with_rate
from pipelines.crm.read import Crm
from pipelines.crm.unchanged import with_known_canonical
from pipelines.erasure.covered import Covered, among, covered_by
from pipelines.erasure.lifted import with_lifted
from pipelines.erasure.meant import meant
from pipelines.erasure.names import request_names
from pipelines.erasure.withheld import keep_for_holders, withheld_addresses
from pipelines.history.intervals import Staying
from pipelines.identifiers.canonical import with_canonical
from schemas.crm import PURPOSES, RAW_MARK, CanonicalCustomers, Quarantine
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


class Table(NamedTuple):
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
    #: Of the customers: `WithheldAddresses`.
    withheld: pl.DataFrame | None = None
    #: Of the customers: how many were made canonical tonight.
    normalised: int = 0
    #: Of all but requests: SQL for the rows that arrived, and their marks; and which rows of the warehouse stay.
    arrived: str | None = None
    staying: Staying | None = None

    @property
    def rows(self) -> pl.DataFrame:
        """The rows to write."""
        return frame_of(self.connection.sql(self.select))

    def drop(self) -> None:
        """Give back the memory of the temporary tables, once the rows are written."""
        for name in self.temporary:
            self.connection.execute(f"DROP TABLE {name}")


def pull_erasures(reading: Reading, known: pl.DataFrame) -> Table:
    """Tonight's requests as tombstones, added to the `known` ones of earlier nights and of the catalog (`CrmErasures`).

    Those that a later consent speaks of are lifted; that is worked out anew each night.
    """
    pulled = reading.crm.pull("erasures")
    requests = pl.concat([pulled.accepted, _unreadable_requests(pulled.broken, reading.as_of)]).with_columns(
        request_id=request_names(pl.col("request_id"), reading.identity_key)
    )
    compared = {"identity_key": reading.identity_key, "default_country": reading.settings.default_country}
    fresh = tombstones(
        requests,
        meant(requests, reading.crm),
        networks=reading.networks,
        countries=_countries(reading.crm) if requests["phone"].count() else None,
        **compared,
    )
    persons = person_tombstones(requests, reading.identity_key)
    every = pl.concat([known.select(fresh.columns), fresh, persons]).unique(
        ["request_id", "form", "tombstone"], keep="first", maintain_order=True
    )
    connection = reading.crm.connection
    store_frame(connection, "_tombstones", with_lifted(every, reading.crm, networks=reading.networks, **compared))
    temporary = ("_tombstones", pulled.arrival.name)
    quarantined = _dated(pulled.quarantined, reading.as_of)
    return Table(connection, "FROM _tombstones", temporary, quarantined, pulled.read, 0)


def _countries(crm: Crm) -> pl.Series:
    """Those that customers live in, as typed."""
    customers = crm.read_ahead("customers")
    lived_in = customers.arrival.read(f"SELECT DISTINCT country FROM {customers.arrival.every}")["country"]
    return pl.concat([lived_in, customers.broken["country"]]).unique().sort()


def pull_table(
    table: TableName,
    reading: Reading,
    erasures: pl.DataFrame,
    living: str = "warehouse.crm_customers",
    withheld: str = "warehouse.withheld_addresses",
) -> Table:
    """A table's accepted rows without what `erasures` (`CrmErasures`) forbids, and its quarantined rows.

    `living` is the table of the customers already read without the erased, `withheld` that of their
    `WithheldAddresses`.

    Raises:
        SourceError: a source cannot be read as declared.
        EmptyCrmError: there is no customer.
        DayError: the asked day is before the first order.
    """
    pulled = reading.crm.pull(table, (lambda orders: _without_rate(orders, reading)) if table == "orders" else None)
    arrival, connection, covered, kept_back, normalised = pulled.arrival, reading.crm.connection, None, None, 0
    if table == "consents":
        insert_frame(connection, arrival.name, _refusals(pulled.broken))
    accepted = arrival.height()
    if table == "customers":
        if not accepted:
            places = ", ".join(reading.crm.places(table))
            msg = Said(
                "The CRM is empty: {places} gave {rows} rows and none keeps its contract. Nothing was published.",
                places=places,
                rows=pulled.read,
            )
            raise EmptyCrmError(msg)
        written, covered, kept_back, normalised = _canonical_customers(arrival, erasures, reading)
        temporary = (*arrival.temporary, "_canonical")
    else:
        compared = {"identity_key": reading.identity_key, "default_country": reading.settings.default_country}
        if table == "consents" and not erasures.is_empty():
            held = arrival.read(f"FROM {withheld}")
            accepted += keep_for_holders(connection, arrival.name, held, living, **compared)
        accepted += forget(arrival, erasures, living, **compared)
        written, temporary = arrival.written, arrival.temporary
    staying = None
    select = f"SELECT * EXCLUDE ({RAW_MARK}) FROM ({written}"
    if arrival.held is not None:
        staying = Staying(arrival.stays, may_repeat=not arrival.contract.primary_key())
        select += f" UNION ALL BY NAME FROM {arrival.held} WHERE {staying.rows}"
    select += ")"
    kept = frame_of(connection.sql(f"SELECT count(*) AS rows FROM ({select})"))["rows"].item()
    quarantined = _dated(pulled.quarantined, reading.as_of)
    gone = accepted - kept
    return Table(
        connection, select, temporary, quarantined, pulled.read, gone, covered, kept_back, normalised, written, staying
    )


def _canonical_customers(
    arrival: Arrival, erasures: pl.DataFrame, reading: Reading
) -> tuple[str, Covered, pl.DataFrame, int]:
    """SQL for those `CanonicalCustomers` that arrived, and their marks; which customers are covered by requests; their
    `WithheldAddresses`; and how many were made canonical for it.

    Only what identifies somebody goes through Polars, the rest stays in DuckDB.
    """
    prehashed = reading.crm.sources.tables.customers.prehashed
    compared = {"identity_key": reading.identity_key, "default_country": reading.settings.default_country}

    def canonical(rows: pl.DataFrame) -> pl.DataFrame:
        return with_canonical(rows, default_country=reading.settings.default_country, prehashed=prehashed)

    def whole(ids: pl.Series) -> pl.DataFrame:
        store_frame(arrival.connection, "_asked", ids.to_frame("customer_id"))
        return canonical(arrival.read(f"FROM {arrival.every} SEMI JOIN _asked USING (customer_id)"))

    identifying, normalised = with_known_canonical(arrival, canonical)
    own = own_tombstones(identifying, reading.identity_key)
    marks = erased_marks(identifying, own, erasures, **compared)
    covered = covered_by(
        identifying,
        marks,
        erasures,
        settings=reading.settings,
        networks=reading.networks,
        identity_key=reading.identity_key,
        whole=whole,
        having=among(identifying),
    )
    more = erased_marks(identifying, own, covered.tombstones, **compared)
    marks = marks.select(pl.col(name) | more[name] for name in marks.columns)
    kept = _without_erased(arrival, identifying, marks)
    store_frame(arrival.connection, "_canonical", kept.drop("customer_id", "country"))
    names = set(kept.columns) - {"customer_id", "country"}
    columns = ", ".join(
        f"{'_canonical' if name in names else arrival.name}.{name}"
        for name in (*CanonicalCustomers.column_names(), RAW_MARK)
    )
    written = f"SELECT {columns} FROM {arrival.name} JOIN _canonical ON {arrival.name}.rowid = _canonical.{ROW}"
    return written, covered, withheld_addresses(identifying, own, marks, reading.identity_key), normalised


def _without_erased(arrival: Arrival, customers: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """Of the customers those who arrived, as `without_erased` says; who stays and is touched by it arrives for that.

    In, row by row: customers, of whom those who stay have no source_row; their `erased_marks`.
    """
    touched = marks.select(pl.any_horizontal(pl.all())).to_series()
    store_frame(arrival.connection, "_touched", customers.filter(touched).select("customer_id"))
    arrival.arrive_after_all("customer_id IN (FROM _touched)")
    # Such a row is no longer what its raw row gives.
    arrival.execute(f"UPDATE {{table}} SET {RAW_MARK} = NULL WHERE customer_id IN (FROM _touched)")
    late = arrival.read(
        f"SELECT rowid AS {ROW}, customer_id FROM {arrival.name} SEMI JOIN _touched USING (customer_id)"
    )
    kept = without_erased(customers, marks)
    arrived = kept.filter(pl.col(ROW).is_not_null())
    stayed = kept.filter(pl.col(ROW).is_null()).drop(ROW).join(late, on="customer_id")
    return pl.concat([arrived, stayed.select(arrived.columns)], how="vertical_relaxed")


def _without_rate(orders: Arrival, reading: Reading) -> pl.DataFrame:
    """source_row, rule, shape of orders whose currency has no rate on their day."""
    settings = reading.settings
    first = orders.read(f"SELECT min(ordered_at) AS first FROM {orders.every}")["first"].item()
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


def _unreadable_requests(broken: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """An erasure request that breaks its contract still erases whom it names, as of today."""
    return broken.filter(_names_somebody("customer_id", "email", "phone")).with_columns(
        # Whoever they name stays one request, however often it is read.
        pl.col("request_id").fill_null(
            pl.concat_str(pl.lit("unreadable"), "customer_id", "email", "phone", separator=" ", ignore_nulls=True)
        ),
        pl.col("requested_at").fill_null(pl.lit(as_of).cast(broken.schema["requested_at"])),
    )


def _names_somebody(*columns: str) -> pl.Expr:
    return pl.any_horizontal(pl.col(*columns).is_not_null())


def _dated(quarantined: pl.DataFrame, as_of: date) -> pl.DataFrame:
    return quarantined.with_columns(as_of=pl.lit(as_of)).select(Quarantine.column_names())
