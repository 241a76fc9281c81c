"""The home: one folder for its owner only, and one writer at a time."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from catalog.home import Environment, Home
from schemas.errors import ConfigError, HomeLockedError

HOLDER = """
import sys
from pathlib import Path
from catalog.home import Home

with Home.at(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process_in(home: Home) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the home until it is killed or its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


def test_a_second_process_on_the_home_gets_one_clear_sentence(home: Home) -> None:
    with another_process_in(home), pytest.raises(HomeLockedError) as caught, home.locked():
        pytest.fail("the home was held twice")
    assert str(caught.value) == (
        f"Another process is working in {home.root}. Wait until it is done, or use another --home."
    )
    assert caught.value.exit_code == 3
    assert caught.value.__suppress_context__


def test_a_second_run_in_the_same_process_is_refused_too(home: Home) -> None:
    with home.locked(), pytest.raises(HomeLockedError), home.locked():
        pytest.fail("the home was held twice")


def test_a_refused_second_run_leaves_the_first_its_lock(home: Home) -> None:
    with home.locked():
        for _ in range(2):
            with pytest.raises(HomeLockedError), home.locked():
                pytest.fail("the home was held twice")


def test_the_home_is_free_when_its_holder_is_done(home: Home) -> None:
    with home.locked():
        pass
    with home.locked():
        pass


def test_the_home_is_free_when_its_holder_fails(home: Home) -> None:
    with pytest.raises(ZeroDivisionError), home.locked():
        raise ZeroDivisionError
    with home.locked():
        pass


def test_the_home_is_free_when_its_holder_is_killed(home: Home) -> None:
    with another_process_in(home) as process:
        process.kill()
        process.wait()
        with home.locked():
            pass


def test_two_homes_do_not_disturb_each_other(tmp_path: Path) -> None:
    with Home.at(tmp_path / "one").locked(), Home.at(tmp_path / "two").locked():
        pass


def test_a_home_is_the_same_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "home")
    home = Home.at(tmp_path / "home")
    home.create()
    assert Home.at(Path("home")) == home
    assert Home.at(Path("link")) == home
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Home.at(Path("~/home"), Path("~/link/keys")) == home
    assert (home.has_catalog, Home.at(home.root, catalog_url=SecretStr("postgresql://x")).has_catalog) == (False, True)
    with home.locked(), pytest.raises(HomeLockedError), Home.at(Path("link")).locked():
        pytest.fail("the home was held twice")


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o705, 0o701])
def test_a_home_is_its_owners_only_even_if_it_was_there(home: Home, mode: int) -> None:
    home.root.mkdir()
    home.root.chmod(mode)
    home.create()
    assert home.root.stat().st_mode & 0o777 == 0o700
    with home.locked():
        assert (home.root / "lock").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("place", ["file", "file/home", "/proc/home", "/dev/null/home"])
def test_a_home_that_cannot_be_made_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        ConfigError, match=r"cannot be the home: .*\. Give another --home or RELANCE_HOME\.$"
    ) as refusal:
        Home.at(tmp_path / place).create()
    assert refusal.value.exit_code == 2


def test_a_full_disk_is_not_told_as_a_place_that_cannot_be_a_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(OSError, match="full") as raised:
        home.create()
    assert raised.value.errno == errno.ENOSPC


def test_everything_lives_in_the_home_but_keys_that_are_put_elsewhere(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home", tmp_path / "keys")
    assert home.keys == tmp_path / "keys"
    assert Home.at(tmp_path / "home").keys == tmp_path / "home" / "keys"
    places = (home.warehouse, home.catalog, home.outbox, home.dagster, home.spill, home.sample)
    assert all(place.is_relative_to(home.root) for place in places)
    assert len(set(places)) == len(places)


def test_the_environment_places_home_config_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RELANCE_HOME", "RELANCE_CONFIG", "RELANCE_KEYS"):
        monkeypatch.delenv(name, raising=False)
    assert Environment() == Environment(home=Path("var"), config=Path("config"), keys=None)
    monkeypatch.setenv("RELANCE_HOME", "/srv/relance")
    monkeypatch.setenv("RELANCE_KEYS", "/etc/relance/keys")
    assert Environment().home == Path("/srv/relance")
    assert Environment().keys == Path("/etc/relance/keys")
    for url, is_given in (("", False), (" ", False), ("postgresql://x", True)):
        monkeypatch.setenv("RELANCE_CATALOG", url)
        assert (Environment().catalog is not None) == is_given


def test_a_lock_leaves_no_open_file_behind(home: Home) -> None:
    home.create()
    held = str(home.root / "lock")
    for _ in range(3):
        with home.locked(), pytest.raises(HomeLockedError), home.locked():
            pytest.fail("the home was held twice")
    if not Path("/proc/self/fd").exists():
        pytest.skip("this system does not list a process's open files")
    assert held not in {str(path.resolve()) for path in Path("/proc/self/fd").iterdir()}


def test_a_folder_that_others_use_is_not_closed_to_them(tmp_path: Path) -> None:
    """As root in `/`, the default home is `/var`."""
    var = tmp_path / "var"
    (var / "lock").mkdir(parents=True)
    var.chmod(0o755)

    with pytest.raises(ConfigError, match="it holds other things, and others of this machine may use it"):
        Home.at(var).create()
    with pytest.raises(ConfigError, match="it holds other things"), Home.at(var).locked():
        pytest.fail("the home was held")

    assert var.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("holds", ["lost+found", "sample", "bench", "outbox"])
def test_a_folder_that_is_empty_or_a_home_already_is_closed_to_others(tmp_path: Path, holds: str) -> None:
    (tmp_path / "home" / holds).mkdir(parents=True)
    (tmp_path / "home").chmod(0o755)

    Home.at(tmp_path / "home").create()

    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_a_lock_of_another_user_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    # Root may open everything.
    monkeypatch.setattr("catalog.home.os.open", refused)

    with pytest.raises(ConfigError, match="is another user's"), home.locked():
        pytest.fail("the home was held")
