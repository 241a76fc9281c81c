"""Queries that DuckDB might never end (docs/decisions/0042) are refused wherever a test asks one.

Whether one sleeps depends on the data and on how many threads there are, so no test would meet it: its form is judged.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import duckdb
import polars as pl

from catalog import duckdb_connection

#: A part of a query as DuckDB's `json_serialize_sql` writes it.
Tree = dict[str, Any]


@cache
def might_sleep(query: str) -> bool:
    """Whether the rows of a union go straight to the client while some arm of it joins and some arm groups."""
    if "UNION ALL" not in query.upper():
        return False
    connection, _ = _parser()
    parsed = json.loads(connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()[0][0])
    # What is materialized is worked out before, and the tree does not tell it from what is not.
    beforehand = set(re.findall(r"(\w+) AS MATERIALIZED", query, re.IGNORECASE))
    for part in _within(parsed):
        if "cte_map" in part:
            part["cte_map"]["map"] = [entry for entry in part["cte_map"]["map"] if entry["key"] not in beforehand]
    return not parsed["error"] and any(_sleeps(statement["node"]) for statement in parsed["statements"])


@cache
def refuse_sleeping_queries() -> None:
    """Let modules loaded and to be loaded ask through `frame_of` only what ends."""
    given = duckdb_connection.frame_of

    def watched(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
        query = relation.sql_query()
        assert not might_sleep(query), f"this might never end (docs/decisions/0042): {query}"
        return given(relation)

    for module in list(sys.modules.values()):
        if getattr(module, "frame_of", None) is given:
            module.__dict__["frame_of"] = watched


@cache
def _parser() -> tuple[duckdb.DuckDBPyConnection, frozenset[str]]:
    """What reads queries, and the names of the functions that make one row of many."""
    connection = duckdb.connect()
    names = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'"
    return connection, frozenset(name for (name,) in connection.execute(names).fetchall())


def _sleeps(node: Tree) -> bool:
    """Whether a union of that kind gives its rows, as they come, as the rows of `node`."""
    if _gathers(node) or _gives_nothing(node):
        return False
    inlined = [entry["value"]["query"]["node"] for entry in node["cte_map"]["map"]]
    if node["type"] == "SET_OPERATION_NODE":
        arms = [node["left"], node["right"], *inlined]
        return (_some(arms, _joins) and _some(arms, _gathers)) or any(map(_sleeps, arms))
    handed = [part["subquery"]["node"] for part in _within(node["from_table"]) if _is_table_of(part)]
    return any(map(_sleeps, [*handed, *inlined]))


def _gives_nothing(node: Tree) -> bool:
    """Whether it ends with LIMIT 0: only its columns are asked for."""
    limits = [modifier["limit"] for modifier in node["modifiers"] if modifier["type"] == "LIMIT_MODIFIER"]
    return any(limit is not None and limit.get("value", {}).get("value") == 0 for limit in limits)


def _within(tree: object) -> Iterator[Tree]:
    """Every part of a query."""
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for item in tree:
            yield from _within(item)


def _some(nodes: list[Tree], told: Callable[[Tree], bool]) -> bool:
    return any(told(part) for part in _within(nodes))


def _is_table_of(part: Tree) -> bool:
    """Whether it is a query in brackets after FROM."""
    return part.get("type") == "SUBQUERY" and part.get("class") is None


def _joins(part: Tree) -> bool:
    """Whether it joins: `IN (SELECT …)` does too."""
    return part.get("type") == "JOIN" or (part.get("type") == "SUBQUERY" and part.get("class") == "SUBQUERY")


def _gathers(part: Tree) -> bool:
    """Whether rows are grouped, sorted or made distinct: none is given before all are known."""
    if part.get("type") not in ("SELECT_NODE", "SET_OPERATION_NODE"):
        return False
    if {modifier["type"] for modifier in part["modifiers"]} & {"DISTINCT_MODIFIER", "ORDER_MODIFIER"}:
        return True
    if part["type"] == "SET_OPERATION_NODE":
        return not part["setop_all"]
    _, aggregates = _parser()
    selected = _within(part["select_list"])
    return bool(part["group_expressions"]) or any(name.get("function_name") in aggregates for name in selected)
