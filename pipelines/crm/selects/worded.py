"""What DuckDB says while a declared select is read, in sentences that quote no row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from pipelines.crm.selects.byte_columns import is_no_utf8
from pipelines.crm.selects.column_names import told_refusal
from pipelines.crm.sources.opened import OpenSource
from pipelines.crm.sources.steady import check_not_lost
from pipelines.crm.sources.tables import is_no_regular_csv
from schemas.errors import SourceError
from schemas.said import Said


@contextmanager
def worded(reader: str, place: str, opened: Sequence[OpenSource], select: str) -> Iterator[None]:
    """DuckDB's errors as sentences of ours: its own quote values, also where they stand for names of columns. `reader`
    is whose select it is, for the message, and `place` where that stands.

    Raises:
        SourceError: what is read is not what the select asks for.
        UnreachableSourceError: a database was lost while it was read.
    """
    places = ", ".join(source.place for source in opened) or Said("no source")
    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
        raise SourceError(told_refusal(error, select, place, places)) from None
    except duckdb.OutOfMemoryException:
        msg = Said(
            "{reader}: out of memory while reading {places}. Raise memory_limit in relance.toml.",
            reader=reader,
            places=places,
        )
        raise SourceError(msg) from None
    except (duckdb.Error, RuntimeError) as error:
        check_not_lost(reader, places, error)
        if is_no_utf8(error):
            msg = Said(
                "{reader}: {places} holds text that is not UTF-8. Export it again in UTF-8; nobody is added to a list.",
                reader=reader,
                places=places,
            )
            raise SourceError(msg) from None
        if is_no_regular_csv(error):
            msg = Said(
                "{reader}: {places} is no regular CSV: its line ends are mixed, or a quote is not closed. Export it "
                "again; nobody is added to a list.",
                reader=reader,
                places=places,
            )
            raise SourceError(msg) from None
        msg = Said(
            "{reader}: reading {places} failed ({kind}). The message quotes rows, so it is not shown; run the select "
            "in DuckDB by hand, and prefer TRY_CAST to CAST. Nobody is added to a list.",
            reader=reader,
            places=places,
            kind=type(error).__name__,
        )
        raise SourceError(msg) from None
