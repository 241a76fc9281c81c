"""A full disk: a sentence that says so, nothing half-written to be seen, and a run that goes on once there is space."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.store import open_catalog
from schemas.errors import RelanceError
from tests.conftest import Company, Ran
from tests.nights import night

DAY = "2024-06-30"

Resize = Callable[[str], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[Path, str], Resize]]:
    """Mounts a disk of a size on a folder; what it gives sets another size."""
    mounted: list[Path] = []

    def mount(folder: Path, size: str) -> Resize:
        folder.mkdir(parents=True)
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False)
        if made.returncode:
            pytest.skip("mounting a small disk needs root")
        mounted.append(folder)
        return lambda larger: subprocess.run(["mount", "-o", f"remount,size={larger}", str(folder)], check=True)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("part", ["outbox", "."])
def test_a_night_on_a_full_disk_says_so_and_the_next_goes_on(
    disk: Callable[[Path, str], Resize], company: Company, first_night: Path, tmp_path: Path, part: str
) -> None:
    settings = (company.config / "relance.toml").read_text()
    company.declare("relance.toml", f"{settings}\n[brake]\naudience_grows = 9.0\nkeys_turn_over = 1.0\n")
    homes = [Home.at(tmp_path / name) for name in ("full", "undisturbed")]
    folder = homes[0].root / part
    resize = disk(folder, "400m")
    for home in homes:
        shutil.copytree(first_night, home.root, symlinks=True, dirs_exist_ok=True)
    for table, of in (("customers", 0), ("orders", 1), ("consents", 1)):
        company.write(table, more_of((company.folder / f"{table}.csv").read_text(), of))
    # Half a block is left to the outbox; the warehouse gets less than its new tables need.
    used = shutil.disk_usage(folder).used
    resize(str(used + (4096 if part == "outbox" else 100_000)))

    with pytest.raises(RelanceError, match=r"[Dd]isk of .* is full"):
        night(company.config, homes[0].root, DAY)

    resize("400m")
    with open_catalog(homes[0]) as catalog:
        listed = len(catalog.versions())
    assert len(list(homes[0].outbox.glob("*/*/*/*/manifest.json"))) == listed == 2
    assert not list(homes[0].outbox.glob(".staging/*"))
    for home in homes:
        night(company.config, home.root, DAY)
    assert Ran(0, "", homes[0].root).files() == Ran(0, "", homes[1].root).files()
    assert len(Ran(0, "", homes[0].root).files()) == 4


def test_a_new_home_on_a_full_disk_says_so(
    disk: Callable[[Path, str], Resize], company: Company, tmp_path: Path
) -> None:
    disk(tmp_path / "full", "400k")

    with pytest.raises(RelanceError, match=r"disk of .* is full"):
        night(company.config, tmp_path / "full", DAY)


def test_a_disk_that_gets_full_when_some_audiences_are_published_does_not_deny_those(
    disk: Callable[[Path, str], Resize], company: Company, tmp_path: Path
) -> None:
    home = Home.at(tmp_path / "full")
    resize = disk(home.root, "400m")
    uploads: list[str] = []

    def before(asset: str) -> None:
        uploads.extend([asset] if re.match("uploads__.*__", asset) else [])
        if len(uploads) == 2:
            resize(str(shutil.disk_usage(home.root).used))

    with pytest.raises(RelanceError, match=r"disk of .* is full") as caught:
        night(company.config, home.root, DAY, before)

    resize("400m")
    with open_catalog(home) as catalog:
        assert len(catalog.versions()) == 1
    assert "nothing was published" not in str(caught.value)


def test_a_command_on_a_full_disk_ends_with_a_sentence_and_works_once_there_is_space(
    disk: Callable[[Path, str], Resize],
    company: Company,
    first_night: Path,
    relance: Callable[..., Ran],
    tmp_path: Path,
) -> None:
    home = Home.at(tmp_path / "full")
    resize = disk(home.root, "400m")
    shutil.copytree(first_night, home.root, symlinks=True, dirs_exist_ok=True)
    used = shutil.disk_usage(home.root).used
    commands = (
        ("status",),
        ("confirm", "meta/buyers", f"{DAY}.1", "--as", "created"),
        ("allow", "meta/buyers", "--reason", "right", "--config", str(company.config)),
        ("audit", "verify"),
        ("why", "1", "--config", str(company.config)),
        ("forget", "bob@example.org", "--config", str(company.config)),
        ("keys", "rotate", "signing"),
        ("run", "--config", str(company.config)),
    )

    # For nothing, for a catalog that opens but takes no more, and for Dagster's files but not for their tables.
    for left in (0, 40_960, 1_000_000):
        resize(str(used + left))
        home.dagster.mkdir(exist_ok=True)
        ran = [relance(*command, home=home.root) for command in commands[: None if left == 0 else -2]]
        ran += [relance(*commands[-1], home=home.root)]
        assert [each.output for each in ran if "Traceback" in each.output] == []
        if left == 0:
            assert [each.output for each in ran if each.code != 1] == []
            assert all(re.search("^disk error: The disk of .* is full", each.output, re.M) for each in ran)
        shutil.rmtree(home.dagster)

    resize("400m")
    assert relance("audit", "verify", home=home.root).code == 0
    assert relance("run", "--config", str(company.config), home=home.root).code == 0


def more_of(text: str, customer: int) -> str:
    """The table and 500 more of its last row, under ids of their own."""
    lines = text.splitlines()
    last = lines[-1].split(",")
    for number in range(500):
        row = list(last)
        row[0] = f"{last[0]}_{number}"
        if customer:
            row[1] = f"{last[1]}_{number}"
        else:
            row[1] = f"more{number}@example.net"
        lines.append(",".join(row))
    return "\n".join(lines) + "\n"
