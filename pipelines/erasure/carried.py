"""Where the keys of erased people went, and whether they are still there by all that was confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from catalog.duckdb_connection import literal, store_frame
from catalog.rewrite import note_rewrite
from catalog.warehouse import Warehouse
from pipelines.erasure.applied import note_applied
from pipelines.holdings.audience_keys import SAME_AUDIENCE, STORED_KEYS, ensure_keys, file_keys
from pipelines.holdings.holdings import Event, present_after
from pipelines.identifiers.match_keys import key_forms, tombstone_form
from pipelines.pieces import in_pieces
from pipelines.tombstones.forbidden import keys_by_request
from schemas.erasure import ErasedKeys
from schemas.network import Network
from schemas.segment import Audience


def note_erased_keys(
    warehouse: Warehouse, erasures: pl.DataFrame, networks: dict[str, Network], identity_key: str
) -> None:
    """Keep, in `erased_keys`, which keys of any version the requests forbid: from then on they are found by name.

    In: `CrmErasures` of which keys were not looked for; afterwards they count as applied to them.
    """
    erased_keys(warehouse)
    used = warehouse.read("SELECT DISTINCT network FROM warehouse.key_versions")["network"]
    found = [
        keys_by_request(keys, network=networks[name], erasures=erasures, identity_key=identity_key).with_columns(
            network=pl.lit(name)
        )
        for name in used.filter(used.is_in(list(networks)))
        for keys in _keys_like(warehouse, networks[name], set(erasures["form"]))
    ]
    with warehouse.transaction():
        if found:
            store_frame(warehouse.connection, "_found", pl.concat(found).unique())
            fresh = warehouse.read(
                "FROM _found ANTI JOIN warehouse.erased_keys USING (request_id, network, key, value)"
            )
            warehouse.append("erased_keys", fresh.select(ErasedKeys.column_names()))
        note_applied(warehouse, "keys", erasures)


def _keys_like(warehouse: Warehouse, network: Network, forms: set[str]) -> Iterator[pl.DataFrame]:
    """key, value: the keys that versions for the network carry and that may have a tombstone in one of the forms, piece
    by piece."""
    others = [
        key.name for key in network.keys if not forms & {tombstone_form(columns) for columns in key_forms(network, key)}
    ]
    theirs = f"series IN (SELECT series FROM warehouse.key_versions WHERE network = {literal(network.name)})"
    condition = " AND ".join([theirs, *(f"key <> {literal(other)}" for other in others)])
    return in_pieces(
        warehouse.read,
        "warehouse.audience_keys",
        lambda piece: f"SELECT DISTINCT key, value FROM {piece} WHERE {condition}",
    )


def erased_keys(warehouse: Warehouse) -> pl.DataFrame:
    """`ErasedKeys`, whole."""
    ensure_keys(warehouse)
    warehouse.ensure("erased_keys", ErasedKeys)
    return warehouse.read("FROM warehouse.erased_keys")


def drop_erased_keys(
    warehouse: Warehouse, requests: Iterable[str], forbidden: pl.DataFrame, too_old: Iterable[str]
) -> None:
    """Forget the keys of the requests; if there were any, the warehouse is to be written anew.

    In: the `ErasedKeys` that are still forbidden. These go, from every version that carried them too; a key that a
    later consent allows is watched on, since the consent may go, unless its request is `too_old`.
    """
    finished = list(requests)
    kept, theirs = erased_keys(warehouse), forbidden.filter(pl.col("request_id").is_in(finished))
    left = kept.join(theirs, on=["request_id", "network", "key", "value"], how="anti")
    left = left.filter(~pl.col("request_id").is_in(list(too_old)))
    if left.height == kept.height:
        return
    store_frame(warehouse.connection, "_going", watched_by_no_other(finished, forbidden))
    with warehouse.transaction():
        note_rewrite(warehouse)
        warehouse.execute(
            "DELETE FROM warehouse.audience_keys USING "
            "(SELECT DISTINCT series, network FROM warehouse.key_versions) AS files, _going "
            "WHERE audience_keys.series = files.series AND files.network = _going.network "
            "AND audience_keys.key = _going.key AND audience_keys.value = _going.value"
        )
        warehouse.replace("erased_keys", left)


def watched_by_no_other(requests: Iterable[str], forbidden: pl.DataFrame) -> pl.DataFrame:
    """Of the `ErasedKeys` that are still forbidden, those of the requests that no other request watches."""
    theirs = pl.col("request_id").is_in(list(requests))
    return forbidden.filter(theirs).join(forbidden.filter(~theirs), on=["network", "key", "value"], how="anti")


def traces(warehouse: Warehouse) -> pl.DataFrame:
    """Erased keys in files: request_id, network, account, segment, version_id, version, kind, list, key, value."""
    erased_keys(warehouse)
    erased = "(FROM warehouse.audience_keys SEMI JOIN warehouse.erased_keys USING (key, value))"
    return warehouse.read(
        "SELECT request_id, network, account, segment, version_id, version, kind, list, key, value "
        f"FROM {file_keys(erased)} JOIN warehouse.erased_keys USING (network, key, value)"
    )


def removes_erased(warehouse: Warehouse, audience: Audience, version: str) -> bool:
    """Whether a remove file of the version carries a key of somebody erased that is still kept."""
    if not warehouse.has("erased_keys"):
        return False
    removed = f"{SAME_AUDIENCE} AND version = $version AND kind = 'remove'"
    stored = f"(FROM {STORED_KEYS} WHERE series IN (SELECT series FROM warehouse.key_versions WHERE {removed}))"
    found = warehouse.read(
        f"SELECT key FROM {file_keys(stored)} SEMI JOIN warehouse.erased_keys USING (network, key, value) "
        f"WHERE {removed} LIMIT 1",
        **audience._asdict(),
        version=version,
    )
    return not found.is_empty()


def requests_held(found: pl.DataFrame, lists: Iterable[Iterable[Event]]) -> set[str]:
    """The requests of which a key may be in one of the lists, after what went into and out of each.

    In: `traces` of one audience; the events of each list, in any order.
    """
    return {
        request_id for events in lists for request_id in present_after(found, events, by=("request_id",))["request_id"]
    }
