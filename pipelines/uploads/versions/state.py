"""Where an audience stands before a night publishes it: its versions, the journal, and what the network holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl
import sqlalchemy as sa

from catalog.erasures import forgotten_on, open_removals
from catalog.journal import confirmations
from catalog.restored import restored_at
from catalog.store import VERSIONS, Catalog, manifest_of
from catalog.warehouse import Warehouse
from pipelines.holdings.audience_keys import key_versions, removed_keys
from pipelines.holdings.holdings import Holdings, holdings
from pipelines.holdings.open_lists import OpenList, base_of, open_lists
from pipelines.holdings.restored import unknown_lists
from pipelines.uploads.versions.changes import Changes
from schemas.journal import Confirmation, VersionOrder
from schemas.said import Said
from schemas.segment import Audience
from schemas.uploads import FileEntry, Manifest


class LastFull(NamedTuple):
    """The newest version that had full files, and its state in the catalog."""

    manifest: Manifest
    state: str


def last_full(versions: Iterable[sa.RowMapping]) -> LastFull | None:
    """In: an audience's rows of the catalog, in any state, oldest first."""
    found = (LastFull(manifest_of(row), row["state"]) for row in reversed([*versions]))
    return next((each for each in found if each.manifest.has_file("full")), None)


def last_whole(versions: Iterable[sa.RowMapping]) -> Manifest | None:
    """The newest version that had full files of a night's own rows: not one that was made of an earlier one. In: as
    `last_full`."""
    rows = [*versions]
    last, made_of = last_full(rows), {row["version"]: manifest_of(row) for row in rows}
    manifest = last.manifest if last is not None else None
    while manifest is not None and manifest.reduced_from in made_of:
        manifest = made_of[manifest.reduced_from]
    return manifest


def last_full_of_any(catalog: Catalog, night: int) -> Manifest | None:
    """The newest version with full files that a night before this one made, of whatever audience."""
    outcomes = catalog.outcomes_of_night(night)
    tonight = {(Audience.of(row), row["version"]) for row in outcomes if row["outcome"] == "published"}
    with catalog.reading() as connection:
        for row in connection.execute(sa.select(VERSIONS).order_by(VERSIONS.c.published_at.desc())).mappings():
            manifest = manifest_of(row)
            if manifest.has_file("full") and (Audience.of(row), row["version"]) not in tonight:
                return manifest
    return None


def taken_out_by_newest(audience: Audience, catalog: Catalog, warehouse: Warehouse) -> pl.DataFrame:
    """key, value: those that the remove files of the audience's newest version take out."""
    versions = catalog.versions(audience)
    return removed_keys(warehouse, audience, versions[-1]["version"] if versions else "")


@dataclass(frozen=True)
class AudienceState:
    """What is known of an audience before anything is published. `versions`: the catalog's rows, in
    any state, oldest first."""

    versions: list[sa.RowMapping]
    standing: list[Confirmation]
    lists: tuple[OpenList, ...]
    holdings: Holdings
    #: Whether a list may hold keys of somebody erased that are no longer known: a confirmation was taken back.
    holds_forgotten: bool = False
    #: Whether the newest list was filled before the home was restored from a backup.
    is_unknown: bool = False

    @property
    def base(self) -> str | None:
        return base_of(self.lists)

    @property
    def last_full(self) -> LastFull | None:
        return last_full(self.versions)

    @property
    def newest(self) -> sa.RowMapping | None:
        """The newest version that is still published."""
        return next((row for row in reversed(self.versions) if row["state"] == "published"), None)

    def manifest(self, version: str) -> Manifest | None:
        return next((manifest_of(row) for row in self.versions if row["version"] == version), None)

    def incomparable(self, change: Changes, rules_version: str) -> Said | None:
        """Why the keys of the newest list, or of what must leave, and those of today's files are not alike."""
        if self.is_unknown:
            return Said("this home was restored from a backup, and nobody knows what the list was given since")
        if self.holdings.unknown:
            unknown = ", ".join(self.holdings.unknown)
            return Said("the keys of {versions}, which the list was filled with, are no longer kept", versions=unknown)
        if self.holds_forgotten:
            return Said(
                "a confirmation was taken back on which a request to be forgotten was closed, and the person's keys "
                "are no longer kept"
            )
        resting = {event.version for event in self.holdings.held} | set(change.astray)
        manifests = [self.manifest(version) for version in sorted(resting)]
        if any(manifest is None or manifest.rules_version != rules_version for manifest in manifests):
            return Said(
                "the rules for the network's files have changed since the list was filled, so that old and new keys "
                "are not alike"
            )
        return None

    @property
    def lacks_companions(self) -> Said | None:
        """Why a list whose keys are right is filled anew all the same."""
        manifests = [self.manifest(event.version) for event in self.holdings.held]
        if any(manifest is not None and manifest.keys_alone for manifest in manifests):
            return Said("the list was filled with rows that hold a key and nothing beside it")
        return None

    def lists_until(self, version: str) -> tuple[str, ...]:
        """The network's lists that the full files of the version or of an older one are for."""
        until = VersionOrder.of(version)
        made = (manifest_of(row) for row in self.versions if VersionOrder.of(row["version"]) <= until)
        return tuple(dict.fromkeys(label for manifest in made for label in manifest.lists_of("full")))

    def same_parts(self, files: tuple[FileEntry, ...]) -> bool:
        """Whether the newest list was last filled with as many full files as there are now, list by list."""
        if not self.lists:
            return True
        filled = [version for version, kind in self.lists[-1].uploads if kind in {"created", "replaced"}]
        manifest = self.manifest(filled[-1])
        return manifest is not None and _parts(manifest.files) == _parts(files)


def state_of(audience: Audience, catalog: Catalog, warehouse: Warehouse) -> AudienceState:
    """The state of the audience now."""
    standing = confirmations(catalog, audience)
    versions = catalog.versions(audience, state=None)
    published_at = {row["version"]: row["published_at"] for row in versions}
    found = holdings(standing, key_versions(warehouse, audience), published_at)
    forgotten = _holds_forgotten(audience, standing, catalog, warehouse)
    lists = open_lists(standing)
    is_unknown = bool(unknown_lists(lists[-1:], restored_at(catalog)))
    return AudienceState(versions, standing, lists, found, forgotten, is_unknown)


def _holds_forgotten(audience: Audience, standing: list[Confirmation], catalog: Catalog, warehouse: Warehouse) -> bool:
    rests_on = set().union(*forgotten_on(catalog, audience).values())
    if not rests_on <= {each.name for each in standing}:
        return True
    unfinished = open_removals(catalog, audience)
    if not unfinished or not warehouse.has("erased_keys"):
        return False
    known = warehouse.read("SELECT DISTINCT request_id FROM warehouse.erased_keys")["request_id"]
    return not unfinished <= set(known)


def _parts(files: tuple[FileEntry, ...]) -> dict[str, int]:
    labels = [entry.list for entry in files if entry.kind == "full"]
    return {label: labels.count(label) for label in labels}
