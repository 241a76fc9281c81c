"""E-mails in the wrapping that mail programs, bounce reports and clerks put around them."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.digests import DIGEST, SHORTEST, is_digest
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.refusals import email_refusal

#: Most addresses, which are one and have nothing around them: a pattern that DuckDB reads as Polars does.
PLAIN = r"[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z][A-Za-z]+"
#: What may stand around an address and is no part of one.
_AROUND = r'\s<>,;:"()\[\]‹›«»“”„‘’，；'
#: What a domain has not, and a local part may, though it rarely begins with it.
_BEHIND = r"/?!*|{}"
_ADDRESS = rf"[^{_AROUND}@]+@[^{_AROUND}{_BEHIND}@]+"
#: What says that an address follows.
_SCHEME = r"(?i)\b(?:mailto|smtp|e-?mail)\b"


def unwrapped(typed: pl.Series, *, among_words: bool) -> pl.DataFrame:
    """place, address: the e-mails within each text that is more than one address: of `Ada Lo <ada@x.fr>`,
    `mailto:ada@x.fr`, `ada@x.fr;` or `ada @x.fr` it is ada@x.fr, of `ada@x.fr, bob@x.fr` both; and the text itself
    where an @ in it is of none; and so the digests. Nothing of texts that are an address, or hold none.

    Of `jean dupont@x.fr` nobody knows where the address begins. With `among_words` it is dupont@x.fr: who refuses is
    heard by too many addresses rather than by none. Without, such texts hold none.
    """
    rows = typed.to_frame("typed").with_row_index("place")
    digests = _digests(rows, among_words=among_words)
    rows = rows.filter(pl.col("typed").str.contains("@", literal=True), ~pl.col("typed").str.contains(f"^{PLAIN}$"))
    if rows.is_empty():
        return digests
    rows = rows.filter(_is_none(pl.col("typed"))).with_columns(text=pl.col("typed").str.replace_all(r"\s*@\s*", "@"))
    if not among_words:
        rest = pl.col("text").str.replace_all(_ADDRESS, "").str.replace_all(_SCHEME, "")
        bare = rest.str.replace_all(rf"[{_AROUND}{_BEHIND}'.]", "") == ""
        held = pl.col("text").str.count_matches(rf"<{_ADDRESS}>") == pl.col("text").str.count_matches("@", literal=True)
        rows = rows.filter(bare | held)
    found = rows.with_columns(address=pl.col("text").str.extract_all(_ADDRESS)).explode("address").drop_nulls("address")
    found = found.with_columns(pl.col("address").str.strip_chars_start(f"'.{_BEHIND}").str.strip_chars_end("'."))
    found = found.filter(~_is_none(pl.col("address")))
    of_none = found.filter(pl.len().over("place") < pl.col("typed").str.count_matches("@", literal=True))
    every = pl.concat([found, of_none.with_columns(address="typed")])
    return pl.concat([every.select("place", "address").unique(maintain_order=True), digests])


def _digests(rows: pl.DataFrame, *, among_words: bool) -> pl.DataFrame:
    """The same of digests. In: place, typed."""
    typed = pl.col("typed")
    longer = rows.filter(typed.str.len_bytes() > SHORTEST, ~typed.str.contains("@", literal=True))
    longer = longer.filter(~is_digest(typed))
    if not among_words:
        longer = longer.filter(typed.str.replace_all(DIGEST, "").str.replace_all(rf"[{_AROUND}']", "") == "")
    found = longer.with_columns(address=typed.str.extract_all(DIGEST)).explode("address").drop_nulls("address")
    return found.select("place", "address").unique(maintain_order=True)


def each_unwrapped(rows: pl.DataFrame, column: str, *, among_words: bool) -> pl.DataFrame:
    """The rows, each once for each e-mail within the text of the column, as `unwrapped` finds them, in its place."""
    found = unwrapped(rows[column], among_words=among_words).rename({"address": column})
    if found.is_empty():
        return rows
    numbered = rows.with_row_index("place")
    others = numbered.join(found, on="place", how="anti")
    again = found.join(numbered.drop(column), on="place")
    return pl.concat([others, again.select(numbered.columns)]).sort("place", maintain_order=True).drop("place")


def _is_none(text: pl.Expr) -> pl.Expr:
    """Whether a text is no address, whether or not one is a match key."""
    return email_refusal(canonical_email(text)).eq_missing("not_an_email")
