"""E-mails in the wrapping that mail programs, bounce reports and clerks put around them."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.email_refusals import email_refusal
from pipelines.identifiers.emails import canonical_email

#: Most addresses, which nothing is around: a pattern that DuckDB reads as Polars does.
PLAIN = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]*[A-Za-z]"
#: What may stand around an address and is no part of one.
_AROUND = r'\s<>,;:"()\[\]‹›«»“”„'
_ADDRESS = rf"[^{_AROUND}@]+@[^{_AROUND}@]+"


def unwrapped(typed: pl.Series) -> pl.DataFrame:
    """place, address: the e-mails within each text that is more than one address: of `Ada Lo <ada@x.fr>`,
    `mailto:ada@x.fr`, `ada@x.fr;` or `ada @x.fr` it is ada@x.fr, of `ada@x.fr, bob@x.fr` both. Nothing of other texts:
    those that are an address, and those of which some @ is in none.

    It is for those who refuse or ask to be forgotten, since it may take a word too many or too few for an address.
    """
    rows = typed.to_frame("typed").with_row_index("place")
    rows = rows.filter(pl.col("typed").str.contains("@", literal=True), ~pl.col("typed").str.contains(f"^{PLAIN}$"))
    rows = rows.filter(email_refusal(canonical_email(pl.col("typed"))) == "not_an_email")
    together = pl.col("typed").str.replace_all(r"\s*@\s*", "@")
    found = rows.with_columns(address=together.str.extract_all(_ADDRESS)).filter(
        pl.col("address").list.len() == pl.col("typed").str.count_matches("@", literal=True)
    )
    addresses = found.explode("address").with_columns(pl.col("address").str.strip_chars("'.").replace("", None))
    return addresses.select("place", "address").drop_nulls().unique(maintain_order=True)


def each_unwrapped(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """The rows, each once for each e-mail within the text of the column, with that in place of the text."""
    found = unwrapped(rows[column]).rename({"address": column})
    if found.is_empty():
        return rows
    numbered = rows.with_row_index("place")
    others = numbered.join(found, on="place", how="anti")
    again = found.join(numbered.drop(column), on="place")
    return pl.concat([others, again.select(numbered.columns)]).sort("place", maintain_order=True).drop("place")
