"""Whom an audience leaves out by its segment's own choice, and their keys: no row of the audience carries a key of
anybody whom it leaves out, whoever else has it (docs/decisions/0032)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from pipelines.identifiers.hashes import keyed_hash
from pipelines.identifiers.match_keys import network_keys
from pipelines.uploads.rows.lost import lost_here
from pipelines.uploads.rows.people import NetworkPeople
from pipelines.uploads.rows.row_keys import carrying
from schemas.choice import Choice, HeldOut
from schemas.network import Network
from schemas.uploads import excluded_by, outranked_by

#: Of an HMAC's hex, as much as decides who is drawn: 64 bits.
_DIGITS = 16


class Readers(NamedTuple):
    """What is read of the warehouse, and only if the choice asks for it."""

    #: Segments → person_id, segment of everybody who is in one.
    stays: Callable[[tuple[str, ...]], pl.DataFrame]
    #: person_id → the `Identifiers` of the people, with the network's match columns.
    identifiers: Callable[[pl.Series], pl.DataFrame]
    #: number, keys (key, value) → the people of these numbers without the keys.
    people: Callable[[pl.Series, pl.DataFrame], NetworkPeople]


class LeavingOut(NamedTuple):
    """`people` (person_id, reason): everybody, a member or not, whom the audience leaves out for another segment;
    `keys` (key, value): what the network would know them by; `is_drawn`: of person ids, who is held out."""

    choice: Choice
    people: pl.DataFrame
    keys: pl.DataFrame
    is_drawn: Callable[[pl.Series], pl.Series] | None
    readers: Readers


class Remaining(NamedTuple):
    """The people who are left, each with their `reason`, and `everybody` as the audience's rows show them; those of the
    holdout, with the rows that they would have had."""

    people: pl.DataFrame
    everybody: NetworkPeople
    held_out: pl.DataFrame

    @classmethod
    def all_of(cls, people: pl.DataFrame, everybody: NetworkPeople) -> Remaining:
        return cls(people, everybody, people.clear())


def leaving_out(choice: Choice, network: Network, readers: Readers, identity_key: str) -> LeavingOut | None:
    """What leaves people out; None if nothing does."""
    if not choice.segments and choice.holdout is None:
        return None
    people = left_out(choice, readers.stays(choice.segments))
    keys = network_keys(readers.identifiers(people["person_id"]), network)
    holdout = choice.holdout
    is_drawn = None if holdout is None else lambda people: drawn(people, holdout, identity_key)
    return LeavingOut(choice, people, keys, is_drawn, readers)


def left_out(choice: Choice, stays: pl.DataFrame) -> pl.DataFrame:
    """person_id, reason: everybody whom another segment keeps, by the ledger's first reason.

    In: person_id, segment of everybody in the choice's segments. A rival keeps only whom it does not exclude itself.
    """

    def inside(segment: str) -> pl.DataFrame:
        return stays.filter(pl.col("segment") == segment).select("person_id")

    found = [inside(name).with_columns(reason=pl.lit(excluded_by(name))) for name in choice.exclude]
    for rival, exclude in choice.rivals.items():
        keeps = inside(rival)
        for name in exclude:
            keeps = keeps.join(inside(name), on="person_id", how="anti")
        found.append(keeps.with_columns(reason=pl.lit(outranked_by(rival))))
    empty = pl.DataFrame(schema={"person_id": pl.String, "reason": pl.String})
    return pl.concat([empty, *found]).unique("person_id", keep="first", maintain_order=True)


def drawn(people: pl.Series, holdout: HeldOut, identity_key: str) -> pl.Series:
    """For each person id, whether the holdout has drawn it: the same on every night and network, and of a larger share
    of the same name too. Two names draw apart."""
    first = keyed_hash(f"holdout:{holdout.name}:" + people, identity_key).str.head(_DIGITS)
    return first < format(int(holdout.share * 16**_DIGITS), f"0{_DIGITS}x")


def remaining(allowed: pl.DataFrame, everybody: NetworkPeople, network: Network, leaving: LeavingOut) -> Remaining:
    """In: those of everybody who are members, with `reason`.

    Who shares a key with somebody left out loses the key; who has none left by that is refused, or, where the holdout
    took it, held out too.
    """
    people = allowed.drop("reason").join(leaving.people, on="person_id", how="left", maintain_order="left")
    people = people.with_columns(reason=pl.coalesce("reason", lost_here(network)))
    before = _without(people, everybody, leaving.keys, leaving.keys, network, leaving.readers)
    if leaving.is_drawn is None:
        return before
    rowed = before.people.filter(pl.col("reason").is_null())
    is_drawn = leaving.is_drawn(rowed["person_id"])
    keys = network_keys(leaving.readers.identifiers(rowed["person_id"].filter(is_drawn)), network)
    rest = _without(
        rowed.filter(~is_drawn), before.everybody, keys, pl.concat([leaving.keys, keys]), network, leaving.readers
    )
    kept = rest.people.filter(pl.col("reason").is_null())
    others = before.people.filter(pl.col("reason").is_not_null())
    held_out = rowed.join(kept.select("number"), on="number", how="anti")
    return Remaining(pl.concat([kept, others]), rest.everybody, held_out)


def _without(  # noqa: PLR0913, PLR0917 - whose rows, and which keys
    people: pl.DataFrame,
    everybody: NetworkPeople,
    fresh: pl.DataFrame,
    gone: pl.DataFrame,
    network: Network,
    readers: Readers,
) -> Remaining:
    """The people made anew without all keys that are `gone`, where they carry one that is `fresh`."""
    rowed = people.filter(pl.col("reason").is_null())
    touched = rowed["number"].filter(_carries(rowed, everybody.values, fresh, network))
    if touched.is_empty():
        return Remaining.all_of(people, everybody)
    again = readers.people(touched, gone)
    others = ~pl.col("number").is_in(touched.implode())

    def remade(old: dict[str, pl.DataFrame], new: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        return {name: pl.concat([frame.filter(others), new[name]]) for name, frame in old.items()}

    rows = again.people.with_columns(lost_here(network)).select(people.columns)
    made = NetworkPeople(everybody.people, remade(everybody.values, again.values), remade(everybody.lost, again.lost))
    return Remaining.all_of(pl.concat([people.filter(others), rows]), made)


def _carries(people: pl.DataFrame, values: dict[str, pl.DataFrame], keys: pl.DataFrame, network: Network) -> pl.Series:
    """For each of the people, whether a row of theirs carries one of the keys."""
    if network.file.rows == "people":
        carries = pl.Series([False]).new_from_index(0, people.height)
        for upload_list in network.lists:
            carries |= carrying(people, keys, upload_list, network)
        return carries
    found = [pl.Series("number", [], dtype=people.schema["number"])]
    for key in network.keys:
        wanted = keys.filter(pl.col("key") == key.name)["value"].implode()
        found.append(values[key.headers[0]].filter(pl.col("value").is_in(wanted))["number"])
    return people["number"].is_in(pl.concat(found).implode())
