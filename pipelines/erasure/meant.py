"""The CRM records that requests may mean, without looking closely at all of them."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from pipelines.crm.erasures import LAST_DIGITS, last_digits
from pipelines.crm.read import Crm


def meant(requests: pl.DataFrame, crm: Crm) -> pl.DataFrame:
    """The `CrmCustomers` rows that a request may mean: rather too many than too few, so every broken one too."""
    ends = requests.select(last_digits(pl.col("phone"))).to_series()
    wanted = {
        "customer_id": requests["customer_id"],
        "lower(email)": requests["email"].str.to_lowercase(),
        f"right(regexp_replace(phone, '[^0-9]', '', 'g'), {LAST_DIGITS})": ends,
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
    return pl.concat([customers.arrival.having(conditions), customers.broken])
