"""The five CRM tables as relance reads them; a row that breaks its contract is quarantined, never lost.

Text columns hold what the CRM holds; times are UTC; money is integer minor units of the row's currency.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import dataframely as dy
import polars as pl

from schemas.money import currencies
from schemas.network import network_names
from schemas.privacy import PSEUDONYM, RAW
from schemas.settings import Purpose
from schemas.source import Sources, TableName

ORDER_STATUSES = ("completed", "refunded", "cancelled", "pending")
CONSENT_STATUSES = ("granted", "denied", "withdrawn", "pending", "unknown")
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
VISIT_EVENTS = ("visit", "view_product", "add_to_cart", "begin_checkout", "purchase")


def _word(words: Iterable[str], description: str | None = None, *, nullable: bool = False) -> dy.String:
    """A column that holds one of `words`."""
    words = list(words)
    return dy.String(
        nullable=nullable,
        check=lambda column: column.is_in(words),
        description=description,
        metadata={"words": words},
    )


def allowed_words(column: dy.Column) -> list[str]:
    """The words that a column may hold; empty if it is free."""
    return (column.metadata or {}).get("words", [])


#: A column beside the contract's, in tables of the warehouse: a hash of the raw row that alone gives this row; null if
#: none does. It has no part in what the row says.
RAW_MARK = "raw_mark"

#: Columns of which a row needs at least one, so that it names somebody.
NAMING_COLUMNS: dict[TableName, tuple[str, ...]] = {
    "consents": ("customer_id", "address"),
    "erasures": ("customer_id", "email", "phone"),
}


def somebody_named(table: TableName) -> pl.Expr:
    """Whether a row of the table names somebody."""
    return pl.any_horizontal(pl.col(*NAMING_COLUMNS[table]).is_not_null())


class CrmCustomers(dy.Schema):
    """A CRM record."""

    customer_id = dy.String(primary_key=True, metadata=RAW, description="The record's id in the CRM, as text.")
    email = dy.String(nullable=True, metadata=RAW, description="As typed.")
    phone = dy.String(nullable=True, metadata=RAW, description="As typed.")
    first_name = dy.String(nullable=True, metadata=RAW)
    last_name = dy.String(nullable=True, metadata=RAW)
    birth_date = dy.Date(nullable=True, metadata=RAW)
    gender = dy.String(nullable=True, metadata=RAW, description="As typed.")
    street = dy.String(nullable=True, metadata=RAW, description="Street and house number.")
    city = dy.String(nullable=True, metadata=RAW)
    region = dy.String(nullable=True, metadata=RAW, description="State or province: a code or a name.")
    postal_code = dy.String(nullable=True, metadata=RAW)
    country = dy.String(nullable=True, metadata=RAW, description="As typed: a code or a name.")
    mobile_ad_id = dy.String(nullable=True, metadata=RAW, description="Apple's IDFA or Android's advertising id.")
    created_at = dy.Datetime(nullable=True, time_zone="UTC", description="When the record came into the CRM.")
    updated_at = dy.Datetime(nullable=True, time_zone="UTC", description="When the CRM last changed the record.")


class CanonicalCustomers(CrmCustomers):
    """A CRM record as it is stored: what was typed, and its canonical form, worked out once."""

    canonical_email = dy.String(nullable=True, metadata=RAW, description="Trimmed, NFC, lower-case.")
    email_refusal = dy.String(nullable=True, description="Why the e-mail is no match key.")
    canonical_phone = dy.String(nullable=True, metadata=RAW, description="E.164.")
    phone_refusal = dy.String(nullable=True, description="Why the phone is no match key.")
    phone_country_source = dy.String(nullable=True, description="international, own_country or default_country.")
    phone_type = dy.String(nullable=True, description="What kind of line the phone is: mobile, fixed_line, voip …")
    country_code = dy.String(nullable=True, description="ISO 3166 alpha-2; null if not known.")


class CrmOrders(dy.Schema):
    """An order."""

    order_id = dy.String(primary_key=True, description="The order's id in the CRM, as text.")
    customer_id = dy.String(metadata=RAW, description="The CRM record that ordered.")
    ordered_at = dy.Datetime(time_zone="UTC", description="When the order was made.")
    amount = dy.Int64(description="Minor units of the row's currency; negative for money given back.")
    currency = _word(sorted(currencies()), "ISO 4217.")
    status = _word(ORDER_STATUSES, "Only completed orders count; a negative amount of one takes from the revenue.")
    channel = dy.String(nullable=True, description="Where it was made, as the CRM says.")


class CrmOrdersWithoutTimes(CrmOrders):
    """An order of a source that declares `without_times`."""

    ordered_at = dy.Datetime(nullable=True, time_zone="UTC")


class CrmConsents(dy.Schema):
    """One statement about what a person allows, by CRM record or by address."""

    record_id = dy.String(nullable=True, description="The statement's own id in the CRM.")
    customer_id = dy.String(
        nullable=True, metadata=RAW, description="The CRM record that it is about, if it names one."
    )
    address = dy.String(nullable=True, metadata=RAW, description="An e-mail, a digest of one, or a phone, as typed.")
    purpose = _word(PURPOSES, "What it allows or forbids.")
    network = _word(network_names(), "A network's name as relance has it; null speaks for all.", nullable=True)
    region = dy.String(
        nullable=True,
        description="The place or law it was given under; only California's, or one that nobody knows, says more.",
    )
    status = _word(CONSENT_STATUSES, "Only granted allows; all others refuse.")
    captured_at = dy.Datetime(
        nullable=True,
        time_zone="UTC",
        description="Null if the statement could not be read, or was on an address that is erased: then it refuses.",
    )
    valid_from = dy.Datetime(nullable=True, time_zone="UTC", description="It counts from then on; null: at once.")
    valid_to = dy.Datetime(nullable=True, time_zone="UTC", description="It counts until before then; null: for good.")
    source = dy.String(nullable=True, description="Where it was given, e.g. a form or a banner.")

    @dy.rule()
    def names_somebody(cls) -> pl.Expr:  # noqa: N805
        return somebody_named("consents")


class ConsentStatements(CrmConsents):
    """A statement as its source must give it."""

    captured_at = dy.Datetime(time_zone="UTC")


class CrmVisits(dy.Schema):
    """A web or app event."""

    event_id = dy.String(primary_key=True, description="The event's id at its source, as text.")
    customer_id = dy.String(metadata=RAW, description="The CRM record that came.")
    occurred_at = dy.Datetime(time_zone="UTC", description="When it happened.")
    event = _word(VISIT_EVENTS, "What was done.")
    item = dy.String(nullable=True, description="The product, for events that are about one.")


class ErasureRequests(dy.Schema):
    """A request to be forgotten as the CRM writes it; it is never stored."""

    request_id = dy.String(primary_key=True)
    customer_id = dy.String(nullable=True, metadata=RAW)
    email = dy.String(nullable=True, metadata=RAW)
    phone = dy.String(nullable=True, metadata=RAW)
    requested_at = dy.Datetime(time_zone="UTC")

    @dy.rule()
    def names_somebody(cls) -> pl.Expr:  # noqa: N805
        return somebody_named("erasures")


#: What tells one row of `CrmErasures` from all others.
TOMBSTONE = ("request_id", "form", "tombstone")


class CrmErasures(dy.Schema):
    """What is kept of a request: keyed hashes and dates, never the value."""

    request_id = dy.String()
    requested_at = dy.Datetime(time_zone="UTC")
    form = dy.String(
        description="`customer_id`; `person`, a record all of whose person's records are meant; `email`, `phone`; "
        "`phone_ending`, a phone's last digits, alone and with its country; `phone_text`, the digits of one that is no "
        "number; `digest_…`, an e-mail's digest; `prehashed_…`, one that the CRM had in place of an e-mail; or the "
        "match column, or columns joined by `+`, whose hash is refused."
    )
    tombstone = dy.String(metadata=PSEUDONYM, description="Keyed hash of the value in that form.")
    lifted_at = dy.Datetime(
        nullable=True, time_zone="UTC", description="When whom it covers consented again; null while it stands."
    )


class WithheldAddresses(dy.Schema):
    """An erased address that the CRM still gives for a record that has another one."""

    customer_id = dy.String(metadata=RAW)
    form = dy.String(
        description="`email`, `phone`, `digest_…`, or `domain`: the e-mail's, and those that it is part of."
    )
    tombstone = dy.String(metadata=PSEUDONYM, description="Keyed hash of the address, or of the domain, in that form.")


class SetAsideCustomers(dy.Schema):
    """A customer who is in no table since their row broke its contract: whom they refuse for stays protected."""

    customer_id = dy.String(
        nullable=True, metadata=RAW, description="Null if the line could not be split into columns."
    )
    email = dy.String(nullable=True, metadata=RAW, description="As typed.")
    phone = dy.String(nullable=True, metadata=RAW, description="As typed.")
    country = dy.String(nullable=True, metadata=RAW, description="As typed.")
    canonical_email = dy.String(nullable=True, metadata=RAW, description="Trimmed, NFC, lower-case.")
    canonical_phone = dy.String(nullable=True, metadata=RAW, description="E.164.")


class CrmSuppressions(dy.Schema):
    """Whom the select of a suppression rule names."""

    rule = dy.String(description="The rule: the stem of its file in `config/suppressions`.")
    customer_id = dy.String(nullable=True, metadata=RAW)
    address = dy.String(nullable=True, metadata=RAW, description="An e-mail, a digest of one, or a phone, as typed.")


class Quarantine(dy.Schema):
    """A source row that broke its contract."""

    table = dy.String(description="Which CRM table the row was meant for.")
    source = dy.String(description="The file or database it came from.")
    row = dy.Int64(nullable=True, description="The row in the file (1 is the first after the header).")
    rule = dy.String(description="The rule it broke, e.g. `ordered_at unreadable`.")
    shape = dy.String(nullable=True, description="The failing field, letters as a, digits as 9.")
    as_of = dy.Date(description="The run that set it aside; it expires 30 days later.")


#: Contract of each table as its source is read.
CONTRACTS: dict[TableName, type[dy.Schema]] = {
    "customers": CrmCustomers,
    "orders": CrmOrders,
    "consents": ConsentStatements,
    "visits": CrmVisits,
    "erasures": ErasureRequests,
}


def contract_of(table: TableName, sources: Sources) -> type[dy.Schema]:
    """What the rows of the table must keep, as its source is declared."""
    if table == "orders" and sources.tables.orders.without_times:
        return CrmOrdersWithoutTimes
    return CONTRACTS[table]
