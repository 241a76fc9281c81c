"""Part of `make bench`: 5 M people to every network's files, beside the time that Polars takes to write the same bytes.

Writing is sorting, splitting, checksums and packing; checking is the second reader. Polars writes the rows as they come
and packs them where the network takes them so. Rows come in buckets, as from a home that is larger than memory.
"""

from __future__ import annotations

import hashlib
import resource
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import polars as pl
from polars_hash import col
from rich.console import Console
from rich.table import Table

from catalog.home import Environment
from pipelines.uploads.checker.second_reading import complaints
from pipelines.uploads.files.writer import write_list
from schemas.network import Network, UploadList, networks
from schemas.network_file import Slot

PEOPLE = 5_000_000
#: What we hold ourselves to.
MOST_WRITING, MOST_CHECKING, MOST_GIGABYTES = 3.0, 1.0, 6.0

_BUCKET = 250_000
_COUNTRIES = ["FR", "DE", "ES", "IT", "GB", "US", "CA", "JP"]
#: How many people in a hundred have an identifier of that place, of e-mails, phones and device ids.
_SHARES = {"email": (95, 10, 1), "phone": (75, 5, 1), "mobile_ad_id": (40, 5, 1)}


@dataclass
class Seconds:
    """Time that something took: by the clock, and of processors."""

    clock: float = 0.0
    processors: float = 0.0

    @contextmanager
    def taken(self, sign: int = 1) -> Iterator[None]:
        """Add what the block takes; or subtract it, where it stands inside another."""
        clock, processors = time.perf_counter(), time.process_time()
        yield
        self.clock += sign * (time.perf_counter() - clock)
        self.processors += sign * (time.process_time() - processors)

    def __str__(self) -> str:
        return f"{self.clock:.1f} ({self.processors:.1f})"


class Measured(NamedTuple):
    """What a network's lists took: Polars, our writing, our checking."""

    floor: Seconds
    writing: Seconds
    checking: Seconds

    @property
    def ratio(self) -> float:
        return self.writing.clock / self.floor.clock

    def add(self, other: Measured) -> None:
        for total, part in zip(self, other, strict=True):
            total.clock += part.clock
            total.processors += part.processors


def _frames(upload_list: UploadList, people: int, seconds: Seconds, *, identifiers: bool) -> Iterator[pl.DataFrame]:
    """The list's rows in buckets; making them does not count."""
    for start in range(0, people, _BUCKET):
        with seconds.taken(sign=-1):
            frame = _bucket(upload_list, start, min(_BUCKET, people - start), identifiers=identifiers)
        yield frame


def _bucket(upload_list: UploadList, start: int, people: int, *, identifiers: bool) -> pl.DataFrame:
    """Rows that look like real ones; every hex digest is cut from one that is a person's own."""
    own = pl.DataFrame({"number": pl.int_range(start, start + people, eager=True)}).with_columns(
        text=pl.concat_str(pl.lit(upload_list.label), pl.col("number"))
    )
    own = own.select("number", digest=col("text").chash.sha2_256())
    rows = own.select(_cell(slot, place).alias(slot.name) for place, slot in enumerate(upload_list.slots))
    if not identifiers:
        return rows
    (name,) = rows.columns
    return rows.filter(pl.col(name).is_not_null()).select(pl.col(name).alias("owner"), name)


def _cell(slot: Slot, place: int) -> pl.Expr:
    match = slot.match
    if match is None:
        amount = (pl.col("number") % 100_000).cast(pl.Decimal(18, 2)) / Decimal(4)
        constant = pl.lit(slot.column.constant or None, dtype=pl.String)
        return amount.cast(pl.Decimal(18, 2)) if slot.column.value else constant
    if match.identifier == "country":
        codes = [code.lower() if match.form == "lower" else code for code in _COUNTRIES]
        shown = codes if match.hash == "none" else [hashlib.sha256(code.encode()).hexdigest() for code in codes]
        return pl.lit(pl.Series(shown)).gather(pl.col("number") % len(shown))
    if match.identifier == "postal_code" and match.hash == "none":
        return (pl.col("number") % 90_000 + 10_000).cast(pl.String)
    cut = 8 * (place % 8)
    digest = pl.concat_str(pl.col("digest").str.slice(cut), pl.col("digest").str.slice(0, cut))
    if match.hash == "sha256_base64":
        digest = digest.str.decode("hex").bin.encode("base64")
    elif match.hash in {"md5", "sha1"}:
        digest = digest.str.slice(0, 32 if match.hash == "md5" else 40)
    first_email = match.identifier == "email" and slot.place == 1
    if match.identifier not in _SHARES or first_email:
        return digest
    return pl.when(pl.col("number") * 7 % 100 < _SHARES[match.identifier][slot.place - 1]).then(digest)


def _write_floor(frames: Iterable[pl.DataFrame], upload_list: UploadList, network: Network, path: Path) -> None:
    """The same rows by Polars, as they come."""
    columns = [slot.name for slot in upload_list.slots]
    with path.open("wb") as file:
        for frame in frames:
            frame.select(columns).write_csv(
                file,
                include_header=False,
                separator=network.file.delimiter,
                line_terminator=network.file.newline,
                quote_style=network.file.quoting,
                compression="uncompressed" if network.file.compression == "none" else "gzip",
                compression_level=None if network.file.compression == "none" else 1,
            )


def _measure(network: Network, people: int, folder: Path) -> tuple[int, Measured]:
    """Bytes of the files, and what everything took."""
    size, measured = 0, Measured(Seconds(), Seconds(), Seconds())
    one_each = network.file.rows == "identifiers"
    for upload_list in network.lists:
        if upload_list.region and set(upload_list.region.countries) <= set(upload_list.columns[0].not_in):
            continue
        here = people // max(1, len(network.regions))
        with measured.floor.taken():
            frames = _frames(upload_list, here, measured.floor, identifiers=one_each)
            _write_floor(frames, upload_list, network, folder / "floor")
        (folder / "floor").unlink()
        with measured.writing.taken():
            frames = _frames(upload_list, here, measured.writing, identifiers=one_each)
            files = write_list(frames, upload_list, network, folder, stem=network.name, kind="full")
        size += sum(entry.bytes for entry in files)
        for entry in files:
            with measured.checking.taken():
                found = complaints(folder / entry.name, upload_list, network)
            if found:
                message = f"{network.name}: {entry.name}: {found[:3]}"
                raise SystemExit(message)
            (folder / entry.name).unlink()
    return size, measured


def _peak() -> float:
    """Gigabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main(people: int = PEOPLE) -> None:
    """Every network in turn; exit 1 if the sums are above what we hold ourselves to."""
    folder = Environment().home.resolve() / "bench" / "networks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    table = Table("network", "MB", "Polars s", "writing s", "checking s", "peak GB")
    _measure(networks()["reddit"], 10_000, folder)
    everything, unpacked = (Measured(Seconds(), Seconds(), Seconds()) for _ in range(2))
    for network in networks().values():
        size, measured = _measure(network.allowing(()), people, folder)
        everything.add(measured)
        if network.file.compression == "none":
            unpacked.add(measured)
        table.add_row(network.name, f"{size / 1e6:,.0f}", *map(str, measured), f"{_peak():.2f}")
    shutil.rmtree(folder)
    table.add_row("all", "", *map(str, everything), f"{_peak():.2f}")
    checking = everything.checking.clock / everything.writing.clock
    out = Console(width=100, highlight=False)
    out.print(table)
    out.print("Seconds by the clock, and of processors in brackets.")
    out.print(
        f"{people:,} people to {len(networks())} networks: writing {everything.ratio:.2f} times Polars (at most "
        f"{MOST_WRITING}; where nothing is packed {unpacked.ratio:.2f}), checking {checking:.2f} of writing (at most "
        f"{MOST_CHECKING}), peak {_peak():.2f} GB (at most {MOST_GIGABYTES})."
    )
    raise SystemExit(everything.ratio > MOST_WRITING or checking > MOST_CHECKING or _peak() > MOST_GIGABYTES)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
