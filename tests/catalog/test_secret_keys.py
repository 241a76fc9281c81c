"""The secret keys: made once, independent, hidden, and never made anew for data that needs the old ones."""

from __future__ import annotations

import errno
import os
import traceback
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from catalog import secret_keys
from catalog.erasures import adopt_requests
from catalog.home import Home
from catalog.secret_keys import NAMES, SecretKeys, open_keys, public_keys, rotate_signing_key, signature_holds
from catalog.store import open_catalog
from schemas.errors import CatalogError, ForeignCatalogError, KeyFileError
from tests.catalog.test_store import LOYAL, manifest
from tests.disk import disk_calls


@pytest.fixture(autouse=True)
def no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(f"RELANCE_{name.upper()}_KEY", raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


def with_data(home: Home, name: str = "warehouse.duckdb") -> None:
    home.create()
    (home.root / name).write_bytes(b"data")


def refusal(home: Home) -> str:
    with pytest.raises(KeyFileError) as caught:
        open_keys(home)
    return str(caught.value)


def test_a_new_home_gets_three_keys_once(home: Home) -> None:
    made = open_keys(home)
    assert open_keys(home) == made
    assert sorted(path.name for path in home.keys.glob("*.key")) == ["identity.key", "signing.key", "warehouse.key"]


def test_the_keys_are_their_owners_only(home: Home) -> None:
    open_keys(home)
    assert home.keys.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in home.keys.glob("*.key")} == {
        f"{name}.key": 0o600 for name in NAMES
    }


def test_each_key_is_on_the_disk_before_anything_is_encrypted_with_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        calls = disk_calls(patched)
        open_keys(home)
    for name in NAMES:
        content = (home.keys / f"{name}.key").read_bytes()
        [at] = [place for place, call in enumerate(calls) if call[0] == "sync" and call[2] == content]
        # Once for the file that was written beside, and again for its name.
        assert calls[at + 1 :].count(("sync", home.keys, None)) >= 2
    assert not list(home.keys.glob(".*"))


def test_the_keys_are_independent_and_random(tmp_path: Path) -> None:
    keys = [open_keys(Home.at(tmp_path / name)) for name in ("one", "two")]
    values = [getattr(key, name) for key in keys for name in NAMES]
    assert len(set(values)) == 6
    assert all(len(bytes.fromhex(value)) == 32 for value in values)


def test_the_first_run_says_once_that_no_backup_may_hold_both(home: Home) -> None:
    said: list[str] = []
    open_keys(home, said.append)
    open_keys(home, said.append)
    assert len(said) == 1
    assert str(home.keys) in said[0]
    assert "no backup may hold both" in said[0]


def test_keys_may_lie_apart_from_the_home(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home", tmp_path / "elsewhere" / "keys")
    open_keys(home)
    assert (tmp_path / "elsewhere" / "keys" / "identity.key").exists()
    assert not (home.root / "keys").exists()


@pytest.mark.parametrize("data", ["warehouse.duckdb", "catalog.sqlite"])
@pytest.mark.parametrize(
    ("lost", "says"),
    [
        *(([name], f"its {name} key is not in {{keys}}. Restore the file {name}.key from") for name in NAMES),
        (
            ["identity", "signing"],
            "its identity and signing keys are not in {keys}. Restore the files identity.key and signing.key from",
        ),
        (
            list(NAMES),
            "its warehouse, identity and signing keys are not in {keys}. "
            "Restore the files warehouse.key, identity.key and signing.key from",
        ),
    ],
)
def test_a_home_with_data_never_gets_a_new_key(home: Home, lost: list[str], says: str, data: str) -> None:
    open_keys(home)
    with_data(home, data)
    for name in lost:
        (home.keys / f"{name}.key").unlink()
    before = {path.name: path.read_bytes() for path in home.keys.iterdir()}
    message = refusal(home)
    assert f"{says.format(keys=home.keys)} your backup, or set RELANCE_KEYS" in message
    assert {path.name: path.read_bytes() for path in home.keys.iterdir()} == before


def test_a_catalog_that_was_only_looked_at_is_no_data(home: Home) -> None:
    """Dagster's daemon and the page open it before the first run."""
    with open_catalog(home) as catalog:
        catalog.begin_night(date(2026, 3, 28))

    assert sorted(path.name for path in home.keys.glob("*.key")) == []
    assert open_keys(home).identity


def test_a_catalog_with_versions_alone_has_data(home: Home) -> None:
    with open_catalog(home) as catalog:
        catalog.add_version(LOYAL, manifest(), "content")
    assert "has data but its warehouse, identity and signing keys" in refusal(home)


def test_a_key_that_another_process_made_meanwhile_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = open_keys(home)
    before = {path.name: path.read_bytes() for path in home.keys.iterdir()}
    monkeypatch.setattr(secret_keys, "find_key", lambda home, name: None)
    assert open_keys(home) == keys
    assert {path.name: path.read_bytes() for path in home.keys.iterdir()} == before


def test_two_first_starts_have_one_key_where_files_have_one_name_only(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*paths: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refused)
    keys = open_keys(home)
    monkeypatch.setattr(secret_keys, "find_key", lambda home, name: None)
    assert open_keys(home) == keys
    monkeypatch.undo()
    assert open_keys(home) == keys


def test_another_home_of_a_catalog_with_data_gets_no_keys(home: Home, tmp_path: Path, postgresql_database: str) -> None:
    """As one whose disk is not mounted: with another identity key everybody who was erased would come back."""
    url = SecretStr(postgresql_database)
    with open_catalog(Home.at(home.root, catalog_url=url)) as catalog:
        adopt_requests(catalog, [("r1", "email", datetime(2026, 3, 28, tzinfo=UTC))])
    empty = Home.at(tmp_path / "empty", catalog_url=url)

    with pytest.raises(ForeignCatalogError, match="RELANCE_CATALOG names belongs to another home than"):
        open_keys(empty)
    assert not empty.keys.exists()
    # Nor one whose user may not look into it.
    server = sa.create_engine(postgresql_database.replace("postgresql:", "postgresql+psycopg:"))
    with server.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE stranger LOGIN")
    server.dispose()
    strangers = SecretStr(postgresql_database.replace("relance:not-a-secret@", "stranger@"))
    with pytest.raises(CatalogError, match="cannot be used"):
        open_keys(Home.at(empty.root, catalog_url=strangers))
    assert not empty.keys.exists()


def test_a_catalog_that_cannot_be_reached_is_told_as_that_and_not_as_lost_keys(home: Home) -> None:
    url = SecretStr("postgresql://relance@/nowhere?host=/nonexistent")
    with pytest.raises(CatalogError, match="PostgreSQL at /nonexistent"):
        open_keys(Home.at(home.root, catalog_url=url))
    assert not home.keys.exists()


def test_a_lost_key_is_recognised_when_it_is_restored(home: Home) -> None:
    made = open_keys(home)
    with_data(home)
    text = (home.keys / "identity.key").read_text(encoding="ascii")
    (home.keys / "identity.key").unlink()
    refusal(home)
    (home.keys / "identity.key").write_text(f" {text.strip()} ", encoding="ascii")
    assert open_keys(home) == made


@pytest.mark.parametrize(
    "text", ["", "secret", "a" * 63, "a" * 65, "g" * 64, "A" * 64, "é" * 64, "a" * 32 + "\n" + "a" * 32]
)
def test_a_malformed_key_file_is_told_and_left_as_it_is(home: Home, text: str) -> None:
    open_keys(home)
    path = home.keys / "identity.key"
    path.write_text(text, encoding="utf-8")
    message = refusal(home)
    assert message.startswith(f"{path} does not hold a key: ")
    assert not text.strip() or text.strip() not in message
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", NAMES)
def test_a_key_may_come_from_the_environment(home: Home, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"RELANCE_{name.upper()}_KEY", "5" * 64 + "\n")
    keys = open_keys(home)
    assert getattr(keys, name) == "5" * 64
    assert not (home.keys / f"{name}.key").exists()
    assert sorted(path.stem for path in home.keys.glob("*.key")) == sorted(set(NAMES) - {name})


def test_a_key_of_the_environment_goes_before_its_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    made = open_keys(home)
    monkeypatch.setenv("RELANCE_IDENTITY_KEY", made.identity)
    (home.keys / "identity.key").write_text("5" * 64, encoding="ascii")
    assert open_keys(home) == made


def test_keys_from_the_environment_alone_leave_no_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(NAMES):
        monkeypatch.setenv(f"RELANCE_{name.upper()}_KEY", str(number) * 64)
    said: list[str] = []
    assert open_keys(home, said.append) == SecretKeys("0" * 64, "1" * 64, "2" * 64)
    assert not list(home.root.rglob("*.key"))
    assert home.keys.stat().st_mode & 0o777 == 0o700
    assert said == []


def test_a_malformed_key_of_the_environment_is_told_by_its_variable(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELANCE_WAREHOUSE_KEY", "correct horse")
    message = refusal(home)
    assert message.startswith("RELANCE_WAREHOUSE_KEY does not hold a key")
    assert "correct horse" not in message


def test_keys_are_never_shown(home: Home) -> None:
    keys = open_keys(home)
    shown = [repr(keys), str(keys), f"{keys}", "".join(traceback.format_exception(ValueError(keys)))]
    assert not [name for name in NAMES for text in shown if getattr(keys, name) in text]


@given(message=st.binary(max_size=200))
def test_what_was_signed_holds(message: bytes) -> None:
    keys = SecretKeys("1" * 64, "2" * 64, "3" * 64)
    assert signature_holds(keys.public_key, message, keys.sign(message))


@given(message=st.binary(min_size=1, max_size=50), place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_one_changed_bit_breaks_the_signature(message: bytes, place: int, bit: int) -> None:
    keys = SecretKeys("1" * 64, "2" * 64, "3" * 64)
    changed = bytearray(message)
    changed[place % len(message)] ^= 1 << bit
    assert not signature_holds(keys.public_key, bytes(changed), keys.sign(message))


@pytest.mark.parametrize(("public_key", "signature"), [("", ""), ("zz", "00"), ("00" * 32, "00" * 64), ("00", "00"),
                                                       ("é", "é")])  # fmt: skip
def test_what_is_no_signature_does_not_hold(public_key: str, signature: str) -> None:
    assert not signature_holds(public_key, b"message", signature)


def test_another_homes_signature_does_not_hold() -> None:
    ours, theirs = SecretKeys("1" * 64, "2" * 64, "3" * 64), SecretKeys("1" * 64, "2" * 64, "4" * 64)
    assert not signature_holds(ours.public_key, b"message", theirs.sign(b"message"))


def test_the_signers_public_key_lies_beside_the_secret_one(home: Home) -> None:
    keys = open_keys(home)
    assert (home.keys / "signing.pub").read_text(encoding="ascii").strip() == keys.public_key
    assert keys.signing not in keys.public_key


def test_a_new_signing_key_keeps_the_old_public_key(home: Home) -> None:
    first = open_keys(home)
    rotate_signing_key(home)
    second = open_keys(home)
    rotate_signing_key(home)
    third = open_keys(home)
    assert len({first.signing, second.signing, third.signing}) == 3
    assert (first.warehouse, first.identity) == (third.warehouse, third.identity)
    assert public_keys(home) == {
        "signing.pub": third.public_key,
        "signing-1.pub": first.public_key,
        "signing-2.pub": second.public_key,
    }
    assert (home.keys / "signing.key").stat().st_mode & 0o777 == 0o600


def test_the_old_public_key_is_kept_before_the_new_one_takes_its_place(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_keys(home)
    calls = disk_calls(monkeypatch)
    rotate_signing_key(home)
    renamed = [path.name for what, path, _ in calls if what == "rename"]
    assert renamed == ["signing.key", "signing-1.pub", "signing.pub"]


def test_no_public_key_is_lost_however_often_the_signing_key_is_exchanged(home: Home) -> None:
    signers = {open_keys(home).public_key}
    for _ in range(11):
        rotate_signing_key(home)
        signers.add(open_keys(home).public_key)
    assert len(signers) == 12
    assert set(public_keys(home).values()) == signers


def test_a_deleted_public_key_frees_no_number(home: Home) -> None:
    open_keys(home)
    for _ in range(2):
        rotate_signing_key(home)
    (home.keys / "signing-1.pub").unlink()
    rotate_signing_key(home)
    assert sorted(public_keys(home)) == ["signing-2.pub", "signing-3.pub", "signing.pub"]


def test_a_signing_rotation_killed_before_the_public_key_is_ended_by_the_next_opening(home: Home) -> None:
    first = open_keys(home)
    (home.keys / "signing.key").write_text("5" * 64 + "\n", encoding="ascii")
    second = open_keys(home)
    assert public_keys(home) == {"signing.pub": second.public_key, "signing-1.pub": first.public_key}
    assert open_keys(home) == second
    assert sorted(public_keys(home)) == ["signing-1.pub", "signing.pub"]


def test_a_signing_key_of_the_environment_is_exchanged_there(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELANCE_SIGNING_KEY", "5" * 64)
    first = open_keys(home)
    with pytest.raises(KeyFileError, match=r"RELANCE_SIGNING_KEY.*openssl rand -hex 32"):
        rotate_signing_key(home)
    monkeypatch.setenv("RELANCE_SIGNING_KEY", "6" * 64)
    second = open_keys(home)
    assert public_keys(home) == {"signing.pub": second.public_key, "signing-1.pub": first.public_key}
    for text in ("5", "6", "5"):
        monkeypatch.setenv("RELANCE_SIGNING_KEY", text * 64)
        open_keys(home)
    assert public_keys(home) == {
        "signing.pub": first.public_key,
        "signing-1.pub": first.public_key,
        "signing-2.pub": second.public_key,
    }


def test_an_empty_variable_is_no_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    open_keys(home)
    monkeypatch.setenv("RELANCE_IDENTITY_KEY", "")
    assert refusal(home).startswith("RELANCE_IDENTITY_KEY does not hold a key")
