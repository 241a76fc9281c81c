"""The CRM records that requests may mean, without looking closely at all of them."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from pipelines.crm.read import Crm
from pipelines.identifiers.digests import SHORTEST, digest_kinds, is_digest
from pipelines.identifiers.emails import canonical_email
from pipelines.identifiers.wrapped import PLAIN
from pipelines.tombstones.tombstones import LAST_DIGITS, last_digits

#: SQL for a phone with its full-width digits in ASCII.
_PHONE = (
    "CASE WHEN strlen(phone) = length(phone) THEN phone ELSE translate(phone, '０１２３４５６７８９', '0123456789') END"
)
#: Whether it has digits of yet other scripts: to translate those too takes DuckDB 80 µs a row (measured).
_IS_FOREIGN = (
    r"strlen(phone) > length(phone) AND regexp_matches(regexp_replace(phone, '[0-9０-９]', '', 'g'), '\p{Nd}')"
)
#: Whether the canonical address may be other than in lower case: hidden characters go, and what is around an address.
_IS_REWRITTEN = f"contains(email, '@') AND NOT regexp_full_match(email, '{PLAIN}')"
#: A digest within what programs put around it, in lower case, as base64 is compared too.
_DIGEST = "[0-9a-z+/]{{43}}=|[0-9a-f]{{64}}|[0-9a-f]{{40}}|[0-9a-f]{{32}}"
#: Whether a wanted digest stands in a column, or several digests do, which may be.
_HAS_DIGEST = (
    f"strlen({{column}}) >= {SHORTEST} AND NOT contains({{column}}, '@') "
    f"AND (regexp_extract(lower({{column}}), '{_DIGEST}') IN (SELECT value FROM _wanted WHERE asked = 1) "
    f"OR len(regexp_extract_all(lower({{column}}), '{_DIGEST}')) > 1)"
)


def meant(requests: pl.DataFrame, crm: Crm) -> pl.DataFrame:
    """The `CrmCustomers` rows that a request may mean: rather too many than too few, so every broken one too."""
    if requests.is_empty():
        return pl.DataFrame(crm.contract("customers").create_empty())
    ends = requests.select(last_digits(pl.col("phone"))).to_series()
    wanted = {
        "customer_id": requests["customer_id"],
        "nfc_normalize(lower(email))": requests.select(canonical_email(pl.col("email"))).to_series(),
        f"right(regexp_replace({_PHONE}, '[^0-9]', '', 'g'), {LAST_DIGITS})": ends,
    }
    values = [
        values.drop_nulls().unique().to_frame("value").select(asked=pl.lit(number), value="value")
        for number, values in enumerate(wanted.values())
    ]
    customers = crm.read_ahead("customers")
    store_frame(crm.connection, "_wanted", pl.concat(values))
    conditions = [
        f"{expression} IN (SELECT value FROM _wanted WHERE asked = {number})"
        for number, expression in enumerate(wanted)
        if not values[number].is_empty()
    ]
    if not conditions:
        return customers.broken.clear()
    if not values[1].is_empty():
        # People write an e-mail where the phone belongs.
        conditions += [_IS_REWRITTEN, "contains(phone, '@')"]
    if values[1].select(is_digest(pl.col("value")).any()).item():
        conditions += [_HAS_DIGEST.format(column=column) for column in ("email", "phone")]
    if not values[-1].is_empty():
        conditions.append(_IS_FOREIGN)
    return pl.concat([customers.arrival.having(conditions), customers.broken])


def emails_of(digests: pl.Series, crm: Crm) -> pl.DataFrame:
    """email (canonical), digest: of those of the digests (lower-case hex) that an e-mail of the CRM's customers has."""
    return crm.digests.of(digests, lambda sought: _having_digests(sought, crm))


def _having_digests(digests: pl.Series, crm: Crm) -> pl.DataFrame:
    """The `CrmCustomers` rows of which the e-mail may have one of the digests: rather too many."""
    store_frame(crm.connection, "_digests", digests.to_frame("value"))
    plain = f"regexp_full_match(email, '{PLAIN}')"
    same = [f"{plain} AND {how}(lower(email)) IN (FROM _digests)" for how in digest_kinds(digests)]
    customers = crm.read_ahead("customers")
    return pl.concat([customers.arrival.having([*same, _IS_REWRITTEN]), customers.broken])
