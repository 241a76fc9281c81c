"""The SQL that casts a select's text columns by the contract, and says where a text could not be cast."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.money import exponents
from schemas.source import OrdersTable

#: Columns that are words of ours and not of the CRM: case does not matter.
_LOWER = frozenset({"status", "purpose", "event", "network"})
_UPPER = frozenset({"currency"})


def typed_select(select: str, given: list[str], contract: type[dy.Schema], orders: OrdersTable | None) -> str:
    """SQL for the contract's columns, typed, then `broken_rule` and `broken_text` (null where every cast worked).

    `given` are the select's columns: of the contract's, those it lacks are null; `source_file` is passed on. Texts are
    as they stand; `tidied` trims them.
    """
    casts = {
        name: _cast(name, column, orders)
        for name, column in contract.columns().items()
        if name in given and not isinstance(column, dy.String)
    }
    columns = [
        name if name in given else f"NULL::{_sql_type(column)} AS {name}" for name, column in contract.columns().items()
    ]
    columns = [
        f"{name}_cast AS {name}" if name in casts else column
        for name, column in zip(contract.columns(), columns, strict=True)
    ]
    columns += ["source_file"] if "source_file" in given else []
    # A text is looked at again only where its cast gave nothing.
    broken = {name: f"{name}_cast IS NULL AND trim({name}) <> ''" for name in casts}
    rule = " ".join(f"WHEN {condition} THEN '{name} unreadable'" for name, condition in broken.items())
    text = " ".join(f"WHEN {condition} THEN {name}" for name, condition in broken.items())
    none = "NULL::VARCHAR"
    texts = ", ".join(f'"{name}"::VARCHAR AS {name}' for name in given)
    typed = ", ".join(["*", *(f"{cast} AS {name}_cast" for name, cast in casts.items())])
    return (
        f"SELECT {', '.join(columns)}, {f'CASE {rule} END' if rule else none} AS broken_rule, "
        f"{f'CASE {text} END' if text else none} AS broken_text "
        f"FROM (SELECT {typed} FROM (SELECT {texts} FROM ({select}) AS selected) AS texts) AS casts"
    )


def tidied(rows: pl.DataFrame, contract: type[dy.Schema]) -> pl.DataFrame:
    """The rows with every text of the contract trimmed, blanks null, and our own words in one case."""
    names = [name for name, column in contract.columns().items() if isinstance(column, dy.String)]
    trimmed = rows.with_columns(pl.col(names).str.strip_chars())
    return trimmed.with_columns(pl.when(pl.col(name) != "").then(_in_one_case(name)).alias(name) for name in names)


def _in_one_case(name: str) -> pl.Expr:
    if name in _LOWER:
        return pl.col(name).str.to_lowercase()
    return pl.col(name).str.to_uppercase() if name in _UPPER else pl.col(name)


def _sql_type(column: dy.Column) -> str:
    if isinstance(column, dy.Datetime):
        return "TIMESTAMPTZ"
    if isinstance(column, dy.Date):
        return "DATE"
    return "BIGINT" if isinstance(column, dy.Int64) else "VARCHAR"


def _cast(name: str, column: dy.Column, orders: OrdersTable | None) -> str:
    if isinstance(column, dy.Datetime):
        # The second form is an offset apart or without a colon, ` +0530`, or UTC by name, which DuckDB does not read.
        utc = f"regexp_replace({name}, '\\s*(Z|UTC)\\s*$', '+00:00', 'i')"
        offset = f"regexp_replace({utc}, '\\s*([+-]\\d\\d):?(\\d\\d)\\s*$', '\\1:\\2')"
        instant = f"coalesce(TRY_CAST({_unnamed(name)} AS TIMESTAMPTZ), TRY_CAST({_unnamed(offset)} AS TIMESTAMPTZ))"
        return f"CASE WHEN isfinite({instant}) THEN {instant} END"
    if isinstance(column, dy.Date):
        return f"CASE WHEN isfinite(TRY_CAST({name} AS DATE)) THEN TRY_CAST({name} AS DATE) END"
    return _minor_units(name, orders or OrdersTable(absent=True))


def _unnamed(text: str) -> str:
    """The text; null if it ends in a zone's name: DuckDB would read the rows after it in that zone (tried, 1.5.5)."""
    return f"CASE WHEN right(rtrim({text}), 1) < 'A' OR right({text}, 2) BETWEEN '0' AND '9Z' THEN {text} END"


def _minor_units(name: str, orders: OrdersTable) -> str:
    """Integer minor units; null if the text is no number or has more decimals than its currency.

    What lies beyond six decimals is taken as noise of a float on its way to text. (A wider DECIMAL than 18 digits is a
    hundred times slower to read: measured.)
    """
    number = f"CASE WHEN {name} NOT LIKE '%.%' THEN replace({name}, ',', '.') END" if orders.decimal == "," else name
    value = f"TRY_CAST({number} AS DECIMAL(18, 6))"
    if orders.amount == "major":
        code = "CASE upper(trim(currency))"
        factors = " ".join(f"WHEN '{code}' THEN {10**digits}" for code, digits in exponents().items())
        # Beyond these the product would have more than its type's 18 digits, and DuckDB stop the whole select.
        limits = " ".join(f"WHEN '{code}' THEN {10 ** (12 - digits)}" for code, digits in exponents().items())
        bounded = f"CASE WHEN abs({value}) < {code} {limits} ELSE {10**10} END THEN {value} END"
        value = f"({bounded} * {code} {factors} ELSE 100 END)"
    return f"CASE WHEN {value} % 1 = 0 THEN TRY_CAST({value} AS BIGINT) END"
