"""One table of the CRM, read and with erasures applied: what is written to the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import polars as pl

from pipelines.crm.contract import ROW, shape
from pipelines.crm.days import check_orders_reach
from pipelines.crm.erasures import tombstones, without_erased
from pipelines.crm.money import with_rate
from pipelines.crm.read import Crm
from pipelines.identifiers.canonical import with_canonical
from schemas.crm import PURPOSES, CrmErasures, Quarantine
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
    """A table to write. Rows read = accepted + `quarantined`; of the accepted, `erased` are not in `rows`."""

    rows: pl.DataFrame
    quarantined: pl.DataFrame
    read: int
    erased: int


#: Digits at a phone's end that are the same with and without a country code.
_LAST_DIGITS = 6

#: Address columns by table, in which an erased e-mail or phone is blanked.
_ADDRESSES: dict[TableName, tuple[str, ...]] = {"customers": ("email", "phone"), "consents": ("address",)}


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
    return Table(every.select(CrmErasures.column_names()), _dated(pulled.quarantined, reading.as_of), pulled.read, 0)


def pull_table(table: TableName, reading: Reading, erasures: pl.DataFrame, living: pl.Series | None = None) -> Table:
    """A table's accepted rows without what `erasures` (`CrmErasures`) forbids, and its quarantined rows.

    `living` are the ids of customers already read without the erased.

    Raises:
        SourceError: a source cannot be read as declared.
        EmptyCrmError: there is no customer.
        DayError: the asked day is before the first order.
    """
    pulled = reading.crm.pull(table, (lambda orders: _without_rate(orders, reading)) if table == "orders" else None)
    if table == "customers" and pulled.accepted.is_empty():
        places = ", ".join(reading.crm.places(table))
        msg = f"The CRM is empty: {places} gave {pulled.read} rows and none keeps its contract. Nothing was published."
        raise EmptyCrmError(msg)
    accepted, quarantined = pulled.accepted, pulled.quarantined
    if table == "consents":
        accepted = pl.concat([accepted, _refusals(pulled.broken)])
    if table == "customers":
        accepted = with_canonical(accepted, default_country=reading.settings.default_country)
    kept = without_erased(
        accepted,
        erasures,
        identity_key=reading.identity_key,
        default_country=reading.settings.default_country,
        addresses=_ADDRESSES.get(table, ()),
        needs_address=table == "customers",
        living=living,
    )
    if table == "consents":
        kept = kept.filter(_names_somebody("customer_id", "address"))
    return Table(kept, _dated(quarantined, reading.as_of), pulled.read, accepted.height - kept.height)


def _without_rate(orders: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """source_row, rule, shape of orders whose currency has no rate on their day."""
    settings = reading.settings
    first = orders["ordered_at"].min()
    if first is not None:
        local = orders.select(pl.col("ordered_at").min().dt.convert_time_zone(settings.time_zone).dt.date())
        check_orders_reach(reading.as_of, local.item())
    foreign = orders.filter(pl.col("currency") != settings.currency)
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
