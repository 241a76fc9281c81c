"""Refusals by an address that something is around: `Ada <ada@x.fr>` is plain to read, and would not be heard."""

from __future__ import annotations

from catalog.duckdb_connection import store_frame
from pipelines.crm.arrival import Arrival
from pipelines.identifiers.digests import SHORTEST
from pipelines.identifiers.wrapped import PLAIN, unwrapped
from schemas.crm import RAW_MARK


def unwrap_refusals(arrival: Arrival) -> int:
    """Let each refusal among the consents that arrive name the very e-mail or digest that stands in its address, and of
    several each; how many rows came in for that. A grant stays as it is typed: if that is no address, it
    is nobody's.
    """
    refusals = arrival.read(
        f"SELECT rowid AS row, address FROM {arrival.name} "
        "WHERE (status IS DISTINCT FROM 'granted' OR captured_at IS NULL) AND CASE WHEN contains(address, '@') "
        f"THEN NOT regexp_full_match(address, '{PLAIN}') ELSE strlen(address) > {SHORTEST} END"
    )
    found = unwrapped(refusals["address"], among_words=True)
    if found.is_empty():
        return 0
    named = found.select("address", row=refusals["row"].gather(found["place"]))
    store_frame(arrival.connection, "_unwrapped", named)
    # No raw row alone gives such a row.
    arrival.execute(
        f"INSERT INTO {{table}} BY NAME SELECT said.* REPLACE (_unwrapped.address AS address, NULL AS {RAW_MARK}) "
        "FROM {table} AS said JOIN _unwrapped ON said.rowid = _unwrapped.row"
    )
    arrival.execute("DELETE FROM {table} WHERE rowid IN (SELECT row FROM _unwrapped)")
    return named.height - named["row"].n_unique()
