"""What has to change at the network, key by key, and the rows of the files that would do it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import polars as pl

from pipelines.holdings.forbidden import Forbidden
from pipelines.holdings.holdings import LISTED_KEYS, Differences
from pipelines.holdings.renewals import NO_RENEWALS, Renewals
from pipelines.uploads.files.order import ordered
from pipelines.uploads.rows.audience_rows import ListRows
from pipelines.uploads.rows.row_keys import carrying, keys_of_rows, lacks, rows_of_keys
from schemas.journal import VersionOrder
from schemas.network import Network
from schemas.network_file import FileKind
from schemas.said import Said


class Changes(NamedTuple):
    """`adds`, `removes`: list, key, value. `astray`: versions that carried a forbidden key and that nobody confirmed,
    oldest first. `stuck`: lists that must lose a key and have no full file to be replaced with. `renewals`: what is
    held and sent again before the network forgets it."""

    adds: pl.DataFrame
    removes: pl.DataFrame
    astray: tuple[str, ...]
    stuck: tuple[str, ...]
    renewals: Renewals = NO_RENEWALS
    #: How many of the removes the law forbids the network to hold.
    forbidden: int = 0
    #: How many of the removes the newest list holds; the others may be where nobody said that they are.
    leaving: int = 0

    @property
    def sent(self) -> pl.DataFrame:
        """list, key, value: what an add file must carry."""
        return pl.concat([self.adds, self.renewals.keys])


class Deltas(NamedTuple):
    """The rows that would be added and removed, by list, and why the network would not take them; None if it would.

    `undocumented`: it may take the removal, but does not say so.
    """

    add: tuple[ListRows, ...]
    remove: tuple[ListRows, ...]
    obstacle: Said | None
    undocumented: bool

    @property
    def parts(self) -> dict[FileKind, tuple[ListRows, ...]]:
        return {"add": self.add, "remove": self.remove}


def listed_keys(full: tuple[ListRows, ...]) -> pl.DataFrame:
    """list, key, value: all that the full files carry."""
    named = [part.keys.select(list=pl.lit(part.upload_list.label), key="key", value="value") for part in full]
    return pl.concat([pl.DataFrame(schema=LISTED_KEYS), *named])


def changes(
    found: Differences, full: tuple[ListRows, ...], forbidden: Forbidden, renewals: Renewals = NO_RENEWALS
) -> Changes:
    """What must come and go. A list that has no full file tonight stays as it is, but for what is forbidden."""
    replaced = [part.upload_list.label for part in full]
    stays = ~found.leaving["list"].is_in(replaced)
    asked = forbidden(pl.concat([frame.select("key", "value") for frame in (found.leaving, found.carried)]))
    is_forbidden = asked.head(found.leaving.height)
    leaving = found.leaving.filter(~stays | is_forbidden)
    carried = found.carried.filter(asked.tail(found.carried.height))
    carried_keys = carried.select(LISTED_KEYS.keys())
    removes = pl.concat([leaving, carried_keys]).unique()
    must = pl.concat([found.leaving.filter(is_forbidden), carried_keys]).unique().height
    stuck = [label for label in removes["list"].unique().sort() if label not in replaced]
    astray = sorted(carried["version"].unique(), key=VersionOrder.of)
    return Changes(found.adds, removes, tuple(astray), tuple(stuck), renewals, must, leaving.height)


def deltas(change: Changes, full: tuple[ListRows, ...], network: Network, *, filled: bool) -> Deltas:
    """The rows of the add and remove files, list by list; nothing is added where no list is `filled` yet."""
    sent = change.sent
    added = (_added(each, sent, network) for each in full if filled)
    add = tuple(part for part in added if part.rows.height)
    lists = {upload_list.label: upload_list for upload_list in network.lists}
    remove = []
    for label in change.removes["list"].unique().sort():
        if label in lists:
            keys = change.removes.filter(list=label).select("key", "value")
            remove.append(ListRows(lists[label], rows_of_keys(keys, lists[label], network), keys))
    gone = [label for label in change.stuck if label not in lists]
    obstacle = Said("{network} has no list {name} any more", network=network.title, name=gone[0]) if gone else None
    obstacle = obstacle or _no_adding(add, network) or _no_removing(remove, full, network)
    return Deltas(add, tuple(remove), obstacle, bool(remove) and network.ui_removal != "documented")


def _added(full: ListRows, adds: pl.DataFrame, network: Network) -> ListRows:
    """The full file's rows that carry a key to add, filled up with others where they are too few for the network."""
    wanted = adds.filter(list=full.upload_list.label)
    if wanted.is_empty():
        return ListRows(full.upload_list, full.rows.clear(), full.keys.clear())
    if wanted.height == full.keys.height:
        return full
    new = carrying(full.rows, wanted, full.upload_list, network)
    missing = network.file.minimum_rows.add - int(new.sum())
    rows = full.rows.filter(new)
    if missing > 0:
        rows = pl.concat([rows, ordered(full.rows.filter(~new)).head(missing)])
    return ListRows(full.upload_list, rows, keys_of_rows(rows, full.upload_list, network))


def _no_adding(add: tuple[ListRows, ...], network: Network) -> Said | None:
    if not add:
        return None
    if "add" not in network.update_modes:
        says = "{network} cannot add to a list with a file: it takes the whole list each time"
        return Said(says, network=network.title)
    return _too_few(add, network.file.minimum_rows.add, network, "adds")


def _no_removing(remove: list[ListRows], full: tuple[ListRows, ...], network: Network) -> Said | None:
    if not remove:
        return None
    if "remove" not in network.update_modes or network.ui_removal == "none":
        return Said("{network} removes nobody from a list with a file", network=network.title)
    minimum = network.file.minimum_rows
    few = _too_few(remove, minimum.remove, network, "removes")
    if few is not None:
        return few
    left = {part.upload_list.label: part.rows.height for part in full}
    for part in remove:
        # Of a list without a full file nobody knows how many members it has.
        members = left.get(part.upload_list.label, minimum.left)
        if members < minimum.left:
            return Said("{network} wants {minimum} members to be left, and there would be {members}",
                        network=network.title, minimum=minimum.left, members=members)  # fmt: skip
        for key in network.keys_of(part.upload_list):
            missing = lacks(key, part.upload_list, network)
            if missing and not part.keys.filter(key=key.name).is_empty():
                says = (
                    "{network} takes people out only by rows with the columns {columns}, which relance does not keep "
                    "of people who left"
                )
                return Said(says, network=network.title, columns=", ".join(missing))
    return None


#: What a network does, of a file and of one of several lists' files.
_TOO_FEW = {
    "adds": (
        "{network} adds people only by files of at least {minimum} rows, this one would have {few}",
        "{network} adds people only by files of at least {minimum} rows, that of {name} would have {few}",
    ),
    "removes": (
        "{network} removes people only by files of at least {minimum} rows, this one would have {few}",
        "{network} removes people only by files of at least {minimum} rows, that of {name} would have {few}",
    ),
}


def _too_few(
    parts: Sequence[ListRows], minimum: int, network: Network, does: Literal["adds", "removes"]
) -> Said | None:
    fewest = min(parts, key=lambda part: part.rows.height)
    few, name = fewest.rows.height, fewest.upload_list.label
    if few >= minimum:
        return None
    of_one, of_several = _TOO_FEW[does]
    if name:
        return Said(of_several, network=network.title, minimum=minimum, name=name, few=few)
    return Said(of_one, network=network.title, minimum=minimum, few=few)
