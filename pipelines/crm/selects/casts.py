"""The SQL that casts a select's text columns by the contract, and says where a text could not be cast."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from functools import partial

import dataframely as dy

from catalog.duckdb_connection import literal
from schemas.crm import RAW_MARK, allowed_words
from schemas.money import exponents
from schemas.source import OrdersTable

#: Words of ours and not of the CRM: case does not matter.
_LOWER = frozenset({"status", "purpose", "event", "network"})
_UPPER = frozenset({"currency"})

#: Every character that Unicode calls white space, and those that nobody sees: files that were joined have a byte-order
#: mark in their middle, texts that were copied from a page soft hyphens and marks of direction.
_WHITE_SPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace() and not 0x1C <= code <= 0x1F)
_UNSEEN = (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xAD, 0x61C, 0x180E, 0xFEFF)
_AROUND = _WHITE_SPACE + "".join(map(chr, _UNSEEN))
#: As they stand in SQL: all, each in ASCII, and the others within a regular expression. Made once, since DuckDB writes
#: down a text in a hundredth of a millisecond, and a night asks for eight hundred (measured).
_AROUND_SQL = literal(_AROUND)
_ASCII_AROUND_SQL = tuple(literal(sign) for sign in _AROUND if sign.isascii())
_RARE_AROUND = "".join(sign for sign in _AROUND if not sign.isascii())

#: What databases and their tools write where a time or a day is not known: MySQL and SAP write zeros.
_ZERO_DAYS = ("0000-00-00", "00.00.0000", "00/00/0000", "00-00-0000", "00000000")
_NO_CLOCKS = ("", " 00:00", " 00:00:00", "T00:00:00")
_NOTHING = ("NULL", "null", "\\N", "NaT", "None", *(day + clock for day in _ZERO_DAYS for clock in _NO_CLOCKS))
_NOTHING_SQL = f"[{', '.join(map(literal, _NOTHING))}]"

#: The last moment that Python knows.
_LAST = "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"
#: Microseconds.
_DAY, _QUARTER = 24 * 60 * 60 * 10**6, 15 * 60 * 10**6

#: Between the rule that a row broke and the text that broke it.
BROKEN_SEPARATOR = "\x1f"

#: A name of a text → SQL for what it says, null if it says nothing.
ReadingSql = Callable[[str], str]


def typed_select(
    select: str, given: list[str], contract: type[dy.Schema], orders: OrdersTable | None, files: Iterable[str] = ()
) -> str:
    """SQL for the contract's columns, typed, then `broken`: null, or the rule, a separator and the text.

    `given` are the select's columns: of the contract's, those it lacks are null; `source_file`, one of `files`, and the
    mark are passed on. Texts are trimmed, blank ones null, and words of our own in one case.
    """
    casts = {
        name: cast
        for name, column in contract.columns().items()
        if name in given and (cast := _cast(name, column, orders)) is not None
    }
    columns = [
        f"{_moment_of(name, casts)} AS {name}"
        if name in casts
        else name
        if name in given
        else f"{_nothing(column)} AS {name}"
        for name, column in contract.columns().items()
    ]
    columns += [f"{file_number(files)} AS source_file"] if "source_file" in given else []
    columns += [RAW_MARK if RAW_MARK in given else f"NULL::UBIGINT AS {RAW_MARK}"]
    # A text is looked at again only where its cast gave nothing.
    faults = {name: "not allowed" if allowed_words(contract.columns()[name]) else "unreadable" for name in casts}
    broken = ", ".join(
        f"CASE WHEN {name}_cast IS NULL AND {_is_said(name, contract)} THEN '{name} {fault}{BROKEN_SEPARATOR}' || "
        f"{trimmed(name)} END"
        for name, fault in faults.items()
    )
    if "captured_at" in casts:
        # Nobody allowed anything in a time to come; a day, for clocks and zones that are not ours.
        broken += (
            f", CASE WHEN captured_at_cast > now() + INTERVAL 1 DAY THEN 'captured_at in the future{BROKEN_SEPARATOR}' "
            f"|| {trimmed('captured_at')} END"
        )
    # An amount is read by its currency, so that one is made ready first.
    plain = [name for name in given if name in contract.columns() and (name not in casts or name in _UPPER)]
    texts = [f"{trimmed(name)} AS {name}" if name in plain else _as_given(name, contract) for name in given]
    typed = ", ".join(["*", *(f"{cast} AS {name}_cast" for name, cast in casts.items())])
    return (
        f"SELECT {', '.join(columns)}, {f'coalesce({broken})' if broken else 'NULL::VARCHAR'} AS broken "
        f"FROM (SELECT {typed} FROM (SELECT {', '.join(texts) or '1 AS nothing'} FROM ({select}\n) AS selected) "
        "AS texts) AS casts"
    )


def _is_said(name: str, contract: type[dy.Schema]) -> str:
    """SQL for whether a column says anything."""
    is_time = isinstance(contract.columns()[name], dy.Datetime | dy.Date)
    # DuckDB makes a join of a long IN, after which rows are in another order (tried).
    nothing = f" AND NOT list_contains({_NOTHING_SQL}, {trimmed(name)})" if is_time else ""
    return f"{name} IS NOT NULL{nothing}"


def _moment_of(name: str, casts: Container[str]) -> str:
    """SQL for what a column was cast to. A refusal, or a request to be forgotten, of which only the day is known,
    counts from that day's end, so that no yes of the day comes after it; a yes counts from the day's beginning. A no
    that lasts until a day lasts until its end, a yes until its beginning.

    A day that was made a time says midnight, of the company's zone or of UTC. Ten hours after either it is that day in
    nearly every zone.
    """
    cast = f"{name}_cast"
    if name not in {"captured_at", "requested_at", "valid_to"}:
        return cast
    is_no = " AND status_cast IS DISTINCT FROM 'granted'" if "status" in casts else ""
    # Midnight is at a quarter of an hour of UTC in every zone, which is seen fast.
    microseconds = f"epoch_us({cast})"
    is_midnight = f"{microseconds} % {_DAY} = 0 OR {cast} = date_trunc('day', {cast})"
    is_day = f"CASE WHEN {microseconds} % {_QUARTER} = 0{is_no} THEN {is_midnight} END"
    end = f"date_trunc('day', {cast} + INTERVAL 10 HOUR) + INTERVAL 1 DAY - INTERVAL 1 MICROSECOND"
    return f"CASE WHEN {is_day} THEN least({end}, {_LAST}) ELSE {cast} END"


def _as_given(name: str, contract: type[dy.Schema]) -> str:
    return f'"{name}"::VARCHAR AS {name}' if name in contract.columns() else f'"{name}"'


def trimmed(name: str) -> str:
    """The text without white space, and without what nobody sees, at its ends; null if nothing is left.

    Trimming by a set of characters is slow, so it is left out where no end shows white space, which is seen fast.
    """
    text = f'"{name}"::VARCHAR'
    ascii_end = " OR ".join(f"ends_with({text}, {sign})" for sign in _ASCII_AROUND_SQL)
    rare_end = f"strlen({text}) <> length({text}) AND regexp_matches({text}, '^[{_RARE_AROUND}]|[{_RARE_AROUND}]$')"
    # By an id with a sign too many, which nobody means, what is said is said of nobody.
    null_end = f" OR ends_with({text}, chr(0))" if name == "customer_id" else ""
    spaced = f"{text} < '!' OR {ascii_end}{null_end} OR ({rare_end})"
    without = f"CASE WHEN {spaced} THEN nullif(trim({text}, {_AROUND_SQL} || chr(0)), '') ELSE {text} END"
    if name in _LOWER:
        without = f"lower({without})"
    if name in _UPPER:
        without = f"upper({without})"
    return without


def _enum(words: Iterable[str]) -> str:
    return f"ENUM({', '.join(map(literal, words))})"


def file_number(files: Iterable[str]) -> str:
    """SQL for the path `source_file` in one byte a row."""
    return f"source_file::{_enum(files)}"


def _nothing(column: dy.Column) -> str:
    words = allowed_words(column)
    if words:
        return f"NULL::{_enum(words)}"
    if isinstance(column, dy.Datetime):
        return "NULL::TIMESTAMPTZ"
    if isinstance(column, dy.Date):
        return "NULL::DATE"
    return "NULL::BIGINT" if isinstance(column, dy.Int64) else "NULL::VARCHAR"


def _cast(name: str, column: dy.Column, orders: OrdersTable | None) -> str | None:
    words = allowed_words(column)
    if words:
        return f"TRY_CAST({name} AS {_enum(words)})" if name in _UPPER else _read(name, partial(_word, words=words))
    if isinstance(column, dy.Datetime):
        return _read(name, _plain_instant, _instant)
    if isinstance(column, dy.Date):
        return _read(name, _day)
    if isinstance(column, dy.Int64):
        return _read(name, partial(_minor_units, orders=orders or OrdersTable(absent=True)))
    return None


def _read(name: str, quick: ReadingSql, whole: ReadingSql | None = None) -> str:
    """The text as `quick` reads it; where that gives nothing, the trimmed text as `whole` (or `quick` again) does.

    DuckDB works out what stands twice in a statement for every row, even in a CASE, but not what stands in a lambda.
    """
    again = f"list_transform([{trimmed(name)}], lambda text: {(whole or quick)('text')})[1]"
    return f"coalesce({quick(name)}, CASE WHEN {name} IS NOT NULL THEN {again} END)"


def _word(text: str, words: Iterable[str]) -> str:
    return f"TRY_CAST(lower({text}) AS {_enum(words)})"


def _day(text: str) -> str:
    day = f"TRY_CAST({text} AS DATE)"
    return f"CASE WHEN {day} BETWEEN DATE '1000-01-01' AND DATE '9999-12-31' THEN {day} END"


def _moment(text: str) -> str:
    """The text as a moment; null if it is none, or its year has not four digits.

    DuckDB takes `01/06/24` for a day of the year 1, and Python knows none after the year 9999, whose last day in the
    company's zone may end a day later in UTC.
    """
    moment = f"TRY_CAST({text} AS TIMESTAMPTZ)"
    in_range = f"{moment} BETWEEN TIMESTAMPTZ '1000-01-01 00:00:00+00' AND {_LAST} + INTERVAL 1 DAY"
    return f"CASE WHEN {in_range} THEN least({moment}, {_LAST}) END"


def _plain_instant(text: str) -> str:
    """A moment that ends in a number or `Z`, so in no zone's name, nor in an offset that stands apart; null if the text
    is another.
    """
    return _moment(f"CASE WHEN right({text}, 2) BETWEEN '0' AND '9Z' AND NOT {_offset_apart(text)} THEN {text} END")


def _offset_apart(text: str) -> str:
    """Whether an offset may stand behind a blank: DuckDB takes half a millisecond to find that it cannot read one."""
    return f"(contains({text}, ' +') OR contains({text}, ' -'))"


def _instant(text: str) -> str:
    """A moment; null if the text is none, or names a zone: DuckDB would read the rows after it in that zone (tried)."""
    # DuckDB reads no zone behind a time without seconds, no offset that stands apart or without a colon, ` +0530`, and
    # no UTC by name.
    zoned = "^(.*[ T]\\d{1,2}:\\d\\d)(\\s*(?:Z|UTC|GMT|[+-]\\d\\d(?::?\\d\\d)?))$"
    whole = f"regexp_replace({text}, '{zoned}', '\\1:00\\2', 'si')"
    joined = "regexp_replace(moment, '\\s+([+-]\\d\\d)$', '\\1', 's')"
    unnamed = f"CASE WHEN right(moment, 1) < 'A' AND NOT {_offset_apart(joined)} THEN {joined} END"
    offset = "regexp_replace(moment, '^(?:(.*\\d)\\s*([+-]\\d\\d):?(\\d\\d)|.*)$', '\\1\\2:\\3', 's')"
    utc = "regexp_replace(moment, '^(?:(.*\\d)\\s*(?:Z|UTC|GMT)|.*)$', '\\1+00:00', 'si')"
    readings = ", ".join(map(_moment, (unnamed, offset, utc)))
    return f"coalesce({_plain_instant(text)}, list_transform([{whole}], lambda moment: coalesce({readings}))[1])"


def _minor_units(text: str, orders: OrdersTable) -> str:
    """Integer minor units; null if the text is no number or has more decimals than its currency.

    What lies beyond six decimals is taken as noise of a float on its way to text. (A wider DECIMAL than 18 digits is a
    hundred times slower to read: measured.)
    """
    number = f"CASE WHEN {text} NOT LIKE '%.%' THEN replace({text}, ',', '.') END" if orders.decimal == "," else text
    value = f"TRY_CAST({number} AS DECIMAL(18, 6))"
    if orders.amount == "major":
        factors = " ".join(f"WHEN '{code}' THEN {10**digits}" for code, digits in exponents().items())
        # Beyond these the product would have more than its type's 18 digits, and DuckDB stop the whole select.
        limits = " ".join(f"WHEN '{code}' THEN {10 ** (12 - digits)}" for code, digits in exponents().items())
        # Most currencies have two decimals; looking each up in the list would cost more than all the rest.
        rare = f"currency IN ({', '.join(literal(code) for code in exponents())})"
        factor = f"CASE WHEN {rare} THEN CASE currency {factors} END ELSE 100 END"
        limit = f"CASE WHEN {rare} THEN CASE currency {limits} END ELSE {10**10} END"
        value = f"(CASE WHEN abs({value}) < {limit} THEN {value} END * {factor})"
    return f"CASE WHEN {value} % 1 = 0 THEN TRY_CAST({value} AS BIGINT) END"
