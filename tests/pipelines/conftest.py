"""What a module's tests share: a warehouse, which each begins by clearing of what it writes, or a bare connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from catalog.duckdb_connection import connect
from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.warehouse import Warehouse, open_warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    home = Home.at(tmp_path_factory.mktemp("home"))
    home.create()
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        yield warehouse


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    home = Home.at(tmp_path_factory.mktemp("home"))
    home.create()
    with closing(connect(home, "500MB")) as connection:
        yield connection
