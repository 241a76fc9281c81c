"""Who may use the page: what `relance users` and the page itself refuse, and what holds of the passwords."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import passwords
from catalog.home import Home
from catalog.store import Catalog, open_catalog
from catalog.users import add_user, user_known_as, users
from schemas.errors import UserError


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    """An empty one, with hashes that cost little."""
    monkeypatch.setattr(passwords, "_HASHER", passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with open_catalog(Home.at(tmp_path / "home"), actor="os:root") as opened:
        yield opened


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
