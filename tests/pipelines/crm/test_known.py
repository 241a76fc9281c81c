"""Nights that only look at raw rows they know leave what they leave where every row is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from pipelines import pieces
from pipelines.crm import known as known_rows
from pipelines.crm.known import known_tables, marking_rules
from pipelines.crm.pull import Reading, TableToWrite, pull_table
from pipelines.crm.pull_erasures import pull_erasures
from pipelines.tables.intervals import replace_by
from pipelines.tables.rules import set_made_by
from schemas.crm import CrmErasures
from schemas.network import match_columns, networks
from schemas.source import TableName
from tests.pipelines.crm.test_pull import reading_of
from tests.pipelines.erasure.purged import purge_at_once

FIRST = date(2025, 7, 1)
TABLES: tuple[TableName, ...] = ("customers", "orders", "consents", "visits")
#: Tables that other rates leave as they are.
NOT_RATED: tuple[TableName, ...] = ("customers", "consents", "visits")

#: What exports are made of: the same row written otherwise, with another value, broken; two people with one address.
LINES: dict[str, list[str]] = {
    "customers": [
        "jane,jane@x.fr,,FR,", "jane,Jane@x.fr,06 11 11 11 11,FR,", " jane ,jane@x.fr,,FR,", "jane,,,FR,nonsense",
        "bob,,06 12 34 56 78,FR,", "bob,,06 12 34 56 78,BE,1990-01-01", "zoe,zoe@x.fr,06 99 99 99 99,FR,",
        "zoe,zoe@x.fr,,FR,", "eve,jane@x.fr,06 22 22 22 22,FR,", ",nobody@x.fr,,FR,",
    ],
    "orders": [
        "o1,jane,2025-01-01,10,EUR,completed", " o1,jane,2025-01-01,10.00,EUR,COMPLETED",
        "o1,jane,2025-01-01,11,EUR,completed", "o1,jane,sometime,10,EUR,completed",
        "o2,zoe,2025-01-02,10,USD,completed", "o2,bob,2025-01-02,10,USD,completed", "o3,bob,2025-01-03,1,EUR,refunded",
        "o4,nobody,2025-01-03,1,EUR,completed", ",jane,2025-01-03,1,EUR,completed",
    ],
    "consents": [
        "jane,,ads_upload,,granted,2025-01-01", "jane ,,ads_upload,,Granted,2025-01-01",
        "zoe,,ads_upload,,granted,2025-01-01", "zoe,,ads_upload,,granted,2025-06-20",
        "zoe,zoe@x.fr,ads_upload,,denied,2025-01-01", ",jane@x.fr,ads_upload,,denied,2025-01-01",
        ",jane@x.fr,ads_upload,,granted,2025-06-20", ",06 12 34 56 78,ads_upload,,denied,2025-01-01",
        "bob,,ads_upload,,perhaps,2025-01-01", "bob,,ads_upload,,granted,sometime", ",,ads_upload,,granted,2025-01-01",
    ],
    "visits": ["v1,jane,2025-01-01,visit", "v1,jane,2025-01-01,purchase", "v2,zoe,2025-01-01,visit",
               "v2,zoe, 2025-01-01 ,visit", "v3,bob,2025-01-01,dance"],
    "erasures": ["r1,zoe,,,2025-06-01", "r2,,jane@x.fr,,2025-06-01", "r3,,,06 12 34 56 78,2025-06-01",
                 "r4,eve,,,2025-06-01"],
}  # fmt: skip
#: Without her there may be no customer at all; without a crowd nothing is few.
CROWD = ["ann,ann@x.fr,,FR,", *(f"c{number},c{number}@x.fr,,FR," for number in range(30))]


@dataclass(frozen=True)
class Night:
    """What the CRM exports, and what else is so."""

    lines: dict[str, list[str]]
    #: Days after the night before: 0 repeats it.
    later: int
    has_rate: bool
    #: When erased people are taken out of the warehouse, as new requests are taken in.
    purged: Literal["never", "while reading", "afterwards"]


exports = st.fixed_dictionaries(
    {
        **{table: st.lists(st.sampled_from(LINES[table]), max_size=6) for table in TABLES},
        "erasures": st.lists(st.sampled_from(LINES["erasures"]), max_size=2, unique=True),
    }
)
nights = st.builds(Night, exports, st.integers(0, 2), st.sampled_from([True, True, False]),
                   st.sampled_from(["never", "while reading", "afterwards"]))  # fmt: skip


#: Eve has Jane's address too, and stays without it when Jane asks to be forgotten by it.
BY_ADDRESS = "r2,,jane@x.fr,,2025-06-01"
BOTH = {**{table: [] for table in LINES}, "customers": ["jane,jane@x.fr,,FR,", "eve,jane@x.fr,06 22 22 22 22,FR,"]}
QUIET = Night(BOTH, 1, has_rate=True, purged="never")

#: Of each kind some rows: those that nobody doubts, that stand twice, that say something of an address, or are broken.
USUAL = {
    "customers": [LINES["customers"][number] for number in (0, 4, 6, 8, 9)],
    "orders": [LINES["orders"][number] for number in (0, 0, 4, 6, 7)],
    "consents": [LINES["consents"][number] for number in (0, 0, 2, 4, 5, 7, 8, 9)],
    "visits": LINES["visits"][1:],
    "erasures": [],
}
#: Rows that come beside them and change what is made of these, and requests that take from rows that stay.
OTHERWISE = {
    "customers": [*USUAL["customers"][1:], LINES["customers"][1]],
    "orders": [*USUAL["orders"][1:], LINES["orders"][5]],
    "consents": [*USUAL["consents"][1:], LINES["consents"][1]],
    "visits": LINES["visits"][:3],
    "erasures": [LINES["erasures"][number] for number in (0, 2)],
}
BUSY = [Night(lines, 1, has_rate=True, purged="never") for lines in (USUAL, OTHERWISE)]


def clear(warehouse: Warehouse) -> None:
    names = warehouse.read("SELECT table_name FROM duckdb_tables() WHERE database_name = 'warehouse'")["table_name"]
    for name in names:
        warehouse.execute(f"DROP TABLE warehouse.{name}")


def read_of(warehouse: Warehouse, folder: Path, night: Night, day: date) -> Reading:
    rates = (("USD", date(2024, 1, 1), "0.9"),) if night.has_rate else ()
    lines = {**night.lines, "customers": [*CROWD, *night.lines["customers"]]}
    lines["orders"] = [*(f"oc{number},c{number},2025-01-01,1,EUR,completed" for number in range(30)), *lines["orders"]]
    lines["consents"] = [
        *(f"c{number},,ads_upload,,granted,2025-01-01" for number in range(30)),
        *lines["consents"],
    ]
    return reading_of(warehouse.connection, folder, rates=rates, as_of=day, **lines)  # pyright: ignore[reportArgumentType]


def take_out(warehouse: Warehouse, read: Reading, erasures: pl.DataFrame) -> None:
    purge_at_once(warehouse, erasures, match_columns(networks().values()), read.compared)


def pulled(warehouse: Warehouse, read: Reading, *prefixes: str, purged: bool = False) -> dict[TableName, TableToWrite]:
    """All five tables as a night reads them, and writes those that begin with each prefix."""
    erasures = pull_erasures(read, pl.DataFrame(CrmErasures.create_empty()))
    stones = erasures.rows
    if purged:
        take_out(warehouse, read, stones)
    tables: dict[TableName, TableToWrite] = {}
    unapplied = stones.clear() if purged else stones
    for name in TABLES:
        living, withheld = f"warehouse.{prefixes[0]}_customers", f"warehouse.{prefixes[0]}_withheld"
        table = pull_table(name, read, stones, living, withheld, unapplied=unapplied)
        if table.covered is not None and table.withheld is not None:
            stones, unapplied = (pl.concat([each, table.covered.tombstones]) for each in (stones, unapplied))
            warehouse.replace(f"{prefixes[0]}_withheld", table.withheld)
        tables[name] = table
        assert table.arrived is not None
        with warehouse.transaction():
            for prefix in prefixes:
                replace_by(
                    warehouse,
                    f"{prefix}_{name}",
                    table.arrived,
                    day=read.as_of,
                    kept_days=3,
                    staying=table.staying,
                    parts=table.parts if prefix == "crm" else (),
                )
            if "crm" in prefixes:
                rules = marking_rules(name, read.crm.sources, read.settings, read.rates)
                set_made_by(warehouse, f"crm_{name}", rules)
    tables["erasures"] = erasures._replace(select="FROM stones")
    warehouse.replace("stones", stones)
    return tables


def told(table: TableToWrite) -> tuple[object, ...]:
    return table.read, table.erased, table.quarantined.sort(pl.all()).rows()


def same(warehouse: Warehouse, name: str) -> None:
    for kind in ("", "past_", "new_"):
        there = [warehouse.has(f"{kind}{prefix}_{name}") for prefix in ("crm", "full")]
        assert there[0] == there[1]
        if there[0]:
            ours, theirs = (warehouse.read(f"FROM warehouse.{kind}{prefix}_{name}") for prefix in ("crm", "full"))
            assert ours.sort(pl.all()).equals(theirs.select(ours.columns).sort(pl.all())), f"{kind}{name}"


@settings(max_examples=1, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lived=st.lists(nights, min_size=2, max_size=2).filter(lambda lived: bool(lived[1].lines["erasures"])))
@example(lived=[QUIET, replace(QUIET, lines={**QUIET.lines, "erasures": [BY_ADDRESS]}, purged="while reading")])
@example(lived=BUSY)
def test_nights_that_know_rows_leave_what_nights_leave_that_read_every_row(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lived: list[Night]
) -> None:
    clear(warehouse)
    day, had_rate = FIRST, None
    for night in lived:
        # Marks are compared part by part, of which some are empty.
        monkeypatch.setattr(known_rows, "_MARKS_AT_ONCE", night.later + 2)
        monkeypatch.setattr(pieces, "_ROWS_AT_ONCE", 7)
        day += timedelta(days=night.later)
        read = read_of(warehouse, tmp_path, night, day)
        known = known_tables(warehouse, read.crm.sources, read.settings, read.rates)
        wanted = () if had_rate is None else TABLES if had_rate == night.has_rate else NOT_RATED
        assert tuple(known) == wanted
        had_rate = night.has_rate
        if not known:
            first = pulled(warehouse, read, "crm", "full")
            for table in first.values():
                table.drop()
            continue
        knowing = replace(read, crm=replace(read.crm, known=known))
        ours = pulled(warehouse, knowing, "crm", purged=night.purged == "while reading")
        # Else the marks of some table told what they should not, and were given up.
        assert [name for name in TABLES if ours[name].staying] == list(known)
        for table in ours.values():
            table.drop()
        full = pulled(warehouse, read, "full")
        for name in TABLES:
            assert told(ours[name]) == told(full[name])
            same(warehouse, name)
        if night.purged == "afterwards":
            take_out(warehouse, read, warehouse.read("FROM warehouse.stones"))
            for name in TABLES:
                same(warehouse, name)
        for table in full.values():
            table.drop()


@pytest.mark.parametrize("event", ["event", "CASE WHEN event IN ('a', 'b', 'd', 'e', 'f') THEN 'visit' ELSE event END"])
def test_rows_that_are_set_aside_among_many_known_ones_are_told_by_their_own_places(
    warehouse: Warehouse, tmp_path: Path, event: str
) -> None:
    # Of a file so large, several threads read parts at once.
    warehouse.execute("SET threads = 4")
    moments = ("sometime" if number % 50_000 == 7 else "2025-01-01" for number in range(200_000))
    lines = [f"v{number:0100},c,{moment},visit" for number, moment in enumerate(moments)]
    read = reading_of(warehouse.connection, tmp_path, visits=lines)
    tables = read.crm.sources.tables
    asked = (tables.visits.select or "").replace(",event", f",{event} AS event")
    visits = tables.visits.model_copy(update={"select": asked})
    declared = read.crm.sources.model_copy(update={"tables": tables.model_copy(update={"visits": visits})})
    read = replace(read, crm=replace(read.crm, sources=declared))
    first = read.crm.pull("visits")
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE held AS {first.arrival.written}")
    again = replace(read.crm, known={"visits": "held"}).pull("visits")
    assert first.quarantined["row"].sort().to_list() == [8, 50_008, 100_008, 150_008]
    assert again.quarantined.sort(pl.all()).equals(first.quarantined.sort(pl.all()))
    assert again.read == first.read == 200_000
    # None of the others arrived once more.
    assert again.arrival.rows().is_empty()
