"""The requests to be forgotten that the CRM has tonight, as tombstones beside those that are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from catalog.duckdb_connection import frame_of, store_frame
from pipelines.crm.asked import asked_again, asked_first, asked_last
from pipelines.crm.known_digests import emails_of
from pipelines.crm.meant import meant
from pipelines.crm.notices.unreadable import unreadable_requests
from pipelines.crm.pull import Reading, TableToWrite, dated
from pipelines.crm.read import Crm
from pipelines.crm.refusing import broken_requests
from pipelines.customers.statements import with_digests
from pipelines.identifiers.digests import is_prehashed, prehashed
from pipelines.identifiers.emails.wrapped import each_unwrapped
from pipelines.tombstones.names import request_names
from pipelines.tombstones.tombstones import person_tombstones, tombstones
from schemas.crm import TOMBSTONE, CrmCustomers, CrmErasures


class _Beside(NamedTuple):
    """What requests are read beside: who may be meant, by which e-mails, in which countries people live, and what is
    lifted again."""

    #: `ErasureRequests` → the `CrmCustomers` that they may mean.
    meant: Callable[[pl.DataFrame], pl.DataFrame]
    #: Digests → email, digest: the e-mails of customers that they are of.
    emails: Callable[[pl.Series], pl.DataFrame]
    #: As typed.
    countries: Callable[[], pl.Series]
    #: `CrmErasures` → the same, with what of them is lifted.
    lift: Callable[[pl.DataFrame], pl.DataFrame]


def pull_erasures(reading: Reading, known: pl.DataFrame) -> TableToWrite:
    """Tonight's requests as tombstones, added to the `known` ones of earlier nights and of the catalog (`CrmErasures`).

    Those that a later consent speaks of are lifted; that is worked out anew each night.

    Raises:
        SourceError: the requests, the customers or the consents cannot be read as declared.
    """
    crm = reading.crm
    beside = _Beside(
        lambda requests: meant(requests, crm),
        lambda digests: emails_of(digests, crm),
        lambda: _countries_of(crm),
        reading.lift,
    )
    return _pulled(reading, known, beside)


def pull_erasures_alone(reading: Reading, known: pl.DataFrame) -> TableToWrite:
    """The same where tonight's customers or consents cannot be read: requests cover what the warehouse has, and what
    was lifted stays so.

    Raises:
        SourceError: the requests cannot be read as declared.
    """
    nobody, connection = pl.DataFrame(CrmCustomers.create_empty()), reading.crm.connection
    living = "SELECT DISTINCT country FROM warehouse.crm_customers"
    had = "SELECT DISTINCT canonical_email FROM warehouse.crm_customers"
    return _pulled(
        reading,
        known,
        _Beside(
            lambda _: nobody,
            lambda digests: with_digests(frame_of(connection.sql(had))["canonical_email"], digests),
            lambda: frame_of(connection.sql(living))["country"],
            lambda erasures: _as_lifted(erasures, known),
        ),
    )


def _pulled(reading: Reading, known: pl.DataFrame, beside: _Beside) -> TableToWrite:
    pulled = reading.crm.pull("erasures")
    asked = _named(pl.concat([pulled.accepted, broken_requests(pulled.broken)]), reading)
    countries = beside.countries() if asked["phone"].count() else None
    night = (reading.as_of, reading.settings.zone)
    requests = asked_again(asked_first(asked, known, reading.compared, countries=countries, night=night), known)
    named = _with_emails(requests, beside)
    fresh = tombstones(
        named,
        beside.meant(named),
        reading.compared,
        networks=reading.networks,
        countries=countries,
    )
    # Of two rows of one request the later counts.
    tonight = pl.concat([fresh, person_tombstones(requests, reading.identity_key)]).sort(
        "requested_at", descending=True, maintain_order=True
    )
    stood = asked_last(known, tonight).select(fresh.columns)
    every = pl.concat([stood, tonight]).unique(TOMBSTONE, keep="first", maintain_order=True)
    connection = reading.crm.connection
    store_frame(connection, "_tombstones", beside.lift(every))
    temporary = ("_tombstones", pulled.arrival.name)
    quarantined = dated(pulled.quarantined, reading.as_of)
    notices = unreadable_requests(requests, countries, reading.settings.default_country)
    return TableToWrite(connection, "FROM _tombstones", temporary, quarantined, pulled.read, 0, notices=notices)


def _named(requests: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """The requests by the names under which they are known, one for each e-mail of a cell; a digest of one in hex."""
    each = each_unwrapped(requests, "email", among_words=False)
    email = pl.coalesce(prehashed(pl.col("email")), pl.col("email"))
    return each.with_columns(email=email, request_id=request_names(pl.col("request_id"), reading.identity_key))


def _with_emails(requests: pl.DataFrame, beside: _Beside) -> pl.DataFrame:
    """The requests, and the e-mails whose digests they name, so that other digests of these are meant too."""
    digests = requests.filter(is_prehashed(pl.col("email")))["email"].unique()
    if digests.is_empty():
        return requests
    found = requests.join(beside.emails(digests), left_on="email", right_on="digest")
    emails = found.select("request_id", "requested_at", email="email_right")
    return pl.concat([requests, emails], how="diagonal")


def _as_lifted(erasures: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """`CrmErasures`, lifted as those are that are `known`."""
    lifted = known.select(*TOMBSTONE, "lifted_at")
    return erasures.drop("lifted_at").join(lifted, on=TOMBSTONE, how="left").select(CrmErasures.column_names())


def _countries_of(crm: Crm) -> pl.Series:
    """Those that tonight's customers live in, as typed."""
    customers = crm.read_ahead("customers")
    lived_in = customers.arrival.read(f"SELECT DISTINCT country FROM {customers.arrival.every}")["country"]
    return pl.concat([lived_in, customers.broken["country"]]).unique().sort()
