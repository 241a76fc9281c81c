"""The CRM of a few lines, as the tests of its reading have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from pipelines.crm.pull import Reading
from tests.pipelines.crm.test_pull import Read, reading_of


@pytest.fixture
def reading(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> Iterator[Read]:
    """`reading_of` the given lines, on a connection of the test's own."""
    with closing(database.cursor()) as connection:

        def made(**crm: object) -> Reading:
            return reading_of(connection, tmp_path, **crm)  # pyright: ignore[reportArgumentType]

        yield made
