"""Everybody who may be sent to a network, in its columns: worked out once, whatever audiences they are in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from pipelines.identifiers.match_keys import columns_of, key_value
from schemas.identifiers import MatchColumn
from schemas.network import Network
from schemas.network_file import Column, Slot, country_codes_of

#: A list of the network by its name; the only one has none.
ListName = str | None


class NetworkPeople(NamedTuple):
    """`people`: person_id, number (its row), assumed, region, served (some region takes them), reachable (some key, be
    it refused), kept (some key left), `in NAME` for each of the network's lists; and, where a row is a person, a column
    for each slot. `values`, where a row is an identifier: number, value for each header, a person's each once."""

    people: pl.DataFrame
    values: dict[str, pl.DataFrame]


def network_people(
    permitted: pl.DataFrame,
    identifiers: pl.DataFrame,
    refused: pl.DataFrame,
    traits: pl.DataFrame,
    network: Network,
) -> NetworkPeople:
    """In: permitted (`Permissions` of the network); identifiers (person_id, position and the network's match columns);
    refused (`RefusedKeys` of the network); traits (person_id, country, revenue), one row a person.

    A refused key is in no row; an identifier stays out of a column that does not take it from the person's country.
    """
    people = permitted.select("person_id", "assumed").join(
        traits.select("person_id", "country", "revenue"), on="person_id", how="left", maintain_order="left"
    )
    people = people.with_row_index("number").with_columns(_region(network))
    held = identifiers.join(people.select("person_id", "number", "country"), on="person_id").sort("number", "position")
    single = {key.headers[0]: key.name for key in network.keys if len(key.headers) == 1}
    had: list[pl.Series] = []
    values: dict[str, list[tuple[MatchColumn, pl.DataFrame]]] = {}
    for column in network.columns:
        found = [(match, _taken(held, match, column)) for match in column.matches]
        if column.header in single:
            had += [frame["number"] for _, frame in found]
            gone = refused.filter(pl.col("key") == single[column.header])["value"]
            found = [(match, _without(frame, gone)) for match, frame in found]
        values[column.header] = found
    reachable = _among(people, had)
    if network.file.rows == "identifiers":
        rows = {
            header: pl.concat([frame.select("number", "value") for _, frame in found]).unique()
            for header, found in values.items()
        }
        inside = {column.list: _among(people, [rows[column.header]["number"]]) for column in network.columns}
        return NetworkPeople(_flagged(people, reachable, inside), rows)
    wide = people.with_columns(_value(people, network)) if network.value_column else people
    wide = _wide(wide, network, values)
    composites = [key for key in network.keys if len(key.headers) > 1]
    for key in composites:
        slots = [network.column(header).slots[0].name for header in key.headers]
        names = [match.name for match in columns_of(network, key)[0]]
        whole = wide.select(pl.col(slot).alias(name) for slot, name in zip(slots, names, strict=True))
        whole = whole.select(key_value(columns_of(network, key)[0])).to_series()
        reachable |= whole.is_not_null()
        gone = refused.filter(pl.col("key") == key.name)["value"]
        if not gone.is_empty():
            refusing = whole.is_in(gone.implode()).fill_null(False)
            wide = wide.with_columns(pl.when(~refusing).then(slot).alias(slot) for slot in slots)
    wide = _torn_groups_blanked(wide, network)
    return NetworkPeople(_flagged(wide, reachable, _rows_in(wide, network)), {})


def _taken(held: pl.DataFrame, match: MatchColumn, column: Column) -> pl.DataFrame:
    """number, value: what the column takes of each person, in the person's order, each value once."""
    taken = held.filter(pl.col(match.name).is_not_null())
    if column.not_in:
        codes, unknown = country_codes_of(column.not_in)
        taken = taken.filter(~pl.col("country").is_in(list(codes)).fill_null(unknown))
    taken = taken.select("number", value=match.name)
    several = taken["number"] == taken["number"].shift()
    if not several.any():
        return taken
    # Only people with several can have one twice, and they are few.
    many = taken.filter(several)["number"].unique()
    doubtful = pl.col("number").is_in(many.implode())
    apart = taken.filter(doubtful).unique(maintain_order=True)
    return pl.concat([taken.filter(~doubtful), apart]).sort("number", maintain_order=True)


def _without(taken: pl.DataFrame, gone: pl.Series) -> pl.DataFrame:
    return taken if gone.is_empty() else taken.filter(~pl.col("value").is_in(gone.implode()))


def _wide(
    people: pl.DataFrame, network: Network, values: dict[str, list[tuple[MatchColumn, pl.DataFrame]]]
) -> pl.DataFrame:
    """People with a column for each slot; a person's identifiers fill them in the person's order."""
    wide = people
    for column in network.columns:
        frames = dict(values[column.header])
        for slot in column.slots:
            if slot.match is None:
                if column.constant is not None:
                    wide = wide.with_columns(pl.lit(column.constant or None, dtype=pl.String).alias(slot.name))
                continue
            wide = wide.join(_at_place(frames[slot.match], slot), on="number", how="left", maintain_order="left")
    return wide


def _at_place(taken: pl.DataFrame, slot: Slot) -> pl.DataFrame:
    """number and the slot's column: the place-th value of everybody who has so many."""
    number = taken["number"]
    here = (number != number.shift(slot.place)).fill_null(True)
    if slot.place > 1:
        here &= (number == number.shift(slot.place - 1)).fill_null(False)
    return taken.filter(here).rename({"value": slot.name})


def _value(people: pl.DataFrame, network: Network) -> pl.Series:
    """The person's value, refunds floored at 0, in the currency's hundredths."""
    assert network.value_column is not None
    (slot,) = network.value_column.slots
    floored = people.select(pl.max_horizontal(pl.col("revenue").fill_null(0), 0).cast(pl.Decimal(18, 2)))
    return floored.to_series().alias(slot.name)


def _region(network: Network) -> pl.Expr:
    """The region that takes the person's data; null if none does, or if there are no regions."""
    region = pl.lit(None, dtype=pl.String)
    for declared in reversed(network.regions):
        codes, unknown = country_codes_of(declared.countries)
        inside = pl.col("country").is_in(list(codes)).fill_null(unknown)
        region = pl.when(inside).then(pl.lit(declared.name)).otherwise(region)
    return region.alias("region")


def _torn_groups_blanked(wide: pl.DataFrame, network: Network) -> pl.DataFrame:
    for group in network.all_or_none:
        together = [slot.name for header in group for slot in network.column(header).slots]
        whole = pl.all_horizontal(pl.col(together).is_not_null())
        wide = wide.with_columns(pl.when(whole).then(slot).alias(slot) for slot in together)
    return wide


def _rows_in(wide: pl.DataFrame, network: Network) -> dict[ListName, pl.Series]:
    """For each list, whether a person has a row in it: some key, and one of each required group."""
    inside: dict[ListName, pl.Series] = {}
    for upload_list in network.lists:
        keyed = [_filled(network, key.headers, pl.all_horizontal) for key in network.keys_of(upload_list)]
        needed = [
            _filled(network, group, pl.any_horizontal)
            for group in network.required_any
            if network.column(group[0]) in upload_list.columns
        ]
        inside[upload_list.name] = wide.select(pl.all_horizontal(pl.any_horizontal(keyed), *needed)).to_series()
    return inside


def _filled(network: Network, headers: Iterable[str], how: type[pl.Expr] | object) -> pl.Expr:
    filled = [
        pl.any_horizontal(pl.col(slot.name).is_not_null() for slot in network.column(header).slots)
        for header in headers
    ]
    return how(filled)  # type: ignore[operator]


def _flagged(people: pl.DataFrame, reachable: pl.Series, inside: dict[ListName, pl.Series]) -> pl.DataFrame:
    flags = {f"in {name or ''}": flag for name, flag in inside.items()}
    return people.with_columns(reachable.alias("reachable"), **flags).with_columns(kept=pl.any_horizontal(*flags))


def _among(people: pl.DataFrame, numbers: list[pl.Series]) -> pl.Series:
    """For each person, whether one of `numbers` holds theirs."""
    present = pl.concat([numbers_.rename("number") for numbers_ in numbers]).unique() if numbers else None
    if present is None:
        return pl.Series("number", [False]).new_from_index(0, people.height)
    return people["number"].is_in(present.implode())
