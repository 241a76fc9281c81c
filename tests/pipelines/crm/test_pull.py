"""A table as it is written: nobody erased in it, no unreadable consent taken for a yes, no order without a rate."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.duckdb_connection import store_frame
from pipelines.crm.pull import Reading, TableToWrite, pull_table
from pipelines.crm.pull_erasures import pull_erasures
from pipelines.crm.read import Crm
from schemas.crm import PURPOSES, CrmConsents, CrmErasures, Quarantine
from schemas.errors import DayError, SourceError
from schemas.network import networks
from schemas.rates import RATE_DECIMALS
from schemas.settings import Settings
from schemas.source import Sources, TableName
from tests.pipelines.crm.side_by_side import side_by_side

AS_OF = date(2025, 6, 30)
NOBODY = pl.DataFrame(CrmErasures.create_empty())
TABLES: tuple[TableName, ...] = ("customers", "orders", "consents", "visits")

#: The columns of each exported file; they bear relance's names already.
HEADERS: dict[str, str] = {
    "customers": "customer_id,email,phone,country,birth_date",
    "orders": "order_id,customer_id,ordered_at,amount,currency,status",
    "consents": "customer_id,address,purpose,network,status,captured_at",
    "visits": "event_id,customer_id,occurred_at,event",
    "erasures": "request_id,customer_id,email,phone,requested_at",
}

#: Jane is known by her e-mail only, Bob by his phone only, Zoe by both.
LINES: dict[str, list[str]] = {
    "customers": ["jane,jane@x.fr,,FR,", "bob,,06 12 34 56 78,FR,", "zoe,zoe@x.fr,06 99 99 99 99,FR,"],
    "orders": [f"o-{who},{who},2025-01-0{day},10,EUR,completed" for day, who in enumerate(("jane", "bob", "zoe"), 1)],
    "consents": [
        "jane,,ads_upload,,granted,2025-01-01", "bob,,ads_upload,,granted,2025-01-01",
        "zoe,,ads_upload,,granted,2025-01-01", ",Jane@x.fr,ads_upload,,granted,2025-01-01",
        ",+33612345678,ads_upload,,granted,2025-01-01", ",zoe@x.fr,ads_upload,,granted,2025-01-01",
    ],
    "visits": [f"v-{who},{who},2025-01-01,visit" for who in ("jane", "bob", "zoe")],
    "erasures": [],
}  # fmt: skip

#: The digest of Zoe's e-mail.
ZOES = hashlib.sha256(b"zoe@x.fr").digest()

Read = Callable[..., Reading]


def reading_of(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    *,
    rates: tuple[tuple[str, date, str], ...] = (),
    as_of: date = AS_OF,
    default_country: str | None = "FR",
    **lines: list[str],
) -> Reading:
    """The CRM of the given lines; a table that is not named has its usual ones."""
    for table, header in HEADERS.items():
        content = "\n".join([header, *lines.get(table, LINES[table]), ""])
        (folder / f"{table}.csv").write_text(content, encoding="utf-8")
    declared = {
        "sources": {f"raw_{table}": {"files": f"{table}.csv"} for table in HEADERS},
        "tables": {table: {"select": f"SELECT {header} FROM raw_{table}"} for table, header in HEADERS.items()},
    }
    return Reading(
        crm=Crm(connection, Sources.model_validate(declared), folder, folder),
        settings=Settings(currency="EUR", default_country=default_country),
        rates=pl.DataFrame(
            [(currency, day, Decimal(rate)) for currency, day, rate in rates],
            schema={"currency": pl.String, "valid_from": pl.Date, "rate": pl.Decimal(20, RATE_DECIMALS)},
            orient="row",
        ),
        identity_key="5" * 64,
        networks=networks(),
        as_of=as_of,
    )


def night(read: Reading, known: pl.DataFrame = NOBODY) -> dict[str, TableToWrite]:
    """All five tables as one night writes them."""
    erasures = pull_erasures(read, known)
    customers = pull_table("customers", read, erasures.rows, unapplied=erasures.rows)
    read.crm.connection.execute(f"CREATE OR REPLACE TEMP TABLE living AS {customers.select}")
    assert customers.covered is not None
    known = erasures.rows if customers.lifted is None else customers.lifted
    stones = pl.concat([known, customers.covered.tombstones])
    assert customers.withheld is not None
    store_frame(read.crm.connection, "withheld", customers.withheld)
    others = {
        table: pull_table(table, read, stones, "living", "withheld", unapplied=stones)
        for table in TABLES
        if table != "customers"
    }
    return {"erasures": erasures, "customers": customers, **others}


def who(table: TableToWrite) -> list[str]:
    """The customers that a table's rows name, and the addresses of those that name none."""
    columns = [name for name in ("customer_id", "address") if name in table.rows.columns]
    return table.rows.select(pl.coalesce(columns)).to_series().to_list()


def everything(tables: dict[str, TableToWrite]) -> str:
    return " ".join(str(table.rows.rows()) for table in tables.values()).lower()


def test_only_customers_who_changed_are_made_canonical_and_all_are_as_if_they_had_been(reading: Read) -> None:
    before = [*LINES["customers"], "ann,Ann@X.fr,,FR,", "al,al@x.fr,0612,,"]
    # Zoe's e-mail was erased, and is not there any more; Bob moved, Al has another phone, Eve is new.
    after = [
        "jane,jane@x.fr,,FR,", "bob,,06 12 34 56 78,BE,", "zoe,,06 99 99 99 99,FR,", "ann,Ann@X.fr,,FR,",
        "al,al@x.fr,06 11 11 11 11,,", "eve,eve@x.fr,,FR,",
    ]  # fmt: skip
    erased = night(reading(customers=before, erasures=["r1,,zoe@x.fr,,2025-06-01"]))
    read = reading(customers=after)
    read.crm.connection.execute(f"CREATE OR REPLACE TEMP TABLE held AS {erased['customers'].arrived}")
    every = pull_table("customers", read, NOBODY, unapplied=NOBODY)
    wanted = every.rows.sort("customer_id")
    knowing = replace(read, crm=replace(read.crm, known={"customers": "held"}))
    some = pull_table("customers", knowing, NOBODY, unapplied=NOBODY)

    assert some.rows.sort("customer_id").equals(wanted)
    assert (every.normalised, some.normalised) == (6, 4)


# Erasure


def test_without_a_request_everybody_is_there(reading: Read) -> None:
    tables = night(reading())
    assert {name: tables[name].erased for name in TABLES} == dict.fromkeys(TABLES, 0)
    assert who(tables["customers"]) == who(tables["orders"]) == who(tables["visits"]) == ["jane", "bob", "zoe"]


@pytest.mark.parametrize(
    ("request_line", "name", "traces"),
    [
        pytest.param("r1,zoe,,,2025-06-01", "zoe", ["zoe", "99 99"], id="by customer id"),
        pytest.param("r1,,jane@x.fr,,2025-06-01", "jane", ["jane"], id="by e-mail"),
        pytest.param("r1,,,06 12 34 56 78,2025-06-01", "bob", ["bob", "12 34 56", "12345678"], id="by phone"),
    ],
)
def test_whoever_is_erased_is_gone_from_every_table(
    reading: Read, request_line: str, name: str, traces: list[str]
) -> None:
    tables = night(reading(erasures=[request_line]))
    assert {table: who(tables[table]).count(name) for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert not [trace for trace in traces if trace in everything(tables)]
    assert all(tables[table].erased >= 1 for table in TABLES)
    assert tables["customers"].rows.height == 2


def test_a_request_by_record_reaches_statements_by_address(reading: Read) -> None:
    tables = night(reading(erasures=["r1,zoe,,,2025-06-01"]))
    assert who(tables["consents"]) == ["jane", "bob", "Jane@x.fr", "+33612345678"]


def test_an_erased_address_stands_in_no_row_even_where_its_record_keeps_another(reading: Read) -> None:
    tables = night(reading(erasures=["r1,,zoe@x.fr,,2025-06-01"]))
    assert "zoe@x.fr" not in everything(tables)


@pytest.mark.parametrize(
    ("phone", "country", "default"),
    [
        pytest.param("0470 12 34 56", "BE", "FR", id="of another country than the company's"),
        pytest.param("0470 12 34 56", "Belgique", None, id="where the company has declared no country"),
        pytest.param("06 12 34 56 78", "FR", None, id="where only the customer has one"),
    ],
)
def test_a_phone_without_country_code_is_erased_for_customers_of_every_country(
    reading: Read, phone: str, country: str, default: str | None
) -> None:
    customers = [f"ann,,{phone},{country},", LINES["customers"][0]]
    erasures = [f"r1,,,{phone.replace(' ', '.')},2025-06-01"]
    tables = night(reading(customers=customers, erasures=erasures, default_country=default))
    assert who(tables["customers"]) == ["jane"]


def test_a_record_that_breaks_its_contract_is_erased_with_its_addresses_all_the_same(reading: Read) -> None:
    customers = ["zoe,zoe@x.fr,06 99 99 99 99,FR,soon", "other,ZOE@x.fr,,FR,"]
    tables = night(reading(customers=[*customers, *LINES["customers"][:2]], erasures=["r1,zoe,,,2025-06-01"]))
    assert who(tables["customers"]) == ["jane", "bob"]


def test_a_request_by_a_digest_is_heard_however_that_is_written(reading: Read) -> None:
    in_hex, in_base64 = ZOES.hex(), base64.b64encode(ZOES).decode()
    written = [
        in_hex.upper(),
        f" {in_base64}",
        f"0x{in_hex.upper()}",
        rf"\x{in_hex}",
        f"SHA-256: {in_hex}",
        f"sha256:{in_base64}",
        f'"""{in_hex}"""',
    ]
    apart = side_by_side(product(written, ["Zoe@x.fr", in_hex, in_base64, f"0x{in_hex}"]))
    customers = [*LINES["customers"][:2], *(own(f"zoe,{held},,FR,") for (_, held), own in apart)]
    requests = [own(f"r1,,{asked},,2025-06-01") for (asked, _), own in apart]
    table = night(reading(customers=customers, erasures=requests))["customers"]
    left, covered = who(table), table.covered
    assert {example: own("zoe") in left for example, own in apart} == {example: False for example, _ in apart}
    assert left == ["jane", "bob"]
    assert covered is not None
    by = dict(covered.records.select("customer_id", "request_id").iter_rows())
    assert {example: by.get(own("zoe")) for example, own in apart} == {example: own("r1") for example, own in apart}
    assert covered.records.height == len(apart)


def test_the_next_nights_import_stays_blocked_although_the_request_vanished(reading: Read) -> None:
    # What a night has written is there until the next one.
    first = night(reading(erasures=["r1,zoe,,,2025-06-01", "r2,,jane@x.fr,,2025-06-01"]))["erasures"].rows
    second = night(reading(erasures=[]), known=first)
    assert second["erasures"].rows.equals(first)
    assert who(second["customers"]) == ["bob"]
    assert "zoe" not in everything(second)


def test_the_erased_stay_out_under_a_new_record(reading: Read) -> None:
    first = night(reading(erasures=["r1,zoe,,,2025-06-01"]))
    customers = ["new,Zoe@X.fr,,FR,", "newer,,+33699999999,FR,", *LINES["customers"][:2]]
    assert who(night(reading(customers=customers), known=first["erasures"].rows)["customers"]) == ["jane", "bob"]


def test_a_phone_without_country_code_stays_out_under_a_later_record_of_any_country_that_customers_live_in(
    reading: Read,
) -> None:
    belgian = "eve,eve@x.be,,BE,"
    first = night(reading(customers=[belgian], erasures=["r1,,,0470 12 34 56,2025-06-01"]))
    second = reading(customers=[belgian, "ann,,0470 12 34 56,BE,"])
    assert who(night(second, known=first["erasures"].rows)["customers"]) == ["eve"]


def test_a_request_that_is_sent_again_is_kept_once(reading: Read) -> None:
    first = night(reading(erasures=["r1,zoe,,,2025-06-01"]))["erasures"].rows
    again = night(reading(erasures=["r1,zoe,,,2025-06-01"]), known=first)
    assert again["erasures"].rows.height == first.height


def test_a_request_without_a_readable_day_is_of_the_day_that_read_it_first_and_each_request_keeps_its_own(
    reading: Read,
) -> None:
    lines = ["r1,zoe,,,soon", "r2,zoe,,,2025-06-01"]
    first = pull_erasures(reading(erasures=lines), NOBODY).rows
    again = pull_erasures(reading(erasures=lines, as_of=AS_OF + timedelta(days=1)), first).rows
    assert again.equals(first)
    asked = first.filter(form="customer_id")["requested_at"].dt.date().sort().to_list()
    assert asked == [date(2025, 6, 1), AS_OF]


def test_no_yes_of_the_day_takes_back_a_request_whose_time_nobody_can_read(reading: Read) -> None:
    lines, said = ["r1,zoe,,,soon"], [f"zoe,,ads_upload,,granted,{AS_OF} 20:00:00"]
    assert "zoe" not in who(night(reading(erasures=lines, consents=said))["customers"])
    dated = [f"r1,zoe,,,{AS_OF} 08:00:00"]
    assert "zoe" in who(night(reading(erasures=dated, consents=said))["customers"])


def test_a_consent_before_the_last_day_of_a_request_lifts_none_of_it_though_it_was_known_with_an_earlier_one(
    reading: Read,
) -> None:
    said = ["zoe,,ads_upload,,granted,2025-06-10"]
    known = night(reading(erasures=["r1,zoe,,,2025-06-01"], consents=[]))["erasures"].rows
    assert "zoe" in who(night(reading(erasures=["r1,zoe,,,2025-06-01"], consents=said), known)["customers"])
    moved = ["r1,zoe,,,2025-06-20"]
    assert "zoe" not in who(night(reading(erasures=moved, consents=said), known)["customers"])
    # The consent may come a night later than the day.
    known = night(reading(erasures=moved, consents=[]), known)["erasures"].rows
    assert "zoe" not in who(night(reading(erasures=moved, consents=said), known)["customers"])


def test_who_consents_after_a_request_without_a_readable_day_stays_back(reading: Read) -> None:
    lines, known = ["r1,zoe,,,soon"], NOBODY
    said = [f"zoe,,ads_upload,,granted,{AS_OF + timedelta(days=1)}"]
    for day, consents in enumerate([[], said, said, said]):
        tables = night(reading(erasures=lines, consents=consents, as_of=AS_OF + timedelta(days=day)), known)
        known = tables["erasures"].rows
        assert ("zoe" in who(tables["customers"])) == bool(consents)
        assert set(known["request_id"]) == {"r1"}


def test_nothing_readable_is_kept_of_a_request(reading: Read) -> None:
    kept = pull_erasures(reading(erasures=["r1,zoe,zoe@x.fr,06 99 99 99 99,2025-06-01"]), NOBODY)
    assert CrmErasures.is_valid(kept.rows)
    assert not [secret for secret in ("zoe", "99999999", "x.fr") if secret in str(kept.rows.rows())]


def test_a_request_that_breaks_its_contract_is_set_aside_and_granted(reading: Read) -> None:
    examples = {
        "requested_at unreadable": ["r1,zoe,,,soon"],
        "requested_at missing": ["r1,zoe,,,"],
        "request_id missing": [",zoe,,,2025-06-01"],
        "request_id repeated": ["r1,zoe,,,2025-06-01", "r1,,nobody@x.fr,,2025-06-01"],
    }
    apart = side_by_side(examples)
    lines = [(rule, own(line)) for rule, own in apart for line in examples[rule]]
    customers = [*LINES["customers"][:2], *(own(LINES["customers"][2]) for _, own in apart)]
    tables = night(reading(customers=customers, erasures=[line for _, line in lines]))
    broken = tables["erasures"].quarantined.select("row", "rule").sort("row").rows()
    assert broken == [(row, rule) for row, (rule, _) in enumerate(lines, 1)]
    left = who(tables["customers"])
    assert {rule: own("zoe") in left for rule, own in apart} == dict.fromkeys(examples, False)
    assert left == ["jane", "bob"]


def test_a_request_that_names_nobody_is_set_aside(reading: Read) -> None:
    erasures = pull_erasures(reading(erasures=["r1,,,,2025-06-01"]), NOBODY)
    assert erasures.rows.is_empty()
    assert erasures.quarantined["rule"].to_list() == ["names somebody not so"]


def test_a_cut_off_request_stops_the_run(reading: Read) -> None:
    with pytest.raises(SourceError, match=r"erasures\.csv, line 2 has too few columns.*nobody is added to a list"):
        pull_erasures(reading(erasures=["r1,zoe"]), NOBODY)


# Consents


def refusals(table: TableToWrite) -> list[tuple[str | None, str | None, str, str]]:
    refused = table.rows.filter(pl.col("status") != "granted")
    return refused.select("customer_id", "address", "purpose", "status").rows()


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("zoe,,ads_upload,,granted,yesterday", "captured_at unreadable"),
        ("zoe,,ads_upload,,granted,", "captured_at missing"),
        ("zoe,,ads_upload,,yes,2025-01-01", "status not allowed"),
        ("zoe,,ads_upload,,,2025-01-01", "status missing"),
        ("zoe,,ads_upload,meta,yes,2025-01-01", "status not allowed"),
        ("zoe,,ads_upload,Facebook,denied,2025-01-01", "network not allowed"),
        ("zoe,,ads_upload,all,withdrawn,2025-01-01", "network not allowed"),
    ],
)
def test_a_statement_that_cannot_be_read_refuses_its_person_on_every_network(
    reading: Read, line: str, rule: str
) -> None:
    table = pull_table("consents", reading(consents=[line]), NOBODY, unapplied=NOBODY)
    assert table.rows.select("customer_id", "purpose", "network", "status", "captured_at").rows() == [
        ("zoe", "ads_upload", None, "unknown", None)
    ]
    assert table.quarantined["rule"].to_list() == [rule]
    assert table.erased == 0
    assert CrmConsents.is_valid(table.rows)


def test_a_statement_by_address_refuses_that_address(reading: Read) -> None:
    table = pull_table(
        "consents", reading(consents=[",zoe@x.fr,ads_upload,,maybe,2025-01-01"]), NOBODY, unapplied=NOBODY
    )
    assert refusals(table) == [(None, "zoe@x.fr", "ads_upload", "unknown")]


@pytest.mark.parametrize("purpose", ["marketing", ""])
def test_a_statement_without_a_purpose_of_ours_refuses_every_purpose(reading: Read, purpose: str) -> None:
    table = pull_table("consents", reading(consents=[f"zoe,,{purpose},,granted,2025-01-01"]), NOBODY, unapplied=NOBODY)
    assert refusals(table) == [("zoe", None, each, "unknown") for each in PURPOSES]


def test_readable_statements_stay_as_they_are_beside_a_broken_one(reading: Read) -> None:
    lines = ["zoe,,ADS_UPLOAD,Meta, Granted ,2025-01-01", "zoe,,ads_upload,,granted,soon"]
    table = pull_table("consents", reading(consents=lines), NOBODY, unapplied=NOBODY)
    assert table.rows.select("purpose", "network", "status", "captured_at").rows() == [
        ("ads_upload", "meta", "granted", datetime(2025, 1, 1, tzinfo=UTC)),
        ("ads_upload", None, "unknown", None),
    ]


def test_a_statement_about_nobody_is_set_aside(reading: Read) -> None:
    table = pull_table("consents", reading(consents=[",,ads_upload,,granted,2025-01-01"]), NOBODY, unapplied=NOBODY)
    assert table.rows.is_empty()
    assert table.quarantined["rule"].to_list() == ["names somebody not so"]


@pytest.mark.parametrize("line", ["zoe,,ads_upload,,denied", "zoe,,ads_upload,,denied,2025-01-01,x"])
def test_a_misshapen_statement_stops_the_run(reading: Read, line: str) -> None:
    with pytest.raises(SourceError, match=r"consents\.csv, line 3 has too .*nobody is added to a list"):
        pull_table(
            "consents", reading(consents=["jane,,ads_upload,,granted,2025-01-01", line]), NOBODY, unapplied=NOBODY
        )


# Customers


@pytest.mark.parametrize(
    ("lines", "gave"),
    [
        ([], "gave no row"),
        ([",a@x.fr,,FR,"], "gave 1 rows and none keeps its contract: customer_id missing (1)"),
        (["1,a@x.fr"], "gave 1 rows and none keeps its contract: line has too few columns (1)"),
        (
            ["1,a@x.fr", ",a@x.fr,,FR,", ",b@x.fr,,FR,"],
            "gave 3 rows and none keeps its contract: customer_id missing (2); line has too few columns (1)",
        ),
        (["1,a@x.fr,,FR,", "1,b@x.fr,,FR,"], "gave 2 rows and none keeps its contract: customer_id repeated (2)"),
    ],
)
def test_an_empty_crm_stops_the_run(reading: Read, lines: list[str], gave: str) -> None:
    with pytest.raises(SourceError) as caught:
        pull_table("customers", reading(customers=lines), NOBODY, unapplied=NOBODY)
    assert str(caught.value) == f"The CRM is empty: customers.csv {gave}. Nobody is added to a list."


def test_a_crm_whose_every_customer_was_erased_is_not_an_empty_one(reading: Read) -> None:
    tables = night(reading(customers=LINES["customers"][2:], erasures=["r1,zoe,,,2025-06-01"]))
    assert tables["customers"].rows.is_empty()
    assert tables["customers"].erased == 1


@pytest.mark.parametrize("table", ["orders", "consents", "visits"])
def test_the_other_tables_may_be_empty(reading: Read, table: TableName) -> None:
    pulled = pull_table(table, reading(**{table: []}), NOBODY, unapplied=NOBODY)
    assert pulled.rows.is_empty()
    assert pulled.read == 0


def test_what_is_set_aside_is_dated_and_keeps_its_own_contract(reading: Read) -> None:
    quarantined = pull_table(
        "customers", reading(customers=["1,a,,,", ",b,,,", "3,c"]), NOBODY, unapplied=NOBODY
    ).quarantined
    assert Quarantine.is_valid(quarantined)
    assert quarantined.select("table", "source", "row", "as_of").sort("row").rows() == [
        ("customers", "customers.csv", 2, AS_OF), ("customers", "customers.csv", 3, AS_OF),
    ]  # fmt: skip


# Orders


def test_an_order_without_a_rate_is_set_aside_naming_its_currency(reading: Read) -> None:
    lines = ["o1,zoe,2025-01-15,10,USD,completed", "o2,zoe,2025-01-15,10,EUR,completed",
             "o3,zoe,2025-01-15,10,chf,completed"]  # fmt: skip
    table = pull_table("orders", reading(orders=lines), NOBODY, unapplied=NOBODY)
    assert table.rows["order_id"].to_list() == ["o2"]
    assert table.quarantined.select("table", "source", "rule", "shape").sort("rule").rows() == [
        ("orders", "orders.csv", "no rate for CHF", "AAA"), ("orders", "orders.csv", "no rate for USD", "AAA"),
    ]  # fmt: skip
    assert table.read == 3


def test_an_order_without_a_rate_is_told_with_its_row(reading: Read) -> None:
    lines = ["o1,zoe,2025-01-15,10,EUR,completed", "o2,zoe,2025-01-15,10,USD,completed"]
    assert pull_table("orders", reading(orders=lines), NOBODY, unapplied=NOBODY).quarantined["row"].to_list() == [2]


def test_an_order_before_the_first_rate_of_its_currency_is_set_aside(reading: Read) -> None:
    lines = ["o1,zoe,2024-12-31,10,USD,completed", "o2,zoe,2025-01-01,10,USD,completed"]
    table = pull_table(
        "orders", reading(orders=lines, rates=(("USD", date(2025, 1, 1), "0.9"),)), NOBODY, unapplied=NOBODY
    )
    assert table.rows["order_id"].to_list() == ["o2"]
    assert table.quarantined["rule"].to_list() == ["no rate for USD"]


def test_an_erased_persons_order_without_a_rate_shows_nothing_of_them(reading: Read) -> None:
    tables = night(reading(orders=["o1,zoe,2025-01-15,10,USD,completed"], erasures=["r1,zoe,,,2025-06-01"]))
    assert "zoe" not in str(tables["orders"].quarantined.rows())


def test_a_day_before_the_first_order_is_refused(reading: Read) -> None:
    with pytest.raises(DayError, match=r"before the first order \(2025-01-01\)"):
        pull_table("orders", reading(as_of=date(2024, 12, 31)), NOBODY, unapplied=NOBODY)


# Nobody is lost


CUSTOMER_LINES = st.lists(
    st.builds(
        ",".join,
        st.tuples(
            st.sampled_from(["", "1", "2", "3", "zoe"]),
            st.sampled_from(["", "zoe@x.fr", "Zoe@X.fr", "bob@x.fr"]),
            st.sampled_from(["", "0699999999", "+33612345678", "12"]),
            st.sampled_from(["", "FR", "Atlantis"]),
            st.sampled_from(["", "1980-05-06", "soon", "1980-05-06,x"]),
        ),
    ),
    max_size=8,
)


@settings(max_examples=6, deadline=None)
@given(lines=CUSTOMER_LINES, erased=st.sampled_from(["zoe,,", ",zoe@x.fr,", ",,06 99 99 99 99", "9,,"]))
def test_each_customer_is_kept_erased_or_set_aside(
    database: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory, lines: list[str], erased: str
) -> None:
    kept = "kept,kept@x.fr,,FR,"
    with closing(database.cursor()) as connection:
        read = reading_of(
            connection,
            tmp_path_factory.mktemp("crm"),
            customers=[kept, *lines],
            erasures=[f"r1,{erased},2025-06-01"],
        )
        stones = pull_erasures(read, NOBODY).rows
        table = pull_table("customers", read, stones, unapplied=stones)
        assert table.read == len(lines) + 1
        assert table.read == table.rows.height + table.erased + table.quarantined.height
        assert "kept" in who(table)
