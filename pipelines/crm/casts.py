"""The SQL that casts a select's text columns by the contract, and says where a text could not be cast."""

from __future__ import annotations

from collections.abc import Iterable

import dataframely as dy

from schemas.crm import vocabulary
from schemas.money import exponents
from schemas.source import OrdersTable

#: Words of ours and not of the CRM: case does not matter.
_LOWER = frozenset({"status", "purpose", "event", "network"})
_UPPER = frozenset({"currency"})

#: Every character that Unicode calls white space.
_WHITE_SPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace() and not 0x1C <= code <= 0x1F)

#: Between the rule that a row broke and the text that broke it.
BROKEN_SEPARATOR = "\x1f"


def typed_select(
    select: str, given: list[str], contract: type[dy.Schema], orders: OrdersTable | None, files: Iterable[str] = ()
) -> str:
    """SQL for the contract's columns, typed, then `broken`: null, or the rule, a separator and the text.

    `given` are the select's columns: of the contract's, those it lacks are null; `source_file`, one of `files`, is
    passed on. Texts are trimmed, blank ones null, and words of our own in one case.
    """
    casts = {
        name: cast
        for name, column in contract.columns().items()
        if name in given and (cast := _cast(name, column, orders)) is not None
    }
    columns = [
        f"{name}_cast AS {name}" if name in casts else name if name in given else f"{_nothing(column)} AS {name}"
        for name, column in contract.columns().items()
    ]
    columns += [_file_number(files)] if "source_file" in given else []
    # A text is looked at again only where its cast gave nothing.
    faults = {name: "not allowed" if vocabulary(contract.columns()[name]) else "unreadable" for name in casts}
    broken = " ".join(
        f"WHEN {name}_cast IS NULL AND {name} IS NOT NULL THEN '{name} {fault}{BROKEN_SEPARATOR}' || {name}"
        for name, fault in faults.items()
    )
    texts = ", ".join(_trimmed(name) if name in contract.columns() else f'"{name}"' for name in given) or "1 AS nothing"
    typed = ", ".join(["*", *(f"{cast} AS {name}_cast" for name, cast in casts.items())])
    return (
        f"SELECT {', '.join(columns)}, {f'CASE {broken} END' if broken else 'NULL::VARCHAR'} AS broken "
        f"FROM (SELECT {typed} FROM (SELECT {texts} FROM ({select}\n) AS selected) AS texts) AS casts"
    )


def _trimmed(name: str) -> str:
    """The text without white space at its ends; null if nothing is left.

    Trimming by a set of characters is slow, so it is left out where no end shows white space, which is seen fast.
    """
    text = f'"{name}"::VARCHAR'
    plain = _any_of(f"ends_with({text}, {{}})", (sign for sign in _WHITE_SPACE if sign.isascii()))
    rare = [sign for sign in _WHITE_SPACE if not sign.isascii()]
    beyond = f"{_any_of(f'ends_with({text}, {{}})', rare)} OR {_any_of(f'starts_with({text}, {{}})', rare)}"
    spaced = f"{text} < '!' OR {plain} OR (strlen({text}) <> length({text}) AND ({beyond}))"
    trimmed = f"nullif(CASE WHEN {spaced} THEN trim({text}, {_quoted(_WHITE_SPACE)}) ELSE {text} END, '')"
    if name in _LOWER:
        trimmed = f"lower({trimmed})"
    if name in _UPPER:
        trimmed = f"upper({trimmed})"
    return f"{trimmed} AS {name}"


def _any_of(condition: str, signs: Iterable[str]) -> str:
    return " OR ".join(condition.format(_quoted(sign)) for sign in signs)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _enum(words: Iterable[str]) -> str:
    return f"ENUM({', '.join(_quoted(word) for word in words)})"


def _file_number(files: Iterable[str]) -> str:
    """A file's path in one byte a row."""
    return f"source_file::{_enum(files)} AS source_file"


def _nothing(column: dy.Column) -> str:
    words = vocabulary(column)
    if words:
        return f"NULL::{_enum(words)}"
    if isinstance(column, dy.Datetime):
        return "NULL::TIMESTAMPTZ"
    if isinstance(column, dy.Date):
        return "NULL::DATE"
    return "NULL::BIGINT" if isinstance(column, dy.Int64) else "NULL::VARCHAR"


def _cast(name: str, column: dy.Column, orders: OrdersTable | None) -> str | None:
    words = vocabulary(column)
    if words:
        return f"TRY_CAST({name} AS {_enum(words)})"
    if isinstance(column, dy.Datetime):
        return _instant(name)
    if isinstance(column, dy.Date):
        return f"CASE WHEN isfinite(TRY_CAST({name} AS DATE)) THEN TRY_CAST({name} AS DATE) END"
    return _minor_units(name, orders or OrdersTable(absent=True)) if isinstance(column, dy.Int64) else None


def _instant(name: str) -> str:
    """A moment; null if the text is none, or names a zone: DuckDB would read the rows after it in that zone (tried).

    Each reading is tried where those before gave nothing. None stands twice: DuckDB would work it out for every row.
    """
    plain = f"CASE WHEN right({name}, 2) BETWEEN '0' AND '9Z' THEN {name} END"
    unnamed = f"CASE WHEN right({name}, 1) < 'A' THEN {name} END"
    # DuckDB reads no offset that stands apart or without a colon, ` +0530`, and no UTC by name.
    offset = f"regexp_replace({name}, '^(?:(.*\\d)\\s*([+-]\\d\\d):?(\\d\\d)|.*)$', '\\1\\2:\\3', 's')"
    utc = f"regexp_replace({name}, '^(?:(.*\\d)\\s*(?:Z|UTC)|.*)$', '\\1+00:00', 'si')"
    return f"coalesce({', '.join(f'TRY_CAST({text} AS TIMESTAMPTZ)' for text in (plain, unnamed, offset, utc))})"


def _minor_units(name: str, orders: OrdersTable) -> str:
    """Integer minor units; null if the text is no number or has more decimals than its currency.

    What lies beyond six decimals is taken as noise of a float on its way to text. (A wider DECIMAL than 18 digits is a
    hundred times slower to read: measured.)
    """
    number = f"CASE WHEN {name} NOT LIKE '%.%' THEN replace({name}, ',', '.') END" if orders.decimal == "," else name
    value = f"TRY_CAST({number} AS DECIMAL(18, 6))"
    if orders.amount == "major":
        factors = " ".join(f"WHEN '{code}' THEN {10**digits}" for code, digits in exponents().items())
        # Beyond these the product would have more than its type's 18 digits, and DuckDB stop the whole select.
        limits = " ".join(f"WHEN '{code}' THEN {10 ** (12 - digits)}" for code, digits in exponents().items())
        # Most currencies have two decimals; looking each up in the list would cost more than all the rest.
        rare = f"currency IN ({', '.join(_quoted(code) for code in exponents())})"
        factor = f"CASE WHEN {rare} THEN CASE currency {factors} END ELSE 100 END"
        limit = f"CASE WHEN {rare} THEN CASE currency {limits} END ELSE {10**10} END"
        value = f"(CASE WHEN abs({value}) < {limit} THEN {value} END * {factor})"
    return f"CASE WHEN {value} % 1 = 0 THEN TRY_CAST({value} AS BIGINT) END"
