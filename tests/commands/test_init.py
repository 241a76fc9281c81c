"""`relance init`: what it writes can be read and run at once, and no value of a row is in it."""

from __future__ import annotations

import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from hashlib import md5
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from catalog.duckdb_connection import connect
from catalog.home import Home
from commands.main import app
from pipelines.crm.read import Crm
from pipelines.declared import checked_config
from schemas.config import Config
from schemas.source import TABLES, TableName
from tests.conftest import ROOT, SHARED, Ran

DATA = SHARED / "data"
pytestmark = pytest.mark.usefixtures("_narrow")


@pytest.fixture
def _narrow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("commands.context.OUT._width", 300)
    yield


def init(folder: Path, *files: Path) -> str:
    """Run the command; what it printed."""
    result = CliRunner().invoke(app, ["init", *map(str, files), "--config", str(folder)])
    assert result.exit_code == 0, result.output
    return result.output


def given(*names: str) -> list[Path]:
    if not DATA.exists():
        pytest.skip(f"{DATA} is not there")
    return [DATA / name for name in names]


class Read(NamedTuple):
    read: int
    accepted: pl.DataFrame
    quarantined: pl.DataFrame


def pulled(config: Config, table: TableName, scratch: Path, home: Path | None = None) -> Read:
    """The table as a run would read it."""
    connection = connect(Home.at(scratch), "1GB")
    try:
        table_read = Crm(connection, config.sources, config.folder, home or scratch).pull(table)
        return Read(table_read.read, table_read.accepted, table_read.quarantined)
    finally:
        connection.close()


def written(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize(
    ("files", "customers", "orders", "segments"),
    [
        (["chinook/Customer.csv", "chinook/Invoice.csv"], 59, 412, 4),
        (["chinook/Chinook_Sqlite.sqlite"], 59, 412, 4),
        (["grouparoo_demo/users.csv", "grouparoo_demo/purchases.csv"], 1000, 1000, 3),
        # Two orders are in a state that relance has no word for.
        (["jaffle_shop_classic/raw_customers.csv", "jaffle_shop_classic/raw_orders.csv"], 100, 97, 3),
        (["fivetran/shopify/shopify_customer_data.csv", "fivetran/shopify/shopify_order_data.csv"], 4, 8, 4),
        (["oracle_co/customers.csv", "oracle_co/orders.csv"], 392, 1950, 3),
        (["sakila/customer.csv", *(f"sakila/payment_p2007_0{month}.csv" for month in range(1, 7))], 599, 16049, 4),
    ],
)
def test_real_exports_become_a_config_that_reads_them(tmp_path, files, customers, orders, segments):
    init(tmp_path / "config", *given(*files))
    config = checked_config(tmp_path / "config")
    assert pulled(config, "customers", tmp_path).accepted.height == customers
    assert pulled(config, "orders", tmp_path).accepted.height == orders
    assert len(config.segments) == segments
    assert config.sources.tables.consents.absent


def test_a_config_made_from_real_files_runs(tmp_path: Path, relance: Callable[..., Ran]) -> None:
    files = given("grouparoo_demo/users.csv", "grouparoo_demo/purchases.csv")
    init(tmp_path / "config", *files)
    ran = relance("run", "--config", str(tmp_path / "config"), home=tmp_path / "home")
    assert ran.code == 4, ran.output  # no consent: everything is held
    assert "no consent" in ran.output


def test_without_files_the_shipped_example_is_written(tmp_path):
    printed = init(tmp_path / "config")
    assert "relance sample" in printed
    for path in (path for path in sorted((ROOT / "config").rglob("*")) if path.is_file()):
        other = (tmp_path / "config" / path.relative_to(ROOT / "config")).read_text(encoding="utf-8")
        if path.suffix == ".toml":
            assert tomllib.loads(other) == tomllib.loads(path.read_text(encoding="utf-8"))
        else:
            assert other == path.read_text(encoding="utf-8")
    checked_config(tmp_path / "config")


def test_the_sample_crm_is_recognised_whole(tmp_path: Path, sample: Path) -> None:
    init(tmp_path / "config", *sorted(sample.glob("*.csv")))
    config, shipped = checked_config(tmp_path / "config"), checked_config(ROOT / "config")
    for table in TABLES:
        rows = pulled(shipped, table, tmp_path / table, sample.parent)
        mine = pulled(config, table, tmp_path)
        assert (mine.read, mine.accepted.height) == (rows.read, rows.accepted.height)
        assert mine.accepted.equals(rows.accepted)


def test_nothing_is_overwritten_and_nothing_written_beside(tmp_path):
    (tmp_path / "config" / "segments").mkdir(parents=True)
    (tmp_path / "config" / "segments" / "new_customers.toml").write_text("mine")
    for files in ([], given("chinook/Customer.csv")):
        result = CliRunner().invoke(app, ["init", *map(str, files), "--config", str(tmp_path / "config")])
        assert result.exit_code == 2
        assert "new_customers.toml exists already" in result.output
        assert written(tmp_path / "config") == "mine"


@pytest.mark.parametrize(
    ("delimiter", "encoding", "decimal"), [(";", "latin-1", ","), ("\t", "utf-8-sig", "."), ("|", "utf-16", ",")]
)
def test_dialects_are_declared_so_that_rows_come_through(tmp_path, delimiter, encoding, decimal):
    people = [["Kundennummer", "Vorname", "Nachname", "E-Mail", "Straße", "PLZ"]]
    people += [["001", "Zoë", "Müller", "zoe@example.org", "Weg 1", "00530"], ["002", "Bo", "Ä", "", "", ""]]
    orders = [["Bestellnummer", "Kundennummer", "Bestelldatum", "Betrag", "Währung", "Status"]]
    orders += [
        ["1", "001", "2024-03-01", f"1234{decimal}50", "EUR", "Bezahlt"],
        ["2", "002", "2024-03-02", f"3{decimal}00", "EUR", "offen"],
    ]
    for name, rows in (("Kunden", people), ("Bestellungen", orders)):
        text = "\n".join(delimiter.join(row) for row in rows)
        (tmp_path / f"{name}.csv").write_bytes(text.encode(encoding))
    init(tmp_path / "config", tmp_path / "Kunden.csv", tmp_path / "Bestellungen.csv")
    config = checked_config(tmp_path / "config")
    read = pulled(config, "customers", tmp_path).accepted
    assert read.select("customer_id", "first_name", "postal_code").rows() == [
        ("001", "Zoë", "00530"),
        ("002", "Bo", None),
    ]
    read = pulled(config, "orders", tmp_path).accepted
    assert read.select("amount", "status").rows() == [(123450, "completed"), (300, "pending")]
    assert "../Kunden.csv" in written(tmp_path / "config")


@pytest.mark.parametrize(
    ("totals", "minor", "currency"),
    [
        (["R$ 1.234,56", "-R$ 10,00"], [123456, -1000], "BRL"), (["1 234,56 zł", "10,00 zł"], [123456, 1000], "PLN"),
        (["kr 1.234", "kr 500"], [123400, 50000], "SEK"), (["₹2,09,021.12", "₹500.00"], [20902112, 50000], "INR"),
        (["Rs. 500", "Rs.1,500"], [50000, 150000], "INR"), (["CHF 12.50", "CHF 1'012.50"], [1250, 101250], "CHF"),
        (["kr 1.234,-", "kr 99,50"], [123400, 9950], "SEK"), (["1.234,– €", "500,-- €"], [123400, 50000], "EUR"),
        (["CHF 1'012.–", "-CHF 12.-"], [101200, -1200], "CHF"), (["1.234,-", "12.500,-"], [123400, 1250000], "EUR"),
    ],
)  # fmt: skip
def test_amounts_with_signs_of_other_countries_are_what_a_night_reads(tmp_path, totals, minor, currency):
    (tmp_path / "customers.csv").write_text("id,email\n1,a@example.org\n2,b@example.org\n")
    rows = [f'{row};{row};2024-03-0{row};"{total}"\n' for row, total in enumerate(totals, start=1)]
    (tmp_path / "orders.csv").write_text("order_id;customer_id;ordered_at;total\n" + "".join(rows), encoding="utf-8")
    init(tmp_path / "config", tmp_path / "customers.csv", tmp_path / "orders.csv")
    read = pulled(checked_config(tmp_path / "config"), "orders", tmp_path).accepted.sort("order_id")
    assert read.select("amount", "currency").rows() == [(amount, currency) for amount in minor]


@pytest.mark.parametrize(
    ("names", "codec", "said"),
    [
        ("Müller Zoë", "cp1252", "# Its accents are read as Windows-1252, Western Europe's; docs/configuration.md"),
        ("Dvořák Němec", "cp1250", "# DECIDE sources.kunden.encoding: it is read as windows-1252 (Western Europe)"),
    ],
)
def test_an_encoding_of_one_byte_is_never_written_without_a_word(tmp_path, names, codec, said):
    first, second = names.split()
    text = f"Kundennummer;E-Mail;Nachname\n1;a@example.org;{first}\n2;b@example.org;{second}\n"
    (tmp_path / "Kunden.csv").write_bytes(text.encode(codec))
    told = init(tmp_path / "config", tmp_path / "Kunden.csv")
    block = written(tmp_path / "config").split("[sources.kunden]")[0].split("\n\n")[-1]
    assert block.startswith(said)
    assert ("sources.kunden.encoding" in told) == ("DECIDE" in said)


def test_a_line_that_waits_for_a_decision_needs_no_more_than_its_dashes_taken_away(tmp_path):
    (tmp_path / "Kunden.csv").write_text(
        "Kundennummer;E-Mail;Angelegt am;Geburtsdatum\n1;a@example.org;13.02.2024;31.01.1980\n2;;;\n"
    )
    init(tmp_path / "config", tmp_path / "Kunden.csv")
    sources = tmp_path / "config" / "sources.toml"
    sources.write_text(sources.read_text().replace("    -- , ", "    , "))
    read = pulled(checked_config(tmp_path / "config"), "customers", tmp_path)
    assert read.quarantined.is_empty()
    assert read.accepted.select("created_at", "birth_date").rows() == [
        (datetime(2024, 2, 13, tzinfo=UTC), date(1980, 1, 31)),
        (None, None),
    ]


def test_a_time_that_cannot_be_read_is_set_aside_as_such_by_the_lines_that_init_writes(tmp_path):
    """Not as one that is missing, nor as if nothing stood there."""
    rows = ["1,a@example.org,13-NOV-2025,1980-01-31", "2,b@example.org,sometime,", "3,c@example.org,,00.00.0000"]
    rows += [f"{number},x{number}@example.org,14-NOV-2025,1980-01-31" for number in range(4, 20)]
    (tmp_path / "customers.csv").write_text("\n".join(["id,email,created_at,birthday", *rows]) + "\n")
    orders = ["1,4,13/02/2024,9.00", "2,4,30/02/2024,9.00", "3,5,,9.00"]
    (tmp_path / "orders.csv").write_text("\n".join(["order_id,customer_id,ordered_at,total", *orders]) + "\n")
    init(tmp_path / "config", tmp_path / "customers.csv", tmp_path / "orders.csv")
    path = tmp_path / "config" / "sources.toml"
    lines = [
        line.replace("-- instead: ", "") if "if the day stands first" in line and "DECIDE" not in line else line
        for line in path.read_text().splitlines()
        if not line.startswith("    ordered_at,")
    ]
    path.write_text("\n".join(lines))
    config = checked_config(path.parent)
    read = pulled(config, "customers", tmp_path / "a")
    assert read.quarantined["rule"].to_list() == ["created_at unreadable"]
    assert read.accepted.height == 18
    read = pulled(config, "orders", tmp_path / "b")
    assert read.quarantined["rule"].to_list() == ["ordered_at unreadable", "ordered_at missing"]
    assert read.accepted["ordered_at"].to_list() == [datetime(2024, 2, 13, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("joined", "which", "day"),
    [("02/13/2024", "month", 13), ("13/02/2024", "day", 13), ("01/02/2024", "month", 2), ("01/02/2024", "day", 1)],
)
def test_days_of_the_us_are_read_by_a_line_that_is_ready_to_be_copied(tmp_path, joined, which, day):
    (tmp_path / "customers.csv").write_text(f"id,email,Date Joined\n1,a@example.org,{joined}\n")
    (tmp_path / "orders.csv").write_text(f"id,customer_id,Order Date,Total\n1,1,{joined} 9:05 PM,10.00\n")
    init(tmp_path / "config", tmp_path / "customers.csv", tmp_path / "orders.csv")
    path = tmp_path / "config" / "sources.toml"
    assert pulled(checked_config(path.parent), "orders", tmp_path / "before").accepted.is_empty()
    rows = path.read_text().splitlines()
    # Whoever wants a line takes away its first words; of the line in whose place it stands, they make a comment.
    rows = [
        row.replace("-- instead: ", "").replace("-- , ", ", ")
        if f"if the {which} stands first" in row and "DECIDE" not in row
        else row.replace('    "Order Date"', '    -- "Order Date"')
        for row in rows
    ]
    path.write_text("\n".join(rows))
    config = checked_config(path.parent)
    month = 2 if day == 13 else 3 - day
    assert pulled(config, "customers", tmp_path / "a").accepted["created_at"].to_list() == [
        datetime(2024, month, day, tzinfo=UTC)
    ]
    assert pulled(config, "orders", tmp_path / "b").accepted["ordered_at"].to_list() == [
        datetime(2024, month, day, 21, 5, tzinfo=UTC)
    ]


def test_odd_column_names_survive_sql_and_toml(tmp_path):
    header = 'order,"E-Mail ""work""\\",Last Name,"two\nlines"'
    (tmp_path / "clients.csv").write_text(f"{header}\n1,a@example.org,Ann,x\n2,b@example.org,Bo,y\n")
    init(tmp_path / "config", tmp_path / "clients.csv")
    config = checked_config(tmp_path / "config")
    read = pulled(config, "customers", tmp_path).accepted
    assert read["email"].to_list() == ["a@example.org", "b@example.org"]
    assert read["last_name"].to_list() == ["Ann", "Bo"]


def test_an_order_export_with_emails_and_lines_reads_one_order_each(tmp_path):
    (tmp_path / "customers.csv").write_text(
        "Customer ID,Email,Phone\n'7,a@example.org,'+33612345678\n'8,b@example.org,\n"
    )
    (tmp_path / "orders_export_1.csv").write_text(
        "Name,Email,Financial Status,Currency,Total,Created at,Lineitem name,Cancelled at,Refunded Amount\n"
        "#1,A@example.org,partially_refunded,EUR,10.00,2025-10-22 12:58:38 +0530,x,,2.50\n#1,,,,,,y,,\n"
        "#2,b@example.org,refunded,EUR,12.00,2025-10-23 12:58:38 +0530,x,,12.00\n"
        "#3,b@example.org,paid,EUR,12.00,2025-10-23 12:58:38 +0530,x,2025-10-24 12:58:38 +0530,0.00\n"
    )
    init(tmp_path / "config", tmp_path / "customers.csv", tmp_path / "orders_export_1.csv")
    config = checked_config(tmp_path / "config")
    assert pulled(config, "customers", tmp_path).accepted["phone"].to_list() == ["+33612345678", None]
    read = pulled(config, "orders", tmp_path)
    assert read.accepted.select("order_id", "customer_id", "amount", "status").rows() == [
        ("#1", "7", 750, "completed"),
        ("#2", "8", 0, "refunded"),
        ("#3", "8", 1200, "cancelled"),
    ]


def test_orders_are_of_the_customer_whose_id_they_hold_and_not_of_whoever_shares_an_e_mail(tmp_path):
    """As in Shopware, whose guests are customers with an id of their own, and Zoho, where orders have no e-mail."""
    ids = [md5(str(row).encode()).hexdigest() for row in range(700)]
    emails = ["" if row % 3 == 0 else "shared@example.org" for row in range(700)]
    people = {
        "id": ids,
        "email": emails,
        "first_name": ["Ann"] * 700,
        "default_billing_address_zipcode": ["01067"] * 700,
    }
    orders = {
        "id": [f"o{row}" for row in range(200)],
        "order_date_time": ["2024-03-01 10:00:00.000"] * 200,
        "order_customer_email": emails[500:],
        "order_customer_customer_id": ids[500:],
        "amount_total": ["10.50"] * 200,
        "currency": ["EUR"] * 200,
        "state": ["completed"] * 200,
    }
    pl.DataFrame(people).write_csv(tmp_path / "customer.csv", separator=";")
    for name, left_out in (("shopware", []), ("zoho", ["order_customer_email"])):
        pl.DataFrame(orders).drop(left_out).write_csv(tmp_path / "order.csv", separator=";")
        told = init(tmp_path / name, tmp_path / "customer.csv", tmp_path / "order.csv")
        config = checked_config(tmp_path / name)
        read = pulled(config, "orders", tmp_path)
        assert read.accepted["customer_id"].sort().to_list() == sorted(ids[500:])
        assert set(pulled(config, "customers", tmp_path).accepted["postal_code"]) == {"01067"}
        assert "orders.customer_id" not in told
        assert not any(one in told + written(tmp_path / name) for one in ids)


def test_that_no_column_says_an_orders_state_stands_under_what_is_to_be_decided(tmp_path):
    (tmp_path / "customers.csv").write_text("id,email\n1,a@example.org\n2,b@example.org\n")
    (tmp_path / "orders.csv").write_text("id,customer_id,order_date,total\n7,1,2024-03-01,10.50\n8,2,2024-03-02,8.50\n")
    printed = init(tmp_path / "config", tmp_path / "customers.csv", tmp_path / "orders.csv")
    decide = printed.partition("Decide before the first run:")[2]
    assert "orders.status: no column is known as the state, so that every row counts as a completed order" in decide
    assert "# DECIDE orders.status" in (tmp_path / "config" / "sources.toml").read_text(encoding="utf-8")


def test_no_value_of_a_row_is_printed_or_written(tmp_path):
    pl.DataFrame(
        {
            "id": ["sentinel1", "sentinel2"],
            "email": ["sentinel@example.org", "0cc175b9c0f1b6a831c399e269772661"],
            "state": ["sentinelstate", "yes"],
            "newsletter": ["sentinelyes", "no"],
        }
    ).write_csv(tmp_path / "customers.csv")
    pl.DataFrame(
        {
            "id": ["sentinel3", "sentinel4"],
            "customer_id": ["sentinel1", "sentinel5"],
            "date": ["31/12/2077", "30/12/2077"],
            "total": ["7777.77", "x"],
            "currency": ["XTS", "XTS"],
            "status": ["sentinelstatus", "paid"],
        }
    ).write_csv(tmp_path / "orders.csv")
    printed = init(tmp_path / "config", tmp_path / "customers.csv", tmp_path / "orders.csv")
    for value in ("sentinel", "2077", "7777", "XTS", "0cc175"):
        assert value not in printed
        assert value not in written(tmp_path / "config")
    assert "newsletter" in (tmp_path / "config" / "sources.toml").read_text()
    assert "Decide before the first run" in printed


@pytest.mark.parametrize(("zone", "time"), [("UTC", "2024-01-01 02:00:00"), ("GMT-5", "2023-12-31 21:00")])
def test_a_time_whose_name_says_its_zone_is_read_so_in_every_time_zone(tmp_path, zone, time):
    (tmp_path / "people.csv").write_text(
        f"id,email,Created ({zone})\nk1,jane@example.org,{time}\nk2,bob@example.org,\n"
    )
    init(tmp_path / "config", tmp_path / "people.csv")
    settings = tmp_path / "config" / "relance.toml"
    settings.write_text(settings.read_text().replace('time_zone = "UTC"', 'time_zone = "America/New_York"'))
    read = pulled(checked_config(tmp_path / "config"), "customers", tmp_path / "scratch")
    assert read.accepted["created_at"].dt.convert_time_zone("UTC").dt.hour().to_list() == [2, None]


def test_a_file_that_is_none_of_the_tables_is_named(tmp_path):
    (tmp_path / "people.csv").write_text("id,email\nk1,jane@example.org\nk2,bob@example.org\n")
    (tmp_path / "weather.csv").write_text("station,rain\nParis,3\nLyon,0\n")
    said = init(tmp_path / "config", tmp_path / "people.csv", tmp_path / "weather.csv")
    assert "Not read, since nothing in it looks like one of the five tables: weather.csv." in said


def test_lists_of_whom_not_to_upload_are_to_be_declared_as_suppressions(tmp_path):
    """Mailchimp's archive: each list has all columns of the customers, and more."""
    names = [f"{state}_email_audience_export_7f3a9c.csv" for state in ("cleaned", "subscribed", "unsubscribed")]
    for name in names:
        more = {"c": ("CLEAN_TIME", "2026-01-01"), "s": ("NOTES", ""), "u": ("UNSUB_TIME", "2026-01-01")}[name[0]]
        (tmp_path / name).write_text(f"Email Address,First Name,{more[0]}\n{name[0]}@example.org,Ann,{more[1]}\n")
    output = init(tmp_path / "config", *(tmp_path / name for name in names))
    text = (tmp_path / "config" / "sources.toml").read_text()
    told = f"{names[0]}, {names[2]}: by name a list of whom not to upload, so that no table reads it. Declare it as "
    assert f"{told}suppressions/NAME.toml" in output
    assert f"{told}suppressions/NAME.toml" in text.replace("\n# ", " ")
    assert "could be" not in output
    assert "Not read" not in output
    assert "UNION" not in output
    read = pulled(checked_config(tmp_path / "config"), "customers", tmp_path / "scratch")
    assert read.accepted["email"].to_list() == ["s@example.org"]


def test_contacts_that_may_have_bounced_are_never_to_be_added_to_the_customers(tmp_path):
    for name in ("customers", "cleaned_contacts"):
        (tmp_path / f"{name}.csv").write_text("id,email\n1,a@example.org\n")
    output = init(tmp_path / "config", tmp_path / "cleaned_contacts.csv", tmp_path / "customers.csv")
    assert "cleaned_contacts.csv: by name what somebody tidied, or addresses that a mailing took out" in output
    assert "UNION ALL" not in output
    assert "by name what somebody tidied" in (tmp_path / "config" / "sources.toml").read_text().replace("\n# ", " ")


def test_a_view_that_cannot_be_read_is_told_with_its_reason_and_never_as_none_of_the_tables(tmp_path):
    """Not with a value of a row, nor of the view's SQL."""
    people = "AS SELECT i AS id, 'Mustermann' AS last_name, i || '@example.org' AS email FROM range(3) AS t(i)"
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as connection:
        connection.sql(f"CREATE TABLE customers {people}")
        connection.sql(f"COPY customers TO '{tmp_path / 'gone.parquet'}'")
        connection.sql(f"CREATE VIEW orders AS FROM '{tmp_path / 'gone.parquet'}'")
        connection.sql("CREATE TABLE base AS FROM customers")
        connection.sql("CREATE VIEW invoices AS FROM base")
        connection.sql("DROP TABLE base")
        connection.sql("CREATE VIEW visits AS SELECT last_name::INT AS visited_at FROM customers")
    (tmp_path / "gone.parquet").unlink()
    with closing(sqlite3.connect(tmp_path / "crm.sqlite")) as connection, connection:
        connection.executescript(
            "CREATE TABLE customers (id, email); INSERT INTO customers VALUES (1, 'a@example.org');"
            "CREATE VIEW orders AS SELECT * FROM gone WHERE name = 'Mustermann';"
            "CREATE VIEW visits AS SELECT total(id) FROM customers WHERE [email] <> 'Mustermann'"
        )
    for database, said in (
        ("crm.duckdb", ["orders cannot be read: IO Error: No files found",
                        "invoices cannot be read: Catalog Error: Table with name base",
                        "visits cannot be read: ConversionException, whose message quotes rows"]),
        ("crm.sqlite", ["orders cannot be read: SQLite says no such table: gone",
                        "visits cannot be read: SQLite says syntax error"]),
    ):  # fmt: skip
        folder = tmp_path / f"config of {database}"
        printed = init(folder, tmp_path / database)
        text = (folder / "sources.toml").read_text()
        assert all(f"{database}: {sentence}" in printed for sentence in said)
        assert all(f"{database}: {sentence}" in text.replace("\n# ", " ") for sentence in said)
        assert "nothing in it looks like" not in printed
        assert "Mustermann" not in printed + text
    with duckdb.connect(str(tmp_path / "other.duckdb")) as connection:
        connection.sql("CREATE TABLE base AS SELECT 1 AS id")
        connection.sql("CREATE VIEW customers AS FROM base")
        connection.sql("DROP TABLE base")
    refused = CliRunner().invoke(app, ["init", str(tmp_path / "other.duckdb"), "--config", str(tmp_path / "other")])
    assert "customers cannot be read: Catalog Error: Table with name base does not exist." in refused.output


def test_files_like_the_one_that_is_read_are_named_as_such(tmp_path):
    (tmp_path / "customers.csv").write_text("id,email\n1,a@example.org\n")
    for month in ("jan", "feb", "mar"):
        (tmp_path / f"orders_{month}.csv").write_text("id,customer_id,order_date,total\n1,1,2026-01-01,5.00\n")
    names = ("customers.csv", "orders_jan.csv", "orders_feb.csv", "orders_mar.csv")
    output = init(tmp_path / "config", *(tmp_path / name for name in names))
    assert "orders_feb.csv, orders_mar.csv: like orders too, and only orders_jan.csv is read." in output
    assert "UNION ALL" in output
    assert "Not read" not in output


def test_whole_exports_of_two_days_are_told_apart_from_parts(tmp_path):
    """Customers who changed between two whole exports would be set aside, since their rows contradict each other."""
    header = "id,email,city\n"
    people = [f"{number},a{number}@example.org" for number in range(20)]
    (tmp_path / "customers-2026-11-26.csv").write_text(header + "".join(f"{row},Here\n" for row in people))
    (tmp_path / "customers-2026-11-27.csv").write_text(header + "".join(f"{row},There\n" for row in people))
    (tmp_path / "orders_1.csv").write_text("id,customer_id,created_at,total\n1,1,2024-01-31,10.00\n")
    (tmp_path / "orders_2.csv").write_text("id,customer_id,created_at,total\n2,1,2024-01-31,10.00\n")
    output = init(tmp_path / "config", *sorted(tmp_path.glob("*.csv")))
    newest = "source_file = (SELECT max(source_file) FROM customers)"
    assert "customers: several files of customers-*-*-*.csv hold the same id" in output
    assert newest in output
    assert "several files of orders" not in output
    path = tmp_path / "config" / "sources.toml"
    path.write_text(path.read_text().replace('FROM customers\n"""', f'FROM customers WHERE {newest}\n"""'))
    read = pulled(checked_config(tmp_path / "config"), "customers", tmp_path)
    assert read.accepted["city"].to_list() == ["There"] * 20


def test_consents_are_proposed_but_never_invented(tmp_path):
    (tmp_path / "customers.csv").write_text("id,email,accepts_marketing\n1,a@example.org,yes\n2,b@example.org,no\n")
    (tmp_path / "consents.csv").write_text("customer_id,purpose,status,date\n1,newsletter,granted,2024-01-01\n")
    printed = init(tmp_path / "config", tmp_path / "customers.csv", tmp_path / "consents.csv")
    sources = (tmp_path / "config" / "sources.toml").read_text()
    assert tomllib.loads(sources)["tables"]["consents"] == {"absent": True}
    assert "accepts_marketing\n# (customers.csv)" in sources
    assert "consents.csv sounds like consents" in sources
    assert "consents.csv sounds like consents" in printed
    assert "Without consents nobody is uploaded" in printed
    assert [path.stem for path in (tmp_path / "config" / "segments").iterdir()] == ["all_customers"]


def test_a_column_that_speaks_of_ads_is_not_said_to_speak_of_something_else(tmp_path):
    """HubSpot's, Mailchimp's, Salesforce's and a German company's own; an ad's name is no consent."""
    ads = ["Ad targeting consent", "Customized online advertising", "Ads_Consent__c", "Einwilligung Online-Werbung"]
    names = ["id", "email", "newsletter", "Ad campaign", *ads]
    rows = [f"{number},a{number}@example.org,yes,autumn{',yes' * len(ads)}" for number in range(3)]
    (tmp_path / "customers.csv").write_text("\n".join([",".join(names), *rows]) + "\n")
    init(tmp_path / "config", tmp_path / "customers.csv")
    text = (tmp_path / "config" / "sources.toml").read_text().replace("\n# ", " ")
    of_ads = text.partition("These may speak of ads.")[2].partition("These speak of consent to something else")
    assert all(f"{name} (customers.csv)" in of_ads[0] for name in ads)
    assert not any(f"{name} (customers.csv)" in of_ads[2] for name in ads)
    assert "newsletter (customers.csv)" in of_ads[2]
    assert "Ad campaign (customers.csv)" not in text


@pytest.mark.parametrize(
    ("column", "refuses", "allows"),
    [
        ("Do not allow Emails", "Do Not Allow", "Allow"), ("Do not allow Bulk Emails", "Yes", "No"),
        ("WERBESPERRE", "J", "N"), ("KEINE_WERBUNG", "ja", ""), ("HasOptedOutOfEmail", "true", "false"),
        ("ads_opt_out", "1", "0"), ("Ne pas contacter", "oui", "non"), ("unsubscribed_at", "2026-01-01", ""),
    ],
)  # fmt: skip
def test_a_yes_in_a_column_that_refuses_is_never_offered_as_a_grant(tmp_path, column, refuses, allows):
    """Dynamics' labels say Allow and Do Not Allow; what is offered keeps out whoever refuses."""
    rows = f"1,a@example.org,{refuses},\n2,b@example.org,{allows},\n3,c@example.org,who knows,\n"
    # Who refuses in another column is kept out as well.
    rows += f"4,d@example.org,{allows},yes\n"
    (tmp_path / "customers.csv").write_text(f"id,email,{column},donotmail\n{rows}")
    init(tmp_path / "config", tmp_path / "customers.csv")
    text = (tmp_path / "config" / "sources.toml").read_text()
    joined = text.replace("\n# ", " ")
    assert f"a yes in these is a refusal, never a grant: {column} (customers.csv), donotmail (customers.csv)." in joined
    assert "'granted'" not in text
    offered = text.partition("As suppressions/NAME.toml:\n")[2].partition("[tables.consents]")[0]
    path = tmp_path / "config" / "suppressions" / "refused.toml"
    path.parent.mkdir()
    path.write_text("".join(line.removeprefix("#     ") for line in offered.splitlines(keepends=True)))
    rule = checked_config(tmp_path / "config").suppressions["refused"].select
    assert rule is not None
    with duckdb.connect() as connection:
        connection.read_csv(str(tmp_path / "customers.csv"), all_varchar=True).create_view("customers")
        assert connection.sql(rule).fetchall() == [("1",), ("3",), ("4",)]


def test_consent_in_a_file_that_no_table_reads_is_told(tmp_path):
    (tmp_path / "contacts.csv").write_text("id,email,first_name\n1,a@example.org,Ann\n2,b@example.org,Bob\n")
    (tmp_path / "klaviyo_profiles.csv").write_text("Email,Email Marketing Consent\na@example.org,UNSUBSCRIBED\n")
    init(tmp_path / "config", tmp_path / "contacts.csv", tmp_path / "klaviyo_profiles.csv")
    text = (tmp_path / "config" / "sources.toml").read_text().replace("\n# ", " ")
    assert "no consent to ad uploads: Email Marketing Consent (klaviyo_profiles.csv)." in text


def test_what_is_consented_to_is_told_by_the_values_where_a_name_does_not_say_it(tmp_path):
    (tmp_path / "customers.csv").write_text("id,email\n1,a@example.org\n2,b@example.org\n")
    (tmp_path / "log.csv").write_text("contact,consent_code,consent_kind\n1,third_party_ads,letter\n2,letter,letter\n")
    (tmp_path / "gdpr_consents.csv").write_text("customer_id,consent_code,consent_day\n1,third_party_ads,2025-01-01\n")
    init(tmp_path / "config", tmp_path / "customers.csv", tmp_path / "log.csv", tmp_path / "gdpr_consents.csv")
    text = (tmp_path / "config" / "sources.toml").read_text().replace("\n# ", " ")
    assert "only if that is what people were asked: consent_code (log.csv)." in text
    assert "no consent to ad uploads: consent_kind (log.csv)." in text
    assert "gdpr_consents.csv sounds like consents, but" in text


@pytest.mark.parametrize(
    "name",
    [
        "deleted_at", "is_test", "is_deleted", "is_active", "Active", "Aktiv", "enabled", "Konto aktiv", "Gelöscht am",
        "geloescht", "Actif", "Compte actif", "supprimé le", "Décédé", "Activo", "Cuenta activa", "eliminado", "Attivo",
        "eliminato il", "Actief", "Verwijderd op", "overleden", "inaktiv", "Testkunde",
    ],
)  # fmt: skip
def test_a_column_that_says_who_is_gone_or_active_is_told_as_one_by_which_rows_may_be_left_out(tmp_path, name):
    (tmp_path / "customers.csv").write_text(f"id,email,{name}\n1,a@example.org,1\n2,b@example.org,0\n")
    init(tmp_path / "config", tmp_path / "customers.csv")
    text = (tmp_path / "config" / "sources.toml").read_text().replace("\n# ", " ")
    assert f"These may mark rows to leave out with WHERE: {name}." in text


def test_a_payment_that_is_blocked_is_no_refusal(tmp_path):
    (tmp_path / "customers.csv").write_text("id,email\n1,a@example.org\n")
    (tmp_path / "orders.csv").write_text(
        "id,customer_id,order_date,total,payment_blocked,opt_out\n1,1,2026-01-01,5.00,yes,no\n"
    )
    init(tmp_path / "config", tmp_path / "customers.csv", tmp_path / "orders.csv")
    text = (tmp_path / "config" / "sources.toml").read_text().replace("\n# ", " ")
    assert "a yes in these is a refusal, never a grant: opt_out (orders.csv)." in text


def test_an_allowance_in_another_language_is_one_that_may_speak_of_ads(tmp_path):
    (tmp_path / "Kunden.csv").write_text("Kundennr;E-Mail;WERBEERLAUBNIS\n1;a@example.org;J\n2;b@example.org;N\n")
    init(tmp_path / "config", tmp_path / "Kunden.csv")
    text = (tmp_path / "config" / "sources.toml").read_text()
    assert tomllib.loads(text)["tables"]["consents"] == {"absent": True}
    assert "was asked: WERBEERLAUBNIS (Kunden.csv)" in text.replace("\n# ", " ").replace("people were", "was")


def test_lists_and_structures_are_no_street_and_no_phone_and_how_to_take_a_part_of_them_is_said(tmp_path):
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as connection:
        connection.sql(
            "CREATE TABLE customers AS SELECT i AS id, i || '@example.org' AS email, "
            "{'city': 'Paris', 'zip': '75001'} AS address, ['+33 6 12 34 56 7' || i] AS phone, "
            "MAP {'home': 'Paris'} AS city, '{\"code\": \"75001\"}' AS postal_code FROM range(3) AS t(i)"
        )
        connection.sql(f"COPY customers TO '{tmp_path / 'customers.parquet'}'")
        json = "SELECT id, email, address::JSON AS address FROM customers"
        connection.sql(f"COPY ({json}) TO '{tmp_path / 'customers.csv'}'")
    for given_file in ("crm.duckdb", "customers.parquet", "customers.csv"):
        folder = tmp_path / f"config of {given_file}"
        init(folder, tmp_path / given_file)
        text = (folder / "sources.toml").read_text()
        assert "These hold lists or structures, of which a select takes a part: address ->> '$.city' of JSON" in text
        read = pulled(checked_config(folder), "customers", tmp_path / f"home of {given_file}").accepted
        assert read["email"].null_count() == 0
        assert all(read[column].null_count() == 3 for column in ("street", "city", "postal_code", "phone"))
        path, part = folder / "sources.toml", "(address::STRUCT(city VARCHAR, zip VARCHAR)).city"
        part = "address ->> '$.city'" if given_file.endswith("csv") else part
        path.write_text(text.replace("    email", f"    {part} AS city,\n    email", 1))
        read = pulled(checked_config(folder), "customers", tmp_path / f"scratch of {given_file}").accepted
        assert read["city"].to_list() == ["Paris"] * 3


def test_that_all_of_the_customers_columns_are_nested_is_told_with_what_to_do(tmp_path):
    with duckdb.connect() as connection:
        columns = "i AS id, {'first': 'Ann', 'last': 'Lee'} AS name, [i || '@example.org'] AS emails"
        connection.sql(f"COPY (SELECT {columns} FROM range(3) AS t(i)) TO '{tmp_path / 'customers.parquet'}'")
    result = CliRunner().invoke(app, ["init", str(tmp_path / "customers.parquet"), "--config", str(tmp_path / "mine")])
    assert result.exit_code == 2
    told = result.output.replace("\n", " ")
    assert "lists or structures, into which init does not look: name and emails of customers.parquet. Export" in told
    assert "looks like customers" in told
    # What it says to do does it.
    parts = {"(emails::VARCHAR[])[1]": "email", "(name::STRUCT(first VARCHAR, last VARCHAR)).first": "first_name"}
    assert "(emails::VARCHAR[])[1] of a list" in told
    taken = ", ".join(f"{part} AS {column}" for part, column in parts.items())
    (tmp_path / "other.csv").write_text("id,email\n1,a@example.org\n")
    init(tmp_path / "config", tmp_path / "other.csv")
    path = tmp_path / "config" / "sources.toml"
    text = path.read_text().replace("other.csv", "customers.parquet")
    path.write_text(text.replace("    id AS customer_id,\n    email\n", f"    id AS customer_id, {taken}\n"))
    read = pulled(checked_config(path.parent), "customers", tmp_path / "scratch").accepted
    assert read.select("email", "first_name").rows() == [(f"{number}@example.org", "Ann") for number in range(3)]


def test_a_title_above_the_header_is_not_taken_for_the_header(tmp_path):
    rows = ["Nr;Vorname;E-Mail", *(f"{number};Ann;a{number}@example.org" for number in range(9))]
    (tmp_path / "Kunden.csv").write_text("\n".join(["Kundenliste Stand November;;", *rows]) + "\n")
    result = CliRunner().invoke(app, ["init", str(tmp_path / "Kunden.csv"), "--config", str(tmp_path / "config")])
    assert result.exit_code == 2
    assert "its first line is a title, not the names of columns" in result.output
    assert "Kundenliste" not in result.output
    # Excel writes empty columns too.
    (tmp_path / "Kunden.csv").write_text("".join(f"{line}\n" for line in ["E-Mail;;", *["a@example.org;;"] * 9]))
    init(tmp_path / "config", tmp_path / "Kunden.csv")


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize(
    "title", ["Customer report\n\n", "Customers\nExported 2026-11-01, all shops\n\n", "Report, November; all\n"]
)
def test_a_title_without_the_columns_beside_it_is_not_taken_for_the_header(tmp_path, title, delimiter):
    rows = ["Nr,Vorname,E-Mail", *(f"{number},Ann,a{number}@example.org" for number in range(5))]
    (tmp_path / "Kunden.csv").write_text(title + "\n".join(rows).replace(",", delimiter) + "\n")
    result = CliRunner().invoke(app, ["init", str(tmp_path / "Kunden.csv"), "--config", str(tmp_path / "config")])
    assert result.exit_code == 2
    assert "its first line is a title, not the names of columns" in result.output


@pytest.mark.parametrize(("name", "message"), [("missing.csv", "cannot be read"), (".", "is a folder")])
def test_files_that_are_none_are_refused_before_anything_is_written(tmp_path, name, message):
    result = CliRunner().invoke(app, ["init", str(tmp_path / name), "--config", str(tmp_path / "config")])
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "config").exists()
