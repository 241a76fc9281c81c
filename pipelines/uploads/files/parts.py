"""Where a list that is above its network's maximum is cut: into parts of about equal size, people whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from schemas.network import Network, UploadList


class Cut:
    """The cut of one list. A row weighs what it uses up of the network's maximum, in whole numbers; of two maxima, the
    larger share counts, so that a part that weighs at most `room` keeps both."""

    def __init__(self, upload_list: UploadList, network: Network, *, header: int) -> None:
        """`header`: how many bytes each part's header takes."""
        self._slots = [slot.name for slot in upload_list.slots]
        # Hashes never need quotes.
        self._plain = [slot.name for slot in upload_list.slots if slot.match is None or slot.match.hash == "none"]
        self._file = network.file
        rows, size = network.file.maximum_rows, network.file.maximum_bytes
        self._limited = rows is not None or size is not None
        self._rows, self._bytes = rows or 1, (size - header) if size is not None else 1
        self._room = self._rows * self._bytes
        self._whole = self._heaviest = 0

    def weighed(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames as they are, after each was weighed; people are whole in a frame."""
        for frame in frames:
            if self._limited and frame.height:
                weights = self._weights(frame)
                self._whole += int(weights["weight"].sum())
                if "group" in weights.columns:
                    # Equal hashes of two owners would only make the heaviest heavier.
                    weights = weights.group_by(pl.col("group").hash()).agg(pl.col("weight").sum())
                self._heaviest = max(self._heaviest, int(weights.select(pl.col("weight").max()).item()))
            yield frame

    @property
    def parts(self) -> int:
        """How many parts the weighed frames take."""
        if self._whole <= self._room:
            return 1
        # A part may begin with somebody who mostly weighs on the part before.
        return -(-self._whole // max(1, self._room - self._heaviest + 1))

    def in_parts(self, frames: Iterable[pl.DataFrame]) -> Iterator[tuple[int, pl.DataFrame]]:
        """The rows of the sorted `frames`, each with the number of its part, from 0 on, never falling."""
        parts, before = self.parts, 0
        share = -(-self._whole // parts)
        for frame in frames:
            if parts == 1:
                yield 0, frame
                continue
            weights = self._weights(frame).with_columns(end=before + pl.col("weight").cum_sum())
            # In the order, the rows of one owner follow each other.
            end = pl.col("end").max().over(pl.col("group").rle_id()) if "group" in weights.columns else pl.col("end")
            places = weights.select((end - 1) // share).to_series()
            for place in places.unique().sort():
                yield place, frame.filter(places == place)
            before += int(weights["weight"].sum())

    def _weights(self, frame: pl.DataFrame) -> pl.DataFrame:
        """weight (Int64) of each row, and `group`, whose rows stay together."""
        weight = pl.repeat(1, frame.height, dtype=pl.Int64)
        if self._file.maximum_bytes is not None:
            weight = self._most_bytes() * self._rows
            if self._file.maximum_rows is not None:
                weight = pl.max_horizontal(weight, pl.lit(self._bytes))
        group = [pl.col("owner").alias("group")] if "owner" in frame.columns else []
        return frame.select(weight.alias("weight"), *group)

    def _most_bytes(self) -> pl.Expr:
        """At most so many bytes has the row in the file."""
        ends = len(self._slots) - 1 + len(self._file.newline)
        if self._file.quoting == "always":
            ends += 2 * len(self._slots)
        lengths = [pl.col(slot).cast(pl.String).str.len_bytes().fill_null(0) for slot in self._slots]
        quotes = [
            2 + pl.col(slot).cast(pl.String).str.count_matches('"', literal=True).fill_null(0) for slot in self._plain
        ]
        return (pl.sum_horizontal(*lengths, *quotes) + ends).cast(pl.Int64)
