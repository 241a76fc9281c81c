"""What DuckDB says while a table's select is read, in sentences that quote no row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from pipelines.crm.selects.byte_columns import is_no_utf8
from pipelines.crm.selects.column_names import told_refusal
from pipelines.crm.selects.declared import select_place
from pipelines.crm.sources.opened import OpenSource
from pipelines.crm.sources.steady import check_not_lost
from pipelines.crm.sources.tables import is_no_regular_csv
from schemas.errors import SourceError
from schemas.said import Said
from schemas.source import TableName


@contextmanager
def worded(table: TableName, opened: Sequence[OpenSource], select: str) -> Iterator[None]:
    """DuckDB's errors as sentences of ours: its own quote values, also where they stand for names of columns."""
    places = ", ".join(source.place for source in opened) or Said("no source")
    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
        msg = told_refusal(error, select, select_place(table), places)
        raise SourceError(msg) from None
    except duckdb.OutOfMemoryException:
        msg = Said(
            "Table {table}: out of memory while reading {places}. Raise memory_limit in relance.toml.",
            table=table,
            places=places,
        )
        raise SourceError(msg) from None
    except (duckdb.Error, RuntimeError) as error:
        check_not_lost(f"Table {table}", places, error)
        if is_no_utf8(error):
            msg = Said(
                "Table {table}: {places} holds text that is not UTF-8. Export it again in UTF-8; nobody is "
                "added to a list.",
                table=table,
                places=places,
            )
            raise SourceError(msg) from None
        if is_no_regular_csv(error):
            msg = Said(
                "Table {table}: {places} is no regular CSV: its line ends are mixed, or a quote is not closed. "
                "Export it again; nobody is added to a list.",
                table=table,
                places=places,
            )
            raise SourceError(msg) from None
        msg = Said(
            "Table {table}: reading {places} failed ({kind}). The message quotes rows, so it is not "
            "shown; run the select in DuckDB by hand, and prefer TRY_CAST to CAST.",
            table=table,
            places=places,
            kind=type(error).__name__,
        )
        raise SourceError(msg) from None
