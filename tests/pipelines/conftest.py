"""A warehouse that a module's tests share; each begins by clearing what it writes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.warehouse import Warehouse, open_warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    home = Home.at(tmp_path_factory.mktemp("home"))
    home.create()
    with open_warehouse(home, open_keys(home)) as warehouse:
        yield warehouse
