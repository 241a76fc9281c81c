"""`make bench`: the whole pipeline on 1 M customers and 5 M orders, and beside it, in the same run, the floor."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from catalog.home import Environment

CUSTOMERS = 1_000_000
#: What we hold ourselves to.
MOST_RATIO, MOST_GIGABYTES = 4.0, 4.0

_BIN = Path(sys.executable).parent


class Measured(NamedTuple):
    """A whole process: wall seconds and peak resident memory."""

    seconds: float
    gigabytes: float


def measured(command: list[str], environment: dict[str, str] | None = None) -> Measured:
    """Run a command to its end.

    Raises:
        SystemExit: it failed.
    """
    started = time.monotonic()
    process = os.posix_spawn(command[0], command, {**os.environ, **(environment or {})})
    _, status, usage = os.wait4(process, 0)
    seconds = time.monotonic() - started
    if os.waitstatus_to_exitcode(status) != 0:
        message = f"{' '.join(command)} failed."
        raise SystemExit(message)
    return Measured(seconds, usage.ru_maxrss / 1024**2)


def two_networks(folder: Path) -> Path:
    """The shipped config with every segment on the two networks that the floor writes too."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(Environment().config, folder)
    for path in folder.glob("segments/*.toml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"networks = \[.*?\]", 'networks = ["meta", "google_ads"]', text, flags=re.DOTALL))
    return folder


def main() -> None:
    """Make the data once, measure both, print the figures; exit 1 if they are above what we hold ourselves to."""
    out = Console(width=100, highlight=False)
    root = Environment().home.resolve() / "bench"
    sample, home = root / "sample", root / "home"
    if not (sample / "customers.csv").exists():
        made = measured([str(_BIN / "relance"), "sample", str(sample), "--customers", str(CUSTOMERS)])
        out.print(f"Sample of {CUSTOMERS:,} customers: {made.seconds:.1f} s, {made.gigabytes:.2f} GB.")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "sample").symlink_to(sample)
    floor = measured([sys.executable, "-m", "benchmarks.floor", str(sample), str(root / "floor")])
    ours = measured([str(_BIN / "relance"), "run", "--home", str(home), "--config", str(two_networks(root / "config"))])
    rows = sum(sum(1 for _ in path.open("rb")) - 1 for path in home.glob("outbox/*/*/*/*/*.csv"))
    if not rows:
        message = "The run left no file, so its time says nothing."
        raise SystemExit(message)
    table = Table("", "seconds", "rows written/s", "peak GB")
    table.add_row("floor", f"{floor.seconds:.1f}", "", f"{floor.gigabytes:.2f}")
    table.add_row("relance run", f"{ours.seconds:.1f}", f"{rows / ours.seconds:,.0f}", f"{ours.gigabytes:.2f}")
    out.print(table)
    ratio = ours.seconds / floor.seconds
    out.print(f"Ratio {ratio:.2f} (at most {MOST_RATIO}), peak {ours.gigabytes:.2f} GB (at most {MOST_GIGABYTES}).")
    shutil.rmtree(home)
    raise SystemExit(ratio > MOST_RATIO or ours.gigabytes > MOST_GIGABYTES)


if __name__ == "__main__":
    main()
