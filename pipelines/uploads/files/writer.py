"""Rows → the bytes of a list's files, as the network's format says: sorted, and in parts where it sets a maximum."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Literal

import polars as pl

from pipelines.uploads.files.output import Output
from pipelines.uploads.files.parts import Cut
from pipelines.uploads.files.ranges import sorted_ranges
from schemas.network import Network, UploadList
from schemas.network_file import FileKind
from schemas.uploads import FileEntry

#: Rows that become bytes at once.
_BATCH = 20_000
#: What a reader may take for the end of a line, Unicode's too, and tabs.
_BREAK = r"[\r\n\t\v\f\x{85}\x{2028}\x{2029}]"


def write_list(  # noqa: PLR0913 - rows, what they are for, and where they go
    frames: Iterable[pl.DataFrame],
    upload_list: UploadList,
    network: Network,
    folder: Path,
    *,
    stem: str,
    kind: FileKind,
) -> tuple[FileEntry, ...]:
    """Write a list's files into `folder`: UTF-8 without byte-order mark, sorted by all columns, empty cells first.

    In: frames with a column for each slot of the list, and `owner` first where a row is an identifier: rows of one
    owner stand in one frame, and stay together in one part. No row stands twice. What is too much to hold is spooled
    in `folder`. A list above the network's maximum becomes parts of about equal size, none below the minimum.
    """
    header = _header(upload_list, network)
    cut = Cut(upload_list, network, header=len(header))
    with sorted_ranges(cut.weighed(_on_one_line(frames, upload_list)), folder) as ranges:
        entries = []
        for part, (_, pieces) in enumerate(groupby(cut.in_parts(ranges.frames()), key=itemgetter(0)), start=1):
            name = file_name(stem, upload_list, network, kind=kind, part=part if cut.parts > 1 else None)
            with Output(folder / name, network.file.compression) as output:
                output.write(header)
                rows = sum(_write_rows(frame, upload_list, network, output) for _, frame in pieces)
            entries.append(
                FileEntry(
                    name=name, kind=kind, list=upload_list.label, rows=rows, bytes=output.bytes, sha256=output.sha256
                )
            )
    return tuple(entries)


def file_name(stem: str, upload_list: UploadList, network: Network, *, kind: FileKind, part: int | None) -> str:
    """`club_b.us.emails.full.part-0001.txt`: the public name, the list, the kind, the part if there are several."""
    numbered = None if part is None else f"part-{part:04}"
    return ".".join(piece for piece in (stem, upload_list.label, kind, numbered) if piece) + network.file.suffix


def _on_one_line(frames: Iterable[pl.DataFrame], upload_list: UploadList) -> Iterator[pl.DataFrame]:
    """The frames without line breaks and tabs in plain text: a quoted break is CSV, but no network says it reads it."""
    plain = [slot.name for slot in upload_list.slots if slot.match is not None and slot.match.hash == "none"]
    for frame in frames:
        broken = [name for name in plain if frame[name].str.contains(_BREAK).any()]
        yield frame.with_columns(pl.col(broken).str.replace_all(rf"\s*{_BREAK}\s*", " ")) if broken else frame


def _write_rows(frame: pl.DataFrame, upload_list: UploadList, network: Network, output: Output) -> int:
    frame.select(slot.name for slot in upload_list.slots).write_csv(
        output,  # type: ignore[arg-type]
        include_header=False,
        separator=network.file.delimiter,
        line_terminator=network.file.newline,
        quote_style=_quote_style(frame, upload_list, network),
        null_value="",
        batch_size=_BATCH,
    )
    return frame.height


def _quote_style(
    frame: pl.DataFrame, upload_list: UploadList, network: Network
) -> Literal["necessary", "always", "never"]:
    """Looking for what needs quotes takes twice the time of writing (measured), and only plain text may need any."""
    if network.file.quoting == "always":
        return "always"
    special = f'["\\r\\n{re.escape(network.file.delimiter)}]'
    plain = (slot.name for slot in upload_list.slots if slot.match is None or slot.match.hash == "none")
    texts = (frame[name] for name in plain if frame.schema[name] == pl.String)
    return "necessary" if any(text.str.contains(special).any() for text in texts) else "never"


def _header(upload_list: UploadList, network: Network) -> bytes:
    if not network.file.header:
        return b""
    line = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if network.file.quoting == "always" else csv.QUOTE_MINIMAL
    writer = csv.writer(line, delimiter=network.file.delimiter, lineterminator=network.file.newline, quoting=quoting)
    writer.writerow(upload_list.headers)
    return line.getvalue().encode()
