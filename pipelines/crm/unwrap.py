"""Refusals by an address that something is around: `Ada <ada@x.fr>` is plain to read, and would not be heard."""

from __future__ import annotations

import duckdb

from catalog.duckdb_connection import frame_of, store_frame
from pipelines.identifiers.digests import SHORTEST
from pipelines.identifiers.emails.wrapped import PLAIN, unwrapped
from schemas.crm import RAW_MARK

#: A condition on statements: they refuse, by an address that something may be around.
MAY_BE_WRAPPED = (
    "(status IS DISTINCT FROM 'granted' OR captured_at IS NULL) AND CASE WHEN contains(address, '@') "
    f"THEN NOT regexp_full_match(address, '{PLAIN}') ELSE strlen(address) > {SHORTEST} END"
)


def unwrap_refusals(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Let each refusal in a table of statements (columns of `CrmConsents`, raw_mark) name the very e-mail or digest
    that stands in its address, and of several each; how many rows came in for that. A grant stays as it is typed: if
    that is no address, it is nobody's.
    """
    refusals = frame_of(connection.sql(f"SELECT rowid AS row, address FROM {table} WHERE {MAY_BE_WRAPPED}"))
    found = unwrapped(refusals["address"], among_words=True)
    if found.is_empty():
        return 0
    named = found.select("address", row=refusals["row"].gather(found["place"]))
    store_frame(connection, "_unwrapped", named)
    # No raw row alone gives such a row.
    connection.execute(
        f"INSERT INTO {table} BY NAME SELECT said.* REPLACE (_unwrapped.address AS address, NULL AS {RAW_MARK}) "
        f"FROM {table} AS said JOIN _unwrapped ON said.rowid = _unwrapped.row"
    )
    connection.execute(f"DELETE FROM {table} WHERE rowid IN (SELECT row FROM _unwrapped)")
    return named.height - named["row"].n_unique()
