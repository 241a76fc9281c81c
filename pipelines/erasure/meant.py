"""The CRM records that requests may mean, without reading all of them."""

from __future__ import annotations

import polars as pl

from pipelines.crm.read import Crm

#: Digits at a phone's end that are the same with and without a country code.
_LAST_DIGITS = 6


def meant(requests: pl.DataFrame, crm: Crm) -> pl.DataFrame:
    """The `CrmCustomers` rows that a request may mean: rather too many than too few."""
    ends = requests["phone"].str.replace_all(r"[^0-9]", "").str.tail(_LAST_DIGITS)
    wanted = {
        "customer_id": requests["customer_id"],
        "lower(email)": requests["email"].str.to_lowercase(),
        f"right(regexp_replace(phone, '[^0-9]', '', 'g'), {_LAST_DIGITS})": ends.filter(ends != ""),
    }
    return crm.matching("customers", {name: values.drop_nulls().unique() for name, values in wanted.items()})
