"""The `relance` command as a process, which begins and ends sooner than Python would."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def loading() -> Iterator[None]:
    """Modules are loaded inside. What they make is no garbage: looking for some in it again and again takes a fifteenth
    of a small night (measured).
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def main() -> None:
    """Run the command that the arguments name, and end with its exit code."""
    with loading():
        from commands.main import app
    try:
        app()
    except SystemExit as end:
        _end(end)
        raise


def _end(end: SystemExit) -> None:
    """End the process as Python does, but for taking apart what the system takes back at once: a second of a night.

    By now stores are closed and files written. What would have to be waited for or told is left to Python.
    """
    if not isinstance(end.code, int | None) or threading.active_count() > 1:
        return
    atexit._run_exitfuncs()
    # A reader that has gone is for Python to tell of.
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code or 0)
