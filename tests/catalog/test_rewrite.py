"""Rotating the warehouse key: the same rows under a new key, encrypted at every moment, whenever it is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from catalog import rewrite
from catalog.home import Home
from catalog.rewrite import rewrite_warehouse, rotate_warehouse_key
from catalog.secret_keys import open_keys
from catalog.warehouse import Warehouse, open_warehouse
from schemas.errors import HomeLockedError, KeyFileError, WarehouseError
from tests.catalog.test_warehouse import SENTINEL, files_with
from tests.conftest import ROOT

PEOPLE = pl.DataFrame({"email": [f"{number}.{SENTINEL}" for number in range(5_000)], "number": range(5_000)})

#: Rotates the key of a copy of the home, killed before its first, second, … call that changes the disk.
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from catalog.home import Home
from catalog.rewrite import rewrite_warehouse, rotate_warehouse_key

CHANGING = {"fsync", "rename", "replace", "unlink", "execute"}

def killed_before(number):
    calls = 0
    def see(frame, event, function):
        nonlocal calls
        if event != "c_call" or function.__name__ not in CHANGING or not started(frame):
            return
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
    return see

def started(frame):
    while frame is not None:
        if frame.f_code.co_name in ("begin", "_copy", "_swap", "settle"):
            return True
        frame = frame.f_back
    return False

folder = Path(sys.argv[1])
for number in range(1, 100):
    copy = folder / str(number)
    shutil.copytree(folder / "home", copy, symlinks=True)
    child = os.fork()
    if not child:
        sys.setprofile(killed_before(number))
        rotate_warehouse_key(Home.at(copy), "2GB")
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
"""


@pytest.fixture(autouse=True)
def no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WAREHOUSE", "IDENTITY", "SIGNING"):
        monkeypatch.delenv(f"RELANCE_{name}_KEY", raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a warehouse of a few tables."""
    home = Home.at(tmp_path / "home")
    home.create()
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        warehouse.replace("people", PEOPLE)
        warehouse.replace("nobody", PEOPLE.clear())
    return home


def rows(home: Home) -> pl.DataFrame:
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        assert warehouse.has("nobody")
        return warehouse.read("FROM warehouse.people ORDER BY number")


def places(home: Home) -> set[str]:
    folders = (home.root, home.keys)
    return {path.name for folder in folders for path in folder.iterdir()} - {
        "lock",
        "keys",
        "spill",
        "catalog.sqlite",
        "home.id",
    }


AT_REST = {"warehouse.duckdb", "warehouse.key", "identity.key", "signing.key", "signing.pub"}


def test_the_same_rows_are_read_with_a_new_key(home: Home) -> None:
    before = open_keys(home)
    home.spill.mkdir(exist_ok=True)
    (home.spill / "of a killed run").touch()
    rotate_warehouse_key(home, "2GB")
    after = open_keys(home)
    assert not (home.spill / "of a killed run").exists()
    assert after.warehouse != before.warehouse
    assert (after.identity, after.signing) == (before.identity, before.signing)
    assert rows(home).equals(PEOPLE)
    assert places(home) == AT_REST
    assert (home.keys / "warehouse.key").stat().st_mode & 0o777 == 0o600
    assert home.warehouse.stat().st_mode & 0o777 == 0o600


def test_the_old_key_opens_nothing_any_more(home: Home) -> None:
    before = open_keys(home)
    rotate_warehouse_key(home, "2GB")
    with pytest.raises(KeyFileError, match="another warehouse key"), open_warehouse(home, before, "2GB"):
        pytest.fail("the old key still opens the warehouse")


def test_a_key_is_rotated_again_and_again(home: Home) -> None:
    keys = {open_keys(home).warehouse}
    for _ in range(2):
        rotate_warehouse_key(home, "2GB")
        keys.add(open_keys(home).warehouse)
    assert len(keys) == 3
    assert rows(home).equals(PEOPLE)


def test_a_rotation_killed_at_any_moment_leaves_an_encrypted_warehouse_that_opens(home: Home) -> None:
    old = open_keys(home).warehouse
    subprocess.run([sys.executable, "-c", KILLED, str(home.root.parent)], cwd=ROOT, check=True, timeout=300)

    copies = sorted(
        (path for path in home.root.parent.iterdir() if path.name.isdigit()), key=lambda path: int(path.name)
    )
    assert len(copies) > 15, "too few moments were tried"
    swapped: list[bool] = []
    for path in copies:
        copy = Home.at(path)
        assert files_with(copy, SENTINEL) == []
        assert rows(copy).equals(PEOPLE), path.name
        assert places(copy) == AT_REST
        swapped.append(open_keys(copy).warehouse != old)
    assert swapped == sorted(swapped)
    assert set(swapped) == {False, True}


def test_a_rewrite_under_the_same_key_leaves_one_file_also_where_one_was_killed(home: Home) -> None:
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        home.spill.mkdir(exist_ok=True)
        (home.spill / "of a killed run").touch()
        rewrite_warehouse(home, warehouse)
    assert not (home.spill / "of a killed run").exists()
    for name in ("warehouse.next.duckdb", "warehouse.next.duckdb.wal"):
        (home.root / name).touch()
    assert rows(home).equals(PEOPLE)
    assert places(home) == AT_REST


def test_a_key_of_the_environment_is_not_rotated_and_the_way_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = home.warehouse.read_bytes()
    monkeypatch.setenv("RELANCE_WAREHOUSE_KEY", open_keys(home).warehouse)
    with pytest.raises(
        KeyFileError, match=r"comes from RELANCE_WAREHOUSE_KEY.*unset the variable, rotate, then"
    ) as told:
        rotate_warehouse_key(home, "2GB")
    assert open_keys(home).warehouse not in str(told.value)
    assert home.warehouse.read_bytes() == before


def test_no_key_is_rotated_while_another_process_writes(home: Home) -> None:
    before = open_keys(home)
    with home.locked(), pytest.raises(HomeLockedError):
        rotate_warehouse_key(home, "2GB")
    assert open_keys(home) == before
    assert places(home) == AT_REST


def test_without_a_warehouse_there_is_nothing_to_rotate(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "new")
    with pytest.raises(KeyFileError, match="nothing to rotate"):
        rotate_warehouse_key(home, "2GB")
    open_keys(home)
    with pytest.raises(WarehouseError, match="nothing is encrypted"):
        rotate_warehouse_key(home, "2GB")


def test_a_copy_that_is_not_equal_is_thrown_away(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_keys(home)
    execute = Warehouse.execute
    failing = iter(["DELETE FROM next.people WHERE number = 77", "UPDATE next.people SET number = 7 WHERE number = 77"])

    def losing(self: Warehouse, statement: str, **parameters: object) -> None:
        execute(self, statement, **parameters)
        if statement.startswith("CREATE TABLE next.people"):
            execute(self, next(failing))

    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, "execute", losing)
        with pytest.raises(WarehouseError, match="not equal"):
            rotate_warehouse_key(home, "2GB")
        assert places(home) == AT_REST
        with pytest.raises(WarehouseError, match="not equal"), open_warehouse(home, before, "2GB") as warehouse:
            rewrite_warehouse(home, warehouse)
    assert places(home) == AT_REST
    assert open_keys(home) == before
    assert rows(home).equals(PEOPLE)


def test_what_fails_after_the_new_file_took_the_name_keeps_its_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(path: Path) -> None:
        if path == home.root:
            raise OSError(5, "the disk fails")

    before = open_keys(home)
    with monkeypatch.context() as patched:
        patched.setattr(rewrite, "sync", failing)
        with pytest.raises(OSError, match="the disk fails"):
            rotate_warehouse_key(home, "2GB")
    assert rows(home).equals(PEOPLE)
    assert open_keys(home).warehouse != before.warehouse
    assert places(home) == AT_REST


def test_a_disk_that_is_too_full_is_told_before_anything_is_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1000

    monkeypatch.setattr(rewrite.shutil, "disk_usage", lambda path: Usage)
    with pytest.raises(WarehouseError, match="Free some space; nothing was changed"):
        rotate_warehouse_key(home, "2GB")
    assert places(home) == AT_REST


@pytest.mark.parametrize(
    ("size", "free", "says"),
    [
        (81_200_000, 31_460_000, "81.2 MB, but only 31.5 MB are free"),
        (20_000_000_000, 400_000_000, "20.0 GB, but only 400.0 MB are free"),
    ],
)
def test_what_is_too_little_is_told_in_a_unit_that_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, free: int, says: str
) -> None:
    home = Home.at(tmp_path)
    home.warehouse.touch()
    os.truncate(home.warehouse, size)
    monkeypatch.setattr(rewrite.shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    with pytest.raises(WarehouseError, match=says):
        rewrite._check_space(home)
