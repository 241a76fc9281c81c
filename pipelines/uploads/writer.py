"""Rows → the bytes of one file, as the network's format says."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl

from schemas.network import Network


def write_file(rows: pl.DataFrame, network: Network, path: Path) -> None:
    """Write `rows` (the network's slots, in order): UTF-8 without byte-order mark, quoted only where needed."""
    file_format = network.file
    with path.open("wb") as file:
        if file_format.header:
            file.write(_header(network))
        rows.write_csv(
            file,
            include_header=False,
            separator=file_format.delimiter,
            line_terminator=file_format.newline,
            quote_style="necessary",
            null_value="",
        )


def _header(network: Network) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=network.file.delimiter, lineterminator=network.file.newline).writerow(network.headers)
    return line.getvalue().encode()
