"""Ids as spreadsheets and other systems write them."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identifiers.ids.otherwise import other_forms, refusing_otherwise, written_otherwise

GUID = "a1b2c3d4-1111-2222-3333-444455556666"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("10011.0", "10011"),
        ("10011", "10011.0"),
        ("'10011", "10011"),
        ('="10011"', "10011"),
        ("10011", "00010011"),
        ("00010011", "10011"),
        (GUID.upper(), GUID),
        (f"{{{GUID}}}", GUID.upper()),
        (GUID, f"{{{GUID.upper()}}}"),
        # As Salesforce's own documents have it.
        ("001D000000IRFma", "001D000000IRFmaIAH"),
        ("001D000000IRFmaIAH", "001D000000IRFma"),
        ("[C-17]", "C-17"),
    ],
)
def test_an_id_is_found_as_others_write_it(given: str, named: str) -> None:
    assert (given, named) in other_forms(pl.Series([given]), pl.Series([8])).rows()


@given(st.lists(st.text(max_size=20), max_size=5))
def test_no_id_is_another_way_to_write_itself(ids: list[str]) -> None:
    assert not [
        pair for pair in other_forms(pl.Series(ids, dtype=pl.String), pl.Series([3])).rows() if len(set(pair)) < 2
    ]


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE customers AS SELECT unnest(['7', '007', '0010', '12.0', 'abc']) AS customer_id")
    return connection


def test_only_ids_that_no_customer_has_are_looked_at(connection: duckdb.DuckDBPyConnection) -> None:
    ids = "SELECT unnest(['7', '007', '7.0', '10', '12', '013', NULL]) AS customer_id"
    found = written_otherwise(connection, ids, "customers")
    assert set(found.select("given", "customer_id").rows()) == {
        ("7.0", "7"), ("7.0", "007"), ("10", "0010"), ("12", "12.0"),
    }  # fmt: skip


def test_an_id_that_is_an_email_is_found_in_any_case_and_as_the_email_of_whoever_has_it() -> None:
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE customers AS SELECT *, email AS canonical_email FROM (VALUES "
        "('Mail@Id.fr', 'other@id.fr', NULL), "
        "('7', 'ada@id.fr', NULL), ('8', 'ada@id.fr', 'Bea@id.fr'), ('9', NULL, '+33612345678'), "
        "('10', 'cy@id.fr;two@id.fr', NULL)) AS customers (customer_id, email, phone)"
    )
    given = ["mail@id.fr", " Ada@ID.fr", "nobody@id.fr", "7", "mailto:bea@id.fr", "two@id.fr"]
    ids = f"SELECT unnest({given}) AS customer_id"
    found = written_otherwise(connection, ids, "customers")
    assert set(found.select("given", "customer_id").rows()) == {
        ("mail@id.fr", "Mail@Id.fr"), (" Ada@ID.fr", "7"), (" Ada@ID.fr", "8"),
        ("mailto:bea@id.fr", "8"), ("two@id.fr", "10"),
    }  # fmt: skip


def test_a_grant_by_such_an_id_is_not_looked_at(connection: duckdb.DuckDBPyConnection) -> None:
    statements = (
        "SELECT unnest(['''abc', '10', '7.0']) AS customer_id, unnest(['denied', 'granted', 'granted']) AS status, "
        "unnest([1, 1, NULL]) AS captured_at"
    )
    found = refusing_otherwise(connection, statements, "customers")
    assert set(found["given"]) == {"'abc", "7.0"}
