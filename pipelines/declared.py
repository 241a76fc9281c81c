"""The config folder with every segment's and suppression's rule and every table's select tried: what must hold before
any data is read."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.crm.located_select import check_askable, parsed
from pipelines.crm.suppressions import check_select
from pipelines.segments.rules import condition
from schemas.config import Config, read_config
from schemas.errors import ConfigError
from schemas.source import TABLES


def checked_config(folder: Path) -> Config:
    """The config in `folder`.

    Raises:
        ConfigError: a file is wrong, files contradict each other, or a rule or select cannot be asked.
    """
    config = read_config(folder)
    for name, segment in config.segments.items():
        condition(name, segment, has_order_times=config.sources.has_order_times)
    with duckdb.connect(":memory:") as connection:
        for table in TABLES:
            select = config.sources.table(table).select
            if select is not None:
                check_askable(parsed(connection, select), f"sources.toml, tables.{table}.select", ConfigError)
        for name, rule in config.suppressions.items():
            if rule.select is not None:
                check_select(name, rule.select, config.sources, connection)
    return config
