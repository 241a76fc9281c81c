"""What was erased, among values that are read: each is compared with the tombstones of its form."""

from __future__ import annotations

from functools import partial

import polars as pl

from pipelines.at_once import at_once
from pipelines.identifiers.digests import HEX_LENGTHS, is_prehashed, prehashed
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.wrapped import unwrapped
from pipelines.identifiers.fillers import is_filler
from pipelines.identifiers.hashes import hashed, keyed_hash
from pipelines.tombstones.held import EMAIL_ASTRAY, with_phone
from pipelines.tombstones.tombstones import Compared, digits, in_country, last_digits
from schemas.countries import country_codes

#: Which cells as typed may hold other addresses than their canonical form: people write an e-mail where the phone
#: belongs, the other way round, and several in a cell.
_CLOSELY = {"email": pl.col("email").str.count_matches("@", literal=True) != 1, "phone": EMAIL_ASTRAY}


def own_tombstones(customers: pl.DataFrame, identity_key: str, erasures: pl.DataFrame | None = None) -> pl.DataFrame:
    """customer_id, email, phone (text, row by row): the tombstone that each of them would have.

    In: customer_id, canonical_email, canonical_phone. With `erasures` (`CrmErasures`), null in forms that none has.
    """
    columns = {"customer_id": "customer_id", "email": "canonical_email", "phone": "canonical_phone"}
    asked = columns.keys() if erasures is None else columns.keys() & set(erasures["form"])
    found = at_once(lambda form: tombstone_of(customers[columns[form]], form, identity_key).alias(form), asked)
    none = pl.Series([None], dtype=pl.String).new_from_index(0, customers.height)
    return pl.DataFrame({**dict.fromkeys(columns, none), **{each.name: each for each in found}})


def erased_marks(
    customers: pl.DataFrame, own: pl.DataFrame, erasures: pl.DataFrame, compared: Compared
) -> pl.DataFrame:
    """customer_id, email, phone (Boolean, row by row): which of them were erased.

    In: customers (customer_id, email, phone, country as typed, and canonical_email, canonical_phone) and their
    `own_tombstones`.
    """
    if erasures.is_empty():
        nothing = pl.Series([False]).new_from_index(0, customers.height)
        return pl.DataFrame({"customer_id": nothing, "email": nothing, "phone": nothing})
    stands = {form: own[form].is_in(_standing(form, erasures)).fill_null(False) for form in own.columns}
    stands["email"] |= _erased_as_digest(customers["canonical_email"], erasures, compared.identity_key)
    for column, closely in _CLOSELY.items():
        places = customers.select(closely).to_series().arg_true()
        typed = _erased_typed(customers[places], column, erasures, compared)
        stands[column] = stands[column].scatter(places.filter(typed), values=True)
    return pl.DataFrame(stands)


def without_erased(customers: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """The customers without what `erased_marks` says of them.

    A customer whose id was erased goes; of one that stays an erased e-mail or phone is blanked, and if that leaves
    none, or only fillers, the customer goes.
    """
    kept = customers.filter(~marks["customer_id"])
    marks = marks.filter(~marks["customer_id"])
    blanked = kept.with_columns(
        pl.when(~marks[column]).then(name).alias(name)
        for column in ("email", "phone")
        for name in (column, f"canonical_{column}")
    )
    is_address = (~is_filler(pl.col(column)).fill_null(True) for column in ("email", "phone"))
    some = pl.any_horizontal(is_address)
    had, has = (frame.select(some).to_series() for frame in (kept, blanked))
    return blanked.filter(has | ~had)


def erased_addresses(addresses: pl.Series, erasures: pl.DataFrame, compared: Compared) -> pl.Series:
    """Which of the addresses as typed, e-mails or phones, may be erased ones.

    A phone without a country code is read in the default country, and in those of erased phones that end alike: whoever
    typed it may have lived there. An erased phone that is no number is found by its digits. What an address says of
    others who have it too is for the caller to keep.
    """
    frame = addresses.to_frame("address")
    typed = _erased_typed(frame, "address", erasures, compared)
    dialled = frame.select(pl.when(~pl.col("address").str.contains("@", literal=True)).then(digits(pl.col("address"))))
    typed |= has_tombstone(dialled.to_series(), "phone_text", erasures, compared.identity_key)
    abroad = in_countries_of_alike(frame.filter(~typed), erasures, compared.identity_key)
    erased = _erased_typed(abroad, "address", erasures, compared._replace(default_country=None))
    return frame.filter(typed | pl.col("address").is_in(abroad.filter(erased)["address"].implode()))["address"]


def in_countries_of_alike(typed: pl.DataFrame, erasures: pl.DataFrame, identity_key: str) -> pl.DataFrame:
    """address, country: each phone (address) with the countries of erased phones that have the same last digits."""
    if "phone_ending" not in erasures["form"]:
        return pl.DataFrame(schema={"address": pl.String, "country": pl.String})
    phones = typed.filter(~pl.col("address").str.contains("@", literal=True)).unique()
    endings = phones.select("address", ending=last_digits(pl.col("address")))
    # That somebody came back says nothing of others whose phones end alike.
    stones = erasures.filter(pl.col("form") == "phone_ending")["tombstone"].unique().implode()
    alike = endings.filter(tombstone_of(endings["ending"], "phone_ending", identity_key).is_in(stones))
    located = alike.join(pl.DataFrame({"country": sorted(country_codes())}), how="cross")
    ends_there = located.select(value=in_country(pl.col("ending"), pl.col("country")))["value"]
    there = tombstone_of(ends_there, "phone_ending", identity_key).is_in(stones)
    return located.filter(there).select("address", "country")


def _erased_typed(rows: pl.DataFrame, column: str, erasures: pl.DataFrame, compared: Compared) -> pl.Series:
    """For each text of the column, whether it is an erased address, or one stands within it."""
    if rows.is_empty():
        return pl.Series(dtype=pl.Boolean)
    within = unwrapped(rows[column], among_words=True)
    typed = pl.concat([rows.select(typed=column), within.select(typed="address")])
    emails = typed.select(pl.coalesce(prehashed(pl.col("typed")), canonical_email(pl.col("typed"))))["typed"]
    found = _is_erased(emails, "email", erasures, compared.identity_key)
    erased = found.head(rows.height).scatter(within["place"].filter(found.tail(within.height)), values=True)
    if "phone" not in erasures["form"]:
        return erased
    country = pl.col("country") if "country" in rows.columns else pl.lit(None, dtype=pl.String)
    numbers = with_phone(rows.select(column, country=country), column, compared.default_country)["phone_e164"]
    return erased | _is_erased(numbers, "phone", erasures, compared.identity_key)


def _is_erased(values: pl.Series, form: str, erasures: pl.DataFrame, identity_key: str) -> pl.Series:
    """For each value, whether it has a tombstone in `form`; of an e-mail, as a digest too."""
    erased = has_tombstone(values, form, erasures, identity_key)
    return erased | _erased_as_digest(values, erasures, identity_key) if form == "email" else erased


def _erased_as_digest(emails: pl.Series, erasures: pl.DataFrame, identity_key: str) -> pl.Series:
    """For each e-mail, whether one of it and what was erased is kept as a digest, and is the other's."""
    erased = _erased_digests(emails, erasures, identity_key)
    for how in HEX_LENGTHS:
        form = f"prehashed_{how}"
        # Hardly a CRM keeps digests: no others pay for it.
        if form in erasures["form"]:
            erased |= has_tombstone(hashed(emails, how), form, erasures, identity_key)
    return erased


def _erased_digests(emails: pl.Series, erasures: pl.DataFrame, identity_key: str) -> pl.Series:
    """For each e-mail, whether it is kept as a digest that has a tombstone."""
    prehashed = emails.to_frame("email").select(is_prehashed(pl.col("email"))).to_series()
    erased = prehashed & False
    places = prehashed.arg_true()
    for how in HEX_LENGTHS if places.len() else ():
        found = has_tombstone(emails[places], f"digest_{how}", erasures, identity_key)
        erased = erased.scatter(places.filter(found), values=True)
    return erased


def has_tombstone(values: pl.Series, form: str, erasures: pl.DataFrame, identity_key: str) -> pl.Series:
    """For each value, whether a tombstone stands in exactly that form; null has none."""
    stones = _standing(form, erasures)
    if stones.list.len().item() == 0 or values.null_count() == values.len():
        return pl.Series([False]).new_from_index(0, values.len())
    return tombstone_of(values, form, identity_key).is_in(stones).fill_null(False)


def _standing(form: str, erasures: pl.DataFrame) -> pl.Series:
    """The tombstones that stand in a form, as one list."""
    return erasures.filter(pl.col("form") == form, pl.col("lifted_at").is_null())["tombstone"].unique().implode()


def erased_values(values: pl.Series, form: str, erasures: pl.DataFrame, identity_key: str) -> pl.Series:
    """The values that have a tombstone in `form`."""
    return values.filter(_is_erased(values, form, erasures, identity_key))


def requests_for(values: pl.Series, form: str, erasures: pl.DataFrame, identity_key: str) -> pl.DataFrame:
    """value, request_id, requested_at, lifted_at: every tombstone in that form that a value has, lifted ones too."""
    distinct = values.drop_nulls().unique().rename("value")
    stones = erasures.filter(pl.col("form") == form).select("request_id", "requested_at", "lifted_at", "tombstone")
    marks = tombstone_of(distinct, form, identity_key)
    return pl.DataFrame({"value": distinct, "tombstone": marks}).join(stones, on="tombstone").drop("tombstone")


def requests_for_emails(emails: pl.Series, erasures: pl.DataFrame, identity_key: str) -> pl.DataFrame:
    """The same of e-mails and digests of e-mails, where the request has either of the same e-mail."""
    forms = [requests_for(emails, "email", erasures, identity_key)]
    is_plain = emails.str.contains("@", literal=True)
    plain, digests = emails.filter(is_plain).unique(), emails.filter(~is_plain)
    for how in HEX_LENGTHS:
        if digests.len():
            forms.append(requests_for(digests, f"digest_{how}", erasures, identity_key))
        # Hardly a CRM keeps digests: no others pay for it.
        if f"prehashed_{how}" in erasures["form"]:
            hashes = pl.DataFrame({"email": plain, "value": hashed(plain, how)})
            asking = requests_for(hashes["value"], f"prehashed_{how}", erasures, identity_key)
            forms.append(asking.join(hashes, on="value").with_columns(value="email"))
    return pl.concat(form.select("value", "request_id", "requested_at", "lifted_at") for form in forms).unique()


def ever_erased(values: pl.Series, form: str, erasures: pl.DataFrame, identity_key: str) -> pl.Series:
    """The distinct values that have a tombstone in `form`, lifted ones too; of an e-mail, as a digest too."""
    requests = requests_for_emails if form == "email" else partial(requests_for, form=form)
    return requests(values, erasures=erasures, identity_key=identity_key)["value"].unique()


def tombstone_of(values: pl.Series, form: str, identity_key: str) -> pl.Series:
    """The tombstone in `form` of each value."""
    return keyed_hash(f"{form}:" + values, identity_key)
