"""An audience's rows in its network's columns, and the ledger of who is not among them."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from pipelines.identifiers.match_keys import columns_of, key_value
from schemas.network import Column, Network
from schemas.uploads import LEDGER_REASONS, Ledger


class AudienceRows(NamedTuple):
    """`rows`: a column for each file column, sorted; `keys`: key, value; people who are sent on an assumption."""

    rows: pl.DataFrame
    keys: pl.DataFrame
    ledger: Ledger
    assumed_people: int


def slots(network: Network) -> list[str]:
    """A name for each file column, repeats numbered: `email 1`, `email 2`, `fn 1`."""
    return [slot for column in network.columns for slot in _slots(column)]


def audience_rows(
    members: pl.DataFrame,
    permitted: pl.DataFrame,
    identifiers: pl.DataFrame,
    refused: pl.DataFrame,
    network: Network,
) -> AudienceRows:
    """In: members (person_id); permitted (`Permissions` of the network); `Identifiers` of the members; refused
    (`RefusedKeys` of the network).

    Who is in no row is dropped for the first reason that holds, in the ledger's order.
    """
    allowed = members.join(permitted.select("person_id", "assumed"), on="person_id")
    held = identifiers.join(allowed, on="person_id", how="semi")
    usable = _without_refused(held, refused, network)
    reachable = _with_some_key(held, network)
    kept = _with_some_key(usable, network)
    wide = _wide(kept, usable, network)
    rows = wide.drop("person_id").unique().sort(pl.all().fill_null(""))
    dropped = {
        "no_consent": members.height - allowed.height,
        "no_usable_identifier": allowed.height - reachable.height,
        "key_refused": reachable.height - kept.height,
        "duplicate_after_hashing": wide.height - rows.height,
    }
    ledger = Ledger(
        segment_people=members.height,
        dropped={reason: dropped[reason] for reason in LEDGER_REASONS},
        file_people=rows.height,
        file_rows=rows.height,
    )
    assumed = allowed.filter("assumed").join(kept, on="person_id", how="semi").height
    return AudienceRows(rows, _keys(rows, network), ledger, assumed)


def _without_refused(held: pl.DataFrame, refused: pl.DataFrame, network: Network) -> pl.DataFrame:
    """Identifiers with every part of a refused key blanked."""
    for key in network.keys:
        values = refused.filter(pl.col("key") == key.name)["value"]
        if values.is_empty():
            continue
        columns = columns_of(network, key)
        gone = key_value(columns).is_in(values.implode()).fill_null(False)
        held = held.with_columns(pl.when(~gone).then(column.name).alias(column.name) for column in columns)
    return held


def _with_some_key(identifiers: pl.DataFrame, network: Network) -> pl.DataFrame:
    """person_id of everyone with at least one whole key."""
    some = pl.any_horizontal(key_value(columns_of(network, key)).is_not_null() for key in network.keys)
    return identifiers.filter(some).select("person_id").unique()


def _wide(people: pl.DataFrame, identifiers: pl.DataFrame, network: Network) -> pl.DataFrame:
    """A row a person: person_id and the network's slots, the person's first identifiers first."""
    wide = people
    for column in network.columns:
        name = column.match.name
        values = (
            identifiers.filter(pl.col(name).is_not_null())
            .join(people, on="person_id", how="semi")
            .sort("person_id", "position")
            .select("person_id", name)
            .unique(maintain_order=True)
            .with_columns(place=pl.int_range(pl.len()).over("person_id"))
        )
        for place, slot in enumerate(_slots(column)):
            at_place = values.filter(pl.col("place") == place).select("person_id", pl.col(name).alias(slot))
            wide = wide.join(at_place, on="person_id", how="left")
    for group in network.all_or_none:
        together = [slot for header in group for slot in _slots(network.column(header))]
        whole = pl.all_horizontal(pl.col(together).is_not_null())
        wide = wide.with_columns(pl.when(whole).then(slot).alias(slot) for slot in together)
    return wide


def _keys(rows: pl.DataFrame, network: Network) -> pl.DataFrame:
    """key, value: every key that the rows carry, once."""
    parts = []
    for key in network.keys:
        if len(key.headers) == 1:
            singles = [rows[slot] for slot in _slots(network.column(key.headers[0]))]
            value = pl.concat([single.rename("value") for single in singles]).drop_nulls().unique()
        else:
            named = {
                slot: column.name
                for slot, column in zip(key_slots(network, key.headers), columns_of(network, key), strict=True)
            }
            value = (
                rows.select(pl.col(list(named)))
                .rename(named)
                .select(value=key_value(columns_of(network, key)))["value"]
            )
            value = value.drop_nulls().unique()
        parts.append(pl.DataFrame({"value": value}).select(key=pl.lit(key.name), value="value"))
    return pl.concat(parts).sort("key", "value")


def key_slots(network: Network, headers: tuple[str, ...]) -> list[str]:
    """The first slot of each header of a composite key."""
    return [_slots(network.column(header))[0] for header in headers]


def _slots(column: Column) -> list[str]:
    return [f"{column.header} {place}" for place in range(1, column.repeat + 1)]
