"""Processes that begin with everything imported: importing takes a third of a small night, and most of any command."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).parent.parent


#: `commands` sets what Polars reads when it is loaded, so it comes first. What Dagster loads only when an instance is
#: opened, and a run begins, follows.
_PRELOADED = [
    "commands",
    "tests.nights",
    "catalog.alerts",
    "typer",
    "rich.table",
    "assets.event_log",
    "assets.launch",
    "dagster._core.execution.execute_in_process",
    "dagster._core.instance.factory",
    "dagster._core.execution.backfill",
    "dagster._core.instance.runs.run_domain",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.storage.migration.utils",
    "dagster._core.executor.in_process",
    "dagster._core.definitions.repository_definition.repository_data_builder",
    "dagster._core.secrets.loader",
    "upath.implementations.local",
    "alembic.autogenerate.compare",
    "rich._emoji_codes",
    "phonenumbers.data.region_FR",
    "phonenumbers.data.region_BE",
]


@cache
def _server() -> ForkServerContext:
    """The process that imports once and is then copied for every process asked for.

    The commands' own modules are not among them: they look at the terminal, and every copy has its own.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def started(function: Callable[..., object], *arguments: object) -> ForkServerProcess:
    """A function that runs in a process of its own."""
    process = _server().Process(target=function, args=arguments)
    # The server is started with the first process, and finds what it is to import by this.
    with patch.dict(os.environ, PYTHONPATH=str(ROOT)):
        process.start()
    return process


def forked(function: Callable[..., object], *arguments: object, seconds: float = 300) -> int:
    """Run a function in a process of its own; its exit code."""
    process = started(function, *arguments)
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        msg = f"not done after {seconds} seconds: {function.__name__}"
        raise TimeoutError(msg)
    return process.exitcode


def made_dagster(home: Path) -> None:
    """Make the tables of Dagster that a first run makes in a home, to be run by `forked`."""
    os.environ["DAGSTER_HOME"] = str(home / "dagster")
    import dagster as dg

    from assets.launch import prepare_instance
    from catalog.home import Home

    prepare_instance(Home.at(home))
    with dg.DagsterInstance.get():
        pass


def command(arguments: tuple[str, ...], environment: Mapping[str, str], out: Path, errors: Path) -> None:
    """What starting `relance` with these arguments does, to be run by `forked`."""
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, out), (2, errors)):
        written = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(written, number)
        os.close(written)
    sys.argv = ["relance", *arguments]
    from commands.main import app

    app()
