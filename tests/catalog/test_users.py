"""Who may use the page: what `relance users` and the page itself refuse, and what holds of the passwords."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from catalog import passwords
from catalog.home import Home
from catalog.store import Catalog, open_catalog
from catalog.users import (
    add_user,
    change_password,
    remove_user,
    reset_password,
    set_roles,
    user_known_as,
    user_with_password,
    users,
)
from schemas.errors import UserError


def cheap(kind: type[passwords.PasswordHasher] = passwords.PasswordHasher) -> passwords.PasswordHasher:
    """Argon2 with hashes that cost little."""
    return kind(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    monkeypatch.setattr(passwords, "_HASHER", cheap())
    with open_catalog(Home.at(tmp_path / "home")) as opened:
        yield opened.acting_as("os:root")


@pytest.mark.parametrize(
    ("name", "known_as"),
    [
        ("bob", "camille@shop.example"),
        ("bob", "camille"),
        ("bob", "dora"),
        ("called", None),
        ("called", "bob@x.example"),
    ],
)
def test_whom_a_proxy_names_is_one_user(catalog: Catalog, name: str, known_as: str | None) -> None:
    add_user(catalog, "camille", ["marketer"], known_as="camille@shop.example")
    add_user(catalog, "dora", ["marketer"], known_as="called")
    with pytest.raises(UserError, match=r"is already what a proxy or OpenID provider calls (camille|dora)") as refused:
        add_user(catalog, name, ["admin"], known_as)
    assert "@" not in str(refused.value)
    assert [user.name for user in users(catalog)] == ["camille", "dora"]
    found = [user_known_as(catalog, claimed) for claimed in ("camille@shop.example", "called", "bob@x.example")]
    assert [user and user.name for user in found] == ["camille", "dora", None]


def test_who_is_called_otherwise_is_not_let_in_by_the_plain_name(catalog: Catalog) -> None:
    add_user(catalog, "camille", ["marketer"])
    add_user(catalog, "bob", ["admin"], known_as="robert@shop.example")
    found = [user_known_as(catalog, claimed) for claimed in ("camille", "bob", "robert@shop.example")]
    assert [user and user.name for user in found] == ["camille", None, "bob"]


def test_a_chosen_password_has_twelve_characters_and_one_that_was_reset_is_for_one_use(catalog: Catalog) -> None:
    first = add_user(catalog, "camille", ["marketer"])
    with pytest.raises(UserError, match="at least 12 characters"):
        change_password(catalog, "camille", "a" * 11)
    change_password(catalog, "camille", "a" * 12)
    assert user_with_password(catalog, "camille", first) is None
    chosen = user_with_password(catalog, "camille", "a" * 12)
    assert chosen is not None
    assert not chosen.one_time_password

    second = reset_password(catalog, "camille")

    assert user_with_password(catalog, "camille", "a" * 12) is None
    reset = user_with_password(catalog, "camille", second)
    assert reset is not None
    assert reset.one_time_password


def test_a_one_time_password_is_long_readable_and_another_each_time() -> None:
    made = {passwords.one_time_password() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", password) for password in made)
    assert not {*"il1o0"} & set("".join(made))


def test_a_password_of_nobody_is_compared_as_one_of_somebody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not passwords._HASHER.check_needs_rehash(passwords._NOBODY)
    compared: list[str] = []

    class Counting(passwords.PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            compared.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_HASHER", cheap(Counting))
    monkeypatch.setattr(passwords, "_NOBODY", passwords.hash_of("nobody's"))
    hashed = passwords.hash_of("a password")
    known = (hashed, None, "no hash")
    assert [passwords.fits("a password", each) for each in known] == [True, False, False]
    assert len(compared) == len(known)
    assert not passwords.fits("nobody's", None)


@pytest.mark.parametrize("end", [lambda catalog: set_roles(catalog, "dora", ["marketer"]),
                                 lambda catalog: remove_user(catalog, "dora")])  # fmt: skip
def test_somebody_is_left_who_manages_users(catalog: Catalog, end: Callable[[Catalog], None]) -> None:
    add_user(catalog, "camille", ["marketer"])
    add_user(catalog, "dora", ["admin", "marketer"])
    with pytest.raises(UserError, match="Nobody would be left who manages users"):
        end(catalog)
    assert [user.name for user in users(catalog) if "admin" in user.roles] == ["dora"]
    set_roles(catalog, "camille", ["admin"])
    end(catalog)
    assert [user.name for user in users(catalog) if "admin" in user.roles] == ["camille"]


def test_where_nobody_manages_users_who_never_did_is_changed_and_removed_all_the_same(catalog: Catalog) -> None:
    add_user(catalog, "eve", ["marketer"])
    set_roles(catalog, "eve", ["privacy"])
    assert [user.roles for user in users(catalog)] == [{"privacy"}]
    remove_user(catalog, "eve")
    assert users(catalog) == []


def test_roles_that_do_not_exist_and_a_name_that_is_taken_are_refused(catalog: Catalog) -> None:
    add_user(catalog, "camille", ["marketer"])
    refused = [
        ("dora", ["marketer", "owner"], "not 'owner'"),
        ("dora", [], "one or more of the roles"),
        ("camille", ["admin"], "There is a user camille already"),
    ]
    for name, roles, says in refused:
        with pytest.raises(UserError, match=says):
            add_user(catalog, name, roles)
    assert [(user.name, user.roles) for user in users(catalog)] == [("camille", {"marketer"})]
