"""Which CRM records a request covers: those it names, those of the same person, those it leaves no address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import polars as pl

from catalog.duckdb_connection import store_frame
from pipelines.customers.people import people
from pipelines.customers.records import canonical_records
from pipelines.customers.statements import with_digests
from pipelines.identifiers.digests import HEX_LENGTHS, Digest, digest_kinds, is_prehashed
from pipelines.identifiers.fillers import is_filler
from pipelines.identifiers.hashes import hashed
from pipelines.tombstones.erased import requests_for, requests_for_emails
from pipelines.tombstones.held import held_addresses
from pipelines.tombstones.met import Database
from pipelines.tombstones.tombstones import Compared, person_tombstones, tombstones
from schemas.crm import TOMBSTONE, CrmErasures, ErasureRequests
from schemas.network import Network
from schemas.settings import Joining, Settings

#: `CrmErasures` with what of them consents lift.
Lift = Callable[[pl.DataFrame], pl.DataFrame]
#: The `CanonicalCustomers` rows of the given customer ids.
Whole = Callable[[pl.Series], pl.DataFrame]
#: A column of customers, or a digest of the addresses in `email`.
Sought = Literal["customer_id", "email", "phone"] | Digest
#: customer_id, email, phone (canonical, null where it joins nobody) of the customers that have one of the values.
Having = Callable[[Sought, pl.Series], pl.DataFrame]

_KINDS: tuple[Literal["email"], Literal["phone"]] = ("email", "phone")


class Covered(NamedTuple):
    """`records`: request_id, requested_at, customer_id; `tombstones`: the `CrmErasures` that are missing for them."""

    records: pl.DataFrame
    tombstones: pl.DataFrame


def covered_records(  # noqa: PLR0913 - the records, what was erased of them, and how records are joined
    customers: pl.DataFrame,
    marks: pl.DataFrame,
    erasures: pl.DataFrame,
    *,
    joining: Joining,
    compared: Compared,
    whole: Whole,
    having: Having,
    stood_for: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """request_id, requested_at, customer_id: the records that standing requests cover.

    In: customers, at least those who have a mark (customer_id, and e-mail and phone, typed and canonical); marks
    (`erased_marks` of them); erasures (`CrmErasures`). A request by customer id covers every record of the person, one
    by address the records that have no address, or only fillers, beside erased ones. `stood_for` (tombstone,
    customer_id) are records that the person of a named one (its tombstone as `person`) is known to have beside those
    that join with it.
    """
    columns, identity_key = ["request_id", "requested_at", "customer_id"], compared.identity_key
    standing = erasures.filter(pl.col("lifted_at").is_null())
    is_none = {name: is_filler(pl.col(name)).fill_null(True) for name in _KINDS}
    alone = pl.all_horizontal(
        none | marks[name].alias(f"{name} erased") for name, none in is_none.items()
    ) & ~pl.all_horizontal(is_none.values())
    named = customers.filter(marks["customer_id"])
    left_alone = customers.filter(alone & ~marks["customer_id"])
    by_id = requests_for(named["customer_id"], "customer_id", standing, identity_key)
    persons = requests_for(named["customer_id"], "person", standing, identity_key)
    siblings = _records_of_persons(persons["value"].unique(), joining, identity_key, whole, having)
    known = [] if stood_for is None else [_known(erasures, stood_for)]
    # Whose address was erased with somebody else's record has asked for nothing.
    by_person_only = standing.filter(pl.col("form") == "person").select("request_id").unique()
    addressed = standing.join(by_person_only, on="request_id", how="anti")
    held = held_addresses(left_alone, compared.default_country).filter(~pl.col("further"))
    emails, phones = (held.filter(form=kind).select("customer_id", "value") for kind in _KINDS)
    by_address = [
        requests_for_emails(emails["value"], addressed, identity_key).join(emails, on="value"),
        requests_for(phones["value"], "phone", addressed, identity_key).join(phones, on="value"),
    ]
    return pl.concat(
        [
            by_id.rename({"value": "customer_id"}).select(columns),
            persons.join(siblings, on="value").select(columns),
            *(part.select(columns) for part in (*known, *by_address)),
        ]
    ).unique()


def _known(erasures: pl.DataFrame, stood_for: pl.DataFrame) -> pl.DataFrame:
    """request_id, requested_at, customer_id: the records in `stood_for` of each standing request that names one."""
    persons = erasures.filter(pl.col("form") == "person", pl.col("lifted_at").is_null())
    return persons.join(stood_for, on="tombstone").select("request_id", "requested_at", "customer_id")


def covered_by(  # noqa: PLR0913 - as above, and the networks that see the addresses
    customers: pl.DataFrame,
    marks: pl.DataFrame,
    erasures: pl.DataFrame,
    *,
    settings: Settings,
    networks: dict[str, Network],
    identity_key: str,
    whole: Whole,
    having: Having,
    earlier: Whole | None = None,
    stood_for: pl.DataFrame | None = None,
) -> Covered:
    """The records that standing requests cover, as `covered_records` finds them, and each form of what they hold, and
    of what they held `earlier`. Those in `stood_for` are named as the one for which they stand, with whoever is to join
    them."""
    if customers.is_empty() and (stood_for is None or stood_for.is_empty()):
        return Covered(erasures.clear().select("request_id", "requested_at", customer_id="tombstone"), erasures.clear())
    compared = Compared(identity_key, settings.default_country)
    found = covered_records(
        customers,
        marks,
        erasures,
        joining=settings.joining,
        compared=compared,
        whole=whole,
        having=having,
        stood_for=stood_for,
    )
    if found.is_empty():
        return Covered(found, erasures.clear())
    asked = pl.concat([pl.DataFrame(ErasureRequests.create_empty()), found], how="diagonal")
    ids = found["customer_id"].unique()
    every = tombstones(
        asked,
        pl.concat([held(ids) for held in (whole, earlier) if held is not None], how="diagonal"),
        compared,
        networks=networks,
    )
    if stood_for is not None:
        named = pl.concat([asked.clear(), _known(erasures, stood_for)], how="diagonal").unique()
        every = pl.concat([every, person_tombstones(named, identity_key)])
    new = every.join(erasures, on=TOMBSTONE, how="anti")
    return Covered(found, new.select(CrmErasures.column_names()))


def lifted(erasures: pl.DataFrame, covered: Covered, lift: Lift) -> tuple[pl.DataFrame, Covered]:
    """`CrmErasures`, and what else is covered, with what is lifted of both: that of a record that no request names, and
    that has consented since, could not be found while nobody knew that it is covered."""
    every = lift(pl.concat([erasures, covered.tombstones]))
    return every.head(erasures.height), covered._replace(tombstones=every.tail(covered.tombstones.height))


def among(customers: pl.DataFrame) -> Having:
    """`Having` of customers who are at hand (`CanonicalCustomers`)."""
    addresses = customers.select(
        "customer_id",
        *(pl.when(pl.col(f"{kind}_refusal").is_null()).then(f"canonical_{kind}").alias(kind) for kind in _KINDS),
    )

    def having(sought: Sought, values: pl.Series) -> pl.DataFrame:
        if sought in ("customer_id", "email", "phone"):
            return addresses.filter(pl.col(sought).is_in(values.implode()))
        plain = addresses.filter(pl.col("email").str.contains("@", literal=True))
        return plain.filter(hashed(plain["email"], sought).is_in(values.implode()))

    return having


def usable(table: str, condition: str = "TRUE") -> str:
    """SQL for what `Having` gives of a table (`CanonicalCustomers`), where an SQL condition is met."""
    addresses = ", ".join(f"CASE WHEN {kind}_refusal IS NULL THEN canonical_{kind} END AS {kind}" for kind in _KINDS)
    return f"(SELECT customer_id, {addresses} FROM {table} WHERE {condition})"


def within(database: Database, customers: str) -> Having:
    """`Having` of the customers in a table or a query in brackets, as `usable` gives them, who are looked for there."""

    def having(sought: Sought, values: pl.Series) -> pl.DataFrame:
        store_frame(database.connection, "_having", values.to_frame("value"))
        is_theirs = f"contains(email, '@') AND {sought}(email)" if sought in HEX_LENGTHS else sought
        return database.read(f"FROM {customers} WHERE {is_theirs} IN (FROM _having)")

    return having


def _records_of_persons(
    starts: pl.Series, joining: Joining, identity_key: str, whole: Whole, having: Having
) -> pl.DataFrame:
    """value, customer_id: every record of the person of each of `starts` (customer ids)."""
    if starts.is_empty():
        return pl.DataFrame(schema={"value": pl.String, "customer_id": pl.String})
    group, shared, digests = _connected(starts, having, joining)
    held = whole(group).with_columns(_address(pl.col("canonical_email"), digests))
    records = canonical_records(held, joining).with_columns(
        pl.when(pl.col(kind).is_in(shared[kind].implode()))
        .then(pl.lit("shared"))
        .otherwise(f"{kind}_refusal")
        .alias(f"{kind}_refusal")
        for kind in _KINDS
    )
    joined = people(records, joining, identity_key=identity_key).select("customer_id", "person_id")
    named = joined.filter(pl.col("customer_id").is_in(starts.implode())).select("person_id", value="customer_id")
    return named.join(joined, on="person_id").select("value", "customer_id")


def _connected(
    starts: pl.Series, having: Having, joining: Joining
) -> tuple[pl.Series, dict[str, pl.Series], pl.DataFrame]:
    """The customer ids that can be reached from `starts` by shared addresses; addresses that are shared by too many to
    be followed; and email, digest: of those that have a digest for an e-mail, which somebody's e-mail it is.
    """
    group = starts
    while True:
        held = having("customer_id", group)
        digests = _digests_held(held["email"], having)
        held = held.with_columns(_address(pl.col("email"), digests))
        reached, shared = [held], {}
        for kind in _KINDS:
            values = held[kind].drop_nulls().unique()
            near = _having_email(values, having) if kind == "email" else having(kind, values)
            crowded = pl.len().over(kind) > joining.shared_by_more_than
            shared[kind] = near.filter(crowded)[kind].unique()
            reached.append(near.filter(~crowded))
        wider = pl.concat(reached)["customer_id"].unique()
        if wider.len() == group.len():
            return group, shared, digests
        group = wider


def _having_email(emails: pl.Series, having: Having) -> pl.DataFrame:
    """What `having` gives of the e-mails and, as if it were the e-mail, of a digest of one."""
    plain = emails.filter(emails.str.contains("@", literal=True))
    digests = pl.concat(pl.DataFrame({"email": plain, "digest": hashed(plain, how)}) for how in HEX_LENGTHS)
    found = having("email", pl.concat([emails, digests["digest"]]))
    return found.with_columns(_address(pl.col("email"), digests))


def _digests_held(emails: pl.Series, having: Having) -> pl.DataFrame:
    """email, digest: those of the `emails` that are digests, and whose e-mail that some customer has each is."""
    digests = emails.to_frame("email").filter(is_prehashed(pl.col("email")))["email"].unique()
    holders = [having(how, digests)["email"] for how in digest_kinds(digests)]
    return with_digests(pl.concat([emails.clear(), *holders]), digests)


def _address(email: pl.Expr, digests: pl.DataFrame) -> pl.Expr:
    """To joining a digest is the e-mail that somebody has (`pipelines/customers/hashed_emails.py`)."""
    return email.replace(digests["digest"], digests["email"])
