"""Countries as typed → ISO alpha-2, and the forms networks ask for. Unknown stays unknown."""

from __future__ import annotations

import polars as pl

from schemas.countries import country_names, folded


def country_codes(typed: pl.Series) -> pl.DataFrame:
    """In: names and codes as typed. Out: typed, country (ISO alpha-2, or null if nobody knows it), each once."""
    names = country_names()
    distinct = typed.drop_nulls().unique().to_list()
    codes = [names.get(folded(name)) for name in distinct]
    return pl.DataFrame(
        {typed.name: distinct, "iso_country": codes}, schema={typed.name: pl.String, "iso_country": pl.String}
    )


def lower(code: pl.Expr) -> pl.Expr:
    """Lower-case alpha-2. Source: Meta, guide "Custom Audiences"."""
    return code.str.to_lowercase()


def upper(code: pl.Expr) -> pl.Expr:
    """Upper-case alpha-2. Source: Google, Data Manager API, "Formatting": not hashed."""
    return code
