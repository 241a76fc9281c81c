"""`make soak`: a year of nights with kills among them, and its report. What is compared is `tests.simulation.world`.

A year is long, so it can be lived in pieces: each call lives as many nights as it is told and keeps where it stopped.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import pickle
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from catalog.erasures import erasure_requests
from catalog.store import open_catalog
from tests.nights import night, night_killed_at_a_change, night_killed_at_a_moment, night_killed_at_a_stage
from tests.simulation.company import Company
from tests.simulation.world import World

FIRST_DAY = date(2025, 1, 1)
STAGES = 17
_WHAT = """\
`make soak` lives a year of nights: a made-up company whose CRM changes every day, nights that call the functions
which the assets call, some of them killed with `kill -9` at a stage boundary, at a change of the disk or at a random
moment, and a marketer who uploads, skips, takes old files, and takes back what was said. Beside it runs a model of
each network's list that is fed only the files that were uploaded, read by a reader of its own. After each night and
each confirmation relance's belief about every open list must equal the model, no file that lies in the outbox may
hold a key that is forbidden (by consent, suppression or a request to be forgotten), and no forbidden key may come
back to a list that it left. Once a request is closed, no file at all may name the person. The first disagreement ends
it."""
#: One night in so many has a CRM that was cut off half way.
CUT = 25


@dataclass
class Soak:
    """What is kept between two pieces."""

    people: int
    nights: int
    kills: int
    seed: int
    folder: Path
    world: World | None = None
    killed: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - a life, not a secret

    def live(self, nights: int) -> None:
        """So many nights more, at most to the end."""
        if self.world is None:
            company = Company(self.folder / "company", self.people, self.seed, FIRST_DAY)
            self.world = World(company, self.folder / "home", self.run, self.seed)
        world = self.world
        left = self.nights - world.counts.get("nights", 0)
        for _ in range(min(nights, left - 1)):
            world.night(cut=world.counts.get("nights", 0) % CUT == CUT - 1)
        if left <= nights:
            world.settle()

    def run(self, config: Path, home: Path, day: str) -> None:
        """A night, after as many that were killed as it takes to get to the year's kills."""
        assert self.world is not None
        lived = self.world.counts.get("nights", 0) + 1
        while lived > 1 and sum(self.killed.values()) * self.nights < self.kills * lived:
            self._kill(config, home, day)
        began = time.process_time()
        night(config, home, day)
        self.seconds.append(time.process_time() - began)

    def _kill(self, config: Path, home: Path, day: str) -> None:
        how: Callable[..., None] = self.random.choice(
            (night_killed_at_a_stage, night_killed_at_a_change, night_killed_at_a_moment)
        )
        place = self.random.randrange(1, STAGES) if how is night_killed_at_a_stage else self.random.randrange(10**6)
        process = multiprocessing.get_context("forkserver").Process(target=how, args=(config, home, day, place))
        process.start()
        process.join()
        assert process.exitcode in {0, -signal.SIGKILL}, f"a night that was to be killed ended with {process.exitcode}"
        if process.exitcode:
            name = how.__name__.removeprefix("night_killed_").replace("_", " ")
            self.killed[name] = self.killed.get(name, 0) + 1


def report(soak: Soak, result: str) -> str:
    """The year in Markdown."""
    world = soak.world
    assert world is not None
    with open_catalog(world.home) as catalog:
        requests = [request.state for request in erasure_requests(catalog)]
    size = sum(path.stat().st_size for path in world.home.root.rglob("*") if path.is_file())
    outbox = sum(path.stat().st_size for path in world.home.outbox.rglob("*") if path.is_file())
    nights, ordered = world.counts["nights"], sorted(soak.seconds)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    lines = [
        "# Soak",
        "",
        _WHAT,
        "",
        f"Run on {date.today().isoformat()} on {os.cpu_count()} cores and {memory:.0f} GB, seed {soak.seed}. "
        f"The whole trial is 365 nights, 200 kills, 50,000 people: `make soak`.",
        "",
        "| | |",
        "|---|---|",
        f"| result | {result} |",
        f"| people in the CRM at the start, and at the end | {soak.people:,}, {len(world.company.records):,} |",
        f"| nights | {nights} |",
        f"| kills | {sum(soak.killed.values())}: "
        + ", ".join(f"{n} {how}" for how, n in sorted(soak.killed.items()))
        + " |",
        *(f"| {what} | {times:,} |" for what, times in sorted(world.counts.items()) if what != "nights"),
        *(f"| CRM: {what} | {times:,} |" for what, times in sorted(world.company.happened.items())),
        *(f"| requests to be forgotten, {state} | {requests.count(state)} |" for state in sorted(set(requests))),
        f"| CPU seconds a night: median, slowest | {ordered[len(ordered) // 2]:.1f}, {ordered[-1]:.1f} |",
        f"| the first ten nights, the last ten | {_mean(soak.seconds[:10]):.1f}, {_mean(soak.seconds[-10:]):.1f} |",
        f"| size of the home, of that the outbox | {size / 1e6:,.0f} MB, {outbox / 1e6:,.0f} MB |",
    ]
    return "\n".join(lines) + "\n"


def _mean(values: list[float]) -> float:
    return sum(values) / max(len(values), 1)


def main() -> None:
    """Live a piece, or all, and write the report when the year is over or something disagrees."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("var/soak"), help="where the company and the home lie")
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--piece", type=int, default=None, help="live so many nights and keep where it stopped")
    parser.add_argument("--report", type=Path, default=Path("docs/soak.md"))
    asked = parser.parse_args()
    kept = asked.folder / "soak.pickle"
    if kept.exists():
        soak = pickle.loads(kept.read_bytes())  # noqa: S301 - its own
        # A piece that fails in the middle cannot be gone on with.
        kept.unlink()
    else:
        shutil.rmtree(asked.folder, ignore_errors=True)
        asked.folder.mkdir(parents=True)
        soak = Soak(asked.people, asked.nights, asked.kills, asked.seed, asked.folder.resolve())
    try:
        soak.live(asked.piece or soak.nights)
    except AssertionError as disagreement:
        asked.report.write_text(report(soak, f"failed: {disagreement}"), encoding="utf-8")
        raise
    lived = soak.world.counts["nights"]
    print(f"{lived} of {soak.nights} nights, {sum(soak.killed.values())} kills")  # noqa: T201
    result = "passed: no disagreement"
    if lived < soak.nights:
        kept.write_bytes(pickle.dumps(soak))
        result = f"no disagreement so far; it was stopped after {lived} of {soak.nights} nights"
    asked.report.write_text(report(soak, result), encoding="utf-8")


if __name__ == "__main__":
    # Nights that are killed are started by a process that has everything imported and no thread.
    with suppress(RuntimeError):
        multiprocessing.set_start_method("forkserver")
    multiprocessing.set_forkserver_preload(["tests.nights"])
    main()
