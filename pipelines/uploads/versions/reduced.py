"""The last published full files without what is forbidden: what stays of an audience that is held back.

The brake lets nobody in and no rule change through, but a list that can only be replaced needs something to be replaced
with, and a version that was withdrawn needs a successor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pipelines.holdings.audience_keys import full_keys_by_list
from pipelines.holdings.forbidden import Forbidden
from pipelines.holdings.outbox import Outbox
from pipelines.holdings.packed import unzipped
from pipelines.uploads.rows.audience_rows import AudienceRows, ListRows, each_once
from pipelines.uploads.rows.people import complete_in, torn_groups_blanked
from pipelines.uploads.rows.row_keys import has_companions, key_values, keys_of_rows, lacks, rows_of_keys
from pipelines.uploads.versions.changes import listed_keys
from pipelines.uploads.versions.digests import file_digest
from pipelines.uploads.versions.state import AudienceState
from schemas.errors import PublicationError
from schemas.network import Network, UploadList
from schemas.said import Said
from schemas.segment import Audience
from schemas.uploads import FileEntry, Manifest

#: Gives rows of an audience, list by list, when they are needed.
KnownRows = Callable[[], tuple[ListRows, ...]]

#: What is said of rows that were made of keys alone where something stood beside them.
KEYS_ALONE = Said("some of its rows hold a key and nothing beside it, since the files that had the rest were withdrawn")

#: What is said of keys that stood in rows of people who are not there tonight, where a key cannot stand alone.
ONE_LOST = "{n} key that may stay is not in it, since no row that the network takes is left for it"
LOST = "{n} keys that may stay are not in it, since no rows that the network takes are left for them"


@dataclass(frozen=True)
class Reduction:
    """What is left of a version: `keys` and `gone` (list, key, value) are those of its full files, before and taken
    out; `is_withdrawn`: its files are; `keys_alone`: some of the rows made of it hold a key without what stood beside
    it; `lost`: so many keys that may stay stand in no row."""

    manifest: Manifest
    keys: pl.DataFrame
    gone: pl.DataFrame
    is_withdrawn: bool
    keys_alone: bool = False
    lost: int = 0

    @property
    def is_due(self) -> bool:
        """Whether what was published last may not stay as it is."""
        return self.is_withdrawn or not self.gone.is_empty()

    @property
    def because(self) -> Said:
        """Why its full file is none of tonight's, and what that lacks."""
        lost = Said(LOST if self.lost > 1 else ONE_LOST, n=self.lost)
        lacks = [*([lost] if self.lost else []), *([KEYS_ALONE] if self.keys_alone else [])]
        return Said("{reasons}", reasons=[self._held, *lacks]) if lacks else self._held

    @property
    def _held(self) -> Said:
        last = self.manifest.version
        if self.gone.is_empty():
            return Said("the audience is held back, so its full file is that of {version}", version=last)
        if self.gone.height == 1:
            return Said(
                "the audience is held back, so its full file is that of {version} without a forbidden key", version=last
            )
        says = "the audience is held back, so its full file is that of {version} without {keys} forbidden keys"
        return Said(says, version=last, keys=self.gone.height)


def reduction_of(
    audience: Audience, state: AudienceState, outbox: Outbox, forbidden: Forbidden, *, rules_version: str
) -> Reduction | None:
    """What is left of the audience's last version that had full files; None if there is none, or if the network's rules
    have changed since."""
    last = state.last_full
    if last is None or last.manifest.rules_version != rules_version:
        return None
    keys = full_keys_by_list(outbox.warehouse, audience, last.manifest.version)
    gone = keys.filter(forbidden(keys.select("key", "value")))
    return Reduction(last.manifest, keys, gone, last.state == "withdrawn")


def reduced_rows(
    reduction: Reduction, folder: Path, network: Network, known: Sequence[KnownRows]
) -> tuple[Reduction, AudienceRows]:
    """The version's rows without what is gone; lists that fall below the network's minimum are withheld.

    In: the version's folder, with its files or without: of the keys that are left, rows that are `known` from elsewhere
    are then taken, one source after the other, and rows of a key alone for those that none has, if the network takes
    such. Ledger and counts of source rows stay the version's: they are what the next nights are compared with. Out: the
    reduction, with what rows lack.

    Raises:
        PublicationError: a key came in that the version did not have or that is gone.
    """
    before, minimum = reduction.manifest, network.file.minimum_rows.full
    made = [
        (upload_list, *_reduced_list(reduction, folder, network, upload_list, known)) for upload_list in network.lists
    ]
    parts = [
        ListRows(upload_list, rows, keys_of_rows(rows, upload_list, network))
        for upload_list, rows, _ in made
        if rows.height
    ]
    left = reduction.keys.join(reduction.gone, on=["list", "key", "value"], how="anti")
    for part in parts:
        here = left.filter(list=part.upload_list.label)
        if part.keys.join(here, on=["key", "value"], how="anti").height:
            name = f"{before.network}/{before.segment} {before.version}"
            msg = Said(
                "{name}: what is left of it holds a key that it may not. This is a defect; nobody is added to a list.",
                name=name,
            )
            raise PublicationError(msg, check="ledger_closes")
    short = {part.upload_list.label: part.rows.height for part in parts if part.rows.height < minimum}
    kept = tuple(part for part in parts if part.upload_list.label not in short)
    rows = AudienceRows(kept, {**before.withheld, **short}, before.ledger, before.sources)
    alone = any(alone for upload_list, _, alone in made if upload_list.label not in short)
    lost = left.join(listed_keys(tuple(parts)), on=["list", "key", "value"], how="anti").height
    return replace(reduction, keys_alone=alone, lost=lost), rows


def _reduced_list(
    reduction: Reduction, folder: Path, network: Network, upload_list: UploadList, known: Sequence[KnownRows]
) -> tuple[pl.DataFrame, bool]:
    """The rows that are left of a list, and whether some hold a key without what stood beside it."""
    label = upload_list.label
    files = [entry for entry in reduction.manifest.files if entry.kind == "full" and entry.list == label]
    gone = reduction.gone.filter(list=label)
    rows = _published_rows(folder, files, upload_list, network)
    if rows is not None:
        return _without(rows, gone, upload_list, network), reduction.manifest.keys_alone
    left = reduction.keys.filter(list=label).join(gone, on=["key", "value"], how="anti")
    made: list[pl.DataFrame] = []
    for part in _of_people(known, upload_list, network):
        others = part.keys.join(left, on=["key", "value"], how="anti")
        made.append(_without(part.rows, others, upload_list, network))
        left = left.join(keys_of_rows(made[-1], upload_list, network), on=["key", "value"], how="anti")
        if left.is_empty():
            break
    alone = not any(lacks(key, upload_list, network) for key in network.keys_of(upload_list))
    rest = rows_of_keys(left.head(left.height if alone else 0), upload_list, network)
    # A key alone is worth 0, without decimals.
    return pl.concat([*made, rest], how="vertical_relaxed"), rest.height > 0 and has_companions(upload_list, network)


def _of_people(known: Sequence[KnownRows], upload_list: UploadList, network: Network) -> Iterator[ListRows]:
    """The rows of the list, where a row is a person: where it is an identifier, it is nothing but its key."""
    if network.file.rows == "people":
        for parts in known:
            yield from (part for part in parts() if part.upload_list.label == upload_list.label)


def _published_rows(
    folder: Path, files: list[FileEntry], upload_list: UploadList, network: Network
) -> pl.DataFrame | None:
    """The rows of a list's files; None if a file is not there as it was published, or says nothing of who is who."""
    if not files or network.file.rows == "identifiers":
        return None
    parts: list[pl.DataFrame] = []
    for entry in files:
        path = folder / entry.name
        if not path.is_file() or file_digest(path) != entry.sha256:
            return None
        parts.append(_rows_of_file(path, upload_list, network))
    return pl.concat(parts)


def _rows_of_file(path: Path, upload_list: UploadList, network: Network) -> pl.DataFrame:
    rows = pl.read_csv(
        unzipped(path),
        glob=False,
        has_header=False,
        skip_rows=1 if network.file.header else 0,
        infer_schema=False,
        separator=network.file.delimiter,
        new_columns=[slot.name for slot in upload_list.slots],
    )
    texts = rows.select(pl.when(pl.all() != "").then(pl.all()))
    return texts.with_columns(_amounts(texts[slot.name]) for slot in upload_list.slots if slot.column.value is not None)


def _amounts(texts: pl.Series) -> pl.Series:
    """Numbers with as many decimals as they are written with."""
    decimals = texts.str.extract(r"\.([0-9]*)$").str.len_bytes().max()
    return texts.cast(pl.Decimal(18, decimals if isinstance(decimals, int) else 0))


def _without(rows: pl.DataFrame, gone: pl.DataFrame, upload_list: UploadList, network: Network) -> pl.DataFrame:
    """The rows without the keys (key, value); those left without what the network needs go."""
    rows = rows.with_columns(
        pl.when(~pl.col(slot.name).is_in(gone.filter(key=key.name)["value"].implode())).then(slot.name).alias(slot.name)
        for key in network.keys_of(upload_list)
        if len(key.headers) == 1
        for slot in network.column(key.headers[0]).slots
    )
    for key in network.keys_of(upload_list):
        if len(key.headers) > 1:
            (whole,) = key_values(key, network)
            out = whole.is_in(gone.filter(key=key.name)["value"].implode()).fill_null(False)
            slots = [slot.name for header in key.headers for slot in network.column(header).slots]
            rows = rows.with_columns(pl.when(~out).then(slot).alias(slot) for slot in slots)
    here = [group for group in network.all_or_none if network.column(group[0]) in upload_list.columns]
    rows = torn_groups_blanked(rows, network.model_copy(update={"all_or_none": tuple(here)}))
    keyed = [value.is_not_null() for key in network.keys_of(upload_list) for value in key_values(key, network)]
    return each_once(rows.filter(pl.any_horizontal(keyed), complete_in(network, upload_list)), network)
