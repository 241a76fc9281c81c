"""One table read whole: times, rows that are set aside with their file and row, and none that is lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import process_time

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.duckdb_connection import connect
from catalog.home import Home
from pipelines.crm.pulled import Pulled
from pipelines.crm.read import Crm
from pipelines.crm.sources.rejects import rejected_lines
from schemas.crm import CONTRACTS
from schemas.errors import SourceError
from schemas.source import Sources

CONTACTS = "SELECT id AS customer_id, email, phone FROM crm"
ABSENT = {name: {"absent": True} for name in ("orders", "consents", "visits", "erasures")}

Pull = Callable[..., Pulled]
ReadTimes = Callable[..., list[datetime | str | None]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.at(tmp_path_factory.mktemp("home"))
    home.create()
    return home


@pytest.fixture(scope="module")
def database(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(connect(home, "500MB")) as connection:
        yield connection


def crm(
    connection: duckdb.DuckDBPyConnection, folder: Path, select: str = CONTACTS, *, files: str = "*.csv", **tables: str
) -> Crm:
    """A CRM with one source, `crm`, and customers, and whatever other tables are given by their select."""
    selects = {name: {"select": text} for name, text in {"customers": select, **tables}.items()}
    declared = {"sources": {"crm": {"files": files}}, "tables": {**ABSENT, **selects}}
    return Crm(connection, Sources.model_validate(declared), folder, folder)


@pytest.fixture
def pull(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> Iterator[Pull]:
    """Pulls `customers` from the CSV files of the test's folder."""

    with closing(database.cursor()) as connection:

        def pulled(select: str = CONTACTS, files: str = "*.csv") -> Pulled:
            return crm(connection, tmp_path, select, files=files).pull("customers")

        yield pulled


@pytest.fixture
def read_times(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> ReadTimes:
    """What became of each text as a time (or a day): the value, None if blank, or the rule it was set aside with."""

    def read(*texts: str, zone: str = "UTC", column: str = "created_at") -> list[datetime | str | None]:
        lines = [f"{number}\t{text}" for number, text in enumerate(texts, start=1)]
        (tmp_path / "crm.tsv").write_text("\n".join(["id\tmoment", *lines, ""]), encoding="utf-8")
        select = f"SELECT id AS customer_id, moment AS {column} FROM crm"
        declared = {
            "sources": {"crm": {"files": "crm.tsv", "delimiter": "\t"}},
            "tables": {**ABSENT, "customers": {"select": select}},
        }
        with closing(database.cursor()) as connection:
            connection.execute(f"SET TimeZone = '{zone}'")
            pulled = Crm(connection, Sources.model_validate(declared), tmp_path, tmp_path).pull("customers")
            found = dict(pulled.accepted.select("customer_id", column).iter_rows())
        broken = {str(row): rule for row, rule in pulled.quarantined.select("row", "rule").rows()}
        return [{**found, **broken}[str(number)] for number in range(1, len(texts) + 1)]

    return read


def write(folder: Path, content: str, name: str = "crm.csv") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode())


def told(pulled: Pulled) -> list[tuple[str, int | None, str]]:
    return sorted(
        pulled.quarantined.select("source", "row", "rule").rows(), key=lambda fault: (fault[0], fault[1] or 0)
    )


# Times


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-31 10:00:00", datetime(2025, 1, 31, 10, tzinfo=UTC)),
        ("2025-01-31T10:00:00", datetime(2025, 1, 31, 10, tzinfo=UTC)),
        ("2025-01-31", datetime(2025, 1, 31, tzinfo=UTC)),
        ("2025-01-31T10:00:00Z", datetime(2025, 1, 31, 10, tzinfo=UTC)),
        ("2025-01-31T10:00:00.123Z", datetime(2025, 1, 31, 10, 0, 0, 123000, UTC)),
        ("2025-01-31 10:00:00+05:30", datetime(2025, 1, 31, 4, 30, tzinfo=UTC)),
        ("2025-01-31 10:00:00+0530", datetime(2025, 1, 31, 4, 30, tzinfo=UTC)),
        ("2025-01-31 10:00:00 +0530", datetime(2025, 1, 31, 4, 30, tzinfo=UTC)),
        ("2025-01-31T10:00:00.500+0530", datetime(2025, 1, 31, 4, 30, 0, 500000, UTC)),
        ("2025-01-31 10:00:00 -0330", datetime(2025, 1, 31, 13, 30, tzinfo=UTC)),
        ("2025-01-31 10:00:00+02", datetime(2025, 1, 31, 8, tzinfo=UTC)),
        ("2025-01-31 10:00:00 +02", datetime(2025, 1, 31, 8, tzinfo=UTC)),
        ("2025-01-31 10:00:00 UTC", datetime(2025, 1, 31, 10, tzinfo=UTC)),
        ("2025-01-31 10:00:00 GMT", datetime(2025, 1, 31, 10, tzinfo=UTC)),
        ("2020-09-11 13:26:15.000 ", datetime(2020, 9, 11, 13, 26, 15, tzinfo=UTC)),
        ("  2020-09-11 13:26:15", datetime(2020, 9, 11, 13, 26, 15, tzinfo=UTC)),
        ("2025-1-3 4:05", datetime(2025, 1, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-31 10:00Z", datetime(2025, 1, 31, 10, tzinfo=UTC)),
        ("2025-01-31T10:00z", datetime(2025, 1, 31, 10, tzinfo=UTC)),
        ("2025-01-31 10:00 UTC", datetime(2025, 1, 31, 10, tzinfo=UTC)),
        ("2025-01-31T10:00+05:30", datetime(2025, 1, 31, 4, 30, tzinfo=UTC)),
        ("2025-01-31 4:05 -0330", datetime(2025, 1, 31, 7, 35, tzinfo=UTC)),
        ("2025-01-31 10:00+02", datetime(2025, 1, 31, 8, tzinfo=UTC)),
        ("2021-02-04 13:20:22.245676861", datetime(2021, 2, 4, 13, 20, 22, 245676, UTC)),
        ("1000-01-01", datetime(1000, 1, 1, tzinfo=UTC)),
        ("9999-12-31 23:59:59", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        # The last day of the calendar west of Greenwich: "without end", and more than any Python can hold.
        ("9999-12-31 23:59:59-08", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
    ],
)
def test_a_time_is_read_to_the_instant(read_times: ReadTimes, text: str, moment: datetime) -> None:
    assert read_times(text) == [moment]


@pytest.mark.parametrize(
    "text",
    ["31/12/2024", "12/31/2024", "01-02-2024", "31-12-2024 10:00", "16-AUG-07 02.34.12 PM", "04-FEB-2021 13.20.22",
     "20250115", "1736899200", "2025", "2025-02-30", "2025-13-01", "2025-01-31 25:00:00", "0000-00-01 00:00:00",
     "infinity", "-infinity", "today", "now", "yesterday",
     # DuckDB reads these as days of the years 1 to 31, of 20224, and before Christ.
     "01/06/24", "31-12-22", "01 06 24", "24-03-01", "24/03/01 10:00:00", "24-03-01T10:00:00Z", "0024-03-01",
     "20224-05-01", "20224-05-01 10:00:00+02:00", "10000-01-03", "-2024-01-01", "2024-01-01 (BC)"],
)  # fmt: skip
def test_a_time_that_could_be_meant_otherwise_is_set_aside_and_never_guessed(read_times: ReadTimes, text: str) -> None:
    assert read_times(text, "2025-01-31") == ["created_at unreadable", datetime(2025, 1, 31, tzinfo=UTC)]


@pytest.mark.parametrize("text", ["", " ", "   "])
def test_a_blank_is_no_time(read_times: ReadTimes, text: str) -> None:
    assert read_times(text) == [None]


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        pytest.param("2025-03-30 01:59:59", [datetime(2025, 3, 30, 0, 59, 59, tzinfo=UTC)], id="before summer time"),
        pytest.param("2025-03-30 03:00:00", [datetime(2025, 3, 30, 1, tzinfo=UTC)], id="after it began"),
        pytest.param("2025-03-30 02:30:00", [datetime(2025, 3, 30, 1, 30, tzinfo=UTC)], id="an hour that was not"),
        pytest.param("2025-10-26 01:59:59", [datetime(2025, 10, 25, 23, 59, 59, tzinfo=UTC)], id="before winter time"),
        pytest.param("2025-10-26 02:30:00", [datetime(2025, 10, 26, hour, 30, tzinfo=UTC) for hour in (0, 1)],
                     id="an hour that was twice"),
        pytest.param("2025-10-26 03:00:00", [datetime(2025, 10, 26, 2, tzinfo=UTC)], id="after it began again"),
        pytest.param("2025-07-01", [datetime(2025, 6, 30, 22, tzinfo=UTC)], id="a day begins at local midnight"),
        pytest.param("2025-07-01T10:00:00Z", [datetime(2025, 7, 1, 10, tzinfo=UTC)], id="with a zone of its own"),
        pytest.param("2025-07-01 10:00:00 +0530", [datetime(2025, 7, 1, 4, 30, tzinfo=UTC)], id="with an offset"),
    ],
)  # fmt: skip
def test_a_time_without_a_zone_is_the_businesss_local_time(
    read_times: ReadTimes, text: str, moments: list[datetime]
) -> None:
    (read,) = read_times(text, zone="Europe/Paris")
    assert read in moments


@pytest.mark.parametrize("suffix", ["Z", "+00:00", " +0000", " UTC", " America/New_York", " PST", " EST"])
def test_a_zone_on_one_row_is_not_the_next_rows(read_times: ReadTimes, suffix: str) -> None:
    before, _, after = read_times(
        "2025-01-31 10:00:00", f"2025-01-31 10:00:00{suffix}", "2025-01-31 10:00:00", zone="Europe/Paris"
    )
    assert before == datetime(2025, 1, 31, 9, tzinfo=UTC)
    assert after == before


#: The end of 2024-06-26 in each zone.
DAYS_END = {
    "Europe/Paris": datetime(2024, 6, 26, 22, tzinfo=UTC) - timedelta(microseconds=1),
    "America/New_York": datetime(2024, 6, 27, 4, tzinfo=UTC) - timedelta(microseconds=1),
    "Pacific/Auckland": datetime(2024, 6, 26, 12, tzinfo=UTC) - timedelta(microseconds=1),
}


@pytest.mark.parametrize("zone", DAYS_END)
@pytest.mark.parametrize(
    "text",
    ["2024-06-26", "2024-06-26\u2060", "2024-06-26 00:00", "2024-06-26T00:00:00.000Z", "2024-06-26 00:00:00 UTC"],
)
def test_a_request_of_a_day_counts_from_its_end_however_the_day_is_written(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, text: str, zone: str
) -> None:
    assert requested(database, tmp_path, text, zone) == DAYS_END[zone]


@pytest.mark.parametrize("zone", DAYS_END)
def test_a_request_of_a_time_counts_from_it_and_the_last_day_of_all_has_an_end(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, zone: str
) -> None:
    assert requested(database, tmp_path, "2024-06-26 09:30:00Z", zone) == datetime(2024, 6, 26, 9, 30, tzinfo=UTC)
    last = requested(database, tmp_path, "9999-12-31", zone)
    assert datetime(9999, 12, 31, 10, tzinfo=UTC) < last <= datetime.max.replace(tzinfo=UTC)


def requested(database: duckdb.DuckDBPyConnection, folder: Path, text: str, zone: str) -> datetime:
    """When a request of that time counts."""
    write(folder, f"id,moment\n1,{text}\n")
    select = "SELECT id AS request_id, id AS customer_id, moment AS requested_at FROM crm"
    with closing(database.cursor()) as connection:
        connection.execute(f"SET TimeZone = '{zone}'")
        return crm(connection, folder, erasures=select).pull("erasures").accepted["requested_at"].item()


def test_times_are_utc_whatever_the_business_is(read_times: ReadTimes) -> None:
    (read,) = read_times("2025-07-01 10:00:00", zone="America/New_York")
    assert isinstance(read, datetime)
    assert read.isoformat() == "2025-07-01T14:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1980-05-06", date(1980, 5, 6)), (" 1980-05-06 ", date(1980, 5, 6)), ("1980-5-6", date(1980, 5, 6)),
        ("1900-01-01", date(1900, 1, 1)), ("", None),
        ("0000-00-00", None), ("NULL", None), (" \\N ", None), ("NaT", None), ("00.00.0000", None),
        ("00/00/0000", None), ("00000000", None), ("00.00.0000 00:00", None), ("00.01.0000", "birth_date unreadable"),
        ("06/05/1980", "birth_date unreadable"), ("1980", "birth_date unreadable"),
        ("1980-02-30", "birth_date unreadable"), ("0000-00-01", "birth_date unreadable"),
        ("01/06/80", "birth_date unreadable"), ("80-06-01", "birth_date unreadable"),
        ("19800-06-01", "birth_date unreadable"), ("9999-12-31", date(9999, 12, 31)),
        ("infinity", "birth_date unreadable"), ("-infinity", "birth_date unreadable"),
    ],
)  # fmt: skip
def test_a_day_is_read_or_set_aside(read_times: ReadTimes, text: str, day: date | str | None) -> None:
    assert read_times(text, column="birth_date", zone="America/New_York") == [day]


# Rows that are set aside


def test_a_short_line_is_set_aside_with_its_file_and_row(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, "id,email,phone\n1,a@x.fr,06\n2,b@x.fr\n3,c@x.fr,08\n")
    pulled = pull()
    assert told(pulled) == [("crm.csv", 2, "line has too few columns")]
    assert pulled.accepted["customer_id"].to_list() == ["1", "3"]
    assert pulled.read == 3


def test_a_long_line_is_set_aside_with_its_file_and_row(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, "id,email,phone\n1,Doe, Jane,a@x.fr,06\n2,b@x.fr,07\n")
    assert told(pull()) == [("crm.csv", 1, "line has too many columns")]


def test_lines_of_one_file_are_told_after_those_of_another_and_those_of_an_earlier_file_are_not(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    declared = {name: {"files": f"{name}.csv"} for name in ("one", "two")}
    tables = {**ABSENT, "customers": {"select": CONTACTS.replace("crm", "one")}}
    sources = Sources.model_validate({"sources": declared, "tables": tables})
    for name in declared:
        write(tmp_path, "id,email,phone\n1,a@x.fr\n2,b@x.fr,07\n", f"{name}.csv")
    with closing(database.cursor()) as connection:
        reading = Crm(connection, sources, tmp_path, tmp_path)
        with reading.open({"one", "two"}) as (one, two):
            for name in declared:
                connection.sql(f"FROM {name}").fetchall()
            told_of = [rejected_lines(connection, "customers", (source,))["row"].to_list() for source in (one, two)]
            assert told_of == [[1], [1]]
            connection.sql("FROM two").fetchall()
        with reading.open({"two"}) as (two,):
            assert rejected_lines(connection, "customers", (two,)).is_empty()


def test_a_file_that_lacks_its_last_field_on_every_line_is_all_set_aside(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, "id,email,phone\n1,a@x.fr\n2,b@x.fr\n")
    pulled = pull()
    assert pulled.accepted.is_empty()
    assert [row for _, row, _ in told(pulled)] == [1, 2]


def test_a_broken_row_is_told_with_the_row_of_the_file_beyond_short_lines(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, "id,email,phone\n1,a,06\n2\n,c,06\n4,d,06\n5,e\n6,f,06\n,g,06\n8\n")
    assert told(pull()) == [
        ("crm.csv", 2, "line has too few columns"),
        ("crm.csv", 3, "customer_id missing"),
        ("crm.csv", 5, "line has too few columns"),
        ("crm.csv", 7, "customer_id missing"),
        ("crm.csv", 8, "line has too few columns"),
    ]


def test_a_line_end_inside_quotes_does_not_move_the_rows_below(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, 'id,email,phone\n1,"a\n\nb",06\n2,b\n,c,06\n"4\n",d,06\n,"e\n",06\n')
    assert told(pull()) == [
        ("crm.csv", 2, "line has too few columns"),
        ("crm.csv", 3, "customer_id missing"),
        ("crm.csv", 5, "customer_id missing"),
    ]


def test_blank_lines_leave_the_rows_in_the_order_of_the_file(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, "id,email,phone\n1,a,06\n\n,b,06\n3,c\n,d,06\n")
    assert [rule for _, _, rule in told(pull())] == [
        "customer_id missing",
        "line has too few columns",
        "customer_id missing",
    ]


def test_rows_are_counted_file_by_file(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, "id,email,phone\n1,a,06\n2,b\n,c,06\n", "2024.csv")
    write(tmp_path, "id,email,phone\n,d,06\n5,e\n6,f\n,g,06\n", "2025.csv")
    assert told(pull()) == [
        ("2024.csv", 2, "line has too few columns"),
        ("2024.csv", 3, "customer_id missing"),
        ("2025.csv", 1, "customer_id missing"),
        ("2025.csv", 2, "line has too few columns"),
        ("2025.csv", 3, "line has too few columns"),
        ("2025.csv", 4, "customer_id missing"),
    ]


def test_files_of_one_name_in_two_folders_are_counted_apart(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, "id,email,phone\n1,a,06\n,c,06\n", "fr/crm.csv")
    write(tmp_path, "id,email,phone\n4,d,06\n5,e,06\n,f,06\n", "be/crm.csv")
    assert sorted(row or 0 for _, row, _ in told(pull(files="*/crm.csv"))) == [2, 3]


@pytest.mark.parametrize(
    "select",
    [
        pytest.param("SELECT * FROM crm", id="everything"),
        pytest.param("FROM crm", id="everything, shorter"),
        pytest.param("SELECT customer_id, upper(email) AS email FROM crm", id="with functions"),
        pytest.param("SELECT c.customer_id, c.email FROM crm AS c", id="by another name"),
        pytest.param("SELECT COLUMNS('_id|email') FROM crm", id="by a pattern"),
        pytest.param("SELECT COLUMNS(*) FROM crm", id="all by COLUMNS"),
        pytest.param("SELECT trim(COLUMNS(* EXCLUDE (source_file))) FROM crm", id="a function of each"),
        pytest.param("SELECT customer_id, email FROM crm;", id="with a semicolon"),
        pytest.param("SELECT customer_id, email FROM crm -- all of it", id="with a comment"),
        pytest.param("SELECT customer_id, email FROM crm WHERE email <> 'a'", id="of some rows"),
        pytest.param("SELECT c.customer_id, c.email FROM crm AS c WHERE trim(c.email) <> '' AND email <> 'a'",
                     id="of some rows, by another name"),
    ],
)  # fmt: skip
def test_a_select_that_keeps_its_rows_tells_them_by_the_file(pull: Pull, tmp_path: Path, select: str) -> None:
    write(tmp_path, "customer_id,email\n1,a\n,b\n3,c\n,d\n")
    assert told(pull(select)) == [("crm.csv", 2, "customer_id missing"), ("crm.csv", 4, "customer_id missing")]


@pytest.mark.parametrize(
    "select",
    [
        "SELECT (SELECT min(o.customer_id) FROM crm AS o WHERE lower(o.email) = lower(c.email)) AS customer_id, email "
        "FROM crm AS c WHERE email <> 'no'",
        "SELECT DISTINCT customer_id, email FROM crm WHERE email <> 'no' ORDER BY email DESC",
        "SELECT customer_id, unnest([email, email || 'x']) AS email FROM crm WHERE email <> 'no'",
    ],
)
def test_a_row_is_told_by_the_file_wherever_the_select_puts_it(pull: Pull, tmp_path: Path, select: str) -> None:
    rows = [
        ("" if number % 97 == 0 else f"{number}", "no" if number % 5 == 0 else f"e{number}") for number in range(4000)
    ]
    write(tmp_path, "customer_id,email\n" + "".join(f"{customer},{email}\n" for customer, email in rows))
    missing = {place for place, (customer, email) in enumerate(rows, start=1) if not customer and email != "no"}
    found = [row for _, row, rule in told(pull(select)) if rule == "customer_id missing"]
    assert set(found) == missing
    assert len(found) == len(missing) * (2 if "unnest" in select else 1)


def test_rows_of_a_condition_are_told_by_the_file_beyond_short_lines_and_on_later_nights(
    pull: Pull, tmp_path: Path
) -> None:
    write(tmp_path, "customer_id,email,phone\n1,a,\n2\n,b,\n4,no,\n5\n,c,\n", name="a.csv")
    write(tmp_path, "customer_id,email,phone\n,no,\n,d,\n", name="b.csv")
    select = "SELECT customer_id, email, phone FROM crm WHERE email <> 'no'"
    found = {each for each in told(pull(select, files="*.csv")) if each[2] == "customer_id missing"}
    assert found == {("a.csv", row, "customer_id missing") for row in (3, 6)} | {("b.csv", 2, "customer_id missing")}


@pytest.mark.parametrize(
    ("select", "is_told"),
    [
        ("SELECT id AS customer_id, email FROM a WHERE email <> 'no' UNION ALL SELECT customer, mail FROM b", True),
        ("SELECT id AS customer_id, email FROM a UNION ALL (SELECT customer, mail FROM b UNION ALL SELECT '9', mail "
         "FROM b)", True),
        ("SELECT * FROM (SELECT id AS customer_id, email FROM a) UNION ALL SELECT customer, mail FROM b", False),
        ("SELECT id AS customer_id, email FROM a UNION ALL SELECT customer, max(mail) FROM b GROUP BY 1", False),
        ("SELECT id AS customer_id, email FROM a UNION SELECT customer, mail FROM b", False),
        ("SELECT id AS customer_id, email FROM a UNION ALL SELECT customer, mail FROM b ORDER BY 2", False),
    ],
)  # fmt: skip
def test_rows_of_several_sources_are_told_by_file_and_row(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, select: str, is_told: bool
) -> None:
    write(tmp_path, "id,email\n1,e1\n2\n,e3\n,no\n,e5\n", name="a1.csv")
    write(tmp_path, "id,email\n,e7\n", name="a2.csv")
    write(tmp_path, "mail,customer\nm1,\nm2,7\nm3,8\nm4,\n", name="b.csv")
    declared = {
        "sources": {"a": {"files": "a*.csv"}, "b": {"files": "b.csv"}},
        "tables": {**ABSENT, "customers": {"select": select}},
    }
    with closing(database.cursor()) as connection:
        pulled = Crm(connection, Sources.model_validate(declared), tmp_path, tmp_path).pull("customers")
        found = [(source, row) for source, row, rule in told(pulled) if rule == "customer_id missing"]
    first = [("a1.csv", 3), *[("a1.csv", 4)] * ("'no'" not in select), ("a1.csv", 5), ("a2.csv", 1)]
    expected = sorted([*first, ("b.csv", 1), ("b.csv", 4)])
    assert found
    assert sorted(found) == expected if is_told else {row for _, row in found} == {None}


@pytest.mark.parametrize(
    "select",
    [
        pytest.param("SELECT c.id AS customer_id, (SELECT min(email) FROM crm AS o WHERE o.email = c.email) AS email "
                     "FROM crm AS c", id="with a question of its own"),
        pytest.param("SELECT id AS customer_id, email FROM crm WHERE email IN (SELECT email FROM crm)",
                     id="where, with a question of its own"),
        pytest.param("SELECT id AS customer_id, email FROM crm WHERE random() < 2 AND email <> 'a'", id="by chance"),
        pytest.param("SELECT nullif(id, '') AS phone, id AS customer_id, email FROM crm "
                     "WHERE coalesce(phone, 'x') <> '1'", id="where, by a name of its own"),
        pytest.param("SELECT id AS customer_id, email FROM crm ORDER BY email DESC", id="order"),
        pytest.param("SELECT DISTINCT id AS customer_id, email FROM crm", id="distinct"),
        pytest.param("SELECT id AS customer_id, max(email) AS email FROM crm GROUP BY id", id="groups"),
        pytest.param("SELECT a.id AS customer_id, b.email FROM crm AS a JOIN crm AS b USING (email)", id="join"),
        pytest.param("SELECT id AS customer_id FROM crm UNION ALL SELECT id FROM crm", id="union"),
        pytest.param("SELECT id AS customer_id FROM crm OFFSET 1", id="offset"),
        pytest.param("WITH part AS (SELECT * FROM crm WHERE email <> 'a') SELECT id AS customer_id, email FROM part",
                     id="filtered beforehand"),
        pytest.param("SELECT id AS customer_id, email FROM (SELECT * FROM crm WHERE email <> 'a')", id="subquery"),
        pytest.param("SELECT id AS customer_id, unnest(string_split(email || ';x', ';')) AS email FROM crm",
                     id="several rows of one"),
        pytest.param("SELECT id AS customer_id, row_number() OVER (ORDER BY email DESC)::VARCHAR AS email FROM crm",
                     id="numbered in another order"),
        pytest.param("SELECT id AS customer_id, email FROM crm QUALIFY row_number() OVER (ORDER BY email) > 1",
                     id="qualified"),
    ],
)  # fmt: skip
def test_a_select_that_changes_its_rows_tells_no_wrong_row_of_the_file(pull: Pull, tmp_path: Path, select: str) -> None:
    write(tmp_path, "id,email\n1,a\n2,b\n,c\n4,d\n")
    rows = {row for _, row, rule in told(pull(select)) if rule == "customer_id missing"}
    assert rows
    assert rows <= {None, 3}


def test_lines_that_were_skipped_are_told_whatever_the_select_does(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, "id,email,phone\n1,a,06\n2,b\n1,c,07\n")
    pulled = pull("SELECT id AS customer_id, max(email) AS email FROM crm GROUP BY id")
    assert told(pulled) == [("crm.csv", 2, "line has too few columns")]
    assert pulled.read == 2


def test_an_unreadable_field_is_told_by_column_row_and_shape(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, "id,born,seen\n1,1980-05-06,2025-01-01\n2,6 mai 1980,2025-01-01\n3,,gestern 10h\n")
    pulled = pull("SELECT id AS customer_id, born AS birth_date, seen AS updated_at FROM crm")
    assert pulled.quarantined.select("table", "source", "row", "rule", "shape").rows() == [
        ("customers", "crm.csv", 2, "birth_date unreadable", "9 aaa 9999"),
        ("customers", "crm.csv", 3, "updated_at unreadable", "aaaaaaa 99a"),
    ]


def test_what_is_set_aside_shows_no_value(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, "id,email,born\n1,sentinel@x.fr,sentinel\n2,sentinel@x.fr\nsentinel7,a,b\nsentinel7,b,\n")
    quarantined = pull("SELECT id AS customer_id, email, born AS birth_date FROM crm").quarantined
    assert quarantined.height == 3
    assert "sentinel" not in str(quarantined.rows())
    assert "7" not in str(quarantined["shape"].to_list())


def test_equal_rows_are_one_and_rows_that_contradict_each_other_none(pull: Pull, tmp_path: Path) -> None:
    write(tmp_path, "id,email,phone\n1,a,06\n2,b,06\n1,a ,06\n2,B,06\n3,c,06\n")
    pulled = pull()
    assert pulled.accepted["customer_id"].to_list() == ["1", "3"]
    assert told(pulled) == [("crm.csv", row, "customer_id repeated") for row in (2, 3, 4)]


def test_a_database_is_told_by_its_file_without_a_row(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with closing(duckdb.connect(tmp_path / "crm.duckdb")) as other:
        other.execute("CREATE TABLE contacts AS SELECT * FROM (VALUES ('1'), (NULL)) AS t(id)")
    declared = {
        "sources": {"crm": {"duckdb": "crm.duckdb"}},
        "tables": {**ABSENT, "customers": {"select": "SELECT id AS customer_id FROM crm.contacts"}},
    }
    with closing(database.cursor()) as connection:
        pulled = Crm(connection, Sources.model_validate(declared), tmp_path, tmp_path).pull("customers")
    assert told(pulled) == [("crm.duckdb", None, "customer_id missing")]


def test_an_absent_table_is_empty_and_reads_nothing(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with closing(database.cursor()) as connection:
        for table in ABSENT:
            pulled = crm(connection, tmp_path).pull(table)  # pyright: ignore[reportArgumentType]
            assert pulled.read == 0
            assert pulled.accepted.columns == CONTRACTS[table].column_names()  # pyright: ignore[reportArgumentType]
            assert pulled.quarantined.is_empty()


# Tables whose lost line could let somebody through


@pytest.mark.parametrize("table", ["consents", "erasures"])
@pytest.mark.parametrize("line", ["c1,granted", "c1,granted,2025-01-01,x"])
def test_a_misshapen_line_among_consents_or_erasures_stops_the_run(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, table: str, line: str
) -> None:
    write(tmp_path, f"who,word,moment\nc0,granted,2025-01-01\n{line}\n")
    selects = {
        "consents": "SELECT who AS customer_id, 'profiling' AS purpose, word AS status, moment AS captured_at FROM crm",
        "erasures": "SELECT word AS request_id, who AS customer_id, moment AS requested_at FROM crm",
    }
    with closing(database.cursor()) as connection, pytest.raises(SourceError) as caught:
        crm(connection, tmp_path, **{table: selects[table]}).pull(table)  # pyright: ignore[reportArgumentType]
    assert str(caught.value).startswith(f"{tmp_path / 'crm.csv'}, line 3 has too ")
    assert "nobody is added to a list" in str(caught.value)


def test_what_was_read_ahead_is_pulled_once_and_then_read_anew(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write(tmp_path, "id,email,phone\n1,a,06\n")
    with closing(database.cursor()) as connection:
        read = crm(connection, tmp_path, "SELECT id AS customer_id, email FROM crm")
        ahead = read.read_ahead("customers")
        write(tmp_path, "id,email,phone\n1,a,06\n2,b,07\n")
        assert read.read_ahead("customers") is ahead
        assert read.pull("customers").read == 1
        assert read.pull("customers").read == 2


def test_a_table_is_not_blamed_for_a_line_of_another(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(tmp_path, "id,email,phone\n1,a,06\n2,b\n", "people.csv")
    write(tmp_path, "who,moment\n1,2025-01-01\n", "consents.csv")
    declared = {
        "sources": {"people": {"files": "people.csv"}, "said": {"files": "consents.csv"}},
        "tables": {
            **ABSENT,
            "customers": {"select": "SELECT id AS customer_id, email FROM people"},
            "consents": {
                "select": "SELECT who AS customer_id, 'ads_upload' AS purpose, 'granted' AS status, "
                "moment AS captured_at FROM said"
            },
        },
    }
    with closing(database.cursor()) as connection:
        read = Crm(connection, Sources.model_validate(declared), tmp_path, tmp_path)
        read.read_ahead("customers")
        assert read.pull("consents").read == 1


def test_orders_without_a_time_say_how_to_declare_that(database: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write(tmp_path, "id,total\n1,12.50\n")
    select = (
        "SELECT id AS order_id, id AS customer_id, total AS amount, 'EUR' AS currency, 'completed' AS status FROM crm"
    )
    with closing(database.cursor()) as connection:
        with pytest.raises(SourceError, match=r"lacks the column ordered_at\. .*set without_times = true"):
            crm(connection, tmp_path, "SELECT id AS customer_id FROM crm", orders=select).pull("orders")
        declared = {
            "sources": {"crm": {"files": "*.csv"}},
            "tables": {
                **ABSENT,
                "customers": {"select": "SELECT id AS customer_id FROM crm"},
                "orders": {"select": select, "without_times": True},
            },
        }
        pulled = Crm(connection, Sources.model_validate(declared), tmp_path, tmp_path).pull("orders")
        assert pulled.accepted.select("order_id", "amount", "ordered_at").rows() == [("1", 1250, None)]


def test_an_offset_that_stands_apart_costs_little(read_times: ReadTimes) -> None:
    """Shopify writes ` +0100` behind every time; DuckDB needs half a millisecond for each try at one."""

    def seconds(text: str) -> float:
        before = process_time()
        assert set(read_times(*[text] * 4_000)) == {datetime(2025, 1, 31, 9, tzinfo=UTC)}
        return process_time() - before

    joined = seconds("2025-01-31 10:00:00+0100")
    assert seconds("2025-01-31 10:00:00 +0100") < 3 * joined + 1
    assert seconds("2025-01-31 10:00:00 +01:00") < 3 * joined + 1


@pytest.mark.parametrize(
    ("select", "name"),
    [
        ("SELECT id AS customer_id, EMAIL AS email FROM crm", "EMAIL"),
        ("SELECT id AS customer_id, Opt_in AS gender FROM crm", "Opt_in"),
        ("SELECT id AS customer_id, c.PHONE AS phone FROM crm AS c", "PHONE"),
    ],
)
def test_a_column_that_the_export_has_no_more_is_told_with_what_to_do(
    pull: Pull, tmp_path: Path, select: str, name: str
) -> None:
    write(tmp_path, "id,E-Mail\n1,a@x.fr\n")
    with pytest.raises(SourceError) as caught:
        pull(select)
    told = str(caught.value)
    assert "sources.toml, tables.customers.select" in told and "crm.csv" not in told.partition("It reads")[0]
    assert f'"{name}"' in told and "before it is defined" not in told
    assert told.endswith(
        "Write the name that the column has there now into the select; if it is gone, export it again with that column."
    )


# No row is lost

FIELDS = st.one_of(
    st.sampled_from(["", " ", "1", "2", "3", "2025-01-31", "31/01/2025", "a@x.fr", "NULL"]),
    st.text(alphabet="abé€李1 ,;\"'\n@-.\\", max_size=8),
)
LINES = st.lists(
    st.one_of(
        st.lists(FIELDS, min_size=3, max_size=3),
        st.lists(FIELDS, min_size=3, max_size=3),
        st.lists(FIELDS, min_size=1, max_size=5),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(files=st.lists(LINES, min_size=1, max_size=3), line_end=st.sampled_from(["\n", "\r\n"]))
def test_whatever_a_file_holds_each_of_its_rows_is_accepted_or_set_aside(
    database: duckdb.DuckDBPyConnection,
    tmp_path_factory: pytest.TempPathFactory,
    files: list[list[list[str]]],
    line_end: str,
) -> None:
    folder = tmp_path_factory.mktemp("dirty")
    for number, lines in enumerate(files):
        content = io.StringIO(newline="")
        csv.writer(content, lineterminator=line_end).writerows([["id", "born", "seen"], *lines])
        (folder / f"{number}.csv").write_bytes(content.getvalue().encode())
    select = "SELECT id AS customer_id, born AS birth_date, seen AS updated_at FROM crm"
    with closing(database.cursor()) as connection:
        pulled = crm(connection, folder, select).pull("customers")
        accepted = pulled.accepted
    rows = {
        (f"{number}.csv", row): line for number, lines in enumerate(files) for row, line in enumerate(lines, start=1)
    }
    assert pulled.read == accepted.height + pulled.quarantined.height == len(rows)
    # DuckDB passes over blank fields at the end of a line, and there is no telling it not to.
    shapely = {place for place, line in rows.items() if len(line) >= 3 and not any(line[3:])}
    nameless = {place for place in shapely if not rows[place][0].strip()}
    places = set(pulled.quarantined.select("source", "row").iter_rows())
    assert len(places) == pulled.quarantined.height
    assert nameless <= places
    assert rows.keys() - shapely == {(source, row) for source, row, rule in told(pulled) if rule.startswith("line ")}
