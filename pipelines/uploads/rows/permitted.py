"""Everybody who may be sent to a network tonight, read from the warehouse and numbered once."""

from __future__ import annotations

from datetime import date

import polars as pl

from catalog.duckdb_connection import literal, store_frame
from catalog.warehouse import Warehouse
from pipelines.customers.subdivisions import subdivisions
from pipelines.identifiers.match_keys import SEPARATOR, key_forms
from pipelines.identifiers.stored import as_stored, read_identifiers
from pipelines.uploads.refused_keys.keys import key_columns
from pipelines.uploads.rows.people import NetworkPeople, people_by_kind
from schemas.money import exponent
from schemas.network import Network, match_columns

#: SQL for the people numbered last.
PERMITTED = "FROM _permitted"


def worth(currency: str) -> str:
    """SQL for the revenue of features with as many decimals as the currency has: what a network is told."""
    return f"revenue::DECIMAL(18, {exponent(currency)}) AS revenue"


def gather_members(warehouse: Warehouse, as_of: date, currency: str, members: str) -> None:
    """Find what the features of the day say of the `members` (SQL for person_id) of all networks' audiences."""
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE _members AS SELECT person_id, country, {worth(currency)} FROM "
        "(SELECT person_id, country, revenue FROM warehouse.features WHERE as_of = $day) "
        f"RIGHT JOIN (SELECT DISTINCT person_id FROM ({members})) USING (person_id)",
        day=as_of,
    )


def number_people(warehouse: Warehouse, network: str, members: str | None) -> None:
    """Number those of the members gathered last who may be sent to the network, or of some of them (SQL for person_id):
    a person's id is compared here and nowhere else.
    """
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE _permitted AS SELECT (row_number() OVER () - 1)::UINTEGER AS number, "
        "person_id, assumed, by_other_purpose, country, revenue FROM warehouse.permissions JOIN _members "
        f"USING (person_id) WHERE network = $network{f' AND person_id IN ({members})' if members else ''}",
        network=network,
    )


def people_of(
    warehouse: Warehouse, network: Network, refused: pl.DataFrame, numbered: str = PERMITTED
) -> NetworkPeople:
    """The network's people among the `numbered`. In: `refused` (`RefusedKeys` of the network)."""
    states = None
    if network.limits_data_use:
        lives = (
            f"SELECT DISTINCT number, country_code AS country, region FROM ({numbered}) "
            "JOIN warehouse.customer_records USING (person_id) JOIN warehouse.crm_customers USING (customer_id)"
        )
        states = subdivisions(warehouse.read(lives))

    def held(kind: str) -> pl.DataFrame:
        columns = ", ".join(match.name for match in match_columns([network]) if match.kind == kind)
        theirs = f"FROM warehouse.identifiers JOIN ({numbered}) USING (person_id) WHERE kind = $kind"
        return read_identifiers(warehouse, f"SELECT number, position, {columns} {theirs}", kind=kind)

    unusable = (
        f"SELECT number, identifier, refusal FROM warehouse.identifier_refusals JOIN ({numbered}) USING (person_id)"
    )
    return people_by_kind(warehouse.read(numbered), held, refused, network, states, warehouse.read(unusable))


def shown_to(warehouse: Warehouse, network: Network, whose: str) -> pl.DataFrame:
    """What the network would see of the people that a join (SQL) leaves: a row an identifier."""
    columns = ", ".join(column.name for column in key_columns([network]))
    return read_identifiers(warehouse, f"SELECT {columns} FROM warehouse.identifiers {whose}")


def unpermitted_keys(
    warehouse: Warehouse,
    network: Network,
    keys: pl.DataFrame,
    was_refused: pl.Series,
    refusing: pl.Series | None = None,
) -> pl.DataFrame:
    """key, value: those of the keys, each there once, by which the network would know somebody who may not be sent to
    it. `was_refused`: of each key, whether it is of such a person by what earlier nights knew; of a key that somebody
    has tonight too, tonight's people decide.

    Given who is `refusing` there (person_id), silence aside, only they may not be sent: whoever is silent may have said
    something that is lacking tonight, and decides nothing.
    """
    _find_holders(warehouse, network, keys)
    # Few people have one: they are looked for among those who may be sent, not the other way round.
    permitted = f"(FROM warehouse.permissions WHERE network = {literal(network.name)})"
    if refusing is None:
        joined, deciding = f"ANTI JOIN {permitted}", ""
    else:
        store_frame(warehouse.connection, "_refusing", refusing.to_frame("person_id"))
        joined, deciding = "SEMI JOIN _refusing", f" SEMI JOIN {permitted} USING (person_id)"
    found = warehouse.read(f"SELECT DISTINCT place FROM _holders {joined} USING (person_id)")["place"]
    if not was_refused.any():
        return keys[found]
    held = warehouse.read(f"SELECT DISTINCT place FROM _holders{deciding}")["place"]
    nobody_s = keys.with_row_index("place").filter(was_refused, ~pl.col("place").is_in(held.implode()))["place"]
    return keys[pl.concat([found, nobody_s.cast(found.dtype)])]


def is_among(keys: pl.DataFrame, others: pl.DataFrame) -> pl.Series:
    """Of each key (key, value), whether it is one of the others."""
    found = keys.join(others.unique().with_columns(is_one=True), on=["key", "value"], how="left", maintain_order="left")
    return found["is_one"].fill_null(False)


def refused_but_for_silence(
    warehouse: Warehouse, network: Network, refused: pl.DataFrame, refusing: pl.Series
) -> pl.DataFrame:
    """In: `RefusedKeys` of the network. Out: those of them that nobody has tonight, or somebody who is `refusing`
    (person_id) has: whoever else has one of the others is only silent."""
    keys = refused.select("key", "value").unique()
    _find_holders(warehouse, network, keys)
    store_frame(warehouse.connection, "_refusing", refusing.to_frame("person_id"))
    found = warehouse.read(
        "SELECT DISTINCT place FROM _holders "
        "ANTI JOIN (SELECT place FROM _holders SEMI JOIN _refusing USING (person_id)) USING (place)"
    )
    return refused.join(keys[found["place"]], on=["key", "value"], how="anti")


def _find_holders(warehouse: Warehouse, network: Network, keys: pl.DataFrame) -> None:
    """Make `_holders` (place, person_id) whoever has each of the keys tonight."""
    held: list[str] = []
    placed = keys.with_row_index("place")
    for key in network.keys:
        asked = placed.filter(key=key.name)
        for columns in key_forms(network, key) if asked.height else ():
            names = [column.name for column in columns]
            parts = (
                asked["value"].str.split_exact(SEPARATOR, len(names) - 1).struct.rename_fields(names).struct.unnest()
            )
            table = f"_asked_{len(held)}"
            store_frame(warehouse.connection, table, as_stored(warehouse, parts).with_columns(asked["place"]))
            held.append(f"SELECT place, person_id FROM warehouse.identifiers JOIN {table} USING ({', '.join(names)})")
    none = "SELECT 0::UINTEGER AS place, '' AS person_id LIMIT 0"
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _holders AS {' UNION ALL '.join(held) or none}")
