"""The fast path: fields of plain shape, read in columns. It decides only where it is sure to agree with the library."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.phones.digits import complete, split_international, split_national
from pipelines.identifiers.phones.metadata import calling_codes
from pipelines.identifiers.phones.text import (
    INTERNATIONAL,
    LABEL,
    OPTIONAL_TRUNK_PREFIX,
    PLACEHOLDER,
    TWO_INTERNATIONAL_NUMBERS,
    TWO_NUMBERS,
)

READING = pl.Schema(
    {
        "phone_e164": pl.String,
        "phone_country": pl.String,
        "phone_country_source": pl.String,
        "phone_refusal": pl.String,
    }
)
DECIDED = pl.Schema({"row": pl.UInt32, **READING})

#: Marks between digits that the library skips; letters, stars, commas and the like are the slow path's.
_MARKS = " .-/()[]\u00a0\u00ad\u200b\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2060"
_PLAIN = r"^\(?\+?[0-9" + "".join(rf"\x{{{ord(mark):x}}}" for mark in _MARKS) + "]*$"
_NOTHING = dict.fromkeys([*_MARKS, "+"], "")
_FEWEST_DIGITS, _MOST_DIGITS = 4, 24
_FEWEST_DIGITS_OF_TWO = 12

_row, _text, _digits, _region = pl.col("row"), pl.col("text"), pl.col("digits"), pl.col("region")
_has_plus, _number = pl.col("has_plus"), pl.col("phone_e164")


def decide(pairs: pl.DataFrame) -> pl.DataFrame:
    """The rows of which the fast path is sure.

    In: row, phone, own_country and default_country (regions the library knows, or null).
    Out: row, phone_e164, phone_country, phone_country_source, phone_refusal; in no order.
    """
    fields = pairs.with_columns(text=pl.col("phone").str.strip_chars())
    blank = fields.filter(_text.is_null() | (_text == "")).select("row", phone_refusal=pl.lit("blank"))
    plain = _plain(fields)
    no_numbers = _no_numbers(plain)
    numbers = _read(_except(plain, no_numbers))
    accepted = numbers.filter(_number.is_not_null(), ~pl.col("is_bare"))
    refused = numbers.filter(_number.is_null() | pl.col("is_bare"))
    refused = _except(refused, _with_second_reading(refused, plain))
    parts = [_accepted(accepted), _refused(refused), no_numbers, blank]
    return pl.concat([DECIDED.to_frame(), *parts], how="diagonal")


def _plain(fields: pl.DataFrame) -> pl.DataFrame:
    """row, text, own_country, default_country → the rows of plain shape, with digits, has_plus, is_own and region."""
    shaped = _shaped(fields)
    labelled = fields.filter(~shaped["is_plain"]).filter(_text.str.contains(LABEL))
    shaped = pl.concat([shaped, _shaped(labelled.with_columns(_text.str.replace(LABEL, "")))])
    length = _digits.str.len_bytes()
    is_floating_point = _text.str.ends_with(".0") & (_text.str.len_bytes() == length + 1)
    return shaped.filter("is_plain", length.is_between(_FEWEST_DIGITS, _MOST_DIGITS), ~is_floating_point).drop(
        "is_plain"
    )


def _shaped(fields: pl.DataFrame) -> pl.DataFrame:
    return fields.select(
        "row",
        "text",
        digits=_text.str.replace_many(_NOTHING),
        has_plus=_text.str.starts_with("+") | _text.str.starts_with("(+"),
        is_own=pl.col("own_country").is_not_null(),
        region=pl.coalesce("own_country", "default_country"),
        is_plain=_text.str.contains(_PLAIN),
    )


def _no_numbers(plain: pl.DataFrame) -> pl.DataFrame:
    """Plain rows → row and phone_refusal of the fields that hold two numbers or a placeholder."""
    is_one = _text.str.contains(INTERNATIONAL) & ~_text.str.contains(TWO_INTERNATIONAL_NUMBERS)
    two = plain.filter(_digits.str.len_bytes() >= _FEWEST_DIGITS_OF_TWO).filter(_text.str.contains(TWO_NUMBERS))
    several = two.filter(~is_one).select("row", phone_refusal=pl.lit("several_numbers"))
    placeholders = plain.filter(_digits.str.contains(PLACEHOLDER))
    return pl.concat([several, _except(placeholders, several).select("row", phone_refusal=pl.lit("placeholder"))])


def _read(plain: pl.DataFrame) -> pl.DataFrame:
    """Plain rows → row, has_plus, is_own, region, dialled_abroad, phone_e164, phone_country, calling_code, is_bare."""
    at_home = ~_has_plus & _region.is_not_null()
    numbers = plain.drop("text")
    rests = pl.concat([_split_abroad(numbers.filter(~at_home)), split_national(numbers.filter(at_home))])
    read = complete(rests.drop("digits"))
    return read.with_columns(is_bare=_row.is_in(_bare_plus(read, numbers).implode()))


def _split_abroad(numbers: pl.DataFrame) -> pl.DataFrame:
    """Rows with a plus, or without any country: those may still begin with 00 and a calling code."""
    after_zeros = pl.when(_digits.str.starts_with("00")).then(_digits.str.slice(2))
    return split_international(numbers.with_columns(pl.when(_has_plus).then(_digits).otherwise(after_zeros)))


def _bare_plus(read: pl.DataFrame, numbers: pl.DataFrame) -> pl.Series:
    """The rows that are not a number of the home plan, but are one without their plus."""
    home_code = _region.replace_strict(calling_codes(), return_dtype=pl.String)
    foreign = read.filter(_has_plus, _region.is_not_null(), pl.col("phone_country").ne_missing(_region))
    foreign = foreign.filter(pl.col("calling_code").ne_missing(home_code))
    at_home = complete(split_national(numbers.filter(_row.is_in(foreign["row"].implode()))))
    return at_home.filter(pl.col("calling_code") == home_code)["row"]


def _with_second_reading(refused: pl.DataFrame, plain: pl.DataFrame) -> pl.DataFrame:
    """The unread rows that the library reads again: no calling code after the plus, or a bracketed zero in the way."""
    unread = refused.filter(_number.is_null())
    zeros = plain.filter(_row.is_in(unread["row"].implode())).filter(
        _text.str.contains(OPTIONAL_TRUNK_PREFIX, literal=True)
    )
    return pl.concat([unread.filter(_has_plus, ~pl.col("dialled_abroad")).select("row"), zeros.select("row")])


def _except(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(~_row.is_in(others["row"].implode()))


def _accepted(numbers: pl.DataFrame) -> pl.DataFrame:
    source = (
        pl.when("dialled_abroad")
        .then(pl.lit("international"))
        .when("is_own")
        .then(pl.lit("own_country"))
        .otherwise(pl.lit("default_country"))
    )
    return numbers.select("row", "phone_e164", "phone_country", phone_country_source=source)


def _refused(numbers: pl.DataFrame) -> pl.DataFrame:
    refusal = (
        pl.when("is_bare")
        .then(pl.lit("bare_plus"))
        .when(_region.is_null(), ~_has_plus)
        .then(pl.lit("no_country"))
        .otherwise(pl.lit("not_valid"))
    )
    return numbers.select("row", phone_refusal=refusal)
