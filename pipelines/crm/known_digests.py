"""Which e-mails of the CRM digests are of: for that every e-mail is digested, so each is looked for once a night."""

from __future__ import annotations

import polars as pl

from catalog.duckdb_connection import store_frame
from pipelines.crm.known_cells import IS_REWRITTEN
from pipelines.crm.pulled import Pulled
from pipelines.crm.read import Crm
from pipelines.customers.statements import with_digests
from pipelines.identifiers.digests import digest_kinds
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.wrapped import PLAIN


def emails_of(digests: pl.Series, crm: Crm) -> pl.DataFrame:
    """email (canonical), digest: of those of the digests (lower-case hex) that an e-mail of the CRM's customers has."""
    return crm.read_ahead("customers").once(_KnownDigests).of(digests)


class _KnownDigests:
    """What was looked for, and what was found."""

    temporary = ()

    def __init__(self, customers: Pulled) -> None:
        self._customers = customers
        self._sought = pl.Series(dtype=pl.String)
        self._found = pl.DataFrame(schema={"email": pl.String, "digest": pl.String})

    def of(self, digests: pl.Series) -> pl.DataFrame:
        new = digests.filter(~digests.is_in(self._sought.implode()))
        if not new.is_empty():
            emails = self._having(new).select(canonical_email(pl.col("email")))["email"]
            self._found = pl.concat([self._found, with_digests(emails, new)])
            self._sought = pl.concat([self._sought, new])
        return self._found.filter(pl.col("digest").is_in(digests.implode()))

    def _having(self, digests: pl.Series) -> pl.DataFrame:
        """The `CrmCustomers` rows of which the e-mail may have one of the digests: rather too many."""
        arrival, broken = self._customers.arrival, self._customers.broken
        store_frame(arrival.connection, "_digests", digests.to_frame("value"))
        plain = f"regexp_full_match(email, '{PLAIN}')"
        same = [f"{plain} AND {how}(lower(email)) IN (FROM _digests)" for how in digest_kinds(digests)]
        return pl.concat([arrival.having([*same, IS_REWRITTEN]), broken])
