"""The order of a list's rows: by all columns, a null as an empty text. Found by numbers, which sort ten times faster
than texts (measured)."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

#: So many bytes of a text make a number that sorts as the text does.
_BYTES = 8
#: More columns than these do not tell ranges of the order apart.
_MOST_COLUMNS = 60
#: The upper bits of a mark say which column it is of.
_MARK_BITS = 6


class _Level(NamedTuple):
    """Positions of the order that are not settled: rows of one `group` are alike in all columns seen so far."""

    positions: pl.Series
    #: None: all are one group.
    group: pl.Series | None


def ordered(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows in the order of their columns; a null counts as an empty text."""
    return rows[places_in_order(rows)]


def places_in_order(rows: pl.DataFrame) -> pl.Series:
    """In: rows of text and number columns. Out: their places, first to last.

    Column by column, of rows only that are alike in the columns before: first by what texts begin with, then by the
    texts themselves where equal beginnings go on differently.
    """
    places = pl.int_range(rows.height, dtype=pl.UInt32, eager=True)
    level = _Level(places.clone(), None)
    for column in rows.iter_columns():
        if column.dtype != pl.String:
            level = _settled(places, level, column.gather(places.gather(level.positions)))
            continue
        level = _settled(places, level, _numbers(column.gather(places.gather(level.positions))))
        texts = _where_unlike(column.gather(places.gather(level.positions)).fill_null(""), level)
        if texts.null_count() < texts.len():
            level = _settled(places, level, texts)
        if level.positions.is_empty():
            break
    return places


def first_filled(rows: pl.DataFrame) -> pl.Expr:
    """A number (UInt64) that never falls where the order rises: the first filled text column, and how that begins."""
    texts = [name for name, kind in rows.schema.items() if kind == pl.String][:_MOST_COLUMNS]
    marks = [
        pl.when(number > 0).then(
            number // 2**_MARK_BITS + pl.lit((_MOST_COLUMNS - place) << (64 - _MARK_BITS), dtype=pl.UInt64)
        )
        for place, number in enumerate(_number(name) for name in texts)
    ]
    return pl.coalesce(*marks, pl.lit(0, dtype=pl.UInt64)).alias("mark")


def _settled(places: pl.Series, level: _Level, keys: pl.Series) -> _Level:
    """Bring the positions of `level` in `places` into the order of `keys`; what is still level then."""
    group = level.group
    if group is None:
        # Much faster than by a second key that is the same for all.
        sorting = keys.arg_sort()
    else:
        sorting = pl.DataFrame({"group": group, "key": keys}).select(pl.arg_sort_by("group", "key")).to_series()
    places.scatter(level.positions, places.gather(level.positions).gather(sorting))
    alike = _as_before(keys.gather(sorting))
    if group is not None:
        alike &= _as_before(group.gather(sorting))
    still = alike | alike.shift(-1, fill_value=False)
    return _Level(level.positions.filter(still), (~alike).cast(pl.UInt32).cum_sum().filter(still))


def _as_before(values: pl.Series) -> pl.Series:
    """Whether each is as the one before it."""
    return values.eq_missing(values.shift()) & (pl.int_range(values.len(), eager=True) > 0)


def _where_unlike(texts: pl.Series, level: _Level) -> pl.Series:
    """The texts of groups in which they differ; null for those of all others."""
    frame = pl.DataFrame({"group": level.group, "text": texts})
    first = pl.col("group") != pl.col("group").shift()
    unlike = frame.filter(~first & (pl.col("text") != pl.col("text").shift()))["group"].unique()
    return frame.select(pl.when(pl.col("group").is_in(unlike.implode())).then("text")).to_series()


def _numbers(texts: pl.Series) -> pl.Series:
    return texts.rename("text").to_frame().select(_number("text")).to_series()


def _number(name: str) -> pl.Expr:
    """The text's first bytes as a number that rises as texts do; 0 for none."""
    text = pl.col(name)
    filled = pl.when(text.str.len_bytes() < _BYTES).then(text.str.pad_end(_BYTES, "\0")).otherwise(text)
    beginning = filled.cast(pl.Binary).bin.slice(0, _BYTES)
    return beginning.bin.reinterpret(dtype=pl.UInt64, endianness="big").fill_null(0)
