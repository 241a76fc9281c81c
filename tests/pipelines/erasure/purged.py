"""Taking erased people out as tests do that are not about what waits for a rewrite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import polars as pl

from catalog.warehouse import Warehouse
from pipelines.erasure.purge import purge
from pipelines.erasure.urgent import Waiting
from pipelines.tombstones.tombstones import Compared
from schemas.identifiers import MatchColumn
from schemas.suppression import Suppression


def purge_at_once(
    warehouse: Warehouse,
    erasures: pl.DataFrame,
    columns: Iterable[MatchColumn],
    compared: Compared,
    *,
    rules: Mapping[str, Suppression] | None = None,
    waiting: Waiting | None = None,
) -> None:
    """Take them out; nothing of theirs may stay in the file unless it is said to be `waiting`."""
    purge(
        warehouse,
        erasures,
        columns,
        compared,
        rules=rules or {},
        waiting=waiting or Waiting(erasures.clear(), date.max),
        customers=None,
    )
