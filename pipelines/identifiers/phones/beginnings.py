"""Numbers as integer keys of what decides them, and each distinct key read once.

A key holds the region, whether it is the record's own, whether there is a plus, how many digits the number has, how
many of them decide, and those.
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
_COUNTS, _DECISIVE = 20, 10**_MOST_DECISIVE
#: A beginning is four digits as one number. Where they mostly lead abroad (`00`, `011`) it is six: 10000 and these.
_BEGINNINGS, _SIX_DIGITS = 22_000, 10_000

_digits, _region, _has_plus = pl.col("digits"), pl.col("region"), pl.col("has_plus")
_number, _length, _power, _decisive = pl.col("number"), pl.col("length"), pl.col("power"), pl.col("decisive")
_beginning, _key, _kind = pl.col("beginning"), pl.col("key"), pl.col("phone_type")


def with_keys(numbers: pl.LazyFrame) -> pl.DataFrame:
    """region (of `REGION`), is_own (whether it is the record's own), has_plus, number (all digits as one, at most
    `MOST_DIGITS`), length (how many, 4 or more), power (10 to the power of that)
    → key is added, null where it has no room; all these columns are dropped.
    """
    four, six = (_number // (_power // 10**digits) for digits in (4, 6))
    is_longer = (four < 100) | four.is_between(110, 119)
    beginning = pl.when(is_longer, _length >= 6).then(_SIX_DIGITS + six).otherwise(four)
    dialled = _region.to_physical().cast(pl.Int64).fill_null(_NO_REGION) * 2 + _has_plus
    begun = numbers.with_columns(beginning=dialled * _BEGINNINGS + beginning).collect()
    decisive = _decisive_of(distinct(begun, "beginning")).gather(begun["beginning"])
    dialled = _beginning // _BEGINNINGS * 2 + pl.col("is_own")
    counts = (dialled * _COUNTS + _length) * _COUNTS + _decisive
    key = counts * _DECISIVE + _number // (_power // _power_of(_decisive))
    return (
        begun.lazy()
        .with_columns(decisive=decisive)
        .with_columns(decisive=pl.min_horizontal(_decisive.cast(pl.Int64), "length"))
        .with_columns(key=pl.when(_decisive <= _MOST_DECISIVE).then(key))
        .drop("beginning", "number", "has_plus", "is_own", "region", "length", "power", "decisive")
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
    phone_country_source: null when refused,
    is_certain: the library would not read it a second time.
    """
    numbers = _representatives(keys.to_frame())
    found = _with_bare_plus(complete(_split(numbers).drop("digits")))
    is_valid = _kind.is_not_null() & ~pl.col("is_bare")
    refusal = (
        pl.when("is_bare")
        .then(pl.lit("bare_plus"))
        .when(_region.is_null(), ~_has_plus)
        .then(pl.lit("no_country"))
        .otherwise(pl.lit("not_valid"))
    )
    source = (
        pl.when("dialled_abroad")
        .then(pl.lit("international"))
        .when("is_own")
        .then(pl.lit("own_country"))
        .otherwise(pl.lit("default_country"))
    )
    kept = pl.col("phone_e164").str.len_bytes().cast(pl.Int64) - (_length - _decisive)
    return found.select(
        "key",
        "decisive",
        start=pl.when(is_valid).then(pl.col("phone_e164").str.slice(0, kept)),
        phone_country=pl.when(is_valid).then("phone_country"),
        phone_type=pl.when(is_valid).then("phone_type"),
        phone_refusal=pl.when(~is_valid).then(refusal),
        phone_country_source=pl.when(is_valid).then(source),
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
    """key → key, length, decisive, is_own, has_plus, region and digits: of a number whose other digits are zeros."""
    counts = _key // _DECISIVE
    dialled = counts // _COUNTS**2 // 2
    return keys.select(
        "key",
        length=counts // _COUNTS % _COUNTS,
        decisive=counts % _COUNTS,
        is_own=counts // _COUNTS**2 % 2 == 1,
        has_plus=dialled % 2 == 1,
        region=pl.when(dialled // 2 < len(REGION.categories)).then(dialled // 2).cast(pl.UInt8).cat.to(REGION),
    ).with_columns(
        region=_region.cast(pl.String),
        digits=(_key % _DECISIVE * _power_of(_length - _decisive)).cast(pl.String).str.zfill(_length),
    )


def _split(numbers: pl.DataFrame) -> pl.DataFrame:
    """Numbers in each `way` they are read: as dialled; without their plus, to see whether it is meant; and after `00`
    where other digits are dialled before calling codes.
    """
    has_region = _region.is_not_null()
    others = [region for region in REGIONS if not plan_of(region).dials_abroad_by_zeros]
    ways = [
        ("as_dialled", _split_abroad(numbers.filter(_has_plus | ~has_region))),
        ("as_dialled", split_national(numbers.filter(~_has_plus, has_region))),
        ("without_plus", split_national(numbers.filter(_has_plus, has_region))),
        ("after_zeros", _split_abroad(numbers.filter(~_has_plus, _region.is_in(others)))),
    ]
    return pl.concat([part.with_columns(way=pl.lit(way)) for way, part in ways])


def _split_abroad(numbers: pl.DataFrame) -> pl.DataFrame:
    """Numbers with a plus, or that may begin with 00 and a calling code."""
    after_zeros = pl.when(_digits.str.starts_with("00")).then(_digits.str.slice(2))
    return split_international(numbers.with_columns(pl.when(_has_plus).then(_digits).otherwise(after_zeros)))


def _with_bare_plus(found: pl.DataFrame) -> pl.DataFrame:
    """What is found of numbers as dialled, with is_bare by what the same digits are at home without their plus."""
    home_code = _region.replace_strict(calling_codes(), return_dtype=pl.String)
    is_home = pl.col("calling_code").eq_missing(home_code)
    at_home = found.filter(is_home, way="without_plus").select("key", home_type="phone_type")
    as_dialled = _as_dialled(found).join(at_home, on="key", how="left")
    open_regions = [region for region in as_dialled["region"].drop_nulls().unique() if plan_of(region).is_open]
    is_bare = bare_plus(pl.col("home_type"), _kind, is_open=_region.is_in(open_regions))
    return as_dialled.with_columns(is_bare=is_bare & ~(is_home & _region.is_not_null()))


def _as_dialled(found: pl.DataFrame) -> pl.DataFrame:
    """One row a key: as dialled, or after `00` where that alone is a number."""
    as_dialled = found.filter(way="as_dialled")
    after_zeros = found.filter(_kind.is_not_null(), way="after_zeros")
    after_zeros = after_zeros.join(as_dialled.filter(_kind.is_not_null()), on="key", how="anti")
    return pl.concat([as_dialled.join(after_zeros, on="key", how="anti"), after_zeros])


def _power_of(exponent: pl.Expr) -> pl.Expr:
    return pl.lit(10, pl.Int64).pow(exponent)
