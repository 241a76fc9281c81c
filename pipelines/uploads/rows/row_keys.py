"""Rows and the keys they carry: which keys rows have, which rows have some key, and rows made of nothing but keys."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from pipelines.holdings.audience_keys import KEYS
from pipelines.identifiers.match_keys import SEPARATOR
from pipelines.uploads.rows.distinct import distinct
from schemas.network import Network, UploadList
from schemas.network_file import Key, Slot


def keys_of_rows(rows: pl.DataFrame, upload_list: UploadList, network: Network) -> pl.DataFrame:
    """key, value: every key that the rows carry, once.

    In: rows with a column for each slot of the list. A key of several columns counts only whole, its parts split by a
    tab; columns in no key are companions and no part of this.
    """
    found = [pl.DataFrame(schema=KEYS)]
    for key in network.keys_of(upload_list):
        values = [rows.select(value.alias("value")).to_series() for value in key_values(key, network)]
        each = distinct(pl.concat([value.drop_nulls() for value in values]).to_frame())
        found.append(each.select(key=pl.lit(key.name), value="value"))
    return pl.concat(found)


def carrying(rows: pl.DataFrame, keys: pl.DataFrame, upload_list: UploadList, network: Network) -> pl.Series:
    """For each of the rows, whether it carries one of the keys (key, value)."""
    hits: list[pl.Expr] = [pl.lit(False)]
    for key in network.keys_of(upload_list):
        wanted = keys.filter(pl.col("key") == key.name)["value"]
        if not wanted.is_empty():
            hits += [value.is_in(wanted.implode()).fill_null(False) for value in key_values(key, network)]
    mask = rows.select(pl.any_horizontal(hits).alias("carries")).to_series()
    return mask if mask.len() == rows.height else mask.new_from_index(0, rows.height)


def rows_of_keys(keys: pl.DataFrame, upload_list: UploadList, network: Network) -> pl.DataFrame:
    """A row for each of the keys (key, value) and nothing else in it: to take out just that key.

    Out: a column for each slot of the list, `owner` first where a row is an identifier. What stands in every row of
    the network's files stands here too; a person's value is 0.
    """
    slots = upload_list.slots
    parts: list[pl.DataFrame] = []
    for key in network.keys_of(upload_list):
        values = keys.filter(pl.col("key") == key.name).select("value")
        split = pl.col("value").str.split_exact(SEPARATOR, len(key.headers) - 1)
        places = {network.column(header).slots[0]: place for place, header in enumerate(key.headers)}
        columns = [
            split.struct.field(f"field_{places[slot]}").alias(slot.name) if slot in places else _constant(slot)
            for slot in slots
        ]
        owner = [pl.col("value").alias("owner")] if network.file.rows == "identifiers" else []
        parts.append(values.select(*owner, *columns))
    return pl.concat(parts)


def lacks(key: Key, upload_list: UploadList, network: Network) -> tuple[str, ...]:
    """Headers that the network wants in a row beside the key, so that the key cannot stand alone."""
    groups = (*network.required_any, *(group for group in network.all_or_none if set(group) & set(key.headers)))
    missing: list[str] = []
    for group in groups:
        if network.column(group[0]) not in upload_list.columns:
            continue
        if group in network.required_any:
            missing += [] if set(group) & set(key.headers) else group
        else:
            missing += [header for header in group if header not in key.headers]
    return tuple(dict.fromkeys(missing))


def has_companions(upload_list: UploadList, network: Network) -> bool:
    """Whether something of a person stands in the list's rows that is part of no key."""
    keyed = {header for key in network.keys for header in key.headers}
    return any(column.constant is None and column.header not in keyed for column in upload_list.columns)


def key_values(key: Key, network: Network) -> list[pl.Expr]:
    """The key's values in a row, one for each column that may hold one."""
    slots = [slot for header in key.headers for slot in network.column(header).slots]
    if len(key.headers) == 1:
        return [pl.col(slot.name) for slot in slots]
    whole = pl.all_horizontal(pl.col(slot.name).is_not_null() for slot in slots)
    return [pl.when(whole).then(pl.concat_str([pl.col(slot.name) for slot in slots], separator=SEPARATOR))]


def _constant(slot: Slot) -> pl.Expr:
    if slot.column.value is not None:
        return pl.lit(Decimal(0), dtype=pl.Decimal(18, 0)).alias(slot.name)
    # Where somebody lives is not known any more.
    everywhere = slot.column.constant if not slot.column.only_in else None
    return pl.lit(everywhere or None, dtype=pl.String).alias(slot.name)
