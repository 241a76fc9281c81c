"""People: whom the CRM's records stand for."""

from __future__ import annotations

import dataframely as dy

from schemas.privacy import PSEUDONYM, RAW


class CustomerRecords(dy.Schema):
    """A CRM record and the person it belongs to, on what evidence; what was typed stays in `crm_customers`."""

    customer_id = dy.String(primary_key=True, metadata=RAW)
    person_id = dy.String(metadata=PSEUDONYM)
    own_id = dy.String(metadata=PSEUDONYM, description="The id that the person would have if this record came first.")
    joined_by = dy.String(
        nullable=True, description="The key shared with the person's other records, e.g. `email`; null if alone."
    )
    position = dy.UInt32(description="1 for the person's earliest record, then 2, 3 …")
    email_refusal = dy.String(nullable=True, description="Why the record's e-mail is no match key.")
    phone_refusal = dy.String(nullable=True, description="Why the record's phone is no match key.")


class PersonRecords(CustomerRecords):
    """A record of a person with what identifies them, never stored: `customer_records` joined with `crm_customers`."""

    email = dy.String(nullable=True, metadata=RAW, description="Trimmed, NFC, lower-case.")
    phone = dy.String(nullable=True, metadata=RAW, description="E.164.")
    phone_country_source = dy.String(nullable=True, description="international, own_country or default_country.")
    phone_type = dy.String(nullable=True, description="What kind of line the phone is.")
    first_name = dy.String(nullable=True, metadata=RAW)
    last_name = dy.String(nullable=True, metadata=RAW)
    birth_date = dy.Date(nullable=True, metadata=RAW)
    gender = dy.String(nullable=True, metadata=RAW)
    city = dy.String(nullable=True, metadata=RAW)
    region = dy.String(nullable=True, metadata=RAW)
    postal_code = dy.String(nullable=True, metadata=RAW)
    country = dy.String(nullable=True, description="ISO 3166 alpha-2; null if not known.")
    mobile_ad_id = dy.String(nullable=True, metadata=RAW)
    created_at = dy.Datetime(nullable=True, time_zone="UTC")
    updated_at = dy.Datetime(nullable=True, time_zone="UTC")


class Customers(dy.Schema):
    """A person."""

    person_id = dy.String(primary_key=True, metadata=PSEUDONYM)
    records = dy.UInt32(description="How many CRM records the person has.")
    country = dy.String(nullable=True, description="ISO 3166 alpha-2 of the newest record that has one.")
    created_at = dy.Datetime(nullable=True, time_zone="UTC", description="When the earliest record was created.")


class PersonAliases(dy.Schema):
    """Every person id ever given, and whom it stands for today."""

    alias = dy.String(primary_key=True, metadata=PSEUDONYM)
    person_id = dy.String(metadata=PSEUDONYM)
    since = dy.Date(description="The first day the alias was given.")


class Permissions(dy.Schema):
    """A person whose keys may be sent to a network. Who is not here may not be sent."""

    person_id = dy.String(metadata=PSEUDONYM)
    network = dy.String(description="The network that they may be sent to.")
    assumed = dy.Bool(description="Granted only by an assumption that `relance.toml` states.")
    by_other_purpose = dy.Bool(
        description="Granted only by a word on another purpose, which `relance.toml` lets count."
    )


class Refusals(dy.Schema):
    """A person whose keys may not be sent to a network, and the first reason that holds."""

    person_id = dy.String(metadata=PSEUDONYM)
    network = dy.String(nullable=True, description="Null where every network has the same reason.")
    reason = dy.String(description="The ledger's word for it.")


class ConsentEvidence(dy.Schema):
    """A statement that decides whether a person's keys may be used on a network for a purpose."""

    person_id = dy.String(metadata=PSEUDONYM)
    network = dy.String(description="The network that asks.")
    purpose = dy.String(description="What it asks for; `profiling` is asked for by none and may be objected to.")
    outcome = dy.String(description="granted or refused; a statement that is not valid now grants nothing.")
    scope = dy.String(
        description="What the statement speaks for: a record, a record by an other id, an email or a phone."
    )
    record_id = dy.String(nullable=True, description="The statement's own id in the CRM.")
    customer_id = dy.String(nullable=True, metadata=RAW, description="The CRM record that it names, if it names one.")
    said_of = dy.String(description="The statement's purpose: another one where `relance.toml` lets that count.")
    said_for = dy.String(nullable=True, description="The statement's network; null for all.")
    status = dy.String()
    captured_at = dy.Datetime(nullable=True, time_zone="UTC")
    valid_from = dy.Datetime(nullable=True, time_zone="UTC")
    valid_to = dy.Datetime(nullable=True, time_zone="UTC")
    source = dy.String(nullable=True)
