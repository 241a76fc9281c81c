"""The CRM records that requests may mean, without looking closely at all of them."""

from __future__ import annotations

import polars as pl

from pipelines.crm.known_cells import KnownCells
from pipelines.crm.read import Crm
from pipelines.identifiers.digests import is_digest
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.tombstones.tombstones import last_digits


def meant(requests: pl.DataFrame, crm: Crm) -> pl.DataFrame:
    """The `CrmCustomers` rows that a request may mean: rather too many than too few, so every broken one too."""
    if requests.is_empty():
        return pl.DataFrame(crm.contract("customers").create_empty())
    ids, emails, endings = (
        requests.select(value=value)["value"].drop_nulls().unique()
        for value in (pl.col("customer_id"), canonical_email(pl.col("email")), last_digits(pl.col("phone")))
    )
    if not any(values.len() for values in (ids, emails, endings)):
        return pl.DataFrame(crm.contract("customers").create_empty())
    digests = emails.filter(emails.to_frame("value").select(is_digest(pl.col("value"))).to_series())
    customers = crm.read_ahead("customers")
    return pl.concat([customers.once(KnownCells).having(ids, emails, endings, digests), customers.broken])
