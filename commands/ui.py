"""`make ui`: Dagster and the marketer's page on the same home, for this machine only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from commands.context import OUT, config_folder, home_at

DAGSTER, PAGE = 3000, 8000


def main() -> None:
    """Start both and wait; whichever ends, or Ctrl-C, ends the other."""
    from assets.launch import OWNERS_ONLY, prepare_instance

    home = home_at(None)
    prepare_instance(home)
    environment = os.environ | {
        "RELANCE_HOME": str(home.root),
        "RELANCE_CONFIG": str(config_folder(None)),
        "RELANCE_KEYS": str(home.keys),
        "DAGSTER_HOME": str(home.dagster),
        # Whoever is told to use `dg dev` instead would look for a project that it knows.
        "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded",
    }
    root, programs = Path(__file__).parent.parent, Path(sys.executable).parent
    OUT.print(f"Dagster:            http://127.0.0.1:{DAGSTER}")
    OUT.print(f"The marketer's page: http://127.0.0.1:{PAGE}")
    OUT.print("Ctrl-C ends both.")
    started = [
        subprocess.Popen(command, cwd=root, env=environment, umask=OWNERS_ONLY)  # noqa: S603 - our own two programs
        for command in (
            [programs / "relance", "serve", "--port", str(PAGE)],
            [programs / "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(DAGSTER)],
        )
    ]
    # Whoever ends this process by its id ends both, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while all(process.poll() is None for process in started):
            try:
                started[0].wait(timeout=1)
            except subprocess.TimeoutExpired:
                continue
    except KeyboardInterrupt:
        pass
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


if __name__ == "__main__":
    main()
