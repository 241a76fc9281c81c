"""Addresses that were asked to be forgotten by themselves, and that the records which have them give back together."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from pipelines.crm.known_grants import KnownGrants, grants_of
from pipelines.crm.pulled import Pulled
from pipelines.crm.read import Crm
from pipelines.identifiers.digests import HEX_LENGTHS, is_digest, prehashed
from pipelines.identifiers.emails import canonical_email
from pipelines.identifiers.wrapped import PLAIN
from pipelines.pieces import picked
from pipelines.tombstones.erased import ever_erased, tombstone_of
from pipelines.tombstones.held import EMAIL_ASTRAY, held_addresses
from pipelines.tombstones.tombstones import Compared, last_digits
from schemas.crm import TOMBSTONE, CrmErasures

#: The kinds of address that may be asked for.
_ADDRESSES = {"email": pl.String, "phone": pl.String}
#: What names one of them.
_ADDRESS = ["form", "value"]
#: The forms of tombstones by which an address is found as it is typed.
_FOUND_BY = ["email", "phone_ending", *(f"{kind}_{how}" for kind in ("digest", "prehashed") for how in HEX_LENGTHS)]
#: What is read of a record.
_TYPED = ("customer_id", "email", "phone", "country")


def of_who_consented(standing: pl.DataFrame, spoken: pl.DataFrame, crm: Crm, compared: Compared) -> pl.DataFrame:
    """email, phone (one in each row): each address that has a tombstone in `standing` (`CrmErasures`) because it was
    asked for itself, of a record that has consented anew: since to all to which it ever did, so that nothing older
    counts for it, or to anything if it is `spoken` of (customer_id): nothing older counts for whom a request covers.
    """
    nothing = pl.DataFrame(schema=_ADDRESSES)
    asked = asked_by_themselves(standing)
    if asked.is_empty():
        return nothing
    consented = crm.read_ahead("customers").once(_ConsentedAnew, crm.read_ahead("consents").once(KnownGrants, compared))
    held = held_addresses(consented.having(asked, spoken["customer_id"], compared), compared.default_country)
    found = [
        pl.DataFrame({form: ever_erased(held.filter(form=form)["value"], form, asked, compared.identity_key)})
        for form in _ADDRESSES
    ]
    return pl.concat([nothing, *found], how="diagonal")


class _ConsentedAnew:
    """The records of whoever consented anew that may have an erased address. A night asks several times, each time of
    a little more, and only that is looked for.
    """

    temporary = ()

    def __init__(self, customers: Pulled, grants: KnownGrants) -> None:
        self._arrival, self._grants = customers.arrival, grants
        self._erasures = pl.DataFrame(CrmErasures.create_empty())
        self._spoken = pl.Series(dtype=pl.String)
        self._found = pl.DataFrame(schema=dict.fromkeys(_TYPED, pl.String))

    def having(self, asked: pl.DataFrame, spoken: pl.Series, compared: Compared) -> pl.DataFrame:
        """customer_id, email, phone, country as typed: of who consented since the first of `asked` (`CrmErasures`) was
        asked, or is `spoken` of (ids), at least those that have an address that was."""
        asked = asked.filter(pl.col("form").is_in(_FOUND_BY))
        new = asked.join(self._erasures, on=[*TOMBSTONE, "requested_at"], how="anti")
        further = spoken.filter(~spoken.is_in(self._spoken.implode()))
        if not (further.is_empty() or self._erasures.is_empty()):
            self._look("FROM _spoken", further, self._erasures, compared)
        self._spoken = pl.concat([self._spoken, further])
        if not new.is_empty():
            anew = f"{self._grants.anew_since(asked['requested_at'].min())} UNION FROM _spoken"
            self._look(anew, self._spoken, new, compared)
            self._erasures = pl.concat([self._erasures, new])
        return self._found

    def _look(self, ids: str, spoken: pl.Series, erasures: pl.DataFrame, compared: Compared) -> None:
        """Look for `erasures` (`CrmErasures`) among the records that a query names, which may ask for `_spoken`."""
        store_frame(self._arrival.connection, "_spoken", spoken.to_frame("customer_id"))
        self._arrival.connection.execute(f"CREATE OR REPLACE TEMP TABLE _consented_anew AS {ids}")
        rows = self._arrival.every_in_pieces(", ".join(_TYPED), "customer_id IN (FROM _consented_anew)")
        found = [picked(_with_erased(piece, erasures, compared)) for piece in rows]
        self._found = pl.concat([self._found, *found]).unique()
        self._arrival.connection.execute("DROP TABLE _consented_anew")


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
