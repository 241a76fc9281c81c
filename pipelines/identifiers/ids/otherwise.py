"""Ids that are no customer's as they are written, and one's as another system or a spreadsheet would write it.

An opt-out list that comes from elsewhere has `10011.0`, `'10011`, `{A1B2…}` or Salesforce's long form of an id, or the
e-mail, many a system's id, in whatever case. A refusal by such an id is heard (docs/decisions/0048); a grant is not.
"""

from __future__ import annotations

import string

import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of, store_frame
from pipelines.identifiers.emails.forms import canonical_email
from pipelines.identifiers.emails.further import further_emails
from pipelines.identifiers.emails.wrapped import each_unwrapped

#: What stands around an id: quotes, the brackets of a GUID, a spreadsheet's `="…"`.
_AROUND = " '\"`{}()[]<>=#"

_GUID = "^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$"

#: Salesforce's ids are 15 characters, of which case counts, or the same and three more that say which are capitals.
#: Source: Salesforce, "Differences between 15- and 18-character record IDs".
_SALESFORCE, _SALESFORCE_LONG = "^[0-9A-Za-z]{15}$", "^[0-9A-Za-z]{18}$"
_CAPITALS = string.ascii_uppercase + "012345"


def refusing_otherwise(
    connection: duckdb.DuckDBPyConnection, statements: str, customers: str = "warehouse.crm_customers"
) -> pl.DataFrame:
    """As `written_otherwise`, of the ids by which people refuse in `statements` (SQL for columns of `CrmConsents`)."""
    refusing = "status IS DISTINCT FROM 'granted' OR captured_at IS NULL"
    return written_otherwise(connection, f"SELECT customer_id FROM ({statements}) WHERE {refusing}", customers)


def written_otherwise(connection: duckdb.DuckDBPyConnection, ids: str, customers: str) -> pl.DataFrame:
    """given, customer_id: those of the `ids` (SQL for customer_id) that none of the `customers` (`CanonicalCustomers`:
    a table, or SQL in brackets) has, each with the customers who have it if it is written otherwise, or whose e-mail it
    is.
    """

    def read(query: str) -> pl.DataFrame:
        return frame_of(connection.sql(query))

    living = f"(SELECT customer_id FROM {customers}) AS living USING (customer_id)"
    strangers = read(f"SELECT DISTINCT customer_id FROM ({ids}) ANTI JOIN {living} WHERE customer_id IS NOT NULL")
    if strangers.is_empty():
        return pl.DataFrame(schema={"given": pl.String, "customer_id": pl.String})
    padded = read(f"SELECT DISTINCT strlen(customer_id) AS length FROM {customers} WHERE starts_with(customer_id, '0')")
    store_frame(connection, "_forms", other_forms(strangers["customer_id"], padded["length"]))
    found = read(f"FROM _forms SEMI JOIN {living}")
    mailed = strangers.select(given="customer_id", address="customer_id")
    mailed = each_unwrapped(
        mailed.filter(pl.col("address").str.contains("@", literal=True)), "address", among_words=True
    )
    if mailed.is_empty():
        return found
    store_frame(connection, "_mailed", mailed.with_columns(canonical_email(pl.col("address"))))
    store_frame(connection, "_further", further_emails(connection, customers))
    held = " UNION ".join(
        f"SELECT given, customer_id FROM _mailed JOIN {customers} AS living ON {of_theirs} = address"
        for of_theirs in ("lower(living.customer_id)", "living.canonical_email")
    )
    beside = "SELECT given, _further.customer_id FROM _mailed JOIN _further USING (address)"
    return pl.concat([found, read(held), read(beside)]).unique()


def other_forms(ids: pl.Series, lengths: pl.Series) -> pl.DataFrame:
    """given, customer_id: the other ways to write each id; of a number also with zeros, up to each of the `lengths`."""
    plain = ids.to_frame("given").with_columns(plain=pl.col("given").str.strip_chars(_AROUND))
    number = plain.with_columns(number=pl.col("plain").str.extract(r"^0*(\d+?)(?:\.0+)?$")).drop_nulls("number")
    guid = plain.filter(pl.col("plain").str.contains(_GUID))
    short = plain.filter(pl.col("plain").str.contains(_SALESFORCE))
    long = plain.filter(pl.col("plain").str.contains(_SALESFORCE_LONG))
    forms = [
        plain.select("given", customer_id="plain"),
        number.select("given", customer_id="number"),
        number.select("given", customer_id=pl.col("number") + ".0"),
        *(number.select("given", customer_id=pl.col("number").str.zfill(length)) for length in lengths.unique().sort()),
        *(
            guid.select("given", customer_id=left + cased + right)
            for cased in (pl.col("plain").str.to_lowercase(), pl.col("plain").str.to_uppercase())
            for left, right in (("", ""), "{}")
        ),
        short.select("given", customer_id=pl.col("plain") + pl.concat_str(_capitals(at) for at in (0, 5, 10))),
        long.select("given", customer_id=pl.col("plain").str.head(15)),
    ]
    return pl.concat(forms).filter(pl.col("given") != pl.col("customer_id")).unique()


def _capitals(start: int) -> pl.Expr:
    """The character that says which of five, from `start` on, are capitals."""
    bits = pl.sum_horizontal(
        pl.col("plain").str.slice(start + place, 1).str.contains("[A-Z]").cast(pl.Int64) * 2**place
        for place in range(5)
    )
    return bits.replace_strict(dict(enumerate(_CAPITALS)), return_dtype=pl.String)
