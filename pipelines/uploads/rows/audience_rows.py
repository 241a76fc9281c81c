"""An audience's rows in its network's columns, and the ledger of who is not among them."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from pipelines.holdings.audience_keys import KEYS
from pipelines.uploads.rows.coverage import coverage
from pipelines.uploads.rows.distinct import distinct, how_many_distinct, maybe_repeated, where
from pipelines.uploads.rows.leaving_out import LeavingOut, Remaining, remaining
from pipelines.uploads.rows.lost import NOTHING_LOST, Lost, lost_here, reasons_here
from pipelines.uploads.rows.people import NetworkPeople
from pipelines.uploads.rows.row_keys import keys_of_rows
from schemas.brake import NOT_COUNTED, SourceCounts
from schemas.network import Network, UploadList
from schemas.uploads import NO_CONSENT, Ledger, in_ledger_order


class ListRows(NamedTuple):
    """What goes into one list: a column for each slot, every row once. Where a row is an identifier, `owner` too: rows
    of one person have one owner, which is what the network sees of them and not who they are. `keys` (key, value): what
    the rows carry, each once."""

    upload_list: UploadList
    rows: pl.DataFrame
    keys: pl.DataFrame


class AudienceRows(NamedTuple):
    """`lists` that reach the network's minimum; `withheld`: how many rows those have that do not; `sources`: of what
    the CRM gave it is made."""

    lists: tuple[ListRows, ...]
    withheld: dict[str, int]
    ledger: Ledger
    sources: SourceCounts

    @property
    def below_minimum(self) -> bool:
        """Whether no list reaches the network's minimum."""
        return not self.lists

    @property
    def keys(self) -> pl.DataFrame:
        """key, value: every key that the lists carry, once."""
        if len(self.lists) == 1:
            return self.lists[0].keys
        return distinct(pl.concat([pl.DataFrame(schema=KEYS), *(part.keys for part in self.lists)]))


def audience_rows(  # noqa: PLR0913, PLR0917 - who is in it, who may be, and who is lost on the way
    members: pl.DataFrame,
    everybody: NetworkPeople,
    network: Network,
    lost: Lost = NOTHING_LOST,
    sources: SourceCounts = NOT_COUNTED,
    leaving: LeavingOut | None = None,
) -> AudienceRows:
    """In: members (person_id), everybody who may be sent to the network, what of the members was lost before, and whom
    the segment leaves out itself.

    Who is in no row is dropped for the first reason that holds, in the ledger's order. A list below the network's
    minimum is withheld; if no list reaches it, the ledger counts what they would have held.
    """
    left = _left(members, everybody, network, leaving)
    kept = where(left.people, left.people["reason"].is_null())
    every = (_list_rows(part, kept, left.everybody.values, network) for part in network.lists)
    made = [part for part in every if part.rows.height]
    minimum = network.file.minimum_rows.full
    published = tuple(part for part in made if part.rows.height >= minimum)
    counted = published or tuple(made)
    lists = tuple(part.upload_list for part in counted) or network.lists
    inside = _people_in(kept, lists)
    # A list that the holdout left empty is not below a minimum.
    short = [part.upload_list for part in made if part not in counted]
    others = tuple(upload_list for upload_list in network.lists if upload_list not in short)
    held_out = _people_in(left.held_out, others).height
    people = how_many_differ(inside, lists, left.everybody.values, network)
    here = dict(left.people.filter(pl.col("reason").is_not_null()).group_by("reason").len().iter_rows())
    dropped = {
        **{NO_CONSENT[purpose]: 0 for purpose in network.consent},
        **dict.fromkeys((*reasons_here(network), *(leaving.choice.reasons if leaving is not None else ())), 0),
        **lost.people,
        **here,
        "list_below_minimum": kept.height - inside.height + left.held_out.height - held_out,
        "duplicate_after_hashing": inside.height - people,
    }
    if leaving is not None and leaving.is_drawn is not None:
        dropped["holdout"] = held_out
    ledger = Ledger(
        segment_people=members.height,
        dropped=in_ledger_order(dropped),
        file_people=people,
        file_rows=rows_due(inside, lists, left.everybody.values, network),
        on_assumption=inside.filter("assumed").height,
        by_other_purpose=inside.filter("by_other_purpose").height,
        refused_identifiers=lost.identifiers,
        identifiers=coverage(inside, lists, left.everybody.values, left.everybody.lost, network),
    )
    withheld = {part.upload_list.label: part.rows.height for part in made if part not in published}
    return AudienceRows(published, withheld, ledger, sources)


def _left(members: pl.DataFrame, everybody: NetworkPeople, network: Network, leaving: LeavingOut | None) -> Remaining:
    """Everybody's members, with their `reason`."""
    places = pl.int_range(everybody.people.height, dtype=pl.UInt32, eager=True)
    inside = members.join(everybody.people.select("person_id", place=places), on="person_id")["place"]
    allowed = everybody.people[inside.sort()].with_columns(lost_here(network))
    return Remaining.all_of(allowed, everybody) if leaving is None else remaining(allowed, everybody, network, leaving)


def _list_rows(
    upload_list: UploadList, kept: pl.DataFrame, values: dict[str, pl.DataFrame], network: Network
) -> ListRows:
    people = _people_in(kept, (upload_list,))
    if network.file.rows == "people":
        rows = each_once(people.select(slot.name for slot in upload_list.slots), network)
    else:
        rows = _owned(people, values[upload_list.slots[0].column.header], upload_list)
    return ListRows(upload_list, rows, keys_of_rows(rows, upload_list, network))


def _owned(people: pl.DataFrame, values: pl.DataFrame, upload_list: UploadList) -> pl.DataFrame:
    (slot,) = upload_list.slots
    theirs = values.join(people.select("number"), on="number", how="semi")
    if theirs.is_empty():
        return pl.DataFrame(schema={"owner": pl.String, slot.name: pl.String})
    # A value that two share goes with the one whose smallest value is smaller: no id decides.
    owned = theirs.with_columns(owner=pl.col("value").min().over("number"))
    rows = owned.group_by("value").agg(pl.col("owner").min())
    return rows.select("owner", pl.col("value").alias(slot.name))


def _in_list(upload_list: UploadList) -> pl.Expr:
    inside = pl.col(f"in {upload_list.name or ''}")
    return inside if upload_list.region is None else inside & (pl.col("region") == upload_list.region.name)


def each_once(rows: pl.DataFrame, network: Network) -> pl.DataFrame:
    """Each row once; people who look the same to the network are one member, worth what they are together."""
    if network.value_column is None:
        return distinct(rows)
    *identity, value = rows.columns
    doubtful = maybe_repeated(rows.select(identity))
    if doubtful is None:
        return rows
    together = rows.filter(doubtful).group_by(identity).agg(pl.col(value).sum().cast(rows.schema[value]))
    return pl.concat([rows.filter(~doubtful), together.select(rows.columns)])


def _people_in(people: pl.DataFrame, lists: tuple[UploadList, ...]) -> pl.DataFrame:
    inside = people.select(pl.any_horizontal(_in_list(upload_list) for upload_list in lists).alias("inside"))
    return where(people, inside["inside"])


def how_many_differ(
    inside: pl.DataFrame, lists: tuple[UploadList, ...], values: dict[str, pl.DataFrame], network: Network
) -> int:
    """How many of the people differ in what the lists show of them."""
    slots = dict.fromkeys(slot for upload_list in lists for slot in upload_list.slots if slot.match is not None)
    if network.file.rows == "people":
        return how_many_distinct(inside.select(slot.name for slot in slots))
    # A person's identifiers are a set: equal sums of their hashes are equal sets.
    marks = [
        values[slot.column.header].select("number", mark=pl.col("value").hash(seed=place))
        for place, slot in enumerate(slots)
    ]
    theirs = pl.concat(marks).join(inside.select("number"), on="number", how="semi")
    return theirs.group_by("number").agg(pl.col("mark").sum())["mark"].n_unique()


def rows_due(
    inside: pl.DataFrame, lists: tuple[UploadList, ...], values: dict[str, pl.DataFrame], network: Network
) -> int:
    """How many rows the lists have by the people who are in them, counted apart from the making of the rows."""
    due = 0
    for upload_list in lists:
        people = _people_in(inside, (upload_list,))
        if network.file.rows == "people":
            shown = [slot.name for slot in upload_list.slots if slot.column.value is None]
            due += how_many_distinct(people.select(shown))
        else:
            theirs = values[upload_list.columns[0].header].join(people.select("number"), on="number", how="semi")
            due += theirs["value"].n_unique()
    return due
