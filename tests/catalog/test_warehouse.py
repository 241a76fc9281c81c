"""The warehouse: encrypted on disk whatever happens, exact about types, and silent about values."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from catalog.duckdb_connection import inline
from catalog.home import Home
from catalog.secret_keys import SecretKeys
from catalog.warehouse import Warehouse, open_warehouse
from schemas import crm, customers, segments, uploads
from schemas.errors import HomeLockedError, KeyFileError, WarehouseError
from schemas.features import Features
from schemas.identifiers import Identifiers

KEYS = SecretKeys("1" * 64, "2" * 64, "3" * 64)
#: Never on disk in clear, in UTF-8 or as hexadecimal digits.
SENTINEL = "sentinel.jane.doe@example.com"

#: Every table that a stage keeps.
STORED: list[type[dy.Schema]] = [
    crm.CrmCustomers, crm.CrmOrders, crm.CrmConsents, crm.CrmVisits, crm.CrmErasures, crm.Quarantine,
    customers.CustomerRecords, customers.Customers, customers.PersonAliases, customers.Permissions,
    Features, Identifiers, segments.Memberships, uploads.AudienceKeys, uploads.KeyVersions, uploads.RefusedKeys,
]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home.at(tmp_path_factory.mktemp("warehouse") / "home")


@pytest.fixture(scope="module")
def shared(home: Home) -> Iterator[Warehouse]:
    with open_warehouse(home, KEYS, "500MB") as warehouse:
        yield warehouse


@pytest.fixture
def warehouse(shared: Warehouse) -> Warehouse:
    shared.execute("DROP TABLE IF EXISTS warehouse.people")
    return shared


@pytest.fixture
def new_home(tmp_path: Path) -> Home:
    fresh = Home.at(tmp_path / "home")
    fresh.create()
    return fresh


def people(*emails: str) -> pl.DataFrame:
    return pl.DataFrame({"email": list(emails)}, schema={"email": pl.String})


def files_with(home: Home, text: str) -> list[str]:
    """The home's files in which `text` can be read."""
    forms = (text.encode(), text.encode("utf-16-le"), text.encode().hex().encode())
    paths = [path for path in home.root.rglob("*") if path.is_file()]
    return [str(path) for path in paths if any(form in path.read_bytes() for form in forms)]


@contextmanager
def refused() -> Iterator[list[str]]:
    """One sentence, and nothing of what the library said about values."""
    said: list[str] = []
    with pytest.raises(WarehouseError) as caught:
        yield said
    shown = "".join(traceback.format_exception(caught.value))
    assert SENTINEL not in shown
    assert "duckdb." not in shown
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None
    said.append(str(caught.value))


def test_what_was_written_is_read_again_after_closing(new_home: Home) -> None:
    with open_warehouse(new_home, KEYS, "2GB") as warehouse:
        warehouse.replace("people", people("a@x.fr", "b@x.fr"))
    with open_warehouse(new_home, KEYS, "2GB") as warehouse:
        assert warehouse.read("FROM warehouse.people")["email"].to_list() == ["a@x.fr", "b@x.fr"]


def test_no_byte_on_disk_shows_what_is_stored(new_home: Home) -> None:
    with open_warehouse(new_home, KEYS, "2GB") as warehouse:
        warehouse.replace("people", people(*[f"{number}.{SENTINEL}" for number in range(20_000)]))
        warehouse.append("people", people(SENTINEL))
        assert files_with(new_home, SENTINEL) == []
        assert new_home.warehouse.exists()
    assert files_with(new_home, SENTINEL) == []


def test_no_byte_of_a_spill_file_shows_what_did_not_fit_in_memory(new_home: Home) -> None:
    with open_warehouse(new_home, KEYS, "60MB") as warehouse:
        warehouse.execute("SET threads = 1")
        warehouse.execute(
            "CREATE TEMP TABLE crowd AS SELECT $text || number AS email FROM range(2_500_000) AS r(number)",
            text=SENTINEL,
        )
        spilled = [path for path in new_home.spill.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in spilled) > 0
        assert files_with(new_home, SENTINEL) == []
    assert [path for path in new_home.root.parent.rglob("*.tmp") if path.is_file()] == []


def test_what_a_killed_run_spilled_does_not_keep_the_next_one_out(new_home: Home) -> None:
    new_home.spill.mkdir()
    (new_home.spill / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(bytes(262_144))
    with open_warehouse(new_home, KEYS, "2GB") as warehouse:
        assert warehouse.read("SELECT current_setting('temp_file_encryption') AS encrypted").item()


def test_a_failed_night_leaves_nothing_readable_behind(new_home: Home) -> None:
    with pytest.raises(ZeroDivisionError), open_warehouse(new_home, KEYS, "2GB") as warehouse, warehouse.transaction():
        warehouse.replace("people", people(*[f"{number}.{SENTINEL}" for number in range(5_000)]))
        raise ZeroDivisionError
    assert files_with(new_home, SENTINEL) == []


def test_the_file_is_its_owners_only(home: Home, shared: Warehouse) -> None:
    assert home.warehouse.stat().st_mode & 0o777 == 0o600
    assert home.root.stat().st_mode & 0o777 == 0o700


def test_another_key_is_told_without_showing_it(new_home: Home) -> None:
    with open_warehouse(new_home, KEYS, "2GB"):
        pass
    wrong = SecretKeys("9" * 64, KEYS.identity, KEYS.signing)
    with pytest.raises(KeyFileError) as caught, open_warehouse(new_home, wrong, "2GB"):
        pytest.fail("opened with a wrong key")
    assert str(caught.value).startswith(f"{new_home.warehouse} was made with another warehouse key")
    assert str(new_home.keys) in str(caught.value)
    assert "RELANCE_KEYS" in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert "9" * 64 not in shown
    assert "duckdb." not in shown


def test_a_wrong_key_does_no_harm(new_home: Home) -> None:
    with open_warehouse(new_home, KEYS, "2GB") as warehouse:
        warehouse.replace("people", people("a@x.fr"))
    before = new_home.warehouse.read_bytes()
    with pytest.raises(KeyFileError), open_warehouse(new_home, SecretKeys("9" * 64, "2" * 64, "3" * 64), "2GB"):
        pytest.fail("opened with a wrong key")
    assert new_home.warehouse.read_bytes() == before
    with open_warehouse(new_home, KEYS, "2GB") as warehouse:
        assert warehouse.read("FROM warehouse.people").height == 1


@pytest.mark.parametrize("content", [b"not a database at all " * 500, os.urandom(300) * 50])
def test_a_file_that_is_no_warehouse_is_told(new_home: Home, content: bytes) -> None:
    new_home.warehouse.write_bytes(content)
    with pytest.raises((WarehouseError, KeyFileError)) as caught, open_warehouse(new_home, KEYS, "2GB"):
        pytest.fail("opened what is no warehouse")
    assert str(caught.value).startswith(f"{new_home.warehouse} ")
    assert "backup" in str(caught.value)
    assert caught.value.__suppress_context__


def test_one_writer_at_a_time(home: Home, shared: Warehouse) -> None:
    with pytest.raises(HomeLockedError), open_warehouse(home, KEYS, "2GB"):
        pytest.fail("opened twice")


EVERY_TYPE = pl.DataFrame(
    {
        "text": ['Zoë, "O\'Neil"\n', "", None],
        "flag": [True, False, None],
        "small": pl.Series([0, 255, None], dtype=pl.UInt8),
        "days": pl.Series([-1, 2**31 - 1, None], dtype=pl.Int32),
        "rank": pl.Series([0, 2**32 - 1, None], dtype=pl.UInt32),
        "amount": pl.Series([-(2**63), 2**63 - 1, None], dtype=pl.Int64),
        "revenue": pl.Series([Decimal("-0.0001"), Decimal("99999999999999.9999"), None], dtype=pl.Decimal(18, 4)),
        "percentile": pl.Series([Decimal("100.00"), Decimal("0.01"), None], dtype=pl.Decimal(5, 2)),
        "rate": pl.Series([Decimal("0.9050000001"), Decimal(1), None], dtype=pl.Decimal(20, 10)),
        "day": [date(1900, 1, 1), date(9999, 12, 31), None],
        "moment": pl.Series(
            [datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), datetime(2025, 3, 30, 1, 30, tzinfo=UTC), None],
            dtype=pl.Datetime("us", "UTC"),
        ),
    }
)


def test_every_type_comes_back_as_it_went_in(warehouse: Warehouse) -> None:
    warehouse.replace("people", EVERY_TYPE)
    assert_frame_equal(warehouse.read("FROM warehouse.people"), EVERY_TYPE)


def test_appended_rows_come_back_by_name_whatever_their_order(warehouse: Warehouse) -> None:
    warehouse.append("people", EVERY_TYPE.head(1))
    warehouse.append("people", EVERY_TYPE.select(reversed(EVERY_TYPE.columns)).tail(2))
    assert_frame_equal(warehouse.read("FROM warehouse.people"), EVERY_TYPE)


@pytest.mark.parametrize("schema", STORED, ids=lambda schema: schema.__name__)
def test_every_table_that_is_kept_comes_back_with_its_types(warehouse: Warehouse, schema: type[dy.Schema]) -> None:
    warehouse.ensure("people", schema)
    assert_frame_equal(warehouse.read("FROM warehouse.people"), pl.DataFrame(schema.create_empty()))


def test_replacing_forgets_the_rows_and_columns_of_before(warehouse: Warehouse) -> None:
    warehouse.replace("people", people("a@x.fr"))
    warehouse.replace("people", pl.DataFrame({"phone": ["1", "2"]}))
    assert warehouse.read("FROM warehouse.people").rows() == [("1",), ("2",)]


def test_large_tables_are_replaced_together_or_not_at_all(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.replace_all([{"people": people("a@x.fr"), "phones": people("b@x.fr")}])
    many = pl.DataFrame({"number": range(300_000)})
    warehouse.replace_all({"people": part, "phones": many.clear()} for part in (many[:1000], many[1000:]))
    assert warehouse.read("FROM warehouse.people ORDER BY number").equals(many)
    assert warehouse.height("phones") == 0

    def no_swap(statement: str, **_: object) -> None:
        if statement.startswith("ALTER TABLE warehouse.phones"):
            raise WarehouseError(statement)
        execute(statement)

    execute = warehouse.execute
    monkeypatch.setattr(warehouse, "execute", no_swap)
    with pytest.raises(WarehouseError):
        warehouse.replace_all([{"people": people("c@x.fr"), "phones": people("d@x.fr")}])
    assert warehouse.height("people") == 300_000
    assert warehouse.height("phones") == 0


def test_ensuring_a_table_keeps_its_rows(warehouse: Warehouse) -> None:
    row = {"request_id": "r", "requested_at": datetime(2025, 1, 1, tzinfo=UTC), "form": "email", "tombstone": "ab"}
    warehouse.append("people", pl.DataFrame([row]).cast({"requested_at": pl.Datetime("us", "UTC")}))
    warehouse.ensure("people", crm.CrmErasures)
    assert warehouse.read("FROM warehouse.people").height == 1


def test_a_table_is_there_or_not(warehouse: Warehouse) -> None:
    assert not warehouse.has("people")
    warehouse.replace("people", people())
    assert warehouse.has("people")


def test_rows_are_asked_for_by_parameters(warehouse: Warehouse) -> None:
    warehouse.replace("people", people("a@x.fr", "o'neil@x.fr"))
    found = warehouse.read("FROM warehouse.people WHERE email = $email", email="o'neil@x.fr")
    assert found["email"].to_list() == ["o'neil@x.fr"]


@given(
    st.lists(st.tuples(st.text(st.characters(exclude_characters="\0", codec="utf-8")), st.integers(0, 9)), max_size=3)
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_stands_in_a_query_is_taken_as_it_is(warehouse: Warehouse, rows: list[tuple[str, int]]) -> None:
    few = pl.DataFrame(rows, schema={"name": pl.String, "number": pl.UInt32}, orient="row")
    assert warehouse.read(f"SELECT * FROM {inline(few)}").equals(few)
    for name, _ in rows:
        found = warehouse.read("SELECT $name AS name, $others::VARCHAR[] AS others", name=name, others=[name, "$name"])
        assert found.row(0) == (name, [name, "$name"])


def test_a_failed_transaction_takes_everything_back(warehouse: Warehouse) -> None:
    warehouse.replace("people", people("a@x.fr"))
    with pytest.raises(ZeroDivisionError), warehouse.transaction():
        warehouse.append("people", people("b@x.fr"))
        warehouse.replace("others", people("c@x.fr"))
        raise ZeroDivisionError
    assert warehouse.read("FROM warehouse.people")["email"].to_list() == ["a@x.fr"]
    assert not warehouse.has("others")


def test_a_transaction_that_the_warehouse_refuses_is_taken_back_and_told_once(warehouse: Warehouse) -> None:
    warehouse.replace("people", people("a@x.fr"))
    with refused(), warehouse.transaction():
        warehouse.append("people", people(SENTINEL))
        warehouse.execute("INSERT INTO warehouse.people SELECT error(email) FROM warehouse.people")
    assert warehouse.read("FROM warehouse.people")["email"].to_list() == ["a@x.fr"]


def test_a_transaction_that_succeeds_stays(warehouse: Warehouse) -> None:
    with warehouse.transaction():
        warehouse.append("people", people("a@x.fr"))
        warehouse.append("people", people("b@x.fr"))
    assert warehouse.read("FROM warehouse.people").height == 2


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("SELECT email::INTEGER FROM warehouse.people", id="a cast"),
        pytest.param("SELECT error(email) FROM warehouse.people", id="an error with the value"),
        pytest.param("SELECT strptime(email, '%Y') FROM warehouse.people", id="a time"),
        pytest.param("SELECT nothing FROM warehouse.people", id="an unknown column"),
        pytest.param("FROM warehouse.nobody", id="an unknown table"),
        pytest.param("SELEC 1", id="no SQL"),
    ],
)
@pytest.mark.parametrize("rows", [1, 5_000])
def test_a_refused_question_quotes_no_value(warehouse: Warehouse, query: str, rows: int) -> None:
    warehouse.replace("people", people(*["1"] * (rows - 1), SENTINEL))
    with refused() as said:
        warehouse.read(query)
    assert query[:20] in said[0]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO warehouse.numbers SELECT email FROM warehouse.people",
        "UPDATE warehouse.people SET email = error(email)",
        "CREATE UNIQUE INDEX once ON warehouse.people (email)",
    ],
)
def test_a_refused_statement_quotes_no_value(warehouse: Warehouse, statement: str) -> None:
    warehouse.replace("people", people(SENTINEL, SENTINEL))
    warehouse.replace("numbers", pl.DataFrame({"number": [1]}))
    with refused() as said:
        warehouse.execute(statement)
    assert statement[:20] in said[0]


def test_a_parameter_is_not_quoted_either(warehouse: Warehouse) -> None:
    with refused():
        warehouse.read("SELECT $email::DATE", email=SENTINEL)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(pl.DataFrame({"email": [SENTINEL], "phone": [SENTINEL]}), id="a column too many"),
        pytest.param(pl.DataFrame({"age": [SENTINEL]}), id="a text for a number"),
    ],
)
def test_rows_that_do_not_fit_are_refused_whole(warehouse: Warehouse, frame: pl.DataFrame) -> None:
    warehouse.replace("people", pl.DataFrame({"email": ["a"], "age": [1]}))
    with refused():
        warehouse.append("people", frame)
    assert warehouse.read("FROM warehouse.people").height == 1


def test_rows_that_went_leave_the_memory_to_work_with(new_home: Home) -> None:
    with open_warehouse(new_home, KEYS, "2GB") as warehouse:
        warehouse.execute("CREATE TABLE warehouse.orders AS SELECT range AS number FROM range(6_000_000)")
        warehouse.execute("DELETE FROM warehouse.orders WHERE number % 2048 = 7")
    with open_warehouse(new_home, KEYS, "40MB") as warehouse:
        warehouse.execute("SET threads = 1")
        groups = "SELECT count(*) AS rows FROM warehouse.orders GROUP BY hash(number) % 400_000"
        assert warehouse.read(f"SELECT sum(rows)::BIGINT FROM ({groups})").item() == warehouse.height("orders")


def test_pages_that_were_read_are_given_back_and_read_again(new_home: Home) -> None:
    held = "SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory()"
    limit = "SELECT parse_formatted_bytes(current_setting('memory_limit'))::BIGINT"
    total = "SELECT sum(number)::BIGINT FROM warehouse.orders"
    with open_warehouse(new_home, KEYS, "2GB") as warehouse:
        warehouse.execute("CREATE TABLE warehouse.orders AS SELECT range AS number FROM range(3_000_000)")
        warehouse.execute("DELETE FROM warehouse.orders WHERE number < 500_000 AND number % 2048 = 7")
    with open_warehouse(new_home, KEYS, "30MB") as warehouse:
        room = warehouse.read(limit).item()
        before = warehouse.read(total).item()
        read = warehouse.read(held).item()
        warehouse.give_back_memory()
        kept = warehouse.read(held).item()
        assert kept < read / 2
        assert warehouse.read(total).item() == before
        assert warehouse.read(limit).item() < room
        assert warehouse.read(held).item() <= kept + 30_000_000
        warehouse.make_room()
        assert warehouse.read(limit).item() == room


def test_too_little_memory_says_which_setting_to_raise(new_home: Home) -> None:
    with open_warehouse(new_home, KEYS, "20MB") as warehouse:
        warehouse.execute("SET threads = 1")
        with refused() as said:
            warehouse.read("SELECT list($text || number) FROM range(3_000_000) AS r(number)", text=SENTINEL)
    assert said == ["DuckDB ran out of memory. Raise memory_limit in config/relance.toml."]


def test_nothing_is_looked_for_on_the_network(shared: Warehouse) -> None:
    settings = shared.read(
        "SELECT name, value FROM duckdb_settings() WHERE name IN ('autoinstall_known_extensions', "
        "'autoload_known_extensions', 'temp_file_encryption', 'TimeZone')"
    )
    assert dict(settings.iter_rows()) == {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_file_encryption": "true",
        "TimeZone": "UTC",
    }


def test_the_users_own_folders_stay_untouched(new_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path / "here")
    with open_warehouse(new_home, KEYS, "2GB") as warehouse:
        warehouse.replace("people", people("a@x.fr"))
    assert list((tmp_path / "user").iterdir()) == []
    assert list((tmp_path / "here").iterdir()) == []


def test_a_large_append_after_an_empty_one_in_one_transaction_loses_nothing(warehouse: Warehouse) -> None:
    many = pl.DataFrame({"email": pl.Series(range(300_000)).cast(pl.String)})

    with warehouse.transaction():
        warehouse.append("people", many.clear())
        warehouse.append("people", many.clear())
        warehouse.append("people", many)

    assert warehouse.read("SELECT count(*) AS rows FROM warehouse.people")["rows"][0] == 300_000
