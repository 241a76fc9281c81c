"""Which keys are refused tonight, found where identifiers lie: of everybody's digests only refused ones leave the
warehouse."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from catalog.duckdb_connection import literal, registered
from catalog.warehouse import Warehouse
from pipelines.identifiers.match_keys import key_value
from pipelines.identifiers.stored import read_identifiers
from pipelines.uploads.refused_keys.key_marks import forbidden_forms, forbidden_places, mark_changed, mark_everybody
from pipelines.uploads.refused_keys.keys import key_columns, key_uses, refused_keys
from pipelines.uploads.refused_keys.weighed import ASKED, is_weighed
from schemas.identifiers import MatchColumn
from schemas.network import Network
from schemas.uploads import RefusedKeys

#: Match columns that keys are made of; a key's place in the list is its number.
_Keys = list[tuple[MatchColumn, ...]]
#: With more people than this share of all identifiers, keys are weighed as if everybody were asked about.
_MOST = 0.2
_MIXED = "HAVING bool_or(permitted) AND bool_or(permitted IS NULL)"


class Weighed(NamedTuple):
    """`RefusedKeys`, and the person_id of everybody who holds one."""

    refused: pl.DataFrame
    people: pl.Series


def weigh_keys(  # noqa: PLR0913, PLR0917 - who holds what, all that forbids it, and what is known of it
    warehouse: Warehouse,
    networks: dict[str, Network],
    erasures: pl.DataFrame,
    identity_key: str,
    emails: pl.DataFrame,
    rules: str,
) -> Weighed:
    """What `refused_keys` gives of everybody in `identifiers` and `permissions` of the warehouse.

    In: `CrmErasures`, and what `refused_emails` gives. If keys were weighed by the same `rules` last time, those of
    which nothing changed are not looked at.
    """
    weighed = is_weighed(warehouse, rules)
    found = [_shared(warehouse, networks, ASKED if weighed and _are_few(warehouse) else None)]
    forms = forbidden_forms(networks)
    if forms and is_forbidding(erasures, emails):
        if weighed:
            mark_changed(warehouse, forms, identity_key)
        else:
            mark_everybody(warehouse, forms, identity_key)
        places = forbidden_places(warehouse, forms, erasures, identity_key, emails)
        if not places.is_empty():
            held, permissions = _at(warehouse, networks, places)
            refused = refused_keys(held, permissions, erasures, networks, identity_key, emails)
            found.append(Weighed(refused, held["person_id"]))
    refused = pl.concat([part.refused for part in found]).unique()
    return Weighed(refused.sort(refused.columns), pl.concat([part.people for part in found]).unique())


def _are_few(warehouse: Warehouse) -> bool:
    """Whether to look only at the keys of those asked about takes less than at everybody's. Names that many have make
    nearly everybody doubtful in a very large CRM."""
    asked = warehouse.read(f"SELECT count(*) FROM ({ASKED})").item()
    return asked <= _MOST * warehouse.height("identifiers")


def is_forbidding(erasures: pl.DataFrame, emails: pl.DataFrame) -> bool:
    """Whether a key may be refused for something else than a person."""
    return not (erasures.is_empty() and emails.is_empty())


def _at(warehouse: Warehouse, networks: dict[str, Network], places: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The identifiers at the places, in the columns that keys are made of, and the permissions of whose they are."""
    named = ", ".join(column.name for column in key_columns(networks.values()))
    with registered(warehouse.connection, places.to_frame()) as asked:
        there = f"SELECT person_id, {named} FROM warehouse.identifiers WHERE rowid IN (FROM {asked})"
        held = read_identifiers(warehouse, there)
    with registered(warehouse.connection, held.select("person_id").unique()) as people:
        return held, warehouse.read(f"FROM warehouse.permissions SEMI JOIN {people} USING (person_id)")


def _shared(warehouse: Warehouse, networks: dict[str, Network], asked: str | None) -> Weighed:
    """The keys that on some network both who may be sent holds and who may not; of all, or only those of people (SQL)
    and whoever shares them."""
    uses = key_uses(networks.values())
    keys = sorted({columns for _, _, columns in uses})
    _find_mixed(warehouse, keys, sorted({(keys.index(columns), network) for network, _, columns in uses}), asked)
    found = [pl.DataFrame(RefusedKeys.create_empty())]
    for number in warehouse.read("SELECT DISTINCT key FROM _mixed")["key"]:
        values = _mixed_values(warehouse, number, keys[number])
        found += [
            values.filter(network=network).select("network", key=pl.lit(key), value="value")
            for network, key, columns in uses
            if columns == keys[number]
        ]
    return Weighed(pl.concat(found), warehouse.read("SELECT DISTINCT person_id FROM _mixed")["person_id"])


def _find_mixed(warehouse: Warehouse, keys: _Keys, used: list[tuple[int, str]], asked: str | None) -> None:
    """Put into `_mixed` (key, network, place, person_id, permitted: true or null) where such keys lie.

    By hash: that of another key may be the same, and then two rows too many are looked at.
    """
    if asked is not None:
        warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _asked_people AS {asked}")
    # One after the other: in one statement DuckDB would hold what it needs for all of them.
    for number, columns in enumerate(keys):
        several = _held_by_several(columns, asked is not None)
        warehouse.execute(f"CREATE OR REPLACE TEMP TABLE _shared_{number} AS {several}")
    shared = " UNION ALL ".join(f"SELECT {number} AS key, * FROM _shared_{number}" for number in range(len(keys)))
    listed = ", ".join(f"({number}, {literal(network)})" for number, network in used)
    permitted = (
        "SELECT person_id, network, true AS permitted FROM warehouse.permissions "
        f"SEMI JOIN (SELECT person_id FROM ({shared})) USING (person_id)"
    )
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE _mixed AS WITH held AS MATERIALIZED ("
        f"SELECT key, mark, network, place, person_id, permitted FROM ({shared}) AS shared "
        f"JOIN (VALUES {listed}) AS uses(key, network) USING (key) LEFT JOIN ({permitted}) USING (person_id, network)) "
        "SELECT key, network, place, person_id, permitted FROM held "
        f"SEMI JOIN (SELECT key, mark, network FROM held GROUP BY ALL {_MIXED}) USING (key, mark, network)"
    )


def _mixed_values(warehouse: Warehouse, number: int, columns: tuple[MatchColumn, ...]) -> pl.DataFrame:
    """network, value: of the keys in `_mixed`, each there once, those that are mixed indeed."""
    names = ", ".join(column.name for column in columns)
    rows = read_identifiers(
        warehouse,
        f"SELECT network, {names} FROM (FROM _mixed WHERE key = {number}) JOIN "
        f"(SELECT rowid AS place, {names} FROM warehouse.identifiers) USING (place) GROUP BY ALL {_MIXED}",
    )
    return rows.select("network", value=key_value(list(columns)))


def _held_by_several(columns: tuple[MatchColumn, ...], few: bool) -> str:
    """SQL for place, person_id, mark: who holds a key of these columns that others hold too; of few, one of whose
    holders is in `_asked_people`."""
    names = [column.name for column in columns]
    whole = " AND ".join(f"{name} IS NOT NULL" for name in names)
    if all(column.identifier == "phone" and column.is_reversible for column in columns):
        # A form that no two phones have in common is shared where the phone is. (A digest may be some e-mail's.)
        whole += " AND shared_by > 1"
    marked = f"hash({', '.join(names)}) AS mark"
    held = f"SELECT rowid AS place, person_id, {marked} FROM warehouse.identifiers WHERE {whole}"
    if few:
        theirs = f"SELECT {marked} FROM warehouse.identifiers SEMI JOIN _asked_people USING (person_id) WHERE {whole}"
        held = f"FROM ({held}) SEMI JOIN ({theirs}) USING (mark)"
    several = "SELECT mark FROM held GROUP BY mark HAVING count(*) > 1"
    # Few are written down, of many it takes less to look twice (measured).
    once = "MATERIALIZED" if few else "NOT MATERIALIZED"
    return f"WITH held AS {once} ({held}) FROM held SEMI JOIN ({several}) USING (mark)"
