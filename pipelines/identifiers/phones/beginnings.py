"""Numbers as integer keys of what decides them, and each distinct key read once.

A key holds the region and whether there is a plus, how many digits the number has, how many of them decide, and those.
"""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.phones.bare_plus import bare_plus
from pipelines.identifiers.phones.decisive import decisive_digits
from pipelines.identifiers.phones.digits import complete, split_international, split_national
from pipelines.identifiers.phones.metadata import REGIONS, calling_codes, plan_of

#: Regions in the order of their places in keys.
REGION = pl.Enum(sorted(REGIONS))
_NO_REGION = 255
#: What a key has room for.
MOST_DIGITS, _MOST_DECISIVE = 18, 13
_COUNTS, _DECISIVE = 32, 10**_MOST_DECISIVE
#: A beginning is four digits as one number. Where they mostly lead abroad (`00`, `011`) it is six: 10000 and these.
_BEGINNINGS, _SIX_DIGITS = 22_000, 10_000

_digits, _region, _has_plus = pl.col("digits"), pl.col("region"), pl.col("has_plus")
_number, _length, _decisive = pl.col("number"), pl.col("length"), pl.col("decisive")
_beginning, _key, _kind = pl.col("beginning"), pl.col("key"), pl.col("phone_type")


def with_keys(numbers: pl.LazyFrame) -> pl.DataFrame:
    """region (of `REGION`), has_plus, number (all digits as one, at most `MOST_DIGITS`), length (how many, 4 or more)
    → key is added, null where it has no room; all these columns are dropped.
    """
    four = _number // _power(_length - 4)
    six = _SIX_DIGITS + _number // _power(_length - 6)
    beginning = pl.when((four < 100) | four.is_between(110, 119), _length >= 6).then(six).otherwise(four)
    dialled = _region.to_physical().cast(pl.Int64).fill_null(_NO_REGION) * 2 + _has_plus
    begun = numbers.with_columns(beginning=dialled * _BEGINNINGS + beginning).collect()
    decisive = _decisive_of(distinct(begun, "beginning")).gather(begun["beginning"])
    counts = (_beginning // _BEGINNINGS * _COUNTS + _length) * _COUNTS + _decisive
    return (
        begun.lazy()
        .with_columns(decisive=decisive.cast(pl.Int64))
        .with_columns(decisive=pl.min_horizontal("decisive", "length"))
        .with_columns(
            key=pl.when(_decisive <= _MOST_DECISIVE).then(counts * _DECISIVE + _number // _power(_length - _decisive))
        )
        .drop("beginning", "number", "has_plus", "region", "length", "decisive")
        .collect()
    )


def distinct(rows: pl.DataFrame, column: str) -> pl.Series:
    """The distinct values of a column that are not null."""
    return rows.lazy().select(column).drop_nulls().unique().collect().to_series()


def read(keys: pl.Series) -> pl.DataFrame:
    """key → what its numbers are, in these columns: key,
    decisive, start: takes the place of that many first digits, the others follow it as they are; null when refused,
    phone_country, phone_type: null when refused,
    phone_refusal: null when accepted,
    is_international: dialled with a calling code,
    is_certain: the library would not read it a second time.
    """
    numbers = _representatives(keys.to_frame())
    at_home = ~_has_plus & _region.is_not_null()
    split = [_split_abroad(numbers.filter(~at_home)), split_national(numbers.filter(at_home))]
    found = _with_bare_plus(complete(pl.concat(split).drop("digits")), numbers)
    is_valid = _kind.is_not_null() & ~pl.col("is_bare")
    refusal = (
        pl.when("is_bare")
        .then(pl.lit("bare_plus"))
        .when(_region.is_null(), ~_has_plus)
        .then(pl.lit("no_country"))
        .otherwise(pl.lit("not_valid"))
    )
    kept = pl.col("phone_e164").str.len_bytes().cast(pl.Int64) - (_length - _decisive)
    return found.select(
        "key",
        "decisive",
        start=pl.when(is_valid).then(pl.col("phone_e164").str.slice(0, kept)),
        phone_country=pl.when(is_valid).then("phone_country"),
        phone_type=pl.when(is_valid).then("phone_type"),
        phone_refusal=pl.when(~is_valid).then(refusal),
        is_international=pl.col("dialled_abroad"),
        is_certain=~_has_plus | pl.col("dialled_abroad"),
    )


def _decisive_of(beginnings: pl.Series) -> pl.Series:
    """How many digits decide, at each beginning's own place."""
    regions = [*REGION.categories, *[None] * (_NO_REGION + 1 - len(REGION.categories))]
    decisive = []
    for code in beginnings:
        dialled, beginning = divmod(code, _BEGINNINGS)
        digits = f"{beginning:04}" if beginning < _SIX_DIGITS else f"{beginning - _SIX_DIGITS:06}"
        decisive.append(decisive_digits(regions[dialled // 2], digits, has_plus=bool(dialled % 2)))
    places = max(beginnings, default=0) + 1
    return pl.repeat(0, places, dtype=pl.Int8, eager=True).scatter(beginnings, pl.Series(decisive, dtype=pl.Int8))


def _representatives(keys: pl.DataFrame) -> pl.DataFrame:
    """key → key, length, decisive, has_plus, region and digits: of a number whose other digits are zeros."""
    counts = _key // _DECISIVE
    dialled = counts // _COUNTS**2
    return keys.select(
        "key",
        length=counts // _COUNTS % _COUNTS,
        decisive=counts % _COUNTS,
        has_plus=dialled % 2 == 1,
        region=pl.when(dialled // 2 < len(REGION.categories)).then(dialled // 2).cast(pl.UInt8).cat.to(REGION),
    ).with_columns(
        region=_region.cast(pl.String),
        digits=(_key % _DECISIVE * _power(_length - _decisive)).cast(pl.String).str.zfill(_length),
    )


def _split_abroad(numbers: pl.DataFrame) -> pl.DataFrame:
    """Numbers with a plus, or without any country: those may still begin with 00 and a calling code."""
    after_zeros = pl.when(_digits.str.starts_with("00")).then(_digits.str.slice(2))
    return split_international(numbers.with_columns(pl.when(_has_plus).then(_digits).otherwise(after_zeros)))


def _with_bare_plus(found: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """is_bare is added to what is found of numbers with their plus, by what they would be without it."""
    home_code = _region.replace_strict(calling_codes(), return_dtype=pl.String)
    foreign = found.filter(_has_plus, _region.is_not_null(), pl.col("calling_code").ne_missing(home_code))
    without_plus = complete(split_national(numbers.join(foreign, on="key", how="semi")).drop("digits"))
    at_home = without_plus.filter(pl.col("calling_code") == home_code).select("key", home_type="phone_type")
    open_regions = [region for region in foreign["region"].unique() if plan_of(region).is_open]
    is_bare = bare_plus(pl.col("home_type"), _kind, is_open=_region.is_in(open_regions))
    return found.join(at_home, on="key", how="left").with_columns(is_bare=is_bare)


def _power(exponent: pl.Expr) -> pl.Expr:
    return pl.lit(10, pl.Int64).pow(exponent.clip(0))
