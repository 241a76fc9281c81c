"""Erasure requests → tombstones: a keyed hash of all that a request names, in each form that something is seen in."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from pipelines.identifiers.digests import HEX_LENGTHS, is_prehashed
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.fillers import is_filler
from pipelines.identifiers.hashes import keyed_hash
from pipelines.identifiers.ids.forms import canonical_mobile_ad_id
from pipelines.identifiers.match_keys import key_forms, key_value, tombstone_form
from pipelines.identifiers.matching import hashed_address, with_match_columns
from pipelines.identifiers.phones import resolve_phones
from pipelines.identifiers.places.countries import country_codes
from pipelines.identifiers.unicode import with_ascii_digits
from pipelines.tombstones.held import held_addresses, with_phone
from schemas.crm import CrmErasures
from schemas.identifiers import MatchColumn
from schemas.network import Network, match_columns

#: Digits at a phone's end that are the same with and without a country code.
LAST_DIGITS = 6


class Compared(NamedTuple):
    """How addresses are compared with tombstones."""

    identity_key: str
    default_country: str | None


def tombstones(
    requests: pl.DataFrame,
    records: pl.DataFrame,
    compared: Compared,
    *,
    networks: dict[str, Network],
    countries: pl.Series | None = None,
) -> pl.DataFrame:
    """Keyed hashes of what each request names, one per form, and nothing readable.

    In: requests (`ErasureRequests`); records, at least the `CrmCustomers` rows that a request may mean.
    `countries` (as typed) are those that customers live in: a phone on a request has none, and is read as each of them.
    Out: `CrmErasures`. A request by customer id covers that record's addresses too; one by address covers the records
    that have no other address, and one by e-mail the record whose id it is. A filler is no address: others typed the
    same.
    """
    if requests.is_empty():
        return pl.DataFrame(CrmErasures.create_empty())
    emails = _values(requests, "email", canonical_email(pl.col("email")))
    phones = _values(with_phone(_in_every_country(requests, countries), "phone", compared.default_country))
    asked = pl.concat([emails, phones])
    held = held_addresses(records, compared.default_country)
    requests = pl.concat([requests, _by_address(asked, held), _as_ids(emails)], how="diagonal")
    named = requests.join(records.select("customer_id", "email"), on="customer_id")
    theirs = requests.select("request_id", "requested_at", "customer_id").join(held, on="customer_id")
    is_number = pl.col("form") != "phone_text"
    values = pl.concat(
        [
            asked,
            _values(requests, "customer_id", pl.col("customer_id")),
            # As it is typed a form may have it too.
            _values(named, "email", canonical_email(pl.col("email_right"))),
            theirs.filter(is_number).select(asked.columns),
        ]
    )
    is_address = pl.col("form").is_in(["email", "phone"])
    values = values.filter(pl.col("value").is_not_null(), ~(is_address & is_filler(pl.col("value"))))
    forms = [values]
    for column in match_columns(networks.values()):
        if column.kind == "external_id":
            ids = values.filter(pl.col("form") == "customer_id")
            forms.append(ids.with_columns(form=pl.lit(column.name), value=hashed_address(ids["value"], column)))
        if column.kind in {"email", "phone"}:
            of_kind = values.filter(pl.col("form") == column.kind)
            forms.append(of_kind.with_columns(form=pl.lit(column.name), value=hashed_address(of_kind["value"], column)))
        if column.kind == "mobile_ad_id":
            held = records.with_columns(mobile_ad_id=canonical_mobile_ad_id(pl.col("mobile_ad_id")))
            held = requests.join(held.select("customer_id", "mobile_ad_id"), on="customer_id")
            shown = held.with_columns(shown=hashed_address(held["mobile_ad_id"], column))
            forms.append(_values(shown, column.name, pl.col("shown")))
    forms.append(_digests_of(values.filter(pl.col("form") == "email")))
    forms.append(_prehashed_of(values.filter(pl.col("form") == "email")))
    forms.append(_endings_of(values.filter(pl.col("form") == "phone")))
    unreadable = theirs.filter(~is_number, ~is_filler(pl.col("value")))
    forms.append(_values(unreadable, "phone_text", digits(pl.col("value"))))
    forms += _composites(requests, records, networks)
    every = pl.concat(forms).filter(pl.col("value").is_not_null()).unique()
    return _marked(every, compared.identity_key)


def person_tombstones(requests: pl.DataFrame, identity_key: str) -> pl.DataFrame:
    """`CrmErasures` in form `person` of the requests (`ErasureRequests`) by customer id: all of the person is meant."""
    named = requests.filter(pl.col("customer_id").is_not_null())
    return _marked(_values(named, "person", pl.col("customer_id")), identity_key)


def _as_ids(emails: pl.DataFrame) -> pl.DataFrame:
    """request_id, requested_at, customer_id: a CRM may give its customers their e-mails for ids."""
    return emails.select("request_id", "requested_at", customer_id="value").drop_nulls("customer_id")


def _marked(values: pl.DataFrame, identity_key: str) -> pl.DataFrame:
    """In: request_id, requested_at, form, value. Out: `CrmErasures`."""
    marked = values.with_columns(
        tombstone=keyed_hash(values["form"] + ":" + values["value"], identity_key),
        lifted_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
    )
    return marked.select(CrmErasures.column_names()).sort(pl.all())


def _digests_of(emails: pl.DataFrame) -> pl.DataFrame:
    """The e-mails' digests, by which they stand in a column that is declared as pre-hashed."""
    columns = [MatchColumn("email", "plain", how) for how in HEX_LENGTHS]
    return pl.concat(
        emails.with_columns(form=pl.lit(f"digest_{column.hash}"), value=hashed_address(emails["value"], column))
        for column in columns
    )


def _prehashed_of(emails: pl.DataFrame) -> pl.DataFrame:
    """Those of the e-mails that are digests, by which the address itself is found where it is typed."""
    return pl.concat(
        emails.filter(is_prehashed(pl.col("value")), pl.col("value").str.len_bytes() == length).with_columns(
            form=pl.lit(f"prehashed_{how}")
        )
        for how, length in HEX_LENGTHS.items()
    )


def _endings_of(phones: pl.DataFrame) -> pl.DataFrame:
    """How the phones end, alone and with their country: by these a number typed without its country code is found."""
    read = resolve_phones(
        phones.select(phone="value", country=pl.lit(None, pl.String)).lazy(), default_country=None
    ).collect()
    ending = last_digits(pl.col("value"))
    located = phones.join(read, left_on="value", right_on="phone").with_columns(
        value=pl.concat_list(ending, in_country(ending, pl.col("phone_country")))
    )
    return located.explode("value").select("request_id", "requested_at", form=pl.lit("phone_ending"), value="value")


def last_digits(phone: pl.Expr) -> pl.Expr:
    """Of a phone as typed, or as E.164; null if it has no digit."""
    return digits(phone).str.tail(LAST_DIGITS)


def digits(phone: pl.Expr) -> pl.Expr:
    """A phone's digits, in ASCII; null if it has none."""
    return with_ascii_digits(phone).str.replace_all("[^0-9]", "").replace("", None)


def in_country(ending: pl.Expr, country: pl.Expr) -> pl.Expr:
    """A phone's last digits, and the country (ISO alpha-2) of the whole number."""
    return pl.concat_str(ending, pl.lit(" "), country)


def _in_every_country(requests: pl.DataFrame, countries: pl.Series | None) -> pl.DataFrame:
    every = pl.Series("country", [None] if countries is None else [None, *countries.drop_nulls()], dtype=pl.String)
    return requests.join(every.unique().to_frame(), how="cross")


def _by_address(asked: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """request_id, requested_at, customer_id: records whose every e-mail and phone is `asked` (form, value) for. In:
    `held_addresses` of the records."""
    # What no country makes a number is another address.
    addresses = held.filter(~pl.col("further"), ~is_filler(pl.col("value")))
    met = addresses.join(asked, on=["form", "value"], how="left")
    others = met.filter(pl.col("request_id").is_null())
    alone = met.filter(pl.col("request_id").is_not_null()).join(others, on="customer_id", how="anti")
    return alone.select("request_id", "requested_at", "customer_id").unique()


def _composites(requests: pl.DataFrame, records: pl.DataFrame, networks: dict[str, Network]) -> list[pl.DataFrame]:
    """Keys of several columns of the records that a request names, as the networks see them."""
    codes = country_codes(records["country"])
    named = (
        requests.select("request_id", "requested_at", "customer_id")
        .join(records.drop("email", "phone"), on="customer_id")
        .join(codes, on="country", how="left", maintain_order="left")
        .with_columns(country="iso_country")
    )
    composites = {
        tombstone_form(columns): columns
        for network in networks.values()
        for key in network.keys
        for columns in key_forms(network, key)
        if len(columns) > 1
    }
    found = []
    for form, columns in composites.items():
        matched = with_match_columns(named, tuple(columns))
        found.append(matched.select("request_id", "requested_at", form=pl.lit(form), value=key_value(columns)))
    return found


def _values(frame: pl.DataFrame, form: str = "phone", value: pl.Expr | None = None) -> pl.DataFrame:
    value = pl.col("phone_e164") if value is None else value
    return frame.select("request_id", "requested_at", form=pl.lit(form), value=value)
