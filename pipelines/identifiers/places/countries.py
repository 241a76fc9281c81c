"""Countries as typed → ISO alpha-2, and the forms networks ask for. Unknown stays unknown."""

from __future__ import annotations

import polars as pl

from schemas.countries import country_code, folded

#: What people and exports write where they name no country.
_NO_COUNTRY = frozenset(
    {"", "null", "none", "nan", "nil", "n a", "undefined", "unknown", "not set", "other", "others", "zz", "xx"}
    | {"autre", "inconnu", "inconnue", "unbekannt", "sonstige", "andere", "otro", "desconocido", "altro", "onbekend"}
)


def country_codes(typed: pl.Series) -> pl.DataFrame:
    """In: names and codes as typed. Out: the same, and iso_country (alpha-2, null if nobody knows it), each once."""
    distinct = typed.drop_nulls().unique().to_list()
    codes = [country_code(name) for name in distinct]
    return pl.DataFrame(
        {typed.name: distinct, "iso_country": codes}, schema={typed.name: pl.String, "iso_country": pl.String}
    )


def unknown_countries(typed: pl.Series) -> pl.Series:
    """Which of the names as typed, each once, are of a country that nobody knows; words for none are of no country."""
    unread = country_codes(typed).filter(pl.col("iso_country").is_null())[typed.name]
    return pl.Series(typed.name, [name for name in unread if folded(name) not in _NO_COUNTRY], dtype=pl.String)


def lower(code: pl.Expr) -> pl.Expr:
    """Lower-case alpha-2. Source: Meta, guide "Custom Audiences"."""
    return code.str.to_lowercase()


def upper(code: pl.Expr) -> pl.Expr:
    """Upper-case alpha-2. Source: Google, Data Manager API, "Formatting": not hashed."""
    return code
