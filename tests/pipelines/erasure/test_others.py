"""Forgetting somebody takes nothing from what others said, though an address on a form may be either's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog.duckdb_connection import connect
from catalog.home import Home
from catalog.warehouse import Warehouse
from pipelines.crm.pull import Reading, Table
from pipelines.customers.customers import customers
from pipelines.customers.people import people
from pipelines.customers.permissions import decisions
from pipelines.customers.records import canonical_records
from pipelines.erasure.purge import purge
from pipelines.suppressions.read import read_suppressions
from schemas.network import networks
from schemas.suppression import Suppression
from tests.pipelines.crm.test_pull import night, reading_of
from tests.pipelines.erasure.test_nights import kept

NETWORKS = {"meta": networks()["meta"]}
#: Each is a number of France, the company's country, and of Belgium.
PHONES = ("0470 12 34 56", "0491 23 45 67")
CALLING_CODES = {"FR": "33", "BE": "32"}
NAMES = ("ann", "bob", "eve", "zoe")

person = st.tuples(st.sampled_from(PHONES), st.sampled_from(sorted(CALLING_CODES)))
statement = st.tuples(
    st.sampled_from(["", *NAMES]),
    st.sampled_from([*PHONES, *PHONES, *(f"{name.title()}@x.fr" for name in NAMES)]),
    st.sampled_from(["granted", "denied"]),
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    home = Home.at(tmp_path_factory.mktemp("home"))
    home.create()
    with closing(connect(home, "500MB")) as opened:
        yield opened


def permitted(read: Reading, tables: dict[str, Table]) -> set[str]:
    joining = read.settings.joining
    records = people(canonical_records(tables["customers"].rows, joining), joining, identity_key=read.identity_key)
    decided = decisions(
        records,
        customers(records),
        tables["consents"].rows,
        networks=NETWORKS,
        settings=read.settings,
        instant=datetime(2025, 6, 30, tzinfo=UTC),
    )
    return set(records.join(decided.permissions, on="person_id")["customer_id"])


def number(phone: str, country: str) -> str:
    return f"+{CALLING_CODES[country]}{phone.replace(' ', '')[1:]}"


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    crm=st.fixed_dictionaries(dict.fromkeys(NAMES, person)),
    said=st.lists(statement, max_size=6),
    erased=st.sets(st.sampled_from(NAMES), min_size=1, max_size=3),
)
def test_who_may_be_sent_stays_so_for_all_who_stay_and_no_text_of_the_erased_is_left(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    crm: dict[str, tuple[str, str]],
    said: list[tuple[str, str, str]],
    erased: set[str],
) -> None:
    lines = {
        "customers": [f"{name},{name}@x.fr,{phone},{country}," for name, (phone, country) in crm.items()],
        "orders": [], "visits": [],
        "consents": [
            *(f"{name},,ads_upload,,granted,2025-01-01" for name in NAMES),
            *(f"{name},{address},ads_upload,,{status},2025-02-0{day}"
              for day, (name, address, status) in enumerate(said, 1)),
        ],
    }  # fmt: skip
    before = replace(reading_of(connection, tmp_path, **lines), networks=NETWORKS)
    could = permitted(before, night(before))
    asked = [f"r{name},{name},,,2025-06-01" for name in erased]
    after = replace(reading_of(connection, tmp_path, **lines, erasures=asked), networks=NETWORKS)
    tables = night(after)
    can = permitted(after, tables)

    numbers = {number(*crm[name]) for name in erased}
    staying = {name for name in NAMES if name not in erased}
    untouched = {name for name in staying if number(*crm[name]) not in numbers}
    assert can <= could
    assert can & untouched == could & untouched
    theirs = {f"{name.title()}@x.fr" for name in erased} | {crm[name][0] for name in erased} | numbers
    assert not theirs & set(tables["consents"].rows["address"])


@pytest.mark.parametrize("staying", ["FR", "BE"])
def test_a_refusal_by_a_number_that_was_one_of_two_people_s_stays_with_the_other(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, staying: str
) -> None:
    crm = {
        "customers": ["zoe,,0470 12 34 56,FR,", "bob,,0470/12.34.56,BE,"],
        "consents": [",0470123456,ads_upload,,denied,2025-01-01", "zoe,Bob@x.fr,ads_upload,,denied,2025-01-01"],
    }
    asked = {"FR": "bob", "BE": "zoe"}[staying]
    tables = night(reading_of(connection, tmp_path, **crm, orders=[], visits=[], erasures=[f"r,{asked},,,2025-06-01"]))
    said = set(tables["consents"].rows.select("customer_id", "address").rows())
    assert said - {("zoe", "Bob@x.fr")} == {(None, number("0470 12 34 56", staying))}


def test_a_list_by_a_number_that_was_one_of_two_people_s_stays_with_the_other(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    read = reading_of(
        connection,
        tmp_path,
        customers=["zoe,,0470 12 34 56,BE,", "bob,,0470 12 34 56,FR,"],
        orders=[],
        consents=[],
        visits=["v1,0470 12 34 56,2025-01-01,visit"],
        erasures=["r1,zoe,,,2025-06-01"],
    )
    tables = night(read)
    withheld = tables["customers"].withheld
    assert withheld is not None
    rule = Suppression(title="Bounced", select="SELECT customer_id AS address FROM raw_visits")
    named = read_suppressions({"bounced": rule}, read, kept(tables), withheld, "living")
    assert named.rows() == [("bounced", None, "+33470123456")]


def test_the_warehouse_forgets_at_once_and_keeps_what_was_said_of_others(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, warehouse: Warehouse
) -> None:
    crm = {
        "customers": ["zoe,,0470 12 34 56,BE,", "bob,bob@x.fr,0470 12 34 56,FR,"],
        "consents": [",0470 12 34 56,ads_upload,,denied,2025-01-01", "zoe,Bob@x.fr,ads_upload,,denied,2025-01-02"],
    }
    stones = kept(night(reading_of(connection, tmp_path, **crm, orders=[], erasures=["r1,zoe,,,2025-06-01"])))
    unasked = night(reading_of(connection, tmp_path, **crm, orders=[], visits=[]))
    for table in ("customers", "consents"):
        warehouse.replace(f"crm_{table}", unasked[table].rows)

    purge(warehouse, stones, (), identity_key="5" * 64, default_country="FR")

    said = warehouse.read("SELECT customer_id, address FROM warehouse.crm_consents ORDER BY captured_at").rows()
    assert said == [(None, "+33470123456"), (None, "bob@x.fr")]
    assert warehouse.read("FROM warehouse.crm_customers")["customer_id"].to_list() == ["bob"]
