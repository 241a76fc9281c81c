"""Published files that hold an address, found without the warehouse: by its hash in the files' bytes."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from catalog.home import Home
from catalog.store import Catalog, manifest_of
from pipelines.holdings.packed import unzipped
from pipelines.holdings.withdrawal import withdraw
from pipelines.identifiers.matching import hashed_address
from schemas.network import Network, match_columns
from schemas.segment import Audience


def shown_values(addresses: pl.DataFrame, networks: dict[str, Network]) -> list[str]:
    """Every value by which a network's file could show the addresses.

    In: kind (`email` or `phone`), value (canonical).
    """
    found = [
        hashed_address(addresses.filter(kind=column.kind)["value"], column).rename("value")
        for column in match_columns(networks.values())
        if column.kind in {"email", "phone"}
    ]
    return pl.concat(found).drop_nulls().unique().sort().to_list()


def withdraw_holding(values: list[str], home: Home, catalog: Catalog) -> list[tuple[Audience, str]]:
    """Withdraw every published version of which a file, removals aside, holds one of the values; which ones."""
    withdrawn = []
    for row in catalog.versions():
        audience, version = Audience.of(row), row["version"]
        manifest = manifest_of(row)
        folder = home.version_folder(audience, version)
        names = [entry.name for entry in manifest.files if entry.kind != "remove"]
        if any((folder / name).is_file() and _holds(folder / name, values) for name in names):
            withdraw(home, catalog, audience, version)
            withdrawn.append((audience, version))
    return withdrawn


def _holds(file: Path, values: list[str]) -> bool:
    lines = pl.scan_lines(unzipped(file), glob=False)
    # Aho-Corasick: many values cost hardly more than one.
    found = lines.filter(pl.col("line").str.contains_any(values, ascii_case_insensitive=True))
    return not found.head(1).collect(engine="streaming").is_empty()
