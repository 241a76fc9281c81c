"""Lines that DuckDB's CSV reader could not split into columns: set aside where that is safe, else the run stops."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.crm.sources.encodings import not_in_declared
from pipelines.crm.sources.opened import OpenSource
from schemas.crm import Quarantine
from schemas.errors import SourceError
from schemas.said import Said
from schemas.source import TableName

#: Lines that a CSV reader can skip without losing its place; all other faults stop the run.
_SKIPPABLE = {"MISSING COLUMNS": Said("has too few columns"), "TOO MANY COLUMNS": Said("has too many columns")}

#: Tables whose lost line could let somebody through who must not be.
_NEVER_SKIPPED = ("consents", "erasures")


def forget_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    """Let no line count that was skipped before, in a file that may be another one by now."""
    there = connection.sql("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
    for name in ("reject_errors", "reject_scans"):
        if (name,) in there:
            connection.execute(f"DELETE FROM {name}")


def rejected_lines(
    connection: duckdb.DuckDBPyConnection, table: TableName, opened: tuple[OpenSource, ...]
) -> pl.DataFrame:
    """Lines that the CSV reader skipped since `forget_rejects`: table, source, row, rule, shape.

    Raises:
        SourceError: a fault after which the reader may have lost its place, or another encoding.
    """
    empty = pl.DataFrame(Quarantine.create_empty()).drop("as_of")
    if not any(source.is_csv for source in opened):
        return empty
    faults = pl.DataFrame(
        connection.sql(
            # A line with several faults is as bad as the worst of them.
            "SELECT file_path, line, line_byte_position AS position, "
            "coalesce(min(error_type::VARCHAR) FILTER (NOT list_contains($skippable, error_type::VARCHAR)), "
            "min(error_type::VARCHAR)) AS error_type "
            "FROM reject_errors JOIN reject_scans USING (scan_id, file_id) "
            "WHERE list_contains($files, file_path) GROUP BY ALL ORDER BY file_path, line",
            params={
                "skippable": list(_SKIPPABLE),
                "files": [str(file) for source in opened for file in source.files],
            },
        )
    )
    sources = {str(file): source for source in opened for file in source.files}
    for fault in faults.iter_rows(named=True):
        if fault["error_type"] not in _SKIPPABLE:
            if fault["error_type"] == "INVALID ENCODING":
                raise SourceError(not_in_declared(_place(fault, sources), Path(fault["file_path"])))
            raise SourceError(_malformed(_place(fault, sources), str(fault["error_type"])))
        if table in _NEVER_SKIPPED:
            msg = Said(
                "{place} {fault}, so that nobody can say whom it protects. Mend the line; nobody is added to a list.",
                place=_place(fault, sources),
                fault=_SKIPPABLE[str(fault["error_type"])],
            )
            raise SourceError(msg)
    return pl.concat(
        [
            empty,
            faults.select(
                table=pl.lit(table),
                source="file_path",
                row=_rows(faults, sources),
                rule="line " + pl.col("error_type").replace({fault: str(said) for fault, said in _SKIPPABLE.items()}),
                shape=pl.lit(None, dtype=pl.String),
            ),
        ]
    )


def rejected_texts(connection: duckdb.DuckDBPyConnection, opened: tuple[OpenSource, ...]) -> pl.Series:
    """The lines that the CSV reader skipped since `forget_rejects`, as they stand in their files."""
    if not any(source.is_csv for source in opened):
        return pl.Series("csv_line", [], dtype=pl.String)
    lines = "SELECT DISTINCT csv_line FROM reject_errors JOIN reject_scans USING (scan_id, file_id) "
    files = [str(file) for source in opened for file in source.files]
    rows = connection.sql(f"{lines} WHERE list_contains($files, file_path)", params={"files": files})
    return pl.DataFrame(rows)["csv_line"].cast(pl.String)


def _rows(faults: pl.DataFrame, sources: dict[str, OpenSource]) -> pl.Series:
    """The faults' rows in their files; DuckDB counts blank lines too, which are no rows."""
    blank = {path: sources[path].blank_lines(Path(path)) for path in faults["file_path"].unique()}
    lines = faults.select("file_path", "line").iter_rows()
    return pl.Series([line - 1 - bisect_left(blank[path], line) for path, line in lines], dtype=pl.Int64)


def _place(fault: dict[str, Any], sources: dict[str, OpenSource]) -> str:
    """File and line as an editor counts it; DuckDB counts rows, which may hold line ends."""
    path, before, line = Path(fault["file_path"]), int(fault["position"]), 1
    with path.open(encoding=sources[fault["file_path"]].encoding, errors="surrogateescape", newline="") as file:
        while before > 0 and (text := file.read(1_000_000)):
            read = text.encode("utf-8", "surrogateescape")
            line += read[:before].count(b"\n")
            before -= len(read)
    return f"{path}, line {line if line > 1 else fault['line']}"


def _malformed(place: str, error_type: str) -> Said:
    if error_type == "LINE SIZE OVER MAXIMUM":
        return Said(
            "{place}: a line is longer than 2 MB, which is more than is read. Shorten the field there, or leave its "
            "column out of the export; nobody is added to a list.",
            place=place,
        )
    return Said(
        "{place}: malformed CSV ({fault}), so that what follows cannot be trusted. "
        "Mend the quoting there, or declare `quote`; nobody is added to a list.",
        place=place,
        fault=error_type.lower(),
    )
