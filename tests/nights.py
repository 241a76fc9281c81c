"""Nights at a fraction of the price of a Dagster run: the assets' own functions, called one after the other."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from assets.definitions import defs
from assets.launch import JOB
from assets.nights import NEWEST_DAY
from assets.resources import Relance
from schemas.countries import country_names
from tests.sleeping_queries import refuse_sleeping_queries

# Every process that `tests.processes` starts is a copy of one that has loaded this module, and needs them.
country_names()
refuse_sleeping_queries()


def night(
    config: Path, home: Path, day: str, before: Callable[[str], None] = lambda asset: None, only: str | None = None
) -> None:
    """Run the nightly job's assets in their order, or `only` one; `before` is told each name, and `end` when all are
    done."""
    with patch.dict(os.environ, RELANCE_CONFIG=str(config), RELANCE_HOME=str(home)):
        nodes = [node for node in assets_of(config, home) if only in {None, node.name}]
        _night(config, home, day, before, nodes)


def assets_of(config: Path, home: Path) -> Sequence[Any]:
    """The nightly job's assets in their order, by the config as it is now.

    Putting them together takes a fifth of a small night. They know of a config only what its files say, and of a home
    nothing, so each config is put together once, wherever it lies.
    """
    says = frozenset((path.relative_to(config), path.read_bytes()) for path in config.rglob("*") if path.is_file())
    if says not in _ASSETS:
        with patch.dict(os.environ, RELANCE_CONFIG=str(config), RELANCE_HOME=str(home)):
            _ASSETS[says] = defs().resolve_job_def(JOB).graph.nodes_in_topological_order
    return _ASSETS[says]


_ASSETS: dict[frozenset[tuple[Path, bytes]], Sequence[Any]] = {}


def _night(config: Path, home: Path, day: str, before: Callable[[str], None], nodes: Sequence[Any]) -> None:
    relance = Relance(home_folder=str(home), config_folder=str(config), keys_folder=str(home / "keys"))
    run = SimpleNamespace(tags={NEWEST_DAY: day, "dagster/partition": day}, run_id="")
    context: Any = SimpleNamespace(partition_key=day, run=run, instance=None, retry_number=0)
    relance.setup_for_execution(context)
    try:
        for node in nodes:
            before(node.name)
            function: Any = node.definition.compute_fn.decorated_fn
            result = function(context, relance=relance)
            if isinstance(result, Iterator):
                list(result)
        before("end")
    finally:
        relance.teardown_after_execution(context)


#: What changes the disk, as Python's audit events name it. (DuckDB and Polars write unseen by them.)
_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "shutil.rmtree", "sqlite3.connect"}


def night_killed_at_a_stage(config: Path, home: Path, day: str, place: int) -> None:
    """A night that gets SIGKILL before its asset number `place`."""
    names: list[str] = []

    def before(asset: str) -> None:
        names.append(asset)
        if len(names) > place:
            _die()

    night(config, home, day, before)


def night_killed_at_a_change(config: Path, home: Path, day: str, seed: int) -> None:
    """A night that gets SIGKILL before a random change to the outbox or the catalog, from its uploads on."""
    left = random.Random(seed).randrange(60)  # noqa: S311
    armed = False

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        opened_to_write = event == "open" and arguments[1] != "r" and str(home) in str(arguments[0])
        if armed and (event in _CHANGES or opened_to_write):
            left -= 1
            if left < 0:
                _die()

    def before(asset: str) -> None:
        nonlocal armed
        armed = armed or asset.startswith("uploads__")

    sys.addaudithook(hook)
    night(config, home, day, before)


def night_killed_at_a_moment(config: Path, home: Path, day: str, seed: int) -> None:
    """A night that gets SIGKILL at a random moment, after less than a second and a half of work."""
    moment = time.process_time() + random.Random(seed).uniform(0, 1.5)  # noqa: S311

    def wait() -> None:
        while time.process_time() < moment:
            time.sleep(0.005)
        _die()

    threading.Thread(target=wait, daemon=True).start()
    night(config, home, day)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
