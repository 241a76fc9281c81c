"""Forgetting somebody takes nothing from what others said, though an address on a form may be either's."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import dataframely as dy
import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.warehouse import Warehouse
from pipelines.crm.pull import pull_table
from pipelines.crm.suppressions import read_suppressions
from pipelines.customers.consent_rules import ConsentRules
from pipelines.customers.customers import customers
from pipelines.customers.people import people
from pipelines.customers.permissions import decisions
from pipelines.customers.records import canonical_records
from pipelines.identifiers.canonical import with_canonical
from pipelines.tombstones.others import keep_for_others
from pipelines.tombstones.tombstones import Compared, tombstones
from schemas.crm import RAW_MARK, CanonicalCustomers, CrmConsents, CrmCustomers, ErasureRequests
from schemas.network import networks
from schemas.settings import Settings
from schemas.suppression import Suppression
from tests.pipelines.crm.test_pull import NOBODY, night, reading_of
from tests.pipelines.erasure.purged import purge_at_once
from tests.pipelines.erasure.test_nights import kept

KEY = "5" * 64
SETTINGS = Settings(currency="EUR", default_country="FR")
NETWORKS = {"meta": networks()["meta"]}
#: Numbers of France, the company's country, and of Belgium; one of France only; and one of nowhere.
PHONES = ("0470 12 34 56", "0491 23 45 67", "06 12 34 56 78", "0470")
CALLING_CODES = {"FR": "33", "BE": "32"}
NAMES = ("ann", "bob", "eve", "zoe")

person = st.tuples(st.sampled_from(PHONES), st.sampled_from(sorted(CALLING_CODES)))
statement = st.tuples(
    st.sampled_from([None, *NAMES]),
    st.sampled_from(
        [
            *PHONES,
            *PHONES,
            *(f"{name.title()}@x.fr" for name in NAMES),
            *(hashlib.md5(f"{name}@x.fr".encode()).hexdigest().upper() for name in NAMES),
        ]
    ),
    st.sampled_from(["granted", "denied"]),
)


def number(phone: str, country: str) -> str:
    return f"+{CALLING_CODES[country]}{phone.replace(' ', '')[1:]}"


def frame(contract: type[dy.Schema], rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(contract.create_empty().schema))


def permitted(warehouse: Warehouse) -> set[str]:
    typed = warehouse.read("FROM warehouse.crm_customers")
    records = people(canonical_records(typed, SETTINGS.joining), SETTINGS.joining, identity_key=KEY)
    decided = decisions(
        records,
        customers(records),
        warehouse.read("FROM warehouse.crm_consents"),
        ConsentRules(NETWORKS, SETTINGS, datetime(2025, 6, 30, tzinfo=UTC)),
    )
    return set(records.join(decided.permissions, on="person_id")["customer_id"])


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    crm=st.fixed_dictionaries(dict.fromkeys(NAMES, person)),
    said=st.lists(statement, max_size=6),
    erased=st.sets(st.sampled_from(NAMES), min_size=1, max_size=3),
)
@example(
    crm=dict.fromkeys(NAMES, (PHONES[0], "BE")),
    said=[("eve", hashlib.md5(b"ann@x.fr").hexdigest().upper(), "denied")],
    erased={"eve"},
)
# Only ann could have granted by this number; bob did not when she went.
@example(
    crm={"ann": (PHONES[0], "FR"), "bob": (PHONES[0], "BE"), "eve": (PHONES[1], "FR"), "zoe": (PHONES[1], "BE")},
    said=[(None, PHONES[0], "granted")],
    erased={"ann"},
)
def test_who_may_be_sent_stays_so_for_all_who_stay_and_no_text_of_the_erased_is_left(
    warehouse: Warehouse, crm: dict[str, tuple[str, str]], said: list[tuple[str | None, str, str]], erased: set[str]
) -> None:
    typed = frame(
        CrmCustomers,
        [{"customer_id": name, "email": f"{name}@x.fr", "phone": phone, "country": country}
         for name, (phone, country) in crm.items()],
    )  # fmt: skip
    every = [*((name, None, "granted") for name in ("ann", "eve")), *said]
    consents = frame(
        CrmConsents,
        [{"customer_id": name, "address": address, "purpose": "ads_upload", "status": status,
          "captured_at": datetime(2025, 1, day, tzinfo=UTC)} for day, (name, address, status) in enumerate(every, 1)],
    )  # fmt: skip
    asked = [
        {"request_id": f"r{name}", "customer_id": name, "requested_at": datetime(2025, 6, 1, tzinfo=UTC)}
        for name in erased
    ]
    stones = tombstones(frame(ErasureRequests, asked), typed, Compared(KEY, "FR"), networks=NETWORKS)
    canonical = with_canonical(typed, default_country="FR").select(CanonicalCustomers.column_names())
    warehouse.replace("crm_customers", canonical)
    warehouse.replace("crm_consents", consents)
    could = permitted(warehouse)
    purge_at_once(warehouse, stones, (), Compared(KEY, "FR"))
    can = permitted(warehouse)

    numbers = {number(*crm[name]) for name in erased}
    untouched = {name for name in NAMES if name not in erased and number(*crm[name]) not in numbers}
    assert can <= could
    assert can & untouched == could & untouched
    theirs = {f"{name.title()}@x.fr" for name in erased} | {crm[name][0] for name in erased} | numbers
    assert not theirs & set(warehouse.read("FROM warehouse.crm_consents")["address"])


def test_what_a_form_or_a_list_says_by_a_number_of_two_people_s_stays_with_the_other(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    read = reading_of(
        database,
        tmp_path,
        customers=["zoe,,0470 12 34 56,FR,", "bob,bob@x.fr,0470/12.34.56,BE,"],
        orders=[],
        consents=[",0470123456,ads_upload,,denied,2025-01-01", "zoe,Bob@x.fr,ads_upload,,denied,2025-01-01"],
        visits=["v1,0470 12 34 56,2025-01-01,visit"],
        erasures=["r1,zoe,,,2025-06-01"],
    )
    tables = night(read)
    said = tables["consents"].rows.select("customer_id", "address").rows()
    assert sorted(said) == [(None, "+32470123456"), (None, "bob@x.fr")]

    withheld = tables["customers"].withheld
    assert withheld is not None
    rule = Suppression(title="Bounced", select="SELECT customer_id AS address FROM raw_visits")
    named = read_suppressions({"bounced": rule}, read, kept(tables), withheld, "living")
    assert named.rows() == [("bounced", None, "+32470123456")]


def test_whoever_is_of_a_suppressed_domain_stays_suppressed_when_that_address_is_forgotten(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, warehouse: Warehouse
) -> None:
    crm = ["zoe,Zoe@staff.x.fr,06 12 34 56 78,FR,", "bob,bob@staff.x.fr,,FR,", "eve,eve@notx.fr,06 99 99 99 99,FR,"]
    asked = ["r1,,zoe@staff.x.fr,,2025-06-01", "r2,,eve@notx.fr,,2025-06-01"]
    rules = {
        "all": Suppression(title="All", domains=("x.fr",)),
        "staff": Suppression(title="Staff", domains=("staff.x.fr",)),
        "other": Suppression(title="Other", domains=("fr.x",)),
    }
    read = reading_of(database, tmp_path, customers=crm, orders=[], consents=[], visits=[], erasures=asked)
    tables = night(read)
    withheld, stones = tables["customers"].withheld, kept(tables)
    assert withheld is not None
    named = read_suppressions(rules, read, stones, withheld, "living")
    assert named.rows() == [("all", "zoe", None), ("staff", "zoe", None)]
    assert "staff" not in str(withheld.rows())

    # And at once, before a night reads anything again.
    warehouse.replace("crm_customers", pull_table("customers", read, NOBODY, unapplied=NOBODY).rows)
    warehouse.replace("crm_suppressions", named.clear())
    purge_at_once(warehouse, stones, (), Compared(KEY, "FR"), rules=rules)
    assert warehouse.read("FROM warehouse.crm_suppressions ORDER BY rule").equals(named)


@pytest.mark.parametrize("how", ["md5", "sha1", "sha256"])
def test_what_an_erased_record_says_of_an_e_mail_stays_with_whom_the_crm_has_by_its_digest(
    database: duckdb.DuckDBPyConnection, how: str
) -> None:
    digest = hashlib.new(how, b"eve@x.fr").hexdigest()
    columns = f"customer_id VARCHAR, address VARCHAR, status VARCHAR, {RAW_MARK} UBIGINT"
    database.execute(f"CREATE OR REPLACE TEMP TABLE said ({columns})")
    database.execute("INSERT INTO said VALUES ('zoe', 'Eve@x.fr', 'denied', 7), ('zoe', 'nobody@x.fr', 'denied', 8)")
    living = f"(SELECT '{digest}' AS canonical_email, NULL::VARCHAR AS canonical_phone, 'FR' AS country)"
    assert keep_for_others(database, "said", "customer_id = 'zoe'", living, default_country="FR") == 1
    added = database.sql("FROM said WHERE customer_id IS NULL").fetchall()
    # No raw row alone gives it: it bears no mark.
    assert added == [(None, digest, "denied", None)]
