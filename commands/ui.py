"""`make ui`: Dagster on the same home, for this machine only."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from commands.context import OUT, config_folder, home_at


def main() -> None:
    """Replace this process by Dagster's web server and daemon."""
    from assets.launch import prepare_instance

    home = home_at(None)
    prepare_instance(home)
    os.environ.update(
        RELANCE_HOME=str(home.root),
        RELANCE_CONFIG=str(config_folder(None)),
        RELANCE_KEYS=str(home.keys),
        DAGSTER_HOME=str(home.dagster),
    )
    root = Path(__file__).parent.parent
    OUT.print("Dagster: http://127.0.0.1:3000 (Ctrl-C ends it)")
    dagster = Path(sys.executable).parent / "dagster"
    os.chdir(root)
    os.execv(dagster, [str(dagster), "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", "3000"])  # noqa: S606


if __name__ == "__main__":
    main()
