"""Files as sources: their kinds, dialects and names, and what cannot be read."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import duckdb
import polars as pl
import pytest

from catalog.duckdb_connection import connect
from catalog.home import Home
from pipelines.crm.guess.files import found_in
from schemas.errors import ConfigError, SourceError
from tests.pipelines.crm.guess.guesses import PEOPLE, files


@pytest.mark.parametrize(
    ("delimiter", "encoding", "expected"),
    [
        (",", "utf-8", {}),
        (";", "utf-8-sig", {"delimiter": ";"}),
        # Latin-1, which a later file with a ’ or a € would not be in.
        ("\t", "latin-1", {"delimiter": "\t", "encoding": "windows-1252"}),
        ("|", "utf-16", {"delimiter": "|", "encoding": "utf-16"}),
        (";", "cp1252", {"delimiter": ";", "encoding": "windows-1252"}),
    ],
)
def test_a_csvs_delimiter_and_encoding_are_found(tmp_path, delimiter, encoding, expected):
    last = "l’été" if encoding == "cp1252" else "Zoë"
    rows = [["id", "E-Mail", "Prénom"], ["1", "a@example.org", '"Ann, Bo; Cy"'], ["2", "b@example.org", last]]
    (tmp_path / "clients.csv").write_bytes("\n".join(delimiter.join(row) for row in rows).encode(encoding))
    found = files(tmp_path, "clients.csv")
    assert found.sources["clients"].model_dump(exclude_defaults=True) == {"files": "../clients.csv", **expected}
    assert found.tables[0].columns["Prénom"] == ("Ann, Bo; Cy", last)


def test_a_long_field_does_not_hide_the_delimiter(tmp_path):
    (tmp_path / "clients.csv").write_text(f"id;note\n1;{'a, b ' * 50_000}\n2;x\n")
    found = files(tmp_path, "clients.csv")
    assert found.sources["clients"].delimiter == ";"
    assert list(found.tables[0].columns) == ["id", "note"]


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_delimiter_at_the_end_of_the_header_alone_is_no_column(tmp_path, delimiter, encoding):
    rows = ["id,e-mail,", "1,a@example.org", "2,l’été", "3,c@example.org"]
    (tmp_path / "clients.csv").write_bytes("\n".join(rows).replace(",", delimiter).encode(encoding))
    found = files(tmp_path, "clients.csv")
    assert found.sources["clients"].delimiter == delimiter
    assert found.tables[0].columns == {"id": ("1", "2", "3"), "e-mail": ("a@example.org", "l’été", "c@example.org")}


def test_parquet_sqlite_and_duckdb_are_known_by_their_bytes(tmp_path):
    pl.DataFrame(PEOPLE).write_parquet(tmp_path / "people.bin")
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute('CREATE TABLE "Order Details" (id INTEGER PRIMARY KEY AUTOINCREMENT)')
        # DuckDB cannot read what SQLite alone quotes so; the tables are of use all the same.
        connection.execute("CREATE VIEW subtotals AS SELECT [Order Details].id FROM [Order Details]")
    connection.close()
    with duckdb.connect(str(tmp_path / "crm.db")) as connection:
        connection.sql(
            "CREATE SCHEMA sales; CREATE TABLE sales.customers AS SELECT 1 AS id, DATE '2024-01-01' AS created"
        )
    found = files(tmp_path, "people.bin", "shop.db", "crm.db")
    assert found.sources["people"].format == "parquet"
    assert (found.sources["shop"].sqlite, found.sources["crm"].duckdb) == ("../shop.db", "../crm.db")
    places = ["people", 'shop."Order Details"', "shop.subtotals", "crm.sales.customers"]
    assert [table.place for table in found.tables] == places
    assert (found.tables[1].columns, found.tables[2].columns) == ({"id": ()}, {})
    assert found.tables[3].columns == {"id": ("1",), "created": ("2024-01-01",)}


def test_numbered_parts_are_one_source_and_reserved_names_are_avoided(tmp_path):
    for name in ("orders_1.csv", "orders_2.csv", "order.csv", "warehouse.csv"):
        (tmp_path / name).write_text("id,total\n1,2.50\n")
    found = files(tmp_path, "orders_2.csv", "orders_1.csv", "order.csv", "warehouse.csv")
    assert {name: source.files for name, source in found.sources.items()} == {
        "orders": "../orders_*.csv",
        "crm_order": "../order.csv",
        "crm_warehouse": "../warehouse.csv",
    }


@pytest.mark.parametrize(
    ("names", "pattern", "called"),
    [
        (["orders_2026_01.parquet", "orders_2026_02.parquet"], "orders_*_*.parquet", "orders"),
        (["orders/day=2026-01-01/data_0.parquet", "orders/day=2026-01-02/data_0.parquet"],
         "orders/day=*-*-*/data_0.parquet", "orders"),
        (["orders/1/day.csv", "orders/2/day.csv"], "orders/*/day.csv", "orders"),
    ],
)  # fmt: skip
def test_files_that_differ_in_digits_are_one_source_whatever_they_are(tmp_path, names, pattern, called):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        frame = pl.DataFrame({"id": ["1"], "total": ["2.50"]})
        (frame.write_parquet if name.endswith("parquet") else frame.write_csv)(tmp_path / name)
    found = files(tmp_path, *names)
    assert {name: source.files for name, source in found.sources.items()} == {called: f"../{pattern}"}
    assert [table.title for table in found.tables] == [pattern.removeprefix("orders/")]


def test_parquet_files_with_other_columns_are_sources_of_their_own(tmp_path):
    pl.DataFrame({"id": ["1"], "total": ["2.50"]}).write_parquet(tmp_path / "table1.parquet")
    pl.DataFrame({"id": ["1"], "email": ["a@example.org"]}).write_parquet(tmp_path / "table2.parquet")
    assert len(files(tmp_path, "table1.parquet", "table2.parquet").sources) == 2


def test_files_elsewhere_are_written_absolute_and_globs_in_their_names_escaped(tmp_path):
    folder = tmp_path / "a" / "exports [old]"
    folder.mkdir(parents=True)
    (folder / "x.csv").write_text("id,email\n1,a@example.org\n")
    connection = connect(Home.at(tmp_path / "home"), "1GB")
    found = found_in([folder / "x.csv"], connection, tmp_path / "b" / "config")
    connection.close()
    assert found.sources["x"].files == str(folder / "x.csv").replace("[", "[[]")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\x1f\x8brest", "gzip"),
        (b'{"id": 1}', "JSON"),
        (b"--\n-- PostgreSQL database dump\n--\n\nCOPY users (email) FROM stdin;\nsecret@example.org\n", "dump in SQL"),
        (b"-- MySQL dump 10.13  Distrib 8.0\n--\n", "dump in SQL"),
        (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "dump in SQL"),
        (b"1,secret@example.org,Ann\n2,b@example.org,Bo\n", "not the names of columns"),
        (b"sep=;\nid;email\n", "sep="),
        ("id,email\n".encode("utf-16-le"), "byte-order mark"),
        (b"\xfe\xff" + "id,email\n1,secret@example.org\n".encode("utf-16-be"), "big end first"),
    ],
)
def test_files_that_cannot_be_read_are_refused_without_quoting_them(tmp_path, content, message):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(ConfigError, match=message) as refused:
        files(tmp_path, "x.csv")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("content", [b"id,email\r\n1,secret@x.org\n2,b@x.org\r\n", b"id,email\n1,secret@x.org\r\n"])
def test_a_file_whose_lines_end_in_two_ways_is_refused_as_such(tmp_path, content):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(SourceError, match=r"x\.csv is no regular CSV: its line ends are mixed") as refused:
        files(tmp_path, "x.csv")
    assert "secret" not in str(refused.value)
