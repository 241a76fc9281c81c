"""What a declared select tells by its text, before a row is read: the sources that it names, the columns that it gives.

`relance check` and the night say the same of it, by these functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from typing import Any

import dataframely as dy
import duckdb

from pipelines.crm.selects.column_names import told_names
from pipelines.crm.selects.located import check_askable, expression_text, parsed
from schemas.crm import contract_of
from schemas.errors import ConfigError, RelanceError
from schemas.said import Said
from schemas.source import RESERVED, Sources, TableName

#: Schemas of DuckDB's own, which no source needs to have declared.
_BUILT_IN = RESERVED | {"information_schema", "pg_catalog"}

#: Expressions without an alias that are one column, called as their own text is written.
_CALLED_BY_TEXT = frozenset(
    {"BETWEEN", "CASE", "CAST", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "OPERATOR", "WINDOW"}
)


def select_place(table: TableName) -> str:
    """Where the table's select stands."""
    return f"sources.toml, tables.{table}.select"


def check_table(table: TableName, sources: Sources, connection: duckdb.DuckDBPyConnection) -> None:
    """What can be told of a table's select without its sources.

    Raises:
        ConfigError: it is no SQL, reads the warehouse, names no declared source, or does not give the table's columns.
    """
    select = sources.table(table).select
    if select is None:
        return
    tree, contract = parsed(connection, select), contract_of(table, sources)
    check_askable(tree, select_place(table), ConfigError)
    check_sources(tree, select_place(table), sources, ConfigError)
    given = given_columns(connection, tree, contract.column_names())
    if given is not None:
        check_columns(table, given, contract, ConfigError)


def check_sources(tree: dict[str, Any], place: str, sources: Sources, error: type[RelanceError]) -> None:
    """Whether the select that stands at `place`, of which this is the syntax tree, reads no undeclared table.

    Raises:
        error: it names a table that is neither a source's nor its own.
    """
    unknown = sorted(set(_unknown_tables(tree, _own_tables(tree), sources)))
    if unknown:
        msg = Said(
            "{place} reads {unknown}, which sources.toml does not declare. Its sources are {sources}.",
            place=place,
            unknown=", ".join(unknown),
            sources=", ".join(sources.sources),
        )
        raise error(msg)


def in_our_case(given: Iterable[str], contract: type[dy.Schema]) -> list[str]:
    """A select's columns, the contract's as it calls them: to SQL `Email` is `email`, and headers change their case."""
    known = {name.lower(): name for name in contract.column_names()}
    return [known.get(name.lower(), name) for name in given]


def check_columns(table: TableName, given: list[str], contract: type[dy.Schema], error: type[RelanceError]) -> None:
    """Whether the columns that a table's select gives are the contract's.

    Raises:
        error: the select gives a column that the contract does not know, gives one twice, or lacks one that it needs.
    """
    known, given = contract.columns(), in_our_case(given, contract)
    unknown = [name for name in given if name not in known and not name.startswith("source_file")]
    if unknown:
        msg = Said(
            "sources.toml, tables.{table}.select gives {unknown}, which is no column of {table}. Its columns "
            "are {known}.",
            table=table,
            unknown=told_names(unknown),
            known=", ".join(known),
        )
        raise error(msg)
    twice = sorted(name for name, times in Counter(given).items() if times > 1 and name in known)
    if twice:
        msg = Said(
            "sources.toml, tables.{table}.select gives {columns} more than once. Take one, or coalesce(…) of them.",
            table=table,
            columns=", ".join(twice),
        )
        raise error(msg)
    lacking = [name for name, column in known.items() if not column.nullable and name not in given]
    if lacking:
        lacks = "sources.toml, tables.{table}.select lacks the column {lacking}."
        if lacking == ["ordered_at"]:
            lacks = (
                "sources.toml, tables.{table}.select lacks the column {lacking}. If the source has no order times, "
                "set without_times = true."
            )
        msg = Said(lacks, table=table, lacking=", ".join(lacking))
        raise error(msg)


def given_columns(
    connection: duckdb.DuckDBPyConnection, tree: dict[str, Any], known: Container[str]
) -> list[str] | None:
    """The columns that a parsed select gives; none where only its sources can tell.

    A column that it takes over as it is has the case that it has there: it is taken for the one of `known`.
    """
    if tree.get("error") or len(tree["statements"]) != 1:
        return None
    node = tree["statements"][0]["node"]
    while node["type"] == "SET_OPERATION_NODE" and node["setop_type"] != "UNION_BY_NAME":
        node = node["left"]
    if node["type"] != "SELECT_NODE" or _gives_many(node["select_list"]):
        return None
    names = [_name(connection, column, known) for column in node["select_list"]]
    return None if None in names else [name for name in names if name is not None]


def _name(connection: duckdb.DuckDBPyConnection, column: dict[str, Any], known: Container[str]) -> str | None:
    if column["alias"]:
        return column["alias"]
    if column["type"] == "COLUMN_REF":
        name = column["column_names"][-1]
        return name.lower() if name.lower() in known else name
    return expression_text(connection, column) if column["class"] in _CALLED_BY_TEXT else None


def _gives_many(tree: object) -> bool:
    """Whether a star, or a function that gives a struct's parts, stands in a select list."""
    if isinstance(tree, list):
        return any(_gives_many(branch) for branch in tree)
    if not isinstance(tree, dict):
        return False
    return (
        tree.get("class") == "STAR"
        or tree.get("function_name") == "unnest"
        or any(_gives_many(branch) for branch in tree.values())
    )


def _own_tables(tree: object) -> set[str]:
    """The names that a select gives to tables of its own, by WITH, in lower case."""
    if isinstance(tree, list):
        return set().union(*(_own_tables(branch) for branch in tree))
    if not isinstance(tree, dict):
        return set()
    with_ = tree.get("cte_map")
    own = {str(each["key"]).lower() for each in with_["map"]} if isinstance(with_, dict) else set()
    return own.union(*(_own_tables(branch) for branch in tree.values()))


def _unknown_tables(tree: object, own: set[str], sources: Sources) -> Iterator[str]:
    """Every table that is no source's, no `own` one of the select, none of DuckDB's and no path of a file."""
    if isinstance(tree, list):
        for branch in tree:
            yield from _unknown_tables(branch, own, sources)
    elif isinstance(tree, dict):
        if tree.get("type") == "BASE_TABLE":
            parts = [str(tree.get(part) or "") for part in ("catalog_name", "schema_name", "table_name")]
            names = {part.lower() for part in parts}
            is_own = names <= {"", *own}
            is_path = any(sign in parts[-1] for sign in "./")
            if not (is_own or is_path or names & (set(sources.sources) | _BUILT_IN)):
                yield ".".join(filter(None, parts))
        for branch in tree.values():
            yield from _unknown_tables(branch, own, sources)
