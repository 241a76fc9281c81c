"""The ledger's word for one person on a kept night, by the functions that write the ledger."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from pipelines.history.neighbours import KnownPeople
from pipelines.history.nights import Night
from pipelines.identifiers.match_keys import network_keys
from pipelines.uploads.rows.audience_rows import how_many_differ
from pipelines.uploads.rows.leaving_out import Readers, Remaining, leaving_out, remaining
from pipelines.uploads.rows.lost import lost_here
from pipelines.uploads.rows.row_keys import keys_of_rows
from schemas.choice import Choice
from schemas.network import Network


class LostFor(NamedTuple):
    """Why the person is in no row of the audience, null if they are; why they may not be sent any more who might that
    night; which of their keys others' refusals cost, and which those whom the audience leaves out; how many others in
    it look the same to the network."""

    reason: str | None
    refused_since: str | None
    refused_keys: tuple[str, ...]
    left_keys: tuple[str, ...]
    on_assumption: bool
    by_other_purpose: bool
    alike: int


def lost_for(  # noqa: PLR0913, PLR0917 - a person, an audience, and what the night knew of them
    night: Night, known: KnownPeople, segment: str, choice: Choice, person_id: str, identity_key: str
) -> LostFor:
    """What the segment's audience, which leaves out what the choice says, is given of the person, as if they were in
    the segment."""
    refused = _names(known.held.filter(person_id=person_id), known.refused, known.network)
    if known.permitted.filter(person_id=person_id).is_empty():
        reason = _refusal(night, night.table("refusals"), known.network.name, person_id)
        return LostFor(reason, None, refused, (), on_assumption=False, by_other_purpose=False, alike=0)
    everybody = known.people()
    members = {person_id, *_stays(night, known, (segment,))["person_id"]}
    allowed = everybody.people.filter(pl.col("person_id").is_in(list(members))).with_columns(lost_here(known.network))
    readers = Readers(
        lambda segments: _stays(night, known, segments),
        lambda people: known.held.filter(pl.col("person_id").is_in(people.implode())),
        known.people,
    )
    left = Remaining.all_of(allowed, everybody)
    leaving = leaving_out(choice, known.network, readers, identity_key)
    if leaving is not None:
        left = remaining(allowed, everybody, known.network, leaving)
    before = allowed.filter(person_id=person_id)
    now = left.people.filter(person_id=person_id)
    lost = _shown(before, everybody.values, known.network) - _shown(now, left.everybody.values, known.network)
    kept = left.people.filter(pl.col("reason").is_null())
    person = before.row(0, named=True)
    return LostFor(
        reason="holdout" if now.is_empty() else now["reason"].item(),
        refused_since=_refusal(night, "warehouse.refusals", known.network.name, person_id),
        refused_keys=refused,
        left_keys=tuple(sorted({key for key, _ in lost})) if not now.is_empty() and now["reason"][0] is None else (),
        on_assumption=person["assumed"],
        by_other_purpose=person["by_other_purpose"],
        alike=_alike(kept, left.everybody.values, known.network, person_id),
    )


def _refusal(night: Night, refusals: str, network: str, person_id: str) -> str | None:
    """Why the person, whatever id they have there, may not be sent to the network by the table of refusals."""
    found = night.read(
        f"SELECT reason FROM {refusals} WHERE coalesce(network, $network) = $network AND person_id IN "
        "(SELECT person_id FROM warehouse.person_aliases WHERE alias = $id)",
        id=person_id,
        network=network,
    )
    return found["reason"][0] if found.height else None


def _stays(night: Night, known: KnownPeople, segments: tuple[str, ...]) -> pl.DataFrame:
    """person_id, segment: who of the known people was in which of the segments on that day."""
    return night.read(
        "SELECT DISTINCT alias AS person_id, segment FROM warehouse.memberships "
        "JOIN warehouse.person_aliases USING (person_id) WHERE list_contains($people::VARCHAR[], alias) "
        "AND list_contains($segments::VARCHAR[], segment) AND valid_from <= $day AND coalesce(valid_to > $day, true)",
        people=known.permitted["person_id"].to_list(),
        segments=list(segments),
        day=night.day,
    )


def _names(held: pl.DataFrame, refused: pl.DataFrame, network: Network) -> tuple[str, ...]:
    """The network's keys of which one of the identifiers' values is refused."""
    hits = network_keys(held, network).join(refused, on=["key", "value"], how="semi")["key"].unique()
    return tuple(key.name for key in network.keys if key.name in hits)


def _shown(people: pl.DataFrame, values: dict[str, pl.DataFrame], network: Network) -> set[tuple[str, str]]:
    """key, value of all that the people's rows carry."""
    if network.file.rows == "people":
        found = [keys_of_rows(people, upload_list, network) for upload_list in network.lists]
        return {row for keys in found for row in keys.iter_rows()}
    theirs = {key.name: values[key.headers[0]].join(people, on="number", how="semi") for key in network.keys}
    return {(name, value) for name, held in theirs.items() for value in held["value"]}


def _alike(kept: pl.DataFrame, values: dict[str, pl.DataFrame], network: Network, person_id: str) -> int:
    """How many others' rows are the person's own."""
    if kept.filter(person_id=person_id).is_empty():
        return 0
    others = [person for person in kept["person_id"] if person != person_id]
    pairs = (kept.filter(pl.col("person_id").is_in([person_id, other])) for other in others)
    return sum(how_many_differ(pair, network.lists, values, network) == 1 for pair in pairs)
