"""Everybody who may be sent to a network, in its columns: worked out once, whatever audiences they are in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import NamedTuple

import polars as pl

from pipelines.identifiers.match_keys import key_forms, key_value
from pipelines.uploads.rows.coverage import lost_by_key, refused_first, unfit_for
from pipelines.uploads.rows.distinct import distinct, where
from schemas.identifiers import MatchColumn
from schemas.network import Network, UploadList
from schemas.network_file import Column, Slot, country_codes_of

#: A list of the network by its name; the only one has none.
ListName = str | None


class NetworkPeople(NamedTuple):
    """`people`: person_id, number (its row), assumed, by_other_purpose, region, reachable (some key, be it refused),
    complete (what the network needs in every row), kept (some key left, in a complete row), `in NAME` for each of the
    network's lists; and, where a row is a person, a column for each slot. `values`, where a row is an identifier:
    number, value for each header, a person's each once. `lost` (number, reason): by key, whose identifiers
    of that kind are in no row, or not all, and why."""

    people: pl.DataFrame
    values: dict[str, pl.DataFrame]
    lost: dict[str, pl.DataFrame]


def network_people(
    permitted: pl.DataFrame,
    held: pl.DataFrame,
    refused: pl.DataFrame,
    network: Network,
    subdivisions: pl.DataFrame | None,
) -> NetworkPeople:
    """As `people_by_kind`; `held` are identifiers of every kind (kind, number, position and the match columns)."""
    return people_by_kind(
        permitted, lambda kind: held.filter(pl.col("kind") == kind), refused, network, subdivisions, None
    )


def people_by_kind(  # noqa: PLR0913, PLR0917 - who, what they hold, and all that keeps it out
    permitted: pl.DataFrame,
    held: Callable[[str], pl.DataFrame],
    refused: pl.DataFrame,
    network: Network,
    subdivisions: pl.DataFrame | None,
    unusable: pl.DataFrame | None,
) -> NetworkPeople:
    """In: permitted (person_id, number, assumed, by_other_purpose, country, revenue), numbered from 0 on in whatever
    order; what reads their `Identifiers` of a kind, with number for person_id (number, position and the network's match
    columns of that kind), so that one kind is held at a time; refused (`RefusedKeys` of the network); subdivisions
    (number, subdivision) where it `limits_data_use`; unusable (number, identifier, refusal): what of theirs is no match
    key.

    A refused key is in no row; an identifier stays out of a column that does not take it from the person's country.
    """
    people = permitted.sort("number").with_columns(_region(network))
    single = {key.headers[0]: key.name for key in network.keys if len(key.headers) == 1}
    removed: dict[str, list[pl.Series]] = {column.header: [] for column in network.columns if column.matches}
    values: dict[str, dict[MatchColumn, pl.DataFrame]] = {column.header: {} for column in network.columns}
    unfit: list[tuple[str, str, pl.Series]] = []
    for kind in sorted({match.kind for column in network.columns for match in column.matches}):
        of_kind = _in_order(held(kind))
        if kind == "mailing_address":
            # Those of a person's other records are there to refuse.
            of_kind = of_kind.filter(position=1)
        if network.needs_country:
            of_kind = of_kind.join(people.select("number", "country"), on="number", maintain_order="left")
        unfit += unfit_for(network, kind, of_kind)
        for column in network.columns:
            gone = refused.filter(pl.col("key") == single.get(column.header, ""))["value"]
            for match in column.matches:
                if match.kind == kind:
                    values[column.header][match] = taken = _taken(of_kind, match, column)
                    if not gone.is_empty():
                        refusing = taken["value"].is_in(gone.implode())
                        values[column.header][match] = where(taken, ~refusing)
                        removed[column.header].append(taken["number"].filter(refusing))
        del of_kind
    lost = lost_by_key(network, removed, unfit, unusable)
    if network.file.rows == "identifiers":
        return _by_identifier(people, values, removed, lost, network)
    return _by_person(people, values, removed, lost, refused, network, subdivisions)


def _by_identifier(
    people: pl.DataFrame,
    values: dict[str, dict[MatchColumn, pl.DataFrame]],
    removed: dict[str, list[pl.Series]],
    lost: dict[str, pl.DataFrame],
    network: Network,
) -> NetworkPeople:
    rows = {header: distinct(pl.concat(frames.values())) for header, frames in values.items()}
    inside = {column.list: _among(people, [rows[column.header]["number"]]) for column in network.columns}
    reachable = _among(people, [*(frame["number"] for frame in rows.values()), *chain(*removed.values())])
    return NetworkPeople(_flagged(people, reachable, pl.lit(value=True), inside), rows, lost)


def _by_person(  # noqa: PLR0913, PLR0917 - what becomes a row
    people: pl.DataFrame,
    values: dict[str, dict[MatchColumn, pl.DataFrame]],
    removed: dict[str, list[pl.Series]],
    lost: dict[str, pl.DataFrame],
    refused: pl.DataFrame,
    network: Network,
    subdivisions: pl.DataFrame | None,
) -> NetworkPeople:
    value = network.value_column
    wide = people if value is None else people.with_columns(_value(people, value))
    wide = _wide(wide, network, values, subdivisions)
    keyed = [
        slot.name for key in network.keys for slot in network.column(key.headers[0]).slots if len(key.headers) == 1
    ]
    reachable = wide.select(pl.any_horizontal(pl.lit(False), *(pl.col(slot).is_not_null() for slot in keyed)))
    reachable = reachable.to_series() | _among(people, [*chain(*removed.values())])
    for key in network.keys:
        if len(key.headers) == 1:
            continue
        slots = [network.column(header).slots[0].name for header in key.headers]
        (columns,) = key_forms(network, key)
        parts = wide.select(pl.col(slot).alias(match.name) for slot, match in zip(slots, columns, strict=True))
        whole = parts.select(key_value(columns)).to_series()
        reachable |= whole.is_not_null()
        gone = refused.filter(pl.col("key") == key.name)["value"]
        if not gone.is_empty():
            refusing = whole.is_in(gone.implode()).fill_null(False)
            wide = wide.with_columns(pl.when(~refusing).then(slot).alias(slot) for slot in slots)
            lost[key.name] = refused_first(wide["number"].filter(refusing), lost[key.name])
    wide = torn_groups_blanked(wide, network)
    complete = pl.any_horizontal(complete_in(network, each) for each in network.lists)
    return NetworkPeople(_flagged(wide, reachable, complete, _rows_in(wide, network)), {}, lost)


def _in_order(held: pl.DataFrame) -> pl.DataFrame:
    """The rows by number, and in the person's order."""
    number, position = held["number"].cast(pl.UInt64), held["position"].cast(pl.UInt64)
    return held[(number * 2**32 + position).arg_sort()]


def _taken(held: pl.DataFrame, match: MatchColumn, column: Column) -> pl.DataFrame:
    """number, value: what the column takes of each person, in the person's order, each value once."""
    takes = held[match.name].is_not_null()
    if column.not_in:
        codes, unknown = country_codes_of(column.not_in)
        takes &= ~held["country"].is_in(list(codes)).fill_null(unknown)
    taken = where(held.select("number", value=match.name), takes)
    several = (taken["number"] == taken["number"].shift()).fill_null(False)
    if not several.any():
        return taken
    # Only people with several can have one twice, and they are few.
    doubtful = taken["number"].is_in(taken["number"].filter(several).unique().implode())
    apart = taken.filter(doubtful).unique(maintain_order=True)
    return (
        taken
        if apart.height == doubtful.sum()
        else pl.concat([taken.filter(~doubtful), apart]).sort("number", maintain_order=True)
    )


def _wide(
    people: pl.DataFrame,
    network: Network,
    values: dict[str, dict[MatchColumn, pl.DataFrame]],
    subdivisions: pl.DataFrame | None,
) -> pl.DataFrame:
    """People with a column for each slot; a person's identifiers fill them in the person's order."""
    further: list[pl.Series | pl.Expr] = []
    for column in network.columns:
        for slot in column.slots:
            if slot.match is not None:
                further.append(_at_place(people["number"], values[column.header][slot.match], slot))
            elif column.constant is not None:
                marked = pl.col("number").is_in(_living_in(column.only_in, subdivisions)) if column.only_in else True
                text = pl.lit(column.constant or None, dtype=pl.String)
                further.append(pl.when(marked).then(text).alias(slot.name))
    return people.with_columns(*further)


def _living_in(states: tuple[str, ...], subdivisions: pl.DataFrame | None) -> list[int]:
    """The numbers of people who live in one of the states, by any of their records."""
    if subdivisions is None:
        return []
    return subdivisions.filter(pl.col("subdivision").is_in(states))["number"].unique().to_list()


def _at_place(people: pl.Series, taken: pl.DataFrame, slot: Slot) -> pl.Series:
    """The slot's column: the place-th value of everybody (numbers, rising) who has so many."""
    number = taken["number"]
    here = (number != number.shift(slot.place)).fill_null(True)
    if slot.place > 1:
        here &= (number == number.shift(slot.place - 1)).fill_null(False)
    places = here.arg_true()
    rows = people.search_sorted(number.gather(places))
    found = pl.Series(slot.name, [None], dtype=pl.UInt32).new_from_index(0, people.len())
    return taken["value"].gather(found.scatter(rows, places)).alias(slot.name)


def _value(people: pl.DataFrame, column: Column) -> pl.Series:
    """The person's value, refunds floored at 0, with as many decimals as their revenue has."""
    (slot,) = column.slots
    floored = people.select(pl.max_horizontal(pl.col("revenue").fill_null(0), 0).cast(people.schema["revenue"]))
    return floored.to_series().alias(slot.name)


def _region(network: Network) -> pl.Expr:
    """The region that takes the person's data; null if none does, or if there are no regions."""
    region = pl.lit(None, dtype=pl.String)
    for declared in reversed(network.regions):
        codes, unknown = country_codes_of(declared.countries)
        inside = pl.col("country").is_in(list(codes)).fill_null(unknown)
        region = pl.when(inside).then(pl.lit(declared.name)).otherwise(region)
    return region.alias("region")


def torn_groups_blanked(wide: pl.DataFrame, network: Network) -> pl.DataFrame:
    """The rows without what the network takes only together and they have not all of."""
    for group in network.all_or_none:
        together = [slot.name for header in group for slot in network.column(header).slots]
        whole = _filled(network, group, pl.all_horizontal)
        wide = wide.with_columns(pl.when(whole).then(slot).alias(slot) for slot in together)
    return wide


def _rows_in(wide: pl.DataFrame, network: Network) -> dict[ListName, pl.Series]:
    """For each list, whether a person has a row in it: some key, and one of each required group."""
    inside: dict[ListName, pl.Series] = {}
    for upload_list in network.lists:
        keyed = [_filled(network, key.headers, pl.all_horizontal) for key in network.keys_of(upload_list)]
        row = pl.any_horizontal(keyed) & complete_in(network, upload_list)
        inside[upload_list.name] = wide.select(row).to_series()
    return inside


def complete_in(network: Network, upload_list: UploadList) -> pl.Expr:
    """Whether a person has one of each required group of the list."""
    groups = [group for group in network.required_any if network.column(group[0]) in upload_list.columns]
    return pl.all_horizontal(pl.lit(value=True), *(_filled(network, group, pl.any_horizontal) for group in groups))


def _filled(network: Network, headers: Iterable[str], how: Callable[[list[pl.Expr]], pl.Expr]) -> pl.Expr:
    filled = [
        pl.any_horizontal(pl.col(slot.name).is_not_null() for slot in network.column(header).slots)
        for header in headers
    ]
    return how(filled)


def _flagged(
    people: pl.DataFrame, reachable: pl.Series, complete: pl.Expr, inside: dict[ListName, pl.Series]
) -> pl.DataFrame:
    flags = {f"in {name or ''}": flag for name, flag in inside.items()}
    return people.with_columns(reachable.alias("reachable"), complete.alias("complete"), **flags).with_columns(
        kept=pl.any_horizontal(*flags)
    )


def _among(people: pl.DataFrame, numbers: list[pl.Series]) -> pl.Series:
    """For each person, whether one of `numbers` holds theirs."""
    if not numbers:
        return pl.Series("number", [False]).new_from_index(0, people.height)
    present = pl.concat([each.rename("number") for each in numbers]).unique()
    return people["number"].is_in(present.implode())
