"""The keys that each version carries: pending until its folder and its row in the catalog are there."""

from __future__ import annotations

import polars as pl

from catalog.warehouse import Warehouse
from schemas.segment import Audience
from schemas.uploads import AudienceKeys, KeyVersions

_SAME_VERSION = "network = $network AND account = $account AND segment = $segment AND version = $version"


def ensure_keys(warehouse: Warehouse) -> None:
    """Make the two tables if they are not there."""
    warehouse.ensure("key_versions", KeyVersions)
    warehouse.ensure("audience_keys", AudienceKeys)


def add_pending_keys(warehouse: Warehouse, audience: Audience, version: str, keys: pl.DataFrame) -> None:
    """Write the keys (key, value) of a version that is about to be published."""
    ensure_keys(warehouse)
    newest = warehouse.read("SELECT COALESCE(max(version_id), 0)::UINTEGER AS newest FROM warehouse.key_versions")
    number = pl.lit(newest["newest"].item() + 1, dtype=pl.UInt32)
    named = pl.DataFrame({**audience._asdict(), "version": version, "state": "pending"}).with_columns(version_id=number)
    warehouse.append("key_versions", named.select(KeyVersions.column_names()))
    warehouse.append("audience_keys", keys.select(version_id=number, key="key", value="value"))


def finish_keys(warehouse: Warehouse, audience: Audience, version: str) -> None:
    """Mark the keys of a published version final."""
    warehouse.execute(
        f"UPDATE warehouse.key_versions SET state = 'final' WHERE {_SAME_VERSION}", **_named((*audience, version))
    )


def settle_pending_keys(warehouse: Warehouse, published: set[tuple[str, ...]]) -> None:
    """Keys of `published` versions (network, account, segment, version) become final, other pending ones go."""
    ensure_keys(warehouse)
    pending = warehouse.read(
        "SELECT network, account, segment, version, version_id FROM warehouse.key_versions WHERE state = 'pending'"
    )
    for *identity, version_id in pending.iter_rows():
        if tuple(identity) in published:
            finish_keys(warehouse, Audience(*identity[:3]), identity[3])
            continue
        with warehouse.transaction():
            warehouse.execute("DELETE FROM warehouse.audience_keys WHERE version_id = $id", id=version_id)
            warehouse.execute("DELETE FROM warehouse.key_versions WHERE version_id = $id", id=version_id)


def _named(identity: tuple[str, ...]) -> dict[str, object]:
    return dict(zip(("network", "account", "segment", "version"), identity, strict=True))
