"""Records that a request to be forgotten took out, and those that were one person with them and are left: what refuses
by the id of the first, be it read later, is refused for the others, under a keyed hash of that id."""

from __future__ import annotations

import dataframely as dy
import duckdb
import polars as pl

from catalog.duckdb_connection import frame_of, store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.people import person_ids
from pipelines.identifiers.hashes import keyed_hash

PARTED = "parted_records"


class _Parted(dy.Schema):
    #: For the id of the record that was taken out.
    given = dy.String()
    #: The id of a person whose only record is one that is left.
    alias = dy.String()


def keep_parted(warehouse: Warehouse, ids: pl.Series, identity_key: str) -> None:
    """Keep who is left of the people of whom the records (ids) are taken out. It comes before that."""
    taken = ids.unique().to_frame("customer_id")
    store_frame(
        warehouse.connection,
        "_taken_out",
        taken.select(
            given=_hashed(taken["customer_id"], identity_key), alias=person_ids(taken["customer_id"], identity_key)
        ),
    )
    warehouse.ensure(PARTED, _Parted)
    warehouse.insert(
        f"warehouse.{PARTED}",
        "SELECT given, own_id AS alias FROM _taken_out JOIN warehouse.person_aliases AS known USING (alias) "
        "JOIN (FROM warehouse.customer_records ANTI JOIN _taken_out ON own_id = alias) AS record "
        f"ON record.person_id = known.person_id EXCEPT FROM warehouse.{PARTED}",
    )


def parted_names(connection: duckdb.DuckDBPyConnection, ids: pl.Series, identity_key: str) -> pl.DataFrame:
    """customer_id, name: by what those of the ids are known that were taken out and of whose people some are left."""
    named = pl.DataFrame({"customer_id": ids, "name": _hashed(ids, identity_key)}).unique()
    try:
        known = frame_of(connection.sql(f"SELECT DISTINCT given AS name FROM warehouse.{PARTED}"))
    except duckdb.CatalogException:
        return named.clear()
    return named.join(known, on="name", how="semi")


def _hashed(ids: pl.Series, identity_key: str) -> pl.Series:
    return keyed_hash("taken out:" + ids, identity_key)
