"""The keys that each file of each version carries: pending until the version's folder and its row in the catalog are
there.

Full files of one night carry nearly what those of the night before did. So of a list's full files each key is kept
once, with the versions from which and up to which they carry it (docs/decisions/0039).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

from catalog.duckdb_connection import inline, registered
from catalog.warehouse import Warehouse
from schemas.network_file import FileKind
from schemas.segment import Audience
from schemas.uploads import AudienceKeys, KeyVersions

#: SQL: whether a file is of the audience whose parts are the parameters.
SAME_AUDIENCE = "network = $network AND account = $account AND segment = $segment"

#: SQL: whether files (`KeyVersions`) carry a key of their series (`AudienceKeys`).
_CARRIES = "since <= version_id AND (until IS NULL OR version_id < until)"
STORED_KEYS = "warehouse.audience_keys"
#: The columns of keys that belong to no list in particular.
KEYS = {"key": pl.String, "value": pl.String}


class FileKeys(NamedTuple):
    """The keys (key, value) of the files of one kind that go into one list."""

    kind: FileKind
    list: str
    keys: pl.DataFrame


class SinceNewest(NamedTuple):
    """How tonight's full files differ from the newest that are kept, list by list, if none is there tonight too.

    `series` (list, series) of those; `came`, `left`: list, key, value.
    """

    series: pl.DataFrame
    came: pl.DataFrame
    left: pl.DataFrame


def file_keys(stored: str = STORED_KEYS) -> str:
    """A query in brackets for the keys of files: key, value, and version_id, network, account, segment, version, kind
    and list of the files. In: the table of keys, or one with some of them."""
    return (
        "(SELECT version_id, network, account, segment, version, kind, list, key, value "
        f"FROM warehouse.key_versions JOIN {stored} USING (series) WHERE {_CARRIES})"
    )


def ensure_keys(warehouse: Warehouse) -> None:
    """Make the two tables if they are not there."""
    warehouse.ensure("key_versions", KeyVersions)
    warehouse.ensure("audience_keys", AudienceKeys)


def since_newest(warehouse: Warehouse, audience: Audience, full: pl.DataFrame) -> SinceNewest:
    """In: list, key, value of what tonight's full files hold, each once."""
    kept = _of_audience(warehouse, audience).filter(kind="full", state="final")
    series = kept.select("list", "series").unique()
    if series.is_empty():
        return SinceNewest(series, full, full.clear())
    with registered(warehouse.connection, full) as now:
        apart = warehouse.read(
            f"SELECT list, key, value, here IS NULL AS left FROM (SELECT *, 1 AS here FROM {now}) FULL JOIN "
            f"(SELECT list, key, value, 1 AS there FROM {inline(series)} JOIN warehouse.audience_keys USING (series) "
            "WHERE until IS NULL) USING (list, key, value) WHERE here IS NULL OR there IS NULL"
        )
    came, left = (apart.filter(side).drop("left") for side in (~pl.col("left"), pl.col("left")))
    return SinceNewest(series, came, left)


def add_pending_keys(
    warehouse: Warehouse, audience: Audience, version: str, files: Sequence[FileKeys], since: SinceNewest
) -> None:
    """Write the keys of the files of a version that is about to be published. In: how its full files differ."""
    if not files:
        return
    known = dict(since.series.select("list", "series").iter_rows())
    named, came, left = [], [], []
    for number, series, file in zip(*_numbers(warehouse, len(files)), files, strict=True):
        is_next = file.kind == "full" and file.list in known
        new = since.came.filter(list=file.list) if is_next else file.keys
        gone = since.left.filter(list=file.list) if is_next else file.keys.clear()
        chosen = known[file.list] if is_next else series
        named.append((number, *audience, version, file.kind, file.list, "pending", chosen))
        marks = {"series": pl.lit(chosen, pl.UInt32), "since": pl.lit(number, pl.UInt32)}
        came.append(new.select("key", "value", **marks))
        left.append(gone.select("key", "value", **marks))
    with warehouse.transaction():
        warehouse.append("key_versions", pl.DataFrame(named, schema=KeyVersions.create_empty().schema, orient="row"))
        _close(warehouse, pl.concat(left))
        warehouse.append("audience_keys", pl.concat(came).with_columns(until=pl.lit(None, pl.UInt32)))


def _numbers(warehouse: Warehouse, files: int) -> tuple[range, range]:
    """So many version_ids and series that are not used yet."""
    # Never a version_id again that a key of the same series came or left with, although the version may be gone.
    last = warehouse.read(
        "SELECT greatest(max(version_id), (SELECT greatest(max(since), max(until)) FROM warehouse.audience_keys), 0), "
        "greatest(max(series), 0) FROM warehouse.key_versions"
    )
    version_id, series = (int(number) + 1 for number in last.row(0))
    return range(version_id, version_id + files), range(series, series + files)


def _close(warehouse: Warehouse, left: pl.DataFrame) -> None:
    """Files since which a key is not carried any more: series, key, value, since."""
    if left.is_empty():
        return
    with registered(warehouse.connection, left) as gone:
        warehouse.execute(
            f"UPDATE warehouse.audience_keys SET until = gone.since FROM {gone} AS gone WHERE until IS NULL AND "
            "audience_keys.series = gone.series AND audience_keys.key = gone.key AND audience_keys.value = gone.value"
        )


def finish_keys(warehouse: Warehouse, audience: Audience, version: str) -> None:
    """Mark the keys of a published version final."""
    warehouse.execute(
        f"UPDATE warehouse.key_versions SET state = 'final' WHERE {SAME_AUDIENCE} AND version = $version",
        **audience._asdict(),
        version=version,
    )


def settle_pending_keys(warehouse: Warehouse, published: set[tuple[Audience, str]]) -> None:
    """Keys of `published` versions become final, other pending ones go."""
    ensure_keys(warehouse)
    pending = warehouse.read(
        "SELECT DISTINCT network, account, segment, version FROM warehouse.key_versions WHERE state = 'pending'"
    )
    for *names, version in pending.iter_rows():
        audience = Audience(*names)
        if (audience, version) in published:
            finish_keys(warehouse, audience, version)
        else:
            drop_keys(warehouse, audience, [version])


def drop_keys(warehouse: Warehouse, audience: Audience, versions: Iterable[str]) -> None:
    """Forget all keys of the versions that no other version carries."""
    going = list(versions)
    if going:
        with warehouse.transaction():
            warehouse.execute(
                f"DELETE FROM warehouse.key_versions WHERE {SAME_AUDIENCE} AND list_contains($going, version)",
                **audience._asdict(),
                going=going,
            )
            _forget_uncarried(warehouse)


def thin_keys(warehouse: Warehouse, old: int, newest: int) -> None:
    """Forget those keys of the files `old` that the full files `newest` carry too (both by version_id).

    What may have to be removed some day stays known: of the old ones, those that are no longer carried.
    """
    _, (series,) = _numbers(warehouse, 1)
    left = warehouse.read(
        f"SELECT key, value FROM (SELECT * FROM {file_keys(_not_carried_by([newest]))} WHERE version_id = {old}) "
        f"ANTI JOIN (SELECT key, value FROM {file_keys()} WHERE version_id = {newest}) USING (key, value)"
    )
    with warehouse.transaction():
        warehouse.execute(
            "UPDATE warehouse.key_versions SET state = 'thin', series = $series WHERE version_id = $old",
            series=series,
            old=old,
        )
        marks = {"series": pl.lit(series, pl.UInt32), "since": pl.lit(old, pl.UInt32), "until": pl.lit(None, pl.UInt32)}
        warehouse.append("audience_keys", left.with_columns(**marks))
        _forget_uncarried(warehouse)


def _forget_uncarried(warehouse: Warehouse) -> None:
    """Delete the keys that no files carry any more."""
    spans = warehouse.read("SELECT DISTINCT series, since, until FROM warehouse.audience_keys")
    with registered(warehouse.connection, spans) as every:
        carried = f"SELECT DISTINCT series, since, until FROM {every} JOIN warehouse.key_versions USING (series)"
        left = warehouse.read(f"{carried} WHERE {_CARRIES}")
    dead = spans.join(left, on=spans.columns, how="anti", nulls_equal=True)
    if dead.is_empty():
        return
    with registered(warehouse.connection, dead) as gone:
        warehouse.execute(
            f"DELETE FROM warehouse.audience_keys USING {gone} AS gone WHERE audience_keys.series = gone.series AND "
            "audience_keys.since = gone.since AND audience_keys.until IS NOT DISTINCT FROM gone.until"
        )


def key_versions(warehouse: Warehouse, audience: Audience) -> pl.DataFrame:
    """version_id, version, kind, list, whole: the files of the audience whose keys are kept, if not all of them."""
    return _of_audience(warehouse, audience).select(
        "version_id", "version", "kind", "list", whole=pl.col("state") == "final"
    )


def _of_audience(warehouse: Warehouse, audience: Audience) -> pl.DataFrame:
    return warehouse.read(
        f"FROM warehouse.key_versions WHERE {SAME_AUDIENCE} AND state <> 'pending' ORDER BY version_id",
        **audience._asdict(),
    )


def full_keys_by_list(warehouse: Warehouse, audience: Audience, version: str) -> pl.DataFrame:
    """list, key, value: every key of each list's full files, once."""
    return warehouse.read(
        f"SELECT list, key, value FROM {file_keys()} WHERE {SAME_AUDIENCE} AND version = $version AND kind = 'full'",
        **audience._asdict(),
        version=version,
    )


def removed_keys(warehouse: Warehouse, audience: Audience, version: str) -> pl.DataFrame:
    """key, value: those that the version's remove files take out."""
    return warehouse.read(
        f"SELECT DISTINCT key, value FROM {file_keys()} WHERE {SAME_AUDIENCE} AND version = $version "
        "AND kind = 'remove'",
        **audience._asdict(),
        version=version,
    )


def kept_and_left(
    warehouse: Warehouse, audience: Audience, version: str, full: pl.DataFrame, since: SinceNewest
) -> tuple[int, int]:
    """How many keys the full files of the newest version that has any carry, in whatever list, and how many of them
    none of tonight's does.

    In: that version; list, key, value of what tonight's full files hold, each once; how they differ from the newest
    that are kept.
    """
    kept = _of_audience(warehouse, audience).filter(version=version, kind="full", state="final")
    files = kept["version_id"].to_list()
    if not files:
        return 0, 0
    each = "SELECT key, value" if len(files) == 1 else "SELECT DISTINCT key, value"
    keys = warehouse.read(f"SELECT count(*) AS keys FROM ({each} FROM {file_keys()} WHERE {_among(files)})")["keys"]
    # What no later files close they carry to this day, so that it is known whether it left.
    closed = file_keys(f"(FROM {STORED_KEYS} WHERE until IS NOT NULL)")
    left = since.left.join(kept.select("list"), on="list", how="semi").select("key", "value")
    doubtful = pl.concat([warehouse.read(f"SELECT key, value FROM {closed} WHERE {_among(files)}"), left]).unique()
    there = full.join(doubtful, on=["key", "value"], how="semi")
    return keys.item(), doubtful.join(there, on=["key", "value"], how="anti").height


def sent_keys(warehouse: Warehouse, audience: Audience, versions: list[str], newest: str | None) -> pl.DataFrame:
    """key, value, versions: every key that full or add files of the versions carry, and in which of them; not what the
    full files of the `newest` version carry in the same list too."""
    files = _of_audience(warehouse, audience)
    spared = files.filter(version=newest or "", kind="full")["version_id"].to_list()
    named = files.filter(pl.col("version").is_in(versions), pl.col("kind") != "remove")["version_id"].to_list()
    return warehouse.read(
        f"SELECT key, value, list(DISTINCT version) AS versions FROM {file_keys(_not_carried_by(spared))} "
        f"WHERE {_among(named)} GROUP BY key, value"
    )


def _not_carried_by(files: list[int]) -> str:
    """SQL for the stored keys of which it is not plain, without comparing keys, that the files carry them too."""
    return (
        f"(SELECT stored.* FROM {STORED_KEYS} AS stored LEFT JOIN (SELECT series, version_id AS newest "
        f"FROM warehouse.key_versions WHERE {_among(files)}) USING (series) "
        "WHERE newest IS NULL OR since > newest OR until <= newest)"
    )


def _among(files: list[int]) -> str:
    return f"list_contains({files}::UINTEGER[], version_id)"
