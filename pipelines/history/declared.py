"""The config and network files that each kept night ran with: each content once, by its hash."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import dataframely as dy
import polars as pl

from catalog.warehouse import Warehouse
from pipelines.history.nights import Night
from pipelines.tables.kept import first_kept
from schemas.config import Config, read_config
from schemas.errors import ConfigError, DayError
from schemas.network import NETWORKS_FOLDER

#: What a night is decided by, as patterns in the config folder. Other files there may hold people.
_FILES = ("relance.toml", "sources.toml", "rates.csv", "segments/*.toml", "suppressions/*.toml")


class DeclaredFiles(dy.Schema):
    """A file's content."""

    hash = dy.String(primary_key=True, description="SHA-256 as hex.")
    content = dy.String()


class NightFiles(dy.Schema):
    """Which files a night ran with."""

    as_of = dy.Date()
    name = dy.String(description="The path below the config folder; `networks/…` for a network's.")
    hash = dy.String()


def keep_files(warehouse: Warehouse, config: Config, *, day: date) -> None:
    """Write which files the night of `day` runs with; a repeated night replaces what its first try ran with."""
    paths = [path for pattern in _FILES for path in sorted(config.folder.glob(pattern))]
    named = {str(path.relative_to(config.folder)): path for path in paths}
    named |= {f"networks/{name}.toml": NETWORKS_FOLDER / f"{name}.toml" for name in config.used_networks}
    texts = {name: path.read_text(encoding="utf-8") for name, path in named.items()}
    files = pl.DataFrame(
        {"name": list(texts), "hash": [_hash(text) for text in texts.values()], "content": list(texts.values())}
    )
    with warehouse.transaction():
        for table, schema in (("declared_files", DeclaredFiles), ("night_files", NightFiles)):
            warehouse.ensure(table, schema)
        known = warehouse.read("SELECT hash FROM warehouse.declared_files")
        fresh = files.select("hash", "content").unique("hash").join(known, on="hash", how="anti")
        warehouse.append("declared_files", fresh)
        dated = files.select(as_of=pl.lit(day), name="name", hash="hash")
        first = first_kept(day, config.settings.history_days)
        warehouse.replace_where("night_files", "as_of = $day OR as_of < $first", dated, day=day, first=first)
        warehouse.execute(
            "DELETE FROM warehouse.declared_files WHERE hash NOT IN (SELECT hash FROM warehouse.night_files)"
        )


def config_of(night: Night) -> Config:
    """The config that a kept night ran with, and the networks as they are now.

    Raises:
        DayError: its files are not kept.
        ConfigError: this release reads them no longer.
    """
    files = night.read(
        "SELECT name, content FROM warehouse.night_files JOIN warehouse.declared_files USING (hash) WHERE as_of = $day",
        day=night.day,
    )
    if files.is_empty():
        msg = f"The config of the night of {night.day} is not kept."
        raise DayError(msg)
    with TemporaryDirectory(prefix="relance-config-") as folder:
        for name, content in files.iter_rows():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return read_config(Path(folder))


def config_before(warehouse: Warehouse, day: date) -> Config | None:
    """The config of the newest kept night before `day`; None if none is kept, or this release reads it no longer."""
    if not warehouse.has("night_files"):
        return None
    newest = warehouse.read("SELECT max(as_of) AS day FROM warehouse.night_files WHERE as_of < $day", day=day)[
        "day"
    ].item()
    if newest is None:
        return None
    try:
        return config_of(Night(warehouse, newest))
    except ConfigError:
        return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
