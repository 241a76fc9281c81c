"""Addresses that were asked to be forgotten by themselves, and that the records which have them give back together."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from pipelines.crm.known_grants import KnownGrants, grants_of
from pipelines.crm.pulled import Pulled
from pipelines.crm.read import Crm
from pipelines.identifiers.digests import is_digest, prehashed
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.wrapped import PLAIN
from pipelines.pieces import picked
from pipelines.tombstones.erased import ever_erased, tombstone_of
from pipelines.tombstones.held import EMAIL_ASTRAY, held_addresses
from pipelines.tombstones.tombstones import Compared, last_digits

#: The kinds of address that may be asked for.
_ADDRESSES = {"email": pl.String, "phone": pl.String}
#: What names one of them.
_ADDRESS = ["form", "value"]


def of_who_consented(standing: pl.DataFrame, spoken: pl.DataFrame, crm: Crm, compared: Compared) -> pl.DataFrame:
    """email, phone (one in each row): each address that has a tombstone in `standing` (`CrmErasures`) because it was
    asked for itself, of a record that has consented anew: since to all to which it ever did, so that nothing older
    counts for it, or to anything if it is `spoken` of (customer_id): nothing older counts for whom a request covers.
    """
    nothing = pl.DataFrame(schema=_ADDRESSES)
    asked = asked_by_themselves(standing)
    if asked.is_empty():
        return nothing
    customers, grants = crm.read_ahead("customers"), crm.read_ahead("consents").once(KnownGrants, compared)
    store_frame(crm.connection, "_spoken", spoken.select("customer_id"))
    records = pl.concat(
        [
            customers.once(_ConsentedAnew, grants, asked, compared).records,
            _having_erased(customers, "FROM _spoken", asked, compared),
        ]
    )
    held = held_addresses(records.unique(), compared.default_country)
    found = [
        pl.DataFrame({form: ever_erased(held.filter(form=form)["value"], form, asked, compared.identity_key)})
        for form in _ADDRESSES
    ]
    return pl.concat([nothing, *found], how="diagonal")


class _ConsentedAnew:
    """The records of those who consented anew to all to which they ever did, and that may have an erased address.

    They are looked for once a night. An address that counts as asked for only later that night is of a record that
    turned out to be covered, and comes back by nobody's consent without that record's.
    """

    temporary = ()

    def __init__(self, customers: Pulled, grants: KnownGrants, asked: pl.DataFrame, compared: Compared) -> None:
        since = asked["requested_at"].min()
        #: What `_having_erased` gives.
        self.records = _having_erased(customers, grants.anew_since(since), asked, compared)


def _having_erased(customers: Pulled, ids: str, erasures: pl.DataFrame, compared: Compared) -> pl.DataFrame:
    """customer_id, email, phone, country as typed: of the records whose ids a query gives, at least those that have an
    address of `erasures` (`CrmErasures`)."""
    customers.arrival.connection.execute(f"CREATE OR REPLACE TEMP TABLE _anew AS {ids}")
    rows = customers.arrival.every_in_pieces("customer_id, email, phone, country", "customer_id IN (FROM _anew)")
    found = [picked(_with_erased(piece, erasures, compared)) for piece in rows]
    customers.arrival.connection.execute("DROP TABLE _anew")
    return pl.concat(found)


def asked_by_themselves(erasures: pl.DataFrame) -> pl.DataFrame:
    """`CrmErasures` of requests by address: what was erased with somebody's record is theirs to give back."""
    by_person = erasures.filter(pl.col("form") == "person").select("request_id").unique()
    return erasures.join(by_person, on="request_id", how="anti")


def given_back(
    addresses: pl.DataFrame, holders: pl.DataFrame, spoken: pl.DataFrame, covered: pl.Series, crm: Crm
) -> pl.DataFrame:
    """email, phone, requested_at: the addresses that their holders of tonight give back together, and since when: each
    to all to which it ever consented, so that nothing older sends the address.

    Of those whom a request covers (ids) nothing older counts, so that they give it back by any consent; what they
    consent to anew the others need not. Beside such a one those do not matter of whom no consent counts at all; else
    the address may be theirs.

    In: addresses (email, phone: one in each row); holders (form, value, customer_id), at least whoever has one of them;
    those who are `spoken` of (customer_id, requested_at), each once.
    """
    of_form = [addresses.select(form=pl.lit(form), value=form).drop_nulls() for form in _ADDRESSES]
    theirs = pl.concat(of_form).join(holders, on=["form", "value"])
    store_frame(crm.connection, "_holders", theirs.select("customer_id").unique())
    pulled = crm.read_ahead("consents")
    consents = pulled.arrival.read(grants_of(pulled, "customer_id IN (FROM _holders)"))
    is_covered = pl.col("customer_id").is_in(covered.implode())
    giving = theirs.filter(is_covered).join(spoken, on="customer_id")
    others = theirs.filter(~is_covered).join(consents, on="customer_id", how="left")
    anew = giving.drop("requested_at").join(consents, on="customer_id").drop("customer_id")
    for anywhere, scope in ((anew, ["purpose", "network"]), (anew.filter(pl.col("network").is_null()), ["purpose"])):
        latest = anywhere.group_by(*_ADDRESS, *scope).agg(anew=pl.col("granted_at").max())
        others = others.join(latest, on=[*_ADDRESS, *scope], how="left", nulls_equal=True)
        others = others.with_columns(granted_at=pl.max_horizontal("granted_at", "anew")).drop("anew")
    covered_still = theirs.filter(is_covered).join(spoken, on="customer_id", how="anti")
    silent = pl.concat(
        [frame.select(_ADDRESS) for frame in (others.filter(pl.col("granted_at").is_null()), covered_still)]
    )
    since = pl.concat(
        [
            giving.select(*_ADDRESS, "requested_at"),
            others.drop_nulls("granted_at").select(*_ADDRESS, requested_at="granted_at"),
        ]
    )
    together = since.join(silent.join(giving, on=_ADDRESS, how="anti"), on=_ADDRESS, how="anti")
    return (
        together.group_by(_ADDRESS)
        .agg(pl.col("requested_at").min())
        .select(*(pl.when(form=form).then("value").alias(form) for form in _ADDRESSES), "requested_at")
    )


def _with_erased(records: pl.DataFrame, erasures: pl.DataFrame, compared: Compared) -> pl.DataFrame:
    """The records (email, phone as typed) of which an e-mail, or a phone that ends alike, was erased."""
    identity_key, typed = compared.identity_key, pl.col("email")
    emails = records.select(pl.coalesce(prehashed(typed), canonical_email(typed)))["email"]
    erased = ever_erased(emails, "email", erasures, identity_key)
    wrapped = records.filter(EMAIL_ASTRAY | ~(typed.str.contains(f"^{PLAIN}$") | is_digest(typed)))
    within = held_addresses(wrapped, compared.default_country).filter(form="email")
    gone = ever_erased(within["value"], "email", erasures, identity_key)
    theirs = within.filter(pl.col("value").is_in(gone.implode()))["customer_id"]
    endings = tombstone_of(records.select(last_digits(pl.col("phone")))["phone"], "phone_ending", identity_key)
    stones = erasures.filter(pl.col("form") == "phone_ending")["tombstone"].unique()
    return records.filter(
        emails.is_in(erased.implode()) | endings.is_in(stones.implode()) | pl.col("customer_id").is_in(theirs.implode())
    )
