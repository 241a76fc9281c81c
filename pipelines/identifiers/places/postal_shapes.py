"""How postal codes of a country are made, as far as that tells a code from what is none."""

from __future__ import annotations

import polars as pl

from pipelines.identifiers.unicode import beyond_ascii

#: The United States, and those that have their codes, each under an ISO code of its own.
AMERICAN = ("US", "PR", "VI", "GU", "AS", "MP", "FM", "MH", "PW")
AMERICAN_CODE = r"^[0-9]{5}(?:-[0-9]{4})?$"
#: Nine digits, or five and four, are an American code, also if nothing says of which country.
_ZIP_PLUS_4 = r"^([0-9]{5})[ -]?([0-9]{4})$"
#: One that lost its first zeros in a spreadsheet, alone or before the four of ZIP+4, and the countries that have codes
#: with such. Google's own matching fills them up (github.com/google/confidential-match, NormalizeZipCode).
_LOST_ZEROS = r"^[0-9]{3,4}(?:[ -]?[0-9]{4})?$"
_WITH_ZEROS = ("US", "PR", "VI")
#: How many digits a code has, of a country whose codes are nothing else. Fewer have lost a zero in a spreadsheet, and
#: more or letters are no code. Compared with the patterns of Google's address data, which lack Panama's.
_FEWEST = {
    **dict.fromkeys(
        ("AL", "AM", "AT", "AU", "BE", "BG", "CH", "CR", "CY", "DK", "GE", "HU", "LI", "LU", "MK", "NO", "NZ"), 4
    ),
    **dict.fromkeys(("PA", "PH", "PT", "SI", "TN", "ZA"), 4),
    **dict.fromkeys(
        ("BA", "CZ", "DE", "DZ", "EE", "EG", "ES", "FI", "FR", "GF", "GP", "GR", "GT", "HR", "ID", "IL", "IT"), 5
    ),
    **dict.fromkeys(
        ("KE", "KR", "LK", "MA", "MC", "ME", "MM", "MQ", "MX", "MY", "PE", "PK", "PL", "RE", "RS", "SA", "SE"), 5
    ),
    **dict.fromkeys(("SK", "SM", "TH", "TR", "UA", "UY", "VA", "VN", "YT"), 5),
    **dict.fromkeys(("BY", "CN", "CO", "IN", "RO", "RU", "SG"), 6),
    **dict.fromkeys(("CL", "JP"), 7),
    **{"BR": 8, "IS": 3, "TW": 3},
}
#: Where some have more: older or newer codes (Korea's, Egypt's), those of a part (Northern Cyprus), or digits that say
#: the place more closely.
_MOST = {
    **_FEWEST,
    **{"AM": 6, "CR": 7, "CY": 5, "EG": 7, "IL": 7, "KR": 6, "PT": 7, "RS": 6, "SA": 9, "TW": 6, "VN": 6},
}
#: As `_FEWEST`, where letters are a part of codes.
_AT_LEAST = {"LT": 5}
#: In capitals, without white space and dashes; of the UK and Canada also the part that names a district.
_SHAPES = {
    "CA": "^[A-Z][0-9][A-Z](?:[0-9][A-Z][0-9])?$",
    "GB": "^(?:[A-Z]{1,2}[0-9][A-Z0-9]?(?:[0-9][A-Z]{2})?|GIR0AA|BFPO[0-9]{1,4})$",
    "NL": "^[0-9]{4}(?:[A-Z]{2})?$",
}
#: Letters that stand before a code on mail from abroad and are no part of it, besides the country's own two: `D-01067`.
#: In Latvia and Lithuania they are, so those are not here. Source: Universal Postal Union, addressing systems.
_FROM_ABROAD = r"^([A-Za-z]{1,3})[ -]+[0-9]"
_BEFORE = [
    f"{country} {letters}"
    for country, every in {
        **{country: country for country in _FEWEST},
        "AT": "A AT", "BE": "B BE", "DE": "D DE", "ES": "E ES", "FI": "FI FIN", "FR": "F FR", "HU": "H HU",
        "IT": "I IT", "LI": "FL LI", "LU": "L LU", "NL": "NL", "NO": "N NO", "PT": "P PT", "SE": "S SE",
    }.items()
    for letters in every.split()
]  # fmt: skip
#: The post town behind a code of digits, and what stands behind the town: `75008 PARIS CEDEX 08`.
_TOWN = r"^([0-9](?:[0-9 -]*[0-9])?)[ ,]+\p{L}.*$"
#: Behind any code that ends in a digit: no code has so many letters there.
_LONG_TOWN = r"^(.*[0-9])[ ,]+\p{L}{4,}.*$"


def national(text: pl.Expr) -> pl.Expr:
    """A typed code (of column `country`) as its own country writes it: without letters for mail from abroad and the
    town, with the zeros that an American one lost; null if it is American and cannot be.
    """
    country = pl.col("country")
    letters = text.str.extract(_FROM_ABROAD).str.to_uppercase()
    from_abroad = pl.concat_str(country, pl.lit(" "), letters).is_in(_BEFORE)
    lost = country.is_in(_WITH_ZEROS) & text.str.contains(_LOST_ZEROS)
    american = pl.when(lost).then(_filled_up(text)).otherwise(text).str.replace(_ZIP_PLUS_4, "$1-$2")
    alone = pl.when(from_abroad).then(text.str.replace("^[A-Za-z]+[ -]+", "")).otherwise(text)
    return (
        pl.when(may_be_american() & (american.str.contains(AMERICAN_CODE) | country.is_not_null()))
        .then(pl.when(american.str.contains(AMERICAN_CODE)).then(american))
        .when(country.is_in(list(_FEWEST)))
        .then(alone.str.replace(_TOWN, "$1"))
        .otherwise(alone.str.replace(_LONG_TOWN, "$1"))
    )


def _filled_up(text: pl.Expr) -> pl.Expr:
    bare = without_separators(text)
    return pl.when(bare.str.len_bytes() > len("0501")).then(bare.str.zfill(9)).otherwise(bare.str.zfill(5))


def may_be_american() -> pl.Expr:
    """Whether the country is unknown or has American codes."""
    return pl.col("country").is_null() | pl.col("country").is_in(AMERICAN)


def of_its_country(text: pl.Expr) -> pl.Expr:
    """The national code, or null if no code of its country is like it: it is no place's, or another's."""
    country, digits = pl.col("country"), text.str.count_matches("[0-9]")
    bare = without_separators(text)
    shaped = pl.lit(value=True)
    for name, shape in _SHAPES.items():
        shaped &= (country != name) | bare.str.to_uppercase().str.contains(shape)
    fewest, most = (country.replace_strict(of, default=None, return_dtype=pl.UInt32) for of in (_FEWEST, _MOST))
    least = country.replace_strict(_AT_LEAST, default=0, return_dtype=pl.UInt32)
    only_digits = digits.is_between(fewest, most) & (bare.str.len_chars() == digits)
    whole = pl.when(fewest.is_not_null()).then(only_digits).otherwise(digits >= least)
    return pl.when(shaped.fill_null(value=True) & whole).then(text)


def without_separators(text: pl.Expr) -> pl.Expr:
    """Without white space and dashes."""
    return pl.coalesce(beyond_ascii(text).str.replace_all(r"[\s\p{Pd}]", ""), text.str.replace_all("[ -]", ""))
