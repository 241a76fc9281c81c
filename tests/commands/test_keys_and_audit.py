"""`relance keys` and `relance audit`: what is said, and what is never shown."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

import commands.audit
import commands.keys
from catalog.home import Home
from catalog.secret_keys import NAMES, open_keys
from catalog.store import Catalog, open_catalog
from catalog.warehouse import open_warehouse
from pipelines.uploads.versions.manifest import signed
from tests.catalog.test_audit import tamper
from tests.commands.test_messages import DAY, LOYAL, config, home, manifest, no_other_installation, relance, words

__all__ = ["config", "home", "no_other_installation"]


@pytest.fixture
def after_a_night(home: Home, config: Path) -> Home:
    """A home with keys, a warehouse, and a night that published a version, beside its config."""
    keys = open_keys(home)
    with open_warehouse(home, keys, "2GB"), open_catalog(home) as catalog:
        night = catalog.begin_night(DAY)
        version = signed(manifest(), catalog.audit_head(), keys)
        catalog.add_version(LOYAL, version, "content")
        catalog.end_night(night, "done", [], 0)
        catalog.sign_audit_head(home, keys)
    folder = home.outbox.joinpath(*LOYAL, version.version)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(version.model_dump_json(), encoding="utf-8")
    return home


def secrets_of(home: Home) -> list[str]:
    keys = open_keys(home)
    return [keys.warehouse, keys.identity, keys.signing]


# keys


def test_keys_says_where_each_is_and_what_is_lost_without_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELANCE_IDENTITY_KEY", "5" * 64)
    open_keys(home)
    result = relance("keys", "--home", home.root)
    assert result.exit_code == 0
    said = words(result)
    for name in (*NAMES, "portal"):
        assert name in said
    assert "signs the page's" in said
    assert "RELANCE_IDENTITY_KEY" in said
    assert "erased people come" in said
    assert "never rotated" in said
    assert "no backup may hold both" in said
    assert not [secret for secret in secrets_of(home) if secret in result.output]


def test_keys_makes_no_key_and_no_home(tmp_path: Path) -> None:
    result = relance("keys", "--home", tmp_path / "new")
    assert result.exit_code == 0
    assert "not there yet" in words(result)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("where", ["before", "after"])
def test_rotating_tells_what_the_old_key_still_opens_and_is_logged(after_a_night: Home, where: str) -> None:
    before = secrets_of(after_a_night)
    option = ["--home", str(after_a_night.root)]
    result = relance("keys", *option, "rotate") if where == "before" else relance("keys", "rotate", *option)
    assert result.exit_code == 0
    assert "backups of the warehouse made until now open only with a backup of the old key" in words(result)
    after = secrets_of(after_a_night)
    assert (after[0] != before[0], after[1:]) == (True, before[1:])
    assert not [secret for secret in before + after if secret in result.output]
    with open_warehouse(after_a_night, open_keys(after_a_night), "2GB"):
        pass
    assert "key rotated" in relance("audit", "show", "--home", after_a_night.root).output
    assert relance("audit", "verify", "--home", after_a_night.root).exit_code == 0


def test_rotating_keeps_to_the_memory_limit_of_the_config(
    after_a_night: Home, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config / "relance.toml").write_text('currency = "EUR"\nmemory_limit = "321MB"\n', encoding="utf-8")
    asked: list[tuple[Home, str]] = []
    monkeypatch.setattr(commands.keys, "rotate_warehouse_key", lambda *arguments: asked.append(arguments))
    for option in ([], ["--config", config]):
        assert relance("keys", "rotate", *option, "--home", after_a_night.root).exit_code == 0
    assert asked == [(after_a_night, "321MB")] * 2


def test_what_the_old_signing_key_signed_is_still_verified_here_and_by_a_third_party(after_a_night: Home) -> None:
    [folder] = [path.parent for path in after_a_night.outbox.rglob("manifest.json")]
    old = after_a_night.root.parent / "given-out.pub"
    shutil.copyfile(after_a_night.public_key, old)
    assert relance("keys", "rotate", "signing", "--home", after_a_night.root).exit_code == 0
    for options in (["--home", after_a_night.root], ["--public-key", old, "--home", "elsewhere"]):
        assert relance("verify", folder, *options).exit_code == 0
    new = relance("verify", folder, "--public-key", after_a_night.public_key)
    assert "the signature does not hold for this public key" in words(new)
    assert relance("audit", "verify", "--home", after_a_night.root).exit_code == 0


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("identity", "never rotated: tombstones hold only keyed hashes"), ("house", "There is no key 'house'")],
)
def test_another_key_is_not_rotated(after_a_night: Home, name: str, sentence: str) -> None:
    before = secrets_of(after_a_night)
    result = relance("keys", "rotate", name, "--home", after_a_night.root)
    assert result.exit_code == 2
    assert sentence in words(result)
    assert secrets_of(after_a_night) == before


# audit


def test_show_lists_the_newest_lines(after_a_night: Home) -> None:
    result = relance("audit", "show", "--last", "2", "--home", after_a_night.root)
    assert result.exit_code == 0
    assert "2 of 3 lines." in result.output
    assert "run started" not in result.output
    assert "run ended" in result.output


def test_verify_needs_only_the_public_key(after_a_night: Home) -> None:
    for path in after_a_night.keys.glob("*.key"):
        path.unlink()
    result = relance("audit", "verify", "--home", after_a_night.root)
    assert result.exit_code == 0
    assert "3 lines hold, compared with 3 signed heads" in words(result)


def test_verify_says_which_lines_no_signed_head_covers_yet(after_a_night: Home) -> None:
    with open_catalog(after_a_night) as catalog:
        catalog.record("allowed", "meta/main/loyal")
    assert "Lines newer than any signed head: 1. If" in words(relance("audit", "verify", "--home", after_a_night.root))


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE audit SET actor = 'os:nobody' WHERE line = 2", "line 2 was changed"),
        ("DELETE FROM audit WHERE line = 2", "line 2 is missing"),
        ("DELETE FROM audit WHERE line = 3", "the log ends at line 2, but the signed head in the home knew line 3"),
        ("DELETE FROM audit", "no line says that google_ads/fr/loyal/2025-06-30.1 was published"),
    ],
)
def test_verify_tells_a_changed_a_missing_and_a_cut_off_line(
    after_a_night: Home, statement: str, sentence: str
) -> None:
    tamper(after_a_night, statement)
    result = relance("audit", "verify", "--home", after_a_night.root)
    assert result.exit_code == 1
    assert sentence in words(result)


def test_a_log_holds_however_a_night_beside_goes_on_while_it_is_verified(
    after_a_night: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = open_keys(after_a_night)
    numbers = count(2)

    def publishing(read: Callable[..., object]) -> Callable[..., object]:
        """Publish and sign before and after what is read."""

        def reads(*arguments: object, **named: object) -> object:
            publish()
            found = read(*arguments, **named)
            found = found if found is None or isinstance(found, list) else list(found)  # pyright: ignore
            publish()
            return found

        return reads

    def publish() -> None:
        with open_catalog(after_a_night) as catalog:
            beside = manifest().model_copy(update={"version": f"2025-06-30.{next(numbers)}"})
            beside = signed(beside, catalog.audit_head(), keys)
            catalog.add_version(LOYAL, beside, "content")
            catalog.sign_audit_head(after_a_night, keys)
        after_a_night.outbox.joinpath(*LOYAL, beside.version).mkdir(parents=True)
        path = after_a_night.outbox.joinpath(*LOYAL, beside.version, "manifest.json")
        path.write_text(beside.model_dump_json(), encoding="utf-8")

    def going(home: Home) -> list[Path]:
        found = listed(home)
        shutil.rmtree(found[0].parent)
        return found

    listed = Home.manifests  # where a version goes between being listed and being read
    monkeypatch.setattr(Home, "manifests", going)
    monkeypatch.setattr(Catalog, "versions", publishing(Catalog.versions))
    monkeypatch.setattr(commands.audit, "claims", publishing(commands.audit.claims))
    monkeypatch.setattr(Catalog, "audit_lines", publishing(Catalog.audit_lines))
    result = relance("audit", "verify", "--home", after_a_night.root)
    assert result.exit_code == 0, result.output


def test_a_log_that_is_gone_is_told_and_none_is_made(after_a_night: Home) -> None:
    after_a_night.catalog.unlink()
    for command in ("show", "verify"):
        result = relance("audit", command, "--home", after_a_night.root)
        assert result.exit_code == 1
        assert "the audit log is gone with it" in words(result)
    assert not after_a_night.catalog.exists()


def test_without_a_public_key_nothing_is_called_verified(after_a_night: Home) -> None:
    shutil.rmtree(after_a_night.keys)
    result = relance("audit", "verify", "--home", after_a_night.root)
    assert result.exit_code == 2
    assert "There is no public key" in words(result)


def test_lost_keys_are_said_to_be_lost_and_not_to_come(after_a_night: Home) -> None:
    for name in NAMES:
        (after_a_night.keys / f"{name}.key").unlink()
    result = relance("keys", "--home", after_a_night.root)
    assert words(result).count("missing from") == len(NAMES)

    result = relance("keys", "rotate", "--home", after_a_night.root)
    assert result.exit_code == 1
    assert "nothing to rotate. This home has data: restore it from your backup." in words(result)
