"""The fast path: fields of plain shape, read in columns. It decides only where it is sure to agree with the library."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.phones.digits import complete, split_international, split_national
from pipelines.identifiers.phones.metadata import calling_codes
from pipelines.identifiers.phones.text import (
    INTERNATIONAL,
    OPTIONAL_TRUNK_PREFIX,
    PLACEHOLDER,
    TWO_INTERNATIONAL_NUMBERS,
    TWO_NUMBERS,
)

#: Marks between digits that the library skips; letters, stars, commas and the like are the slow path's.
_MARKS = " .-/()[]\u00a0\u00ad\u200b\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2060"
_PLAIN = r"^\(?\+?[0-9" + "".join(rf"\x{{{ord(mark):x}}}" for mark in _MARKS) + "]*$"
_NOTHING = dict.fromkeys([*_MARKS, "+"], "")
_FEWEST_DIGITS, _MOST_DIGITS = 4, 24

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
    numbers = _read(plain.filter(~_row.is_in(no_numbers["row"].implode())))
    accepted = numbers.filter(_number.is_not_null(), ~pl.col("is_bare"))
    refused = numbers.filter(_number.is_null() | pl.col("is_bare"))
    return pl.concat([_accepted(accepted), _refused(refused), no_numbers, blank], how="diagonal")


def _plain(fields: pl.DataFrame) -> pl.DataFrame:
    """row, text, own_country, default_country → row, text, has_plus, has_two, digits, is_own, region; plain shapes only."""
    length = _digits.str.len_bytes()
    is_floating_point = _text.str.ends_with(".0") & (_text.str.len_bytes() == length + 1)
    return (
        fields.select(
            "row",
            "text",
            has_plus=_text.str.starts_with("+") | _text.str.starts_with("(+"),
            has_two=_text.str.contains(TWO_NUMBERS),
            digits=_text.str.replace_many(_NOTHING),
            is_own=pl.col("own_country").is_not_null(),
            region=pl.coalesce("own_country", "default_country"),
            is_plain=_text.str.contains(_PLAIN),
        )
        .filter("is_plain", length.is_between(_FEWEST_DIGITS, _MOST_DIGITS), ~is_floating_point)
        .drop("is_plain")
    )


def _no_numbers(plain: pl.DataFrame) -> pl.DataFrame:
    """Plain rows → row and phone_refusal of the fields that hold two numbers or a placeholder."""
    is_one = _text.str.contains(INTERNATIONAL) & ~_text.str.contains(TWO_INTERNATIONAL_NUMBERS)
    is_placeholder = _digits.str.contains(PLACEHOLDER)
    refusal = (
        pl.when("has_two", ~is_one).then(pl.lit("several_numbers")).when(is_placeholder).then(pl.lit("placeholder"))
    )
    return plain.filter(pl.col("has_two") | is_placeholder).select("row", phone_refusal=refusal).drop_nulls()


def _read(plain: pl.DataFrame) -> pl.DataFrame:
    """Plain rows → the same with dialled_abroad, phone_e164, phone_country, calling_code and is_bare."""
    at_home = ~_has_plus & _region.is_not_null()
    rests = pl.concat([_split_abroad(plain.filter(~at_home)), split_national(plain.filter(at_home))])
    numbers = complete(rests)
    return numbers.with_columns(is_bare=_row.is_in(_bare_plus(numbers).implode()))


def _split_abroad(numbers: pl.DataFrame) -> pl.DataFrame:
    """Rows with a plus, or without any country: those may still begin with 00 and a calling code."""
    after_zeros = pl.when(_digits.str.starts_with("00")).then(_digits.str.slice(2))
    return split_international(numbers.with_columns(pl.when(_has_plus).then(_digits).otherwise(after_zeros)))


def _bare_plus(numbers: pl.DataFrame) -> pl.Series:
    """The rows that are not a number of the home plan, but are one without their plus."""
    home_code = _region.replace_strict(calling_codes(), return_dtype=pl.String)
    doubtful = (
        numbers.filter(_has_plus, _region.is_not_null())
        .select("row", "digits", "region", "calling_code", home_code=home_code)
        .filter(pl.col("calling_code").ne_missing(pl.col("home_code")))
    )
    at_home = complete(split_national(doubtful.drop("calling_code")))
    return at_home.filter(pl.col("calling_code") == pl.col("home_code"))["row"]


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
    # Without a calling code after the plus, or with a bracketed zero, the library tries a second reading.
    has_second_reading = (_has_plus & ~pl.col("dialled_abroad")) | _text.str.contains(
        OPTIONAL_TRUNK_PREFIX, literal=True
    )
    return numbers.filter(_number.is_not_null() | ~has_second_reading).select(
        "row",
        phone_refusal=pl.when("is_bare")
        .then(pl.lit("bare_plus"))
        .when(_region.is_null(), ~_has_plus)
        .then(pl.lit("no_country"))
        .otherwise(pl.lit("not_valid")),
    )
