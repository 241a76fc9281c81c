"""Which e-mails of the CRM digests are of: for that every e-mail is digested, so each is looked for once a night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from pipelines.customers.statements import with_digests
from pipelines.identifiers.emails import canonical_email


@dataclass
class KnownDigests:
    """What was looked for, and what was found."""

    _sought: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.String))
    _found: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"email": pl.String, "digest": pl.String}))

    def of(self, digests: pl.Series, having: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
        """email (canonical), digest: of those of the digests (lower-case hex) that somebody's e-mail has.

        `having` gives the customers (email as typed, at least) whose e-mail may have one of some digests.
        """
        new = digests.filter(~digests.is_in(self._sought.implode()))
        if not new.is_empty():
            emails = having(new).select(canonical_email(pl.col("email")))["email"]
            self._found = pl.concat([self._found, with_digests(emails, new)])
            self._sought = pl.concat([self._sought, new])
        return self._found.filter(pl.col("digest").is_in(digests.implode()))
