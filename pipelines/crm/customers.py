"""The customers that arrive, made canonical and without the erased, piece by piece: memory cannot hold all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import polars as pl

from catalog.duckdb_connection import insert_frame, store_frame
from pipelines.crm.arrival import Arrival
from pipelines.crm.contract import ROW
from pipelines.crm.missing import Before, Missing
from pipelines.crm.unchanged import IDENTIFYING, made_canonical
from pipelines.identifiers.canonical import with_canonical
from pipelines.identifiers.digests import Digest
from pipelines.pieces import picked, pieces
from pipelines.tombstones.covered import Covered, Lift, Sought, covered_by, lifted, usable, within
from pipelines.tombstones.erased import erased_marks, own_tombstones, without_erased
from pipelines.tombstones.met import Met, met_rows, with_named
from pipelines.tombstones.tombstones import Compared
from pipelines.tombstones.withheld import withheld_addresses
from schemas.crm import RAW_MARK, CanonicalCustomers
from schemas.network import Network
from schemas.settings import Settings

#: The temporary table of what is made of the customers that arrive: source_row, customer_id, what they typed, and its
#: canonical forms.
CANONICAL = "_canonical"
#: The temporary table of the addresses by which customers may be joined, whether they arrived or stay.
_USABLE = "_usable"

_KINDS, _ERASED = ("email", "phone"), " erased"


class ReadCustomers(NamedTuple):
    """The customers as they are written."""

    #: SQL for those `CanonicalCustomers` that arrived, and their marks.
    written: str
    #: SQL for them piece by piece: a join of all would hold what all typed.
    parts: list[str]
    #: Who is covered by a request, named there or not.
    covered: Covered
    #: `CrmErasures` that were known, where a consent of somebody whom they cover lifts more of them.
    lifted: pl.DataFrame | None
    #: `WithheldAddresses`.
    withheld: pl.DataFrame
    #: How many were made canonical for it.
    normalised: int


@dataclass
class _Arriving:
    """Customers that arrive, and what is made of them."""

    arrival: Arrival
    canonical: partial[pl.DataFrame]
    normalised: int = 0
    #: In a night with new requests: who was there before.
    missing: Missing | None = None

    def made(self) -> Iterator[pl.DataFrame]:
        """source_row, customer_id, e-mail and phone as `CanonicalCustomers`, country: as they are made and kept."""
        keep = store_frame
        for customers, anew in made_canonical(self.arrival, self.canonical):
            self.normalised += anew
            keep(self.arrival.connection, CANONICAL, customers)
            keep = insert_frame
            yield customers

    def written(self, there: str = ">= 0") -> str:
        """SQL for the `CanonicalCustomers` that arrived `there` (a condition on their place), and their marks."""
        made = {*self.arrival.read(f"FROM {CANONICAL} LIMIT 0").columns}
        columns = ", ".join(
            f"{CANONICAL if name in made else self.arrival.name}.{name}"
            for name in (*CanonicalCustomers.column_names(), RAW_MARK)
        )
        return (
            f"SELECT {columns} FROM {self.arrival.name} JOIN {CANONICAL} ON {self.arrival.name}.rowid = {ROW} "
            f"WHERE {self.arrival.name}.rowid {there} AND {ROW} {there}"
        )

    def whole(self, ids: pl.Series) -> pl.DataFrame:
        """The `CanonicalCustomers` with the ids, whether they arrived, stay or are missing."""
        store_frame(self.arrival.connection, "_asked", ids.to_frame("customer_id"))
        found = self.canonical(self.arrival.read(f"FROM {self.arrival.every} SEMI JOIN _asked USING (customer_id)"))
        return pl.concat([found, self.missing.whole(ids)], how="diagonal") if self.missing else found

    def having(self, sought: Sought, values: pl.Series) -> pl.DataFrame:
        """`Having` of the customers, whether they arrived, stay or are missing."""
        found = within(self.arrival, _USABLE)(sought, values)
        return pl.concat([found, self.missing.having(sought, values)]) if self.missing else found

    def with_missing(self, met: Met, erasures: pl.DataFrame, identity_key: str) -> Met:
        """What `CrmErasures` met, and those who are missing whom they name."""
        if self.missing is None:
            return met
        return with_named(met, self.missing.erased(erasures, identity_key))

    def keep_usable(self, before: Before | None) -> None:
        """Keep by which addresses customers may be joined, whether they arrived, stay or are missing."""
        held = self.arrival.held
        stay = f" UNION ALL FROM {usable(held, self.arrival.stays)}" if held else ""
        made = f"FROM {usable(CANONICAL)}{stay}"
        self.arrival.connection.execute(f"CREATE OR REPLACE TEMP TABLE {_USABLE} AS {made}")
        self.missing = Missing(self.arrival, _USABLE, before) if before else None

    def drop_usable(self) -> None:
        """Give back the memory."""
        self.arrival.connection.execute(f"DROP TABLE IF EXISTS {_USABLE}")
        if self.missing:
            self.missing.drop()


def read_customers(  # noqa: PLR0913 - the customers, whom they must not name, and what that depends on
    arrival: Arrival,
    erasures: pl.DataFrame,
    unapplied: pl.DataFrame,
    *,
    settings: Settings,
    networks: dict[str, Network],
    identity_key: str,
    prehashed: Mapping[Literal["email"], Digest],
    lift: Lift,
    before: Before | None,
) -> ReadCustomers:
    """The customers made canonical, without what `erasures` (`CrmErasures`) forbid, of which those `unapplied` were not
    yet looked for in the warehouse; `lift` says what of them consents lift. Where requests are new, whoever was there
    `before` may arrive under another id, and is joined with those that arrive.

    Only what identifies somebody goes through Polars, the rest stays in DuckDB.
    """
    compared = Compared(identity_key, settings.default_country)
    canonical = partial(with_canonical, default_country=settings.default_country, prehashed=prehashed)
    arriving = _Arriving(arrival, canonical)
    met = _met(arriving.made(), erasures, compared)
    if unapplied.height:
        met = _together(met, *_staying(arrival, erasures, compared))
    if met.rows.height or before:
        arriving.keep_usable(before)
    every, records = erasures, []
    while True:
        found = covered_by(
            *arriving.with_missing(met, every, identity_key),
            every,
            settings=settings,
            networks=networks,
            identity_key=identity_key,
            whole=arriving.whole,
            having=arriving.having,
        )
        records.append(found.records)
        if found.tombstones.is_empty():
            break
        # What a covered record held may leave another one without an address, and what it allows may lift more.
        known, found = lifted(every, found, lift)
        every = pl.concat([known, found.tombstones])
        more = met_rows(arrival, CANONICAL, found.tombstones, compared, columns=IDENTIFYING)
        still = _met_among(met.rows, every, compared)
        met = _together(still, more, *_staying(arrival, found.tombstones, compared))
    arriving.drop_usable()
    covered = Covered(pl.concat(records).unique(), every.tail(every.height - erasures.height))
    relifted = every.head(erasures.height) if covered.tombstones.height else None
    if met.rows.height:
        _leave_out(arrival, met)
    withheld = withheld_addresses(met.rows, met.marks, compared)
    parts = [arriving.written(there) for there in pieces(arrival.read, CANONICAL, ROW)]
    return ReadCustomers(arriving.written(), parts, covered, relifted, withheld, arriving.normalised)


def _met(made: Iterable[pl.DataFrame], erasures: pl.DataFrame, compared: Compared) -> Met:
    """What `met_rows` gives of the customers, while they are made: in the columns `IDENTIFYING`."""
    found = [_met_among(customers, erasures, compared) for customers in made]
    rows, marks = zip(*found, strict=True)
    return Met(pl.concat(rows, how="vertical_relaxed"), pl.concat(marks))


def _met_among(customers: pl.DataFrame, erasures: pl.DataFrame, compared: Compared) -> Met:
    """The same of customers at hand."""
    own = own_tombstones(customers, compared.identity_key, erasures)
    marks = erased_marks(customers, own, erasures, compared)
    places = marks.select(pl.any_horizontal(pl.all())).to_series().arg_true()
    return Met(picked(customers[places].select(IDENTIFYING)), marks[places])


def _staying(arrival: Arrival, erasures: pl.DataFrame, compared: Compared) -> list[Met]:
    """The same of customers who stay in the warehouse, who have no place in the arrival."""
    if arrival.held is None:
        return []
    columns = (f"NULL::BIGINT AS {ROW}", *IDENTIFYING[1:])
    return [met_rows(arrival, arrival.held, erasures, compared, columns=columns, condition=arrival.stays)]


def _together(*met: Met) -> Met:
    """The customers of any, with the marks of all."""
    customers = pl.concat([each.rows for each in met], how="vertical_relaxed")
    marks = pl.concat([each.marks for each in met]).select(pl.all().name.suffix(_ERASED))
    every = pl.concat([customers, marks], how="horizontal").group_by(IDENTIFYING, maintain_order=True)
    joined = every.agg(pl.col(marks.columns).any())
    return Met(
        joined.select(IDENTIFYING),
        joined.select(pl.col(name).name.map(lambda marked: marked.removesuffix(_ERASED)) for name in marks.columns),
    )


def _leave_out(arrival: Arrival, met: Met) -> None:
    """Let the customers be as `without_erased` says; who stays and is touched by it arrives for that."""
    store_frame(arrival.connection, "_touched", met.rows.select("customer_id"))
    arrival.arrive_after_all("customer_id IN (FROM _touched)")
    # Such a row is no longer what its raw row gives.
    arrival.execute(f"UPDATE {{table}} SET {RAW_MARK} = NULL WHERE customer_id IN (FROM _touched)")
    rows = arrival.read(
        f"SELECT rowid AS {ROW}, customer_id FROM {arrival.name} SEMI JOIN _touched USING (customer_id)"
    )
    kept = without_erased(met.rows, met.marks).drop(ROW).join(rows, on="customer_id")
    store_frame(arrival.connection, "_touched_rows", rows.select(ROW))
    arrival.connection.execute(f"DELETE FROM {CANONICAL} WHERE {ROW} IN (FROM _touched_rows)")
    insert_frame(arrival.connection, CANONICAL, kept)
