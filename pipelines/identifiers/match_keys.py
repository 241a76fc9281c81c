"""What identifies a member to a network: one match column, or several together."""

from __future__ import annotations

import polars as pl

from schemas.identifiers import MatchColumn
from schemas.network import Key, Network

#: Between the parts of a composite key; no hash, country or postal code holds it.
SEPARATOR = "\t"


def key_forms(network: Network, key: Key) -> list[list[MatchColumn]]:
    """The match columns that make up the key, once for each form in which the network takes it."""
    columns = [network.column(header) for header in key.headers]
    if len(columns) > 1:
        return [[column.matches[0] for column in columns]]
    return [[match] for match in columns[0].matches]


def tombstone_form(columns: list[MatchColumn]) -> str:
    """What tombstones call a key of these columns."""
    return "+".join(column.name for column in columns)


def key_value(columns: list[MatchColumn]) -> pl.Expr:
    """The key as the network sees it; null unless every part is there."""
    names = [column.name for column in columns]
    if len(names) == 1:
        return pl.col(names[0])
    joined = pl.concat_str([pl.col(name) for name in names], separator=SEPARATOR)
    return pl.when(pl.all_horizontal(pl.col(names).is_not_null())).then(joined)


def network_keys(identifiers: pl.DataFrame, network: Network, by: tuple[str, ...] = ()) -> pl.DataFrame:
    """key, value: what the network would know the holders of the identifiers by, each once, beside the columns `by`.

    In: `Identifiers` with the network's match columns.
    """
    held = [
        identifiers.select(*by, key=pl.lit(key.name), value=key_value(columns)).drop_nulls("value")
        for key in network.keys
        for columns in key_forms(network, key)
    ]
    return pl.concat(held).unique()
