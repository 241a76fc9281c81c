"""What a network holds of an audience by the journal, and what it may hold without anybody having said so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import polars as pl

from catalog.duckdb_connection import inline, registered
from catalog.warehouse import Warehouse
from pipelines.holdings.audience_keys import KEYS, STORED_KEYS, SinceNewest, file_keys
from pipelines.holdings.open_lists import OpenList, open_lists
from schemas.journal import UPLOADED, Confirmation, VersionOrder

#: A key, and which of the network's lists it is in.
LISTED_KEYS = {"list": pl.String, **KEYS}
#: Later than any version.
_NEVER = 2**32 - 1

#: By version and kind of file: the number that stands for the keys of each list's files.
KnownFiles = dict[tuple[str, str], dict[str, int]]


class Event(NamedTuple):
    """The keys of some files came into a list or left it. Of two events about one key the later speaks."""

    version_id: int
    version: str
    list: str
    order: int
    present: bool


class Holdings(NamedTuple):
    """What made the newest list what it is; what may have gone into some list; versions that the list was filled with
    and whose keys are no longer kept."""

    held: tuple[Event, ...]
    carried: tuple[Event, ...]
    unknown: tuple[str, ...]


class Differences(NamedTuple):
    """Frames of list, key, value: `adds` are in the full files and not held; `leaving` the other way round; `carried`
    are in no full file and may be held all the same, with the newest `version` that carried each."""

    adds: pl.DataFrame
    leaving: pl.DataFrame
    carried: pl.DataFrame


def holdings(standing: Sequence[Confirmation], files: pl.DataFrame, published_at: Mapping[str, datetime]) -> Holdings:
    """In: the audience's standing confirmations; `key_versions`; when each version was published (UTC)."""
    lists = open_lists(standing)
    held, unknown = _held(lists[-1], _ids(files.filter("whole"))) if lists else ([], [])
    return Holdings(tuple(held), tuple(_carried(standing, _ids(files), published_at)), tuple(unknown))


def possible_lists(
    standing: Sequence[Confirmation], files: pl.DataFrame, published_at: Mapping[str, datetime]
) -> list[list[Event]]:
    """As above, every list that the network may have: each open one, and what was uploaded without a word."""
    known = _ids(files)
    return [*(_held(each, known)[0] for each in open_lists(standing)), _carried(standing, known, published_at)]


def unknown_versions(held: OpenList, files: pl.DataFrame) -> tuple[str, ...]:
    """Versions that the list was filled with and whose keys are no longer kept. In: `key_versions`."""
    return tuple(_held(held, _ids(files.filter("whole")))[1])


def present_after(found: pl.DataFrame, events: Iterable[Event], by: tuple[str, ...] = ()) -> pl.DataFrame:
    """In: what files carry (version_id, list, key, value, `by`); the events of a list, in any order. Out: what of it is
    in the list after all of them."""
    happened = pl.DataFrame(
        [(event.version_id, event.order, event.present) for event in events],
        schema={"version_id": pl.UInt32, "order": pl.Int64, "present": pl.Boolean},
        orient="row",
    )
    last = found.join(happened, on="version_id").group_by(*by, "list", "key", "value")
    return last.agg(pl.col("present").sort_by("order").last()).filter("present").drop("present")


def differences(
    warehouse: Warehouse, full: pl.DataFrame, found: Holdings, since: SinceNewest | None = None
) -> Differences:
    """In: list, key, value of what the new full files hold, each once; how they differ from the newest that are kept:
    without that every key is looked at, not only those of which something may have changed.
    """
    adds, leaving = full, pl.DataFrame(schema=LISTED_KEYS)
    carried = leaving.with_columns(version=pl.lit(None, pl.String))
    if not found.held and not found.carried:
        return Differences(adds, leaving, carried)
    stored, asked = (STORED_KEYS, full) if since is None else _in_question(warehouse, found, since)
    with registered(warehouse.connection, asked) as now:
        if found.held:
            held = _held_query(found.held, stored)
            # One join for both directions: building the larger side twice would cost as much as writing the files.
            apart = warehouse.read(
                f"SELECT list, key, value, here IS NULL AS leaves FROM (SELECT *, 1 AS here FROM {now}) "
                f"FULL JOIN (SELECT list, key, value, 1 AS there FROM ({held})) USING (list, key, value) "
                "WHERE here IS NULL OR there IS NULL"
            )
            adds, leaving = (apart.filter(side).drop("leaves") for side in (~pl.col("leaves"), pl.col("leaves")))
        if found.carried:
            versions = {event.order: event.version for event in found.carried}
            after = _last_word(found.carried, stored, f"ANTI JOIN {now} USING (list, key, value)")
            carried = warehouse.read(f"SELECT list, key, value, newest FROM ({after}) WHERE present").select(
                "list", "key", "value", version=pl.col("newest").replace_strict(versions, return_dtype=pl.String)
            )
    return Differences(adds, leaving, carried)


def _in_question(warehouse: Warehouse, found: Holdings, since: SinceNewest) -> tuple[str, pl.DataFrame]:
    """Of the stored keys (a table as `AudienceKeys`) and of those of the new full files, the ones that may differ.

    The others are carried by the newest full files, are there tonight too, and were there when the list was filled.
    """
    files = warehouse.read("SELECT version_id, series, list FROM warehouse.key_versions")
    events = {event.version_id for event in (*found.held, *found.carried)}
    first = {event.version_id for event in _first_present(found.held)}
    # By the newest full files that are held: what came later may have to be added. Nothing is where nothing is held.
    filled = files.filter(pl.col("version_id").is_in(list(first))).select("series", filled="version_id")
    otherwise = 0 if found.held else _NEVER
    asked = pl.concat(
        [
            files.filter(pl.col("version_id").is_in(list(events))).select("series", "list"),
            since.series.select("series", "list"),
        ]
    )
    asked = (
        asked.unique()
        .join(filled, on="series", how="left")
        .with_columns(
            pl.col("filled").fill_null(otherwise).cast(pl.UInt32),
            is_full=pl.col("series").is_in(since.series["series"].implode()),
        )
    )
    stored = f"FROM warehouse.audience_keys JOIN {inline(asked)} USING (series)"
    connection = warehouse.connection
    with registered(connection, since.came) as came, registered(connection, since.left) as left:
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE _doubtful AS SELECT * FROM {came} UNION SELECT * FROM {left} "
            f"UNION SELECT list, key, value {stored} WHERE NOT is_full OR until IS NOT NULL OR since > filled"
        )
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE _doubtful_keys AS SELECT series, key, value, since, until, list, is_full "
            f"{stored} SEMI JOIN _doubtful USING (list, key, value)"
        )
        # What the newest full files carry is there tonight, unless it left.
        now = (
            f"SELECT * FROM {came} UNION ALL SELECT list, key, value FROM _doubtful_keys "
            f"ANTI JOIN {left} USING (list, key, value) WHERE is_full AND until IS NULL"
        )
        return "(SELECT series, key, value, since, until FROM _doubtful_keys)", warehouse.read(now)


def sent_with(warehouse: Warehouse, full: pl.DataFrame, found: Holdings, uploads: Iterable[int]) -> pl.DataFrame:
    """list, key, value, upload: those keys of the new full files that are held, and were sent last with one of the
    `uploads` into the newest list (by place)."""
    held = _held_query(found.held)
    with registered(warehouse.connection, full) as now:
        return warehouse.read(
            f"SELECT list, key, value, newest AS upload FROM ({held}) SEMI JOIN {now} USING (list, key, value) "
            "WHERE list_contains($uploads, newest)",
            uploads=list(uploads),
        )


def held_by_upload(warehouse: Warehouse, found: Holdings) -> dict[int, int]:
    """Upload into the newest list (by place) → how many of the keys that it holds were sent last with it."""
    counted = f"SELECT newest, count(*) AS keys FROM ({_held_query(found.held)}) GROUP BY newest ORDER BY 1"
    return dict(warehouse.read(counted).iter_rows())


def unsaid_versions(found: Holdings) -> tuple[str, ...]:
    """Versions of which nobody said anything and that may be at the network all the same, oldest first."""
    return tuple(sorted({event.version for event in found.carried if event.present}, key=VersionOrder.of))


def _last_word(events: Iterable[Event], stored: str, among: str = "") -> str:
    """A query for list, key, value, newest (event), present: the last word of the events on each key `among` some."""
    return (
        f"SELECT list, key, value, max(event) AS newest, arg_max(present, event) AS present FROM {_in_query(events)} "
        f"JOIN {file_keys(stored)} USING (version_id) {among} GROUP BY list, key, value"
    )


def _in_query(events: Iterable[Event]) -> str:
    rows = [(event.version_id, event.order, event.present) for event in events]
    schema = {"version_id": pl.UInt32, "event": pl.Int64, "present": pl.Boolean}
    return inline(pl.DataFrame(rows, schema=schema, orient="row"))


def _held_query(events: Sequence[Event], stored: str = STORED_KEYS) -> str:
    """A query for list, key, value, newest: what is held, and with which upload it was sent last. Full files
    are large and the deltas on top of them small, so only the deltas are grouped."""
    whole = _first_present(events)
    full = (
        f"SELECT list, key, value, event AS newest FROM {_in_query(whole)} JOIN {file_keys(stored)} USING (version_id)"
    )
    later = [event for event in events if event not in whole]
    if not later:
        return full
    since = _last_word(later, stored)
    # Grouped before the union: of some with an arm that groups, DuckDB never comes to an end (docs/decisions/0042).
    return (
        f"WITH since AS MATERIALIZED ({since}) "
        f"SELECT list, key, value, newest FROM ({full}) ANTI JOIN since USING (list, key, value) "
        "UNION ALL SELECT list, key, value, newest FROM since WHERE present"
    )


def _first_present(events: Iterable[Event]) -> set[Event]:
    """The first event of each list, if it filled it."""
    first: dict[str, Event] = {}
    for event in events:
        first.setdefault(event.list, event)
    return {event for event in first.values() if event.present}


def _ids(files: pl.DataFrame) -> KnownFiles:
    known: KnownFiles = {}
    for version_id, version, kind, label in files.select("version_id", "version", "kind", "list").iter_rows():
        known.setdefault((version, kind), {})[label] = version_id
    return known


def _held(held: OpenList, known: KnownFiles) -> tuple[list[Event], list[str]]:
    events: list[Event] = []
    unknown: list[str] = []
    for order, (version, kind) in enumerate(held.uploads):
        files = known.get((version, UPLOADED[kind]), {})
        if kind == "replaced":
            # A list that the version had no file for stays as it was.
            events = [event for event in events if event.list not in files]
            unknown = []
        if not files:
            unknown.append(version)
        events += [Event(number, version, label, order, kind != "removed") for label, number in files.items()]
    return events, unknown


def _carried(
    standing: Sequence[Confirmation],
    known: KnownFiles,
    published_at: Mapping[str, datetime],
) -> list[Event]:
    """Files are copied by hand, so a version of which nobody said anything may be at the network. That is over when one
    at least as new has replaced the list, or when every list was deleted later."""
    said = {(each.version, each.kind) for each in standing}
    accounted = {version for version, kind in said if kind != "deleted"} | _deleted(standing, published_at)
    replaced = [
        (VersionOrder.of(version), label)
        for version, kind in said
        if kind == "replaced"
        for label in known.get((version, "full"), {})
    ]
    events: list[Event] = []
    for order, version in enumerate(sorted({version for version, _ in known}, key=VersionOrder.of)):
        place = VersionOrder.of(version)
        for kind in ("full", "add") if version not in accounted else ():
            events += [
                Event(number, version, label, order, present=True)
                for label, number in known.get((version, kind), {}).items()
                if all(label != other or newer < place for newer, other in replaced)
            ]
        if (version, "removed") in said:
            gone = known.get((version, "remove"), {})
            events += [Event(number, version, label, order, present=False) for label, number in gone.items()]
    return events if any(event.present for event in events) else []


def _deleted(standing: Sequence[Confirmation], published_at: Mapping[str, datetime]) -> set[str]:
    """Unconfirmed versions that are in no list, because lists were deleted since they were published."""
    over: set[str] = set()
    for place, confirmation in enumerate(standing):
        if confirmation.kind != "deleted":
            continue
        before, after = open_lists(standing[:place]), open_lists(standing[: place + 1])
        if not after:
            over |= {version for version, then in published_at.items() if then <= confirmation.confirmed_at}
        if len(before) == len(after):
            # A list that nobody had confirmed.
            newest = VersionOrder.of(confirmation.version)
            over |= {version for version in published_at if VersionOrder.of(version) <= newest}
    return over
