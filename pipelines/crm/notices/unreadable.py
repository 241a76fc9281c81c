"""What names nobody or nothing, and is told for it: addresses that are none, by which people refuse or ask to be
forgotten, countries that nobody knows, and regions of refusals.
"""

from __future__ import annotations

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.customers.opt_outs import unread_regions
from pipelines.identifiers.digests import is_digest
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.refusals import email_refusal
from pipelines.identifiers.emails.wrapped import PLAIN
from pipelines.identifiers.fillers import is_filler
from pipelines.identifiers.places.countries import unknown_countries
from pipelines.tombstones.held import with_phone
from schemas.said import Said

#: So many requests are named.
_NAMED = 5

#: So small a share of countries is misspelled in any CRM.
_SLIPS = 0.01


def unreadable_statements(warehouse: Warehouse, default_country: str | None) -> tuple[Said, ...]:
    """What is to be told of tonight's statements that name no record, and nobody by their address."""
    rows = _unreadable(warehouse, "crm_consents WHERE customer_id IS NULL", default_country).height
    if not rows:
        return ()
    says = (
        "Rows of consents that name nobody, since their address is neither an e-mail nor a phone of any country that "
        "customers live in: {rows}. What they refuse is heard by nobody: look at how the select in sources.toml gives "
        "address."
    )
    return (Said(says, rows=rows),)


def unreadable_regions(warehouse: Warehouse) -> tuple[Said, ...]:
    """What is to be told of tonight's refusals whose region is none that is known."""
    refusals = warehouse.read(
        "SELECT region::VARCHAR AS region, count(*) AS rows FROM warehouse.crm_consents WHERE region IS NOT NULL AND "
        "purpose IN ('ads_upload', 'ads_personalization') AND status IN ('denied', 'withdrawn') GROUP BY ALL"
    )
    rows = int(refusals.filter(pl.col("region").is_in(unread_regions(refusals["region"])))["rows"].sum())
    if not rows:
        return ()
    says = (
        "Refusals in consents whose region is no place and no law that relance knows: {rows}. Each may be a "
        "Californian opt-out, so each keeps its person from every network: let the select in sources.toml give region "
        "as a code, such as US-CA, FR or DE-BY, as a country's or a state's name, or not at all."
    )
    return (Said(says, rows=rows),)


def unreadable_countries(warehouse: Warehouse) -> tuple[Said, ...]:
    """What is to be told of tonight's customers in countries that nobody knows, if they are more than a few slips."""
    lived_in = warehouse.read("SELECT country, count(*) AS customers FROM warehouse.crm_customers GROUP BY country")
    lived_in = lived_in.drop_nulls("country")
    unknown = lived_in.filter(pl.col("country").is_in(unknown_countries(lived_in["country"]).implode()))
    customers, every = int(unknown["customers"].sum()), int(lived_in["customers"].sum())
    if customers <= _SLIPS * every:
        return ()
    says = (
        "Customers whose country is neither a code nor a name of one: {customers} of {every}. Their national phones "
        "are sent to nobody, nor what a network takes with a country only: let the select of customers in sources.toml "
        "give codes, such as DE, or names."
    )
    return (Said(says, customers=customers, every=every),)


def unreadable_requests(
    requests: pl.DataFrame, countries: pl.Series | None, default_country: str | None
) -> tuple[Said, ...]:
    """What is to be told of tonight's requests to be forgotten (`ErasureRequests`, by the names that they have here) by
    addresses that are none; a phone may be one of the default country's, or of the `countries` (as typed) that
    customers live in.
    """
    rows = requests.filter(pl.col("customer_id").is_null()).with_row_index("place")
    read = rows.filter(
        email_refusal(canonical_email(pl.col("email"))).ne_missing("not_an_email") & pl.col("email").is_not_null()
    )
    lived_in = pl.Series("country", [None, *(countries if countries is not None else ())], dtype=pl.String).unique()
    phones = with_phone(rows.select("place", "phone").join(lived_in.to_frame(), how="cross"), "phone", default_country)
    known = pl.concat([read["place"], phones.drop_nulls("phone_e164")["place"]])
    unread = rows.filter(~pl.col("place").is_in(known.implode()))["request_id"].to_list()
    says = (
        "Requests to be forgotten by an e-mail or a phone that is none, so that nobody may be forgotten by them: "
        "{rows} ({names}). Correct them in the CRM, or how the select in sources.toml gives email and phone; "
        "`relance forget` takes what the person meant."
    )
    names = ", ".join([*unread[:_NAMED], *["…"] * (len(unread) > _NAMED)])
    return (Said(says, rows=len(unread), names=names),) if unread else ()


def unreadable_lists(warehouse: Warehouse, default_country: str | None) -> tuple[Said, ...]:
    """What is to be told of tonight's suppression lists, rule by rule."""
    found = _unreadable(warehouse, "crm_suppressions WHERE customer_id IS NULL", default_country)
    says = (
        "Rows of suppressions/{rule}.toml that name nobody, since their address is neither an e-mail nor a phone of "
        "any country that customers live in: {rows}. Whom they mean is protected by nothing: look at how its select "
        "gives address."
    )
    counts = found.group_by("rule").len("rows").sort("rule")
    return tuple(Said(says, rows=rows, rule=rule) for rule, rows in counts.iter_rows())


def _unreadable(warehouse: Warehouse, rows: str, default_country: str | None) -> pl.DataFrame:
    """Those of the rows (SQL after FROM, with a condition) whose address nobody can have."""
    plain = f"regexp_full_match(address, '{PLAIN}')"
    said = warehouse.read(f"FROM warehouse.{rows} AND address IS NOT NULL AND NOT {plain}")
    if said.is_empty():
        return said
    typed = said.select("address").unique().filter(~is_digest(pl.col("address")), ~is_filler(pl.col("address")))
    is_email = email_refusal(canonical_email(pl.col("address"))) != "not_an_email"
    typed = typed.filter(~is_email.fill_null(True))
    nowhere = pl.DataFrame({"country": [None]}, {"country": pl.String})
    lived_in = warehouse.read("SELECT DISTINCT country FROM warehouse.crm_customers WHERE country IS NOT NULL")
    # Nearly all are read at once; only the others are tried everywhere.
    for countries in (nowhere, lived_in):
        read = with_phone(typed.join(countries, how="cross"), "address", default_country)
        typed = typed.join(read.drop_nulls("phone_e164"), on="address", how="anti")
    return said.join(typed, on="address", how="semi")
