"""What DuckDB might never end is told by its form, and nothing asks it (docs/decisions/0042)."""

from __future__ import annotations

import duckdb
import pytest

from catalog import duckdb_connection
from pipelines.crm import arrival
from tests.sleeping_queries import might_sleep

_GROUPED = "SELECT a FROM v GROUP BY a"


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT a FROM t JOIN u USING (a) UNION ALL ({_GROUPED})",
        f"WITH grouped AS ({_GROUPED}) SELECT a FROM t JOIN u USING (a) UNION ALL FROM grouped",
        "SELECT a FROM t WHERE rowid IN (SELECT 1 UNION SELECT 2) UNION ALL SELECT 3",
        "SELECT a FROM t SEMI JOIN u USING (a) UNION ALL SELECT max(a) FROM v",
        "SELECT a FROM t JOIN u USING (a) UNION ALL SELECT DISTINCT a FROM v",
        f"SELECT * FROM (SELECT a FROM t JOIN u USING (a) UNION ALL ({_GROUPED})) LIMIT 9",
        f"SELECT a + 1 FROM (SELECT a FROM t JOIN u USING (a) UNION ALL ({_GROUPED})) SEMI JOIN w USING (a)",
    ],
)
def test_a_union_of_arms_that_join_and_group_is_told(query: str) -> None:
    assert might_sleep(query)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM t JOIN u USING (a) UNION ALL SELECT a FROM v",
        f"WITH grouped AS MATERIALIZED ({_GROUPED}) SELECT a FROM t JOIN u USING (a) UNION ALL FROM grouped",
        f"SELECT a FROM t UNION ALL ({_GROUPED})",
        f"SELECT count(*) FROM (SELECT a FROM t JOIN u USING (a) UNION ALL ({_GROUPED}))",
        f"SELECT a FROM t JOIN u USING (a) UNION ALL ({_GROUPED}) ORDER BY a",
        f"SELECT * FROM (SELECT a FROM t JOIN u USING (a) UNION ALL ({_GROUPED})) LIMIT 0",
    ],
)
def test_a_union_that_ends_is_let_pass(query: str) -> None:
    assert not might_sleep(query)


def test_no_test_can_ask_such_a_query() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    asked = connection.sql("SELECT a FROM t JOIN t AS u USING (a) UNION ALL (SELECT a FROM t GROUP BY a)")

    with pytest.raises(AssertionError, match="might never end"):
        arrival.frame_of(asked)
    assert arrival.frame_of is duckdb_connection.frame_of
