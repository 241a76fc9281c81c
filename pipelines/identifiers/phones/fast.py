"""The fast path: fields of plain shape, read in columns. It decides only where it is sure to agree with the library."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from pipelines.identifiers.phones import beginnings
from pipelines.identifiers.phones.metadata import REGIONS, has_trunk_zero
from pipelines.identifiers.phones.text import (
    APOSTROPHE,
    EXTENSION,
    INTERNATIONAL,
    ITALIAN_REGIONS,
    ITALIAN_ZERO,
    KANA_DASHES,
    LABEL,
    LONGEST,
    OPTIONAL_TRUNK_PREFIX,
    TWO_INTERNATIONAL_NUMBERS,
    TWO_NUMBERS,
)

#: The readings of fields without a number, in the order of their places.
NO_NUMBER = ("blank", "several_numbers", "placeholder")

#: Marks between digits that the library skips; letters, stars, commas and the like are the slow path's.
_MARKS = " .-()[]\u00a0\u00ad\u200b\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2060"
_NOTHING = dict.fromkeys([*_MARKS, "+", "/"], "")
_MARK = "".join(rf"\x{{{ord(mark):x}}}" for mark in _MARKS)
_NO_DOT = _MARK.replace(r"\x{2e}", "")
#: No field that ends like `.0` or `.00`, because it may have been through a column of decimals.
_ENDING = rf"(?:[0-9{_NO_DOT}][1-9]|[1-9{_NO_DOT}]0|[0-9{_NO_DOT}/]00)[{_MARK}]*$"
_PLAIN = rf"^(?:\(?\+)?[0-9(][0-9{_MARK}]*{_ENDING}"
#: A slash may also stand between two numbers.
_PLAIN_OR_SLASHED = rf"^(?:\(?\+)?[0-9(][0-9{_MARK}/]*{_ENDING}"
_NUMBERS = rf"^[0-9{_MARK}+/,;]*$"
#: Other ways to write digits, plus, space and dash; rarer ones are the slow path's.
_SAME = {
    **{chr(ord(character) + 0xFEE0): character for character in "+0123456789"},
    **dict.fromkeys("\t\n\r\u2007\u2009\u202f\u3000", " "),
    **dict.fromkeys(KANA_DASHES, "-"),
}
_FEWEST_DIGITS = 4

_phone, _text, _digits = pl.col("phone"), pl.col("text"), pl.col("digits")
_number, _length, _region = pl.col("number"), pl.col("length"), pl.col("region")
_place = pl.col("place")


class Read(NamedTuple):
    """Fields, and their readings, which many fields share.

    `fields`: phone, country, digits, place (of the reading; null where only the library can tell).
    `readings`: the columns of `beginnings.read`, without key and is_certain.
    """

    fields: pl.DataFrame
    readings: pl.DataFrame


def read_fast(pairs: pl.LazyFrame, *, default_country: str | None) -> Read:
    """Fields as the library would read them, wherever that is certain. In: phone, country."""
    is_plain = _phone.str.contains(_PLAIN).fill_null(value=False)
    split = pairs.with_columns(is_plain=is_plain).collect()
    plain = split.lazy().filter("is_plain").with_columns(text=_phone, place=pl.lit(None, pl.UInt32))
    fields = pl.concat([plain, _tidied(split.lazy().filter(~pl.col("is_plain")))])
    keyed = beginnings.with_keys(_numbers(fields, default_country))
    read = beginnings.read(beginnings.distinct(keyed, "key")).filter("is_certain").drop("is_certain")
    readings = pl.concat([pl.DataFrame({"phone_refusal": NO_NUMBER}), read], how="diagonal")
    # Only places are joined, the readings taken from there at the end: joining them would copy every column.
    of_keys = readings.lazy().select("key").with_row_index("of_key")
    joined = keyed.lazy().select("key", "place").join(of_keys, on="key", how="left", maintain_order="left")
    places = joined.select(place=pl.coalesce("place", "of_key")).collect()["place"]
    return Read(
        keyed.select("phone", "country", "digits", place=_certain(keyed["phone"], places, readings)),
        readings.drop("key"),
    )


def written_out(read: Read) -> pl.DataFrame:
    """The fields with a place → phone, country and the columns of their readings."""
    fields, readings = read
    taken = readings.select(pl.all().gather(fields["place"]))
    return (
        fields.hstack(taken)
        .lazy()
        .select(
            "phone",
            "country",
            pl.concat_str("start", _digits.str.slice("decisive")).alias("phone_e164"),
            "phone_country",
            "phone_country_source",
            "phone_refusal",
            "phone_type",
        )
        .collect()
    )


def _certain(phones: pl.Series, places: pl.Series, readings: pl.DataFrame) -> pl.Series:
    """The places, but null for refused fields with a bracketed zero: the library reads those again without it. It also
    decides which of Italy's are two numbers.

    Right after the calling code of a plan with that trunk prefix it makes no difference: both times it is no digit of
    the number.
    """
    is_refused = readings["phone_refusal"].is_in(["not_valid", "bare_plus", "no_country"])
    refused = is_refused.gather(places).fill_null(value=False).arg_true()
    zeros = pl.DataFrame({"place": refused, "phone": phones.gather(refused)}).filter(
        pl.col("phone").str.contains(OPTIONAL_TRUNK_PREFIX, literal=True)
    )
    parts = pl.col("phone").str.split(OPTIONAL_TRUNK_PREFIX)
    zeros = zeros.with_columns(
        parts=parts,
        code=parts.list.first().str.replace_all("[^0-9]", ""),
        number=parts.list.last().str.replace_all("[^0-9]", ""),
    )
    is_same = (
        pl.col("parts").list.first().str.contains("+", literal=True)
        & pl.col("code").is_in([code for code in zeros["code"].unique() if has_trunk_zero(code)])
        & (pl.col("parts").list.len() == 2)
        & ~pl.col("number").str.starts_with("0")
    )
    italian = readings["phone_country"].is_in(ITALIAN_REGIONS).gather(places).fill_null(value=False).arg_true()
    two = pl.DataFrame({"place": italian, "phone": phones.gather(italian)}).filter(_phone.str.contains(ITALIAN_ZERO))
    return places.scatter(pl.concat([zeros.filter(~is_same)["place"], two["place"]]), None)


def _tidied(fields: pl.LazyFrame) -> pl.LazyFrame:
    """phone → text (the number alone, empty unless it is plain) and place (of what is no number) are added."""
    text = _phone.str.strip_chars().str.replace(APOSTROPHE, "").str.replace(LABEL, "")
    number = text.str.replace_many(_SAME).str.replace(EXTENSION, "")
    two_numbers = (
        pl.when(_text.str.contains(INTERNATIONAL))
        .then(_text.str.contains(TWO_INTERNATIONAL_NUMBERS))
        .otherwise(_text.str.contains(TWO_NUMBERS))
    )
    is_plain = _place.is_null() & _text.str.contains(_PLAIN_OR_SLASHED)
    return (
        fields.with_columns(text=number, is_blank=text.fill_null("") == "")
        .with_columns(
            place=pl.when("is_blank")
            .then(_place_of("blank"))
            .when(two_numbers, _text.str.contains(_NUMBERS), _phone.str.len_chars() <= LONGEST)
            .then(_place_of("several_numbers"))
        )
        .with_columns(text=pl.when(is_plain).then("text").otherwise(pl.lit("")))
        .drop("is_blank")
    )


def _numbers(fields: pl.LazyFrame, default_country: str | None) -> pl.LazyFrame:
    """text, country → digits and what `with_keys` needs are added."""
    own = pl.col("country").cast(beginnings.REGION, strict=False)
    default = pl.lit(default_country if default_country in REGIONS else None, beginnings.REGION)
    length = _digits.str.len_bytes().cast(pl.Int64)
    is_placeholder = (_number * 9 == (_number % 10) * (pl.col("power") - 1)) | (
        (_length == 10) & _number.is_in([1234567890, 123456789])
    )
    return (
        fields.with_columns(
            digits=_text.str.replace_many(_NOTHING),
            has_plus=_text.str.starts_with("+") | _text.str.starts_with("(+"),
            region=pl.coalesce(own, default),
            is_own=own.is_not_null(),
        )
        .drop("text", "is_plain")
        .with_columns(length=pl.when(length.is_between(_FEWEST_DIGITS, beginnings.MOST_DIGITS)).then(length))
        .with_columns(
            number=pl.when(_length.is_not_null()).then(_digits).cast(pl.Int64),
            power=pl.lit(10, pl.Int64).pow(_length),
        )
        .with_columns(place=pl.coalesce("place", pl.when(is_placeholder).then(_place_of("placeholder"))))
    )


def _place_of(refusal: str) -> pl.Expr:
    return pl.lit(NO_NUMBER.index(refusal), pl.UInt32)
