"""The config folder with every segment's and suppression's rule and every table's select tried: what must hold before
any data is read."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.crm.selects.declared import check_table
from pipelines.crm.suppressions import check_select
from pipelines.segments.rules import condition
from schemas.config import Config, read_config
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
            check_table(table, config.sources, connection)
        for name, rule in config.suppressions.items():
            if rule.select is not None:
                check_select(name, rule.select, config.sources, connection)
    return config
