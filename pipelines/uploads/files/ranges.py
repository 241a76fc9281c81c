"""Rows in the order of their columns, a slice at a time. What does not fit is dealt into files, a range of the order
each."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipelines.uploads.files.order import first_filled, places_in_order

#: So many bytes of rows are held in memory. Above, frames are spooled; a single frame is in memory anyway.
HELD_BYTES = 4_000_000_000
#: Rows that are brought together at once, once their order is known.
_SLICE = 200_000
_RANGES = 32
_ROW_TYPES = pl.CompatLevel.oldest()
#: What a cell takes beside its text.
_CELL_BYTES = 16


class Ranges(NamedTuple):
    """Rows by range of the order: in memory, or in files."""

    held: pl.DataFrame | None
    spools: tuple[tuple[Path, ...], ...]

    def frames(self) -> Iterator[pl.DataFrame]:
        """All rows in the order of all columns, a null before any text. An owner's rows are in one frame."""
        if self.held is not None:
            yield from _slices(self.held)
        for files in self.spools:
            if files:
                yield from _slices(pl.concat([pl.read_ipc(file) for file in files], rechunk=True))


@contextmanager
def sorted_ranges(frames: Iterable[pl.DataFrame], folder: Path) -> Iterator[Ranges]:
    """The rows of `frames`, to be read range by range; spool files lie in `folder` while this is open."""
    spool = folder / ".ranges"
    try:
        yield _dealt(iter(frames), spool)
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def _dealt(frames: Iterator[pl.DataFrame], spool: Path) -> Ranges:
    held: list[pl.DataFrame] = []
    size = 0
    for frame in frames:
        if size > HELD_BYTES:
            frames = chain([frame], frames)
            break
        held.append(frame)
        size += _bytes(frame)
    else:
        return Ranges(pl.concat(held, rechunk=True), ())
    spool.mkdir(mode=0o700)
    # The first rows stand for all: rows come in no order that the columns know of.
    marks = pl.concat([frame.select(first_filled(frame)) for frame in held]).to_series().sort()
    bounds = marks.gather([marks.len() * place // _RANGES for place in range(1, _RANGES)])
    spools: list[list[Path]] = [[] for _ in range(_RANGES)]
    for frame in _each(held, frames):
        places = bounds.search_sorted(frame.select(first_filled(frame)).to_series(), side="right")
        dealt = frame.with_columns(place=places).partition_by("place", as_dict=True, include_key=False)
        for (place,), part in dealt.items():
            path = spool / f"{place}-{len(spools[place])}.arrow"
            part.write_ipc(path, compression="uncompressed", compat_level=_ROW_TYPES)
            spools[place].append(path)
    return Ranges(None, tuple(tuple(files) for files in spools))


def _each(held: list[pl.DataFrame], frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    while held:
        yield held.pop(0)
    yield from frames


def _slices(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    places = places_in_order(rows)
    owners = rows["owner"] if "owner" in rows.columns else None
    start = 0
    while start < rows.height:
        end = min(start + _SLICE, rows.height)
        while owners is not None and end < rows.height and owners[places[end]] == owners[places[end - 1]]:
            end += 1
        yield rows[places[start:end]]
        start = end


def _bytes(frame: pl.DataFrame) -> int:
    """What the rows take in memory; Polars would count texts again in each frame that shares them."""
    texts = frame.select(pl.col(pl.String).str.len_bytes().sum())
    return sum(texts.row(0)) + _CELL_BYTES * frame.height * frame.width
