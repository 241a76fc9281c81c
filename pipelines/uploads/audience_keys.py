"""The keys that each file of each version carries: pending until the version's folder and its row in the catalog are
there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

from catalog.warehouse import Warehouse
from schemas.network_file import FileKind
from schemas.segment import Audience
from schemas.uploads import AudienceKeys, KeyVersions

_SAME_AUDIENCE = "network = $network AND account = $account AND segment = $segment"


class FileKeys(NamedTuple):
    """The keys (key, value) of the files of one kind that go into one list."""

    kind: FileKind
    list: str
    keys: pl.DataFrame


def ensure_keys(warehouse: Warehouse) -> None:
    """Make the two tables if they are not there."""
    warehouse.ensure("key_versions", KeyVersions)
    warehouse.ensure("audience_keys", AudienceKeys)


def add_pending_keys(warehouse: Warehouse, audience: Audience, version: str, files: Sequence[FileKeys]) -> None:
    """Write the keys of the files of a version that is about to be published."""
    if not files:
        return
    newest = warehouse.read("SELECT COALESCE(max(version_id), 0)::UINTEGER AS newest FROM warehouse.key_versions")
    numbers = pl.Series("version_id", range(len(files)), dtype=pl.UInt32) + 1 + newest["newest"].item()
    rows = [(*audience, version, file.kind, file.list, "pending") for file in files]
    named = pl.DataFrame(rows, schema=KeyVersions.column_names()[1:], orient="row").insert_column(0, numbers)
    keys = [
        file.keys.select(version_id=pl.lit(number, dtype=pl.UInt32), key="key", value="value")
        for number, file in zip(numbers, files, strict=True)
    ]
    warehouse.append("key_versions", named)
    warehouse.append("audience_keys", pl.concat(keys))


def finish_keys(warehouse: Warehouse, audience: Audience, version: str) -> None:
    """Mark the keys of a published version final."""
    warehouse.execute(
        f"UPDATE warehouse.key_versions SET state = 'final' WHERE {_SAME_AUDIENCE} AND version = $version",
        **audience._asdict(),
        version=version,
    )


def settle_pending_keys(warehouse: Warehouse, published: set[tuple[str, ...]]) -> None:
    """Keys of `published` versions (network, account, segment, version) become final, other pending ones go."""
    ensure_keys(warehouse)
    pending = warehouse.read(
        "SELECT DISTINCT network, account, segment, version FROM warehouse.key_versions WHERE state = 'pending'"
    )
    for *identity, version in pending.iter_rows():
        if (*identity, version) in published:
            finish_keys(warehouse, Audience(*identity), version)
        else:
            drop_keys(warehouse, Audience(*identity), [version])


def drop_keys(warehouse: Warehouse, audience: Audience, versions: Iterable[str]) -> None:
    """Forget all keys of the versions."""
    for version in versions:
        same = f"{_SAME_AUDIENCE} AND version = $version"
        named = {**audience._asdict(), "version": version}
        with warehouse.transaction():
            warehouse.execute(
                "DELETE FROM warehouse.audience_keys WHERE version_id IN "
                f"(SELECT version_id FROM warehouse.key_versions WHERE {same})",
                **named,
            )
            warehouse.execute(f"DELETE FROM warehouse.key_versions WHERE {same}", **named)


def key_versions(warehouse: Warehouse, audience: Audience) -> pl.DataFrame:
    """version_id, version, kind, list, whole: the files of the audience whose keys are kept, if not all of them."""
    # Parameters take a temporary table, which costs more than the few rows of all audiences.
    kept = warehouse.read("FROM warehouse.key_versions WHERE state <> 'pending' ORDER BY version_id")
    return kept.filter(**audience._asdict()).select(
        "version_id", "version", "kind", "list", whole=pl.col("state") == "final"
    )


def full_keys(warehouse: Warehouse, audience: Audience, version: str) -> pl.DataFrame:
    """key, value: every key of the version's full files, once."""
    return warehouse.read(
        "SELECT DISTINCT key, value FROM warehouse.audience_keys JOIN warehouse.key_versions USING (version_id) "
        f"WHERE {_SAME_AUDIENCE} AND version = $version AND kind = 'full'",
        **audience._asdict(),
        version=version,
    )


def full_keys_by_list(warehouse: Warehouse, audience: Audience, version: str) -> pl.DataFrame:
    """list, key, value: every key of each list's full files, once."""
    return warehouse.read(
        "SELECT DISTINCT list, key, value FROM warehouse.audience_keys JOIN warehouse.key_versions USING (version_id) "
        f"WHERE {_SAME_AUDIENCE} AND version = $version AND kind = 'full'",
        **audience._asdict(),
        version=version,
    )


def sent_keys(warehouse: Warehouse, audience: Audience, versions: list[str]) -> pl.DataFrame:
    """key, value, versions: every key that full or add files of the versions carry, and in which of them."""
    return warehouse.read(
        "SELECT key, value, list(DISTINCT version) AS versions FROM warehouse.audience_keys "
        f"JOIN warehouse.key_versions USING (version_id) WHERE {_SAME_AUDIENCE} AND kind IN ('full', 'add') "
        "AND list_contains($versions, version) GROUP BY key, value",
        **audience._asdict(),
        versions=versions,
    )


def thin_keys(warehouse: Warehouse, old: int, newest: int) -> None:
    """Forget those keys of the files `old` that the files `newest` carry too (both by version_id).

    What may have to be removed some day stays known: of the old ones, those that are no longer carried.
    """
    with warehouse.transaction():
        warehouse.execute(
            "DELETE FROM warehouse.audience_keys WHERE version_id = $old AND EXISTS "
            "(FROM warehouse.audience_keys AS now WHERE now.version_id = $newest AND now.key = audience_keys.key "
            "AND now.value = audience_keys.value)",
            old=old,
            newest=newest,
        )
        warehouse.execute("UPDATE warehouse.key_versions SET state = 'thin' WHERE version_id = $old", old=old)
