"""What people and clerks type where an e-mail or a phone belongs when there is none."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.digests import is_digest
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.refusals import is_placeholder
from pipelines.identifiers.phones.text import PLACEHOLDER
from pipelines.identifiers.unicode import with_ascii_digits


def is_filler(typed: pl.Expr) -> pl.Expr:
    """Whether the text in an address column is nobody's address: a placeholder, as `none@none.com` or `0000000000`, or
    words, as `no address`. Null stays null.

    An address with a slip and a number that no country has are somebody's, although they are no match keys.
    """
    digits = with_ascii_digits(typed).str.replace_all("[^0-9]", "")
    words = ((digits == "") | digits.str.contains(PLACEHOLDER)) & ~is_digest(typed)
    return pl.when(typed.str.contains("@", literal=True)).then(is_placeholder(canonical_email(typed))).otherwise(words)
