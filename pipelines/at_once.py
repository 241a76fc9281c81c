"""Independent steps of pure work side by side: many of Polars' own use one core only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import polars as pl

Item = TypeVar("Item")
Result = TypeVar("Result")
Other = TypeVar("Other")


def at_once(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """The function's result for each item, in the order of the items."""
    items = list(items)
    if len(items) < 2 or pl.thread_pool_size() == 1:
        return [function(item) for item in items]
    # One a core: more would not be done sooner, and each holds its own tables.
    with ThreadPoolExecutor(max_workers=pl.thread_pool_size()) as pool:
        return list(pool.map(function, items))


def side_by_side(one: Callable[[], Result], other: Callable[[], Other]) -> tuple[Result, Other]:
    """The results of two different steps."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pending = pool.submit(other)
        return one(), pending.result()
