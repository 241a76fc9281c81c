"""What a declared select tells by its text alone, and that the night finds the same."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from pipelines.crm.selects.declared import check_table, given_columns
from pipelines.crm.selects.located import parsed
from pipelines.crm.suppressions import check_select
from schemas.errors import ConfigError
from schemas.source import TABLES, Sources

KNOWN = ("customer_id", "email", "phone", "city")
ORDERS = "id AS order_id, who AS customer_id, total AS amount, 'EUR' AS currency, 'completed' AS status"


def declared(select: str, table: str = "customers") -> Sources:
    """Sources of which one table has the select."""
    tables = {name: {"absent": True} for name in TABLES} | {
        "customers": {"select": "SELECT id AS customer_id FROM crm"}
    }
    return Sources.model_validate(
        {
            "sources": {"crm": {"files": "crm.csv"}, "shop": {"sqlite": "shop.db"}},
            "tables": tables | {table: {"select": select}},
        }
    )


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A source's table, and nothing else."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE crm(customer_id VARCHAR, email VARCHAR, phone VARCHAR, mail VARCHAR, l INT[])")
        connection.execute("ALTER TABLE crm ADD COLUMN s STRUCT(email VARCHAR, city VARCHAR)")
        yield connection


@pytest.mark.parametrize(
    ("table", "select", "told"),
    [
        ("customers", "SELECT id AS customer_id FROM pedido", "reads pedido, which sources.toml does not declare. Its"),
        (
            "customers",
            "SELECT id AS customer_id FROM store.people",
            " reads store.people, which sources.toml does not de",
        ),
        ("customers", "SELECT id AS customer_id FROM crm JOIN pedido USING (id)", " reads pedido, which sources.toml "),
        (
            "customers",
            "SELECT id AS customer_id, EMAIL, mail AS email FROM crm",
            "gives email more than once. Take one",
        ),
        (
            "customers",
            "SELECT id AS customer_id FROM crm; SELECT 1",
            " is not one SELECT and nothing else. Write it as",
        ),
        ("customers", "WITH c AS (FROM pedido) SELECT id AS customer_id FROM c", " reads pedido, which sources.t"),
        ("customers", "SELECT email FROM crm", "lacks the column customer_id."),
        ("customers", "SELECT id, email FROM crm", "gives id, which is no column of customers. Its columns are"),
        ("customers", "SELECT id AS customer_id, x AS Mail FROM crm", "gives Mail, which is no column of customers"),
        (
            "customers",
            "SELECT id AS customer_id, lower(email) FROM crm",
            "gives one column whose name looks like a val",
        ),
        ("customers", "SELECT id FROM crm UNION ALL SELECT customer_id FROM crm", "gives id, which is no column of cu"),
        ("customers", "DELETE FROM crm", " is not one SELECT and nothing else. Write it as one"),
        ("customers", "SELECT id AS customer_id FROM crm; DROP TABLE crm", " is not one SELECT and nothing else."),
        ("orders", f"SELECT {ORDERS} FROM crm", "lacks the column ordered_at. If the source has no order times, set"),
        ("visits", "SELECT id AS event_id FROM crm", "lacks the column customer_id, occurred_at, event."),
    ],
)
def test_a_mistake_that_the_text_shows_is_told(
    connection: duckdb.DuckDBPyConnection, table: str, select: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_table(table, declared(select, table), connection)  # pyright: ignore[reportArgumentType] - a table's name
    assert str(caught.value).startswith(f"sources.toml, tables.{table}.select")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "select",
    [
        "SELECT * FROM crm",
        "FROM crm",
        "SELECT crm.* EXCLUDE (mail) FROM crm",
        "SELECT COLUMNS('id|mail') FROM crm",
        "SELECT lower(COLUMNS('mail')) AS x FROM crm",
        "SELECT unnest(s) FROM crm",
        "SELECT unnest(s) AS customer_id FROM crm",
        "SELECT mail AS email FROM crm UNION BY NAME SELECT id AS customer_id FROM crm",
        "SELECT id AS customer_id FROM shop.people",
        "SELECT CUSTOMER_ID, Email FROM SHOP.people",
        "WITH Crm2 AS (FROM crm) SELECT id AS customer_id FROM crm2",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i AS customer_id FROM n",
        "SELECT id AS customer_id FROM '../people.parquet'",
        "SELECT '1' AS customer_id",
        "SELECT id AS customer_id FROM (VALUES (1)) AS people(id)",
        "SELECT customer_id, source_file FROM crm",
    ],
)
def test_nothing_is_said_of_what_only_the_source_can_tell(connection: duckdb.DuckDBPyConnection, select: str) -> None:
    check_table("customers", declared(select), connection)


@pytest.mark.parametrize(
    "select",
    [
        "SELECT customer_id, EMAIL, crm.Phone FROM crm",
        'SELECT mail AS "Customer Id", mail AS PHONE, s.city, crm.s.email FROM crm',
        "SELECT lower(mail), mail::INT, TRY_CAST(mail AS DATE), l[1], s['city'], (s).city, 1, 'email', NULL FROM crm",
        "SELECT mail || 'x', NOT mail = 'x', mail IN ('x'), mail BETWEEN 'a' AND 'b', mail IS NULL, -1 FROM crm",
        "SELECT CASE WHEN mail = '' THEN 1 END, max(mail) OVER (), coalesce(mail, 'x'), position('x' IN mail) FROM crm",
        "SELECT list_transform(l, x -> x + 1), extract(year FROM now()), current_date, INTERVAL 1 DAY, true FROM crm",
        "SELECT count(*), count(*) AS city FROM crm",
        "(SELECT mail AS email FROM crm UNION SELECT phone FROM crm) EXCEPT SELECT customer_id FROM crm",
        "WITH c AS MATERIALIZED (FROM crm) SELECT DISTINCT ON (mail) phone FROM c ORDER BY mail LIMIT 1",
        "SELECT email: mail FROM crm",
    ],
)
def test_the_text_tells_the_columns_that_duckdb_gives(connection: duckdb.DuckDBPyConnection, select: str) -> None:
    told = given_columns(connection, parsed(connection, select), KNOWN)
    given = connection.sql(f"SELECT * FROM ({select}\n) AS selected LIMIT 0").columns
    assert told is not None
    # Only what is a column of ours has a part in what is said; how DuckDB quotes another may differ.
    assert [name in KNOWN and name for name in told] == [name in KNOWN and name for name in given]


@pytest.mark.parametrize(
    ("select", "told"),
    [
        ("SELECT mail AS email FROM crm", "gives email; it must give customer_id, address, or both."),
        (
            "SELECT mail AS address FROM pedido",
            "reads pedido, which sources.toml does not declare. Its sources are crm, shop.",
        ),
        ("SELECT '1' AS customer_id", "names no source of sources.toml; those are crm, shop."),
    ],
)
def test_a_suppression_is_told_so_as_well(connection: duckdb.DuckDBPyConnection, select: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_select("bounced", select, declared("FROM crm"), connection)
    assert str(caught.value) == f"suppressions/bounced.toml, select {told}"
