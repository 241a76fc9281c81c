"""Sorting what does not fit: rows are dealt into ranges of the order, and one range at a time is sorted."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import polars as pl

#: So many rows are held in memory; above, rows are spooled.
HELD_ROWS = 1_500_000
_RANGES = 32
_ROW_TYPES = pl.CompatLevel.oldest()


class Ranges(NamedTuple):
    """Rows by range of the order: in memory, or in files."""

    held: pl.DataFrame | None
    spools: tuple[tuple[Path, ...], ...]

    def frames(self) -> Iterator[pl.DataFrame]:
        """All rows in the order of all columns, a null before any text, a range at a time."""
        if self.held is not None:
            yield ordered(self.held)
        for files in self.spools:
            if files:
                yield ordered(pl.concat([pl.read_ipc(file) for file in files]))


def ordered(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows in the order of their columns; a null counts as an empty text."""
    return rows.sort(
        pl.col(name).fill_null("") if kind == pl.String else pl.col(name) for name, kind in rows.schema.items()
    )


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
    rows = 0
    for frame in frames:
        held.append(frame)
        rows += frame.height
        if rows > HELD_ROWS:
            break
    else:
        return Ranges(pl.concat(held), ())
    spool.mkdir(mode=0o700)
    # The first rows stand for all: rows come in no order that the columns know of.
    marks = pl.concat([frame.select(_mark(frame)) for frame in held]).to_series().sort()
    bounds = marks.gather([marks.len() * place // _RANGES for place in range(1, _RANGES)])
    spools: list[list[Path]] = [[] for _ in range(_RANGES)]
    for frame in _each(held, frames):
        places = bounds.search_sorted(frame.select(_mark(frame)).to_series(), side="right")
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


def _mark(frame: pl.DataFrame) -> pl.Expr:
    """A short text that never falls where the order rises: which text column is the first filled, and how it begins."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    firsts = (
        pl.when(pl.col(name).is_not_null()).then(pl.concat_str(pl.lit(chr(126 - place)), pl.col(name).str.slice(0, 6)))
        for place, name in enumerate(texts)
    )
    return pl.coalesce(*firsts, pl.lit(""))
