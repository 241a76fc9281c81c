"""In which file and row a row of a select's result stood, where the select says so."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import polars as pl

from catalog.duckdb_connection import quoted_name
from pipelines.crm.contract import ROW
from pipelines.crm.sources.opened import OpenSource
from schemas.crm import RAW_MARK
from schemas.errors import RelanceError
from schemas.said import Said

#: `source_file`, as it stands in the list of a parsed select.
_SOURCE_FILE = {
    "class": "COLUMN_REF",
    "type": "COLUMN_REF",
    "alias": "",
    "query_location": 0,
    "column_names": ["source_file"],
}


#: What is compared, and so few constants, are no join to any release of DuckDB that was tried.
_SHORT_IN = 3


@dataclass(frozen=True)
class LocatedSelect:
    """A select that also returns `source_file` where its rows are those of one source."""

    select: str
    #: Whether they are all of its rows, and whether those come in the order that they have in the file.
    one_to_one: bool
    places_text: str
    in_order: bool = True
    #: Where one is not so: the select that also returns, as `source_file_name` and `source_file_row`, the file and the
    #: number, over all files, of that row of its source of which each of its rows is made.
    numbered: str | None = None
    #: SQL for source and start: the number of each file's first row.
    starts: str | None = None

    def places(self, wanted: pl.DataFrame, starts: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
        """source_row, source, row for each `wanted` row of a result that has all rows of its source.

        In: wanted (source_row, place in the result, source: the file); starts (source, start: the place of the file's
        first row); rejected (source, row): lines that the reader skipped, which count as rows of their file.
        """
        located = wanted.join(starts, on="source").with_columns(row=pl.col("place") - pl.col("start") + 1)
        return _beyond_skipped(located, rejected)

    def places_by_mark(
        self, wanted: pl.DataFrame, numbered: pl.DataFrame, starts: pl.DataFrame, rejected: pl.DataFrame
    ) -> pl.DataFrame:
        """The same of a result that has other rows than its source. In: wanted (source_row, raw_mark); numbered
        (raw_mark, source: the file, number). Rows that bear one mark are alike in all: any may stand for another.
        """
        nth = pl.int_range(pl.len()).over(RAW_MARK)
        rows = numbered.sort("number").with_columns(nth=nth).join(starts, on="source")
        found = wanted.with_columns(nth=nth).join(rows, on=[RAW_MARK, "nth"])
        located = _beyond_skipped(found.with_columns(row=pl.col("number") - pl.col("start") + 1), rejected)
        return pl.concat([located, self.nowhere(wanted.join(located, on=ROW, how="anti"))])

    def nowhere(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """The same of a result of which nobody can say it; `row` is null. In: wanted (source_row)."""
        return wanted.select(ROW, source=pl.lit(self.places_text), row=pl.lit(None, dtype=pl.Int64))


def _beyond_skipped(located: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    """source_row, source, row. In: located (source_row, source, row without those that were skipped)."""
    # The k-th skipped line of a file stands before those rows that were counted without it.
    skipped = rejected.select("source", at=pl.col("row")).sort("source", "at")
    skipped = skipped.with_columns(at=pl.col("at") - pl.int_range(pl.len()).over("source"))
    shifts = (
        located.join(skipped, on="source")
        .filter(pl.col("at") <= pl.col("row"))
        .group_by(ROW)
        .agg(shift=pl.len().cast(pl.Int64))
    )
    return located.join(shifts, on=ROW, how="left").select(
        ROW, source=file_name(pl.col("source")), row=pl.col("row") + pl.col("shift").fill_null(0)
    )


def file_name(path: pl.Expr) -> pl.Expr:
    """A path without its folders, which may name people."""
    return path.str.split("/").list.last()


def with_file(connection: duckdb.DuckDBPyConnection, select: str, opened: tuple[OpenSource, ...]) -> LocatedSelect:
    """The select with `source_file` added, if each of its rows is one row of one file source."""
    places = ", ".join(source.place.rsplit("/", 1)[-1] for source in opened)
    unchanged = LocatedSelect(select, one_to_one=False, places_text=places)
    tree = parsed(connection, select)
    if tree.get("error") or len(tree["statements"]) != 1:
        return unchanged
    node = tree["statements"][0]["node"]
    if len(opened) != 1 or not opened[0].files or not _keeps_rows(node):
        return _numbered(connection, tree, opened, unchanged)
    # `*` and most of `COLUMNS(...)` give it already; what a pattern in COLUMNS gives, only DuckDB knows.
    given = _columns(connection, tree)
    if given is not None and "source_file" not in given:
        node["select_list"].append(_SOURCE_FILE)
        given = _columns(connection, tree)
    if given is None or "source_file" not in given:
        return unchanged
    every = LocatedSelect(_select(connection, tree), one_to_one=True, places_text=places)
    if not _has_long_in(node["select_list"]):
        return every
    return _numbered(connection, tree, opened, replace(every, in_order=False))


def _numbered(
    connection: duckdb.DuckDBPyConnection,
    tree: dict[str, Any],
    opened: tuple[OpenSource, ...],
    unchanged: LocatedSelect,
) -> LocatedSelect:
    """With what numbers its rows, if they are made of rows of file sources, one beside the other by UNION ALL: whatever
    it leaves out, sorts or asks of others within its columns.
    """
    arms = _arms(tree["statements"][0]["node"])
    files = {source.name: source.files for source in opened if source.files}
    names = [str(arm["from_table"].get("table_name", "")).lower() for arm in arms]
    read = [path for name in {*names} & files.keys() for path in files[name]]
    # Of a file in two sources, nobody could say by which of them a row was numbered.
    if not arms or not {*names} <= files.keys() or len({*read}) < len(read):
        return unchanged
    every = [
        f'(SELECT *, row_number() OVER () AS source_file_row, source_file AS source_file_name FROM "{name}")'
        for name in names
    ]
    if not all(_number(connection, arm, rows, len(arms) > 1) for arm, rows in zip(arms, every, strict=True)):
        return unchanged
    starts = " UNION ".join(
        f"SELECT source_file_name AS source, min(source_file_row) AS start FROM {rows} GROUP BY source_file_name"
        for rows in dict.fromkeys(every)
    )
    return replace(unchanged, numbered=_select(connection, tree), starts=starts)


def _arms(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The selects from one table each whose rows a parsed one gives; none if it does anything else."""
    with_ = node.get("cte_map")
    if isinstance(with_, dict) and with_.get("map"):
        return []
    if node["type"] == "SELECT_NODE":
        return [node] if node["from_table"]["type"] == "BASE_TABLE" else []
    if node["type"] != "SET_OPERATION_NODE" or node["setop_type"] != "UNION" or not node["setop_all"]:
        return []
    left, right = _arms(node["left"]), _arms(node["right"])
    return [*left, *right] if left and right and not node["modifiers"] else []


def _number(connection: duckdb.DuckDBPyConnection, node: dict[str, Any], every: str, at_the_end: bool) -> bool:
    """Let a parsed select read its rows from `every` (SQL for them, their files and numbers) and give these two; False
    if it cannot, or not behind all its columns.
    """
    table, tree = node["from_table"], parsed(connection, "SELECT 1")
    tree["statements"][0]["node"] = node
    alias = quoted_name(table["alias"] or table["table_name"])
    asked = parsed(connection, f"SELECT {alias}.source_file_row, {alias}.source_file_name FROM {every} AS {alias}")
    numbering = asked["statements"][0]["node"]
    node["from_table"], node["select_list"] = numbering["from_table"], [*node["select_list"], *numbering["select_list"]]
    # No column can stand beside an aggregate, and a star gives them already.
    given = _columns(connection, tree) or []
    if "source_file_row_1" in given:
        node["select_list"], given = node["select_list"][:-2], given[:-2]
    return given[-2:] == ["source_file_row", "source_file_name"] or (not at_the_end and "source_file_row" in given)


def _columns(connection: duckdb.DuckDBPyConnection, tree: dict[str, Any]) -> list[str] | None:
    """The columns that a parsed select gives; none where it gives no table: no column can stand beside an aggregate."""
    try:
        return connection.sql(f"SELECT * FROM ({_select(connection, tree)}) AS located LIMIT 0").columns
    except duckdb.Error:
        return None


def _select(connection: duckdb.DuckDBPyConnection, tree: dict[str, Any]) -> str:
    query = "SELECT json_deserialize_sql($tree::JSON)"
    return connection.sql(query, params={"tree": json.dumps(tree)}).fetchall()[0][0]


def expression_text(connection: duckdb.DuckDBPyConnection, expression: dict[str, Any]) -> str:
    """An expression of a syntax tree as DuckDB writes it, which is what it calls a column without a name."""
    tree = parsed(connection, "SELECT 1")
    tree["statements"][0]["node"]["select_list"] = [expression]
    return _select(connection, tree).removeprefix("SELECT ")


def parsed(connection: duckdb.DuckDBPyConnection, select: str) -> dict[str, Any]:
    """DuckDB's own syntax tree of the select; `error` is true in it if it is none."""
    serialized = connection.sql("SELECT json_serialize_sql($select)", params={"select": select}).fetchall()[0][0]
    return json.loads(serialized)


def check_askable(tree: dict[str, Any], place: str, error: type[RelanceError]) -> None:
    """Whether the select that stands at `place`, of which this is the syntax tree, can be asked of a source at all.

    Raises:
        error: it is no SQL, no SELECT, or reads relance's own warehouse.
    """
    # DuckDB says that only SELECT "can be serialized to json", also of one with something behind it, and of PIVOT.
    if tree.get("error_type") == "not implemented" or (not tree.get("error") and len(tree["statements"]) != 1):
        msg = Said(
            "{place} is not one SELECT and nothing else. Write it as one that gives the columns, over the sources of "
            "sources.toml.",
            place=place,
        )
        raise error(msg)
    if tree.get("error"):
        msg = Said("{place}: {says}.", place=place, says=str(tree["error_message"]).split("\n")[0].rstrip("."))
        raise error(msg)
    if _names_warehouse(tree):
        msg = Said("{place} reads relance's own warehouse. Read a source that you declare.", place=place)
        raise error(msg)


def named_tables(tree: object) -> set[str]:
    """Every table, schema and database name that stands in a syntax tree, in lower case."""
    if isinstance(tree, list):
        return set().union(*(named_tables(branch) for branch in tree))
    if not isinstance(tree, dict):
        return set()
    names = {str(tree.get(part, "")).lower() for part in ("table_name", "schema_name", "catalog_name")}
    of_table = names if tree.get("type") == "BASE_TABLE" else set()
    return of_table.union(*(named_tables(branch) for branch in tree.values()))


def _names_warehouse(tree: object) -> bool:
    """Whether a syntax tree names a table of relance's own warehouse, which shares the connection with the sources."""
    if isinstance(tree, list):
        return any(_names_warehouse(branch) for branch in tree)
    if not isinstance(tree, dict):
        return False
    database, schema = (str(tree.get(part) or "").lower() for part in ("catalog_name", "schema_name"))
    is_own = tree.get("type") == "BASE_TABLE" and (database or schema) == "warehouse"
    return is_own or any(_names_warehouse(branch) for branch in tree.values())


def _keeps_rows(node: dict[str, object]) -> bool:
    """Whether a parsed select returns each row of one table once, in order."""
    table = node.get("from_table")
    with_ = node.get("cte_map")
    clauses = ("where_clause", "having", "qualify", "sample", "modifiers", "group_expressions")
    return (
        node.get("type") == "SELECT_NODE"
        and isinstance(table, dict)
        and table.get("type") == "BASE_TABLE"
        and not any(node.get(clause) for clause in clauses)
        and not (isinstance(with_, dict) and with_.get("map"))
        and not _moves_rows(node.get("select_list"))
    )


def _has_long_in(tree: object) -> bool:
    """Whether an IN of several constants stands in it: DuckDB makes a join of it from the sixth child on (tried), and
    gives the rows of a large file in another order.
    """
    if isinstance(tree, list):
        return any(map(_has_long_in, tree))
    if not isinstance(tree, dict):
        return False
    is_long = str(tree.get("type")) in {"COMPARE_IN", "COMPARE_NOT_IN"} and len(tree["children"]) > _SHORT_IN
    return is_long or any(map(_has_long_in, tree.values()))


def _moves_rows(tree: object) -> bool:
    """Whether a window or a question of its own (other order), or `unnest` (other number of rows) stands in it: DuckDB
    answers such questions by a join.
    """
    if isinstance(tree, list):
        return any(_moves_rows(branch) for branch in tree)
    if not isinstance(tree, dict):
        return False
    return (
        tree.get("class") in {"WINDOW", "SUBQUERY"}
        or tree.get("function_name") in {"unnest", "generate_series", "range"}
        or any(_moves_rows(branch) for branch in tree.values())
    )
