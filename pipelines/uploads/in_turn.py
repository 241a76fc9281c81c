"""Whether the tables that are published fit together: each worked out for the day, and after what it is made of.

A night makes them one after the other. By hand, one may be made alone; what is made of it then still speaks of before,
such as permissions that do not know of a withdrawal read since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.crm.days_to_come import newest_read
from schemas.errors import DayError
from schemas.said import Said

#: Stage → the stages that it is made of.
MADE_OF: dict[str, tuple[str, ...]] = {
    "crm.erasures": (),
    "crm.customers": ("crm.erasures",),
    "crm.orders": (),
    "crm.consents": (),
    "crm.visits": (),
    "crm.suppressions": (),
    "customers": ("crm.customers", "crm.consents", "crm.suppressions"),
    "features": ("customers", "crm.orders", "crm.visits"),
    "identifiers": ("customers",),
    "uploads.refused_keys": ("identifiers", "crm.erasures", "crm.suppressions"),
}

#: Before a segment's name; each is made of features.
SEGMENT = "segments."

_TURNS = {"stage": pl.String, "as_of": pl.Date, "turn": pl.Int64}


def _made_of(stage: str) -> tuple[str, ...]:
    return ("features",) if stage.startswith(SEGMENT) else MADE_OF[stage]


@contextmanager
def taking_turn(warehouse: Warehouse, stage: str, as_of: date) -> Iterator[None]:
    """Note that the stage was worked out for `as_of` after all that was noted before; if it fails, that it was not. A
    day that is refused changes nothing. Segments of an older day, made of its kept features, lie beside those of the
    newest.

    Raises:
        DayError: the stage is made of the CRM, which was not read for `as_of` yet or has been read for a newer day.
    """
    is_segment = stage.startswith(SEGMENT)
    if not is_segment and stage not in MADE_OF:
        yield
        return
    newest = newest_read(warehouse)
    is_older = newest is not None and as_of < newest
    # The CRM says itself which day it can be read for.
    if not stage.startswith("crm."):
        _check_read(as_of, newest)
        if is_older and not is_segment:
            _refuse_older(stage, as_of, newest)
    if is_older:
        yield
        return
    warehouse.append("turns", pl.DataFrame(schema=_TURNS))
    noted = warehouse.read("FROM warehouse.turns")
    warehouse.execute("DELETE FROM warehouse.turns WHERE stage = $stage", stage=stage)
    try:
        yield
    except DayError:
        warehouse.append("turns", noted.filter(pl.col("stage") == stage))
        raise
    turn = max(noted["turn"], default=0) + 1
    warehouse.execute(
        "INSERT INTO warehouse.turns (stage, as_of, turn) VALUES ($stage, $as_of, $turn)",
        stage=stage,
        as_of=as_of,
        turn=turn,
    )


def _check_read(as_of: date, newest: date | None) -> None:
    if newest is None:
        msg = Said("No CRM was read into this home yet. Materialize crm first, or the whole night.")
        raise DayError(msg)
    if as_of > newest:
        msg = Said(
            "The CRM was read for {newest} last, not for {as_of}. Choose the partition {newest}, or materialize crm "
            "of {as_of} first.",
            newest=newest,
            as_of=as_of,
        )
        raise DayError(msg)


def _refuse_older(stage: str, as_of: date, newest: date | None) -> None:
    msg = Said(
        "{asset} of {as_of} stays as that night left it: made of the CRM of {newest}, it would be another. "
        "`relance replay {as_of}` rebuilds that night's files. Choose the partition {newest}.",
        asset=_asset(stage),
        as_of=as_of,
        newest=newest,
    )
    raise DayError(msg)


def check_in_turn(warehouse: Warehouse, needed: Iterable[str], *, as_of: date) -> None:
    """Refuse to publish by `needed` stages if one that they are made of was not worked out for `as_of`, or not since
    what it is made of itself.

    Raises:
        DayError: naming it.
    """
    warehouse.append("turns", pl.DataFrame(schema=_TURNS))
    noted = warehouse.read("SELECT stage, turn FROM warehouse.turns WHERE as_of = $day", day=as_of)
    turns = dict(noted.iter_rows())
    for stage in dict.fromkeys(each for name in needed for each in _with_sources(name)):
        if stage not in turns:
            msg = Said(
                "{asset} was not materialized for {as_of}, or not to its end. Materialize it and what is made of it, "
                "or the whole night.",
                asset=_asset(stage),
                as_of=as_of,
            )
            raise DayError(msg)
        newer = [source for source in _made_of(stage) if turns[source] > turns[stage]]
        if newer:
            msg = Said(
                "{asset} is older than {newer}, of which it is made. Materialize it and what is made of it, or the "
                "whole night.",
                asset=_asset(stage),
                newer=", ".join(map(_asset, newer)),
            )
            raise DayError(msg)


def _with_sources(stage: str) -> Iterator[str]:
    """What the stage is made of, however far back, the first first; then itself."""
    for source in _made_of(stage):
        yield from _with_sources(source)
    yield stage


def _asset(stage: str) -> str:
    """What Dagster calls it."""
    group, _, name = stage.partition(".")
    return f"{group}/crm_{name}" if group == "crm" else f"{group}/{name or group}"
