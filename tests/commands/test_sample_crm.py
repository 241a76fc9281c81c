"""The sample CRM: always the same bytes, dirty in the declared shares, and read by the shipped `sources.toml`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import phonenumbers
import pytest

from commands.sample_crm import CHANCES, LAST_DAY, MIXES, write_sample
from schemas.crm import CONTRACTS
from schemas.declared import read_declared
from schemas.errors import ConfigError
from schemas.rates import read_rates
from schemas.source import TABLES, Sources, TableName

CUSTOMERS = 10_000
CONFIG = Path(__file__).parents[2] / "config"
#: Of all records, those whose e-mail and phone may be spoilt.
FIRST_RECORDS = 1 - CHANCES["second_record"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sample")
    write_sample(directory, CUSTOMERS, seed=1)
    return directory


@pytest.fixture(scope="module")
def crm(sample: Path) -> duckdb.DuckDBPyConnection:
    """The five CSV files as views, every column text."""
    connection = duckdb.connect()
    for table in TABLES:
        connection.read_csv(str(sample / f"{table}.csv"), all_varchar=True, header=True, sep=",").create_view(table)
    return connection


def one(crm: duckdb.DuckDBPyConnection, query: str) -> float:
    return float(crm.sql(query).fetchall()[0][0])


def checksums(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


def test_the_same_size_and_seed_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, CUSTOMERS, seed=1)
    assert checksums(tmp_path) == checksums(sample)
    assert len(checksums(sample)) == 2 * len(TABLES)


def test_another_seed_gives_other_rows_of_every_table(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, CUSTOMERS, seed=-2)
    ours, theirs = checksums(sample), checksums(tmp_path)
    assert all(ours[name] != theirs[name] for name in ours)


def test_a_sample_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one customer"):
        write_sample(tmp_path, 0, seed=1)


def test_the_smallest_sample_has_an_order_on_the_last_day_and_says_its_rows(tmp_path: Path) -> None:
    rows = write_sample(tmp_path, 100, seed=7)
    tables = {table: duckdb.read_parquet(str(tmp_path / f"{table}.parquet")) for table in TABLES}
    newest = tables["orders"].filter(f"placed LIKE '{LAST_DAY}%' AND state = 'completed' AND total NOT LIKE '-%'")
    assert rows["customers"] == 100
    assert rows == {table: found.count("*").fetchall()[0][0] for table, found in tables.items()}
    assert newest.count("*").fetchall()[0][0] >= 1


def test_csv_and_parquet_hold_the_same_text(crm: duckdb.DuckDBPyConnection, sample: Path) -> None:
    for table in TABLES:
        parquet = crm.read_parquet(str(sample / f"{table}.parquet"))
        parquet.create_view("written", replace=True)
        rows = [f"SELECT md5(string_agg(t::VARCHAR, chr(10))) FROM {name} AS t" for name in (table, "written")]
        assert set(parquet.types) == {"VARCHAR"}
        assert crm.sql(rows[0]).fetchall() == crm.sql(rows[1]).fetchall(), table


@pytest.mark.parametrize("mix", MIXES)
def test_the_alternatives_of_a_mix_add_up(mix: str) -> None:
    assert sum(round(share * 1000) for share in MIXES[mix].values()) == 1000


@pytest.mark.parametrize(
    ("condition", "share"),
    [
        ("email IS NULL", MIXES["emails"]["blank"] * FIRST_RECORDS),
        ("email = upper(email) AND email LIKE '%.C0%'", MIXES["emails"]["upper case"] * FIRST_RECORDS + 0.009),
        ("email <> trim(email)", (MIXES["emails"]["spaced"] + MIXES["emails"]["only a space"]) * FIRST_RECORDS),
        ("regexp_full_match(email, '[0-9a-f]{64}')", MIXES["emails"]["sha256"] * FIRST_RECORDS),
        ("regexp_full_match(email, '[0-9a-f]{32}')", MIXES["emails"]["md5"] * FIRST_RECORDS),
        ("phone IS NULL", MIXES["phones"]["blank"] * FIRST_RECORDS),
        ("trim(phone) = ''", MIXES["phones"]["only a space"] * FIRST_RECORDS),
        ("last_name IS NULL", MIXES["last_names"]["blank"]),
        ("country IS NULL", MIXES["country_spellings"]["blank"]),
        ("first_name <> nfc_normalize(first_name)", 0.016),
        ("birth_date = '1900-01-01'", MIXES["birth_dates"]["placeholder"]),
    ],
)
def test_customers_are_dirty_in_the_declared_shares(
    crm: duckdb.DuckDBPyConnection, condition: str, share: float
) -> None:
    found = one(crm, f"SELECT count(*) FILTER (WHERE {condition}) FROM customers") / CUSTOMERS
    assert found == pytest.approx(share, rel=0.15, abs=0.003)


def test_emails_are_at_reserved_or_gmail_domains_and_carry_the_records_number(crm: duckdb.DuckDBPyConnection) -> None:
    shape = r"[a-z-]+\.?[a-z-]+\.?c\d{7}(\+shop)?@(example\.(com|org|net|fr)|gmail\.com|googlemail\.com)"
    odd = one(crm, f"SELECT avg((NOT regexp_full_match(lower(trim(email)), '{shape}'))::INTEGER) FROM customers")
    faults = ("only a space", "placeholder", "sha256", "md5", "no at sign", "two at signs", "no domain ending")
    spoilt = sum(MIXES["emails"][fault] for fault in faults) / (1 - MIXES["emails"]["blank"])
    assert odd == pytest.approx(spoilt, rel=0.15)


def test_phones_are_written_in_many_shapes_and_almost_all_are_valid(crm: duckdb.DuckDBPyConnection) -> None:
    rows = crm.sql(
        "SELECT country, phone FROM customers WHERE trim(phone) <> '' AND country IN "
        "('FR', 'DE', 'ES', 'IT', 'BE', 'NL', 'GB', 'CH', 'US', 'CA') ORDER BY country, customer_id"
    ).fetchall()
    for country in {country for country, _ in rows}:
        phones = [phone for code, phone in rows if code == country][:300]
        valid = sum(is_valid(phone, country) for phone in phones)
        shapes = crm.sql("SELECT DISTINCT regexp_replace(unnest(?), '[0-9]', '9', 'g')", params=[phones]).fetchall()
        assert valid >= 0.9 * len(phones), country
        assert len(shapes) >= 12, country
    everywhere = [is_valid(phone, country) for country, phone in rows[::6]]
    assert 0.955 < sum(everywhere) / len(everywhere) < 0.995


def is_valid(phone: str, country: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(phone, country))
    except phonenumbers.NumberParseException:
        return False


def test_records_that_share_an_email_are_one_person_again_or_a_couple(crm: duckdb.DuckDBPyConnection) -> None:
    crm.execute(
        "CREATE OR REPLACE TEMP VIEW pairs AS SELECT a.customer_id, lower(trim(a.last_name)) AS last_name, "
        "lower(trim(b.last_name)) AS other_last_name, lower(trim(a.first_name)) <> lower(trim(b.first_name)) AS differ "
        "FROM (SELECT *, lower(trim(email)) AS mail FROM customers) AS a "
        "JOIN (SELECT *, lower(trim(email)) AS mail FROM customers) AS b "
        "ON a.mail = b.mail AND a.customer_id > b.customer_id AND a.mail LIKE '%.c0%'"
    )
    strangers = one(crm, "SELECT count(*) FROM pairs WHERE nfc_normalize(last_name) <> nfc_normalize(other_last_name)")
    again = one(crm, "SELECT count(DISTINCT customer_id) FROM pairs WHERE NOT differ") / CUSTOMERS
    couples = one(crm, "SELECT count(DISTINCT customer_id) FROM pairs WHERE differ") / CUSTOMERS
    assert strangers == 0
    assert 0.011 < again < 0.021
    assert 0.006 < couples < 0.014


def test_phones_are_shared_by_second_records_only(crm: duckdb.DuckDBPyConnection) -> None:
    digits = "right(regexp_replace(phone, '[^0-9]', '', 'g'), 8)"
    shared = crm.sql(
        f"SELECT count(*), count(DISTINCT lower(nfc_normalize(trim(last_name)))) FROM customers "
        f"WHERE regexp_matches(phone, '^[^/x]{{9,19}}$') AND phone NOT IN ('0000000000', '0123456789', '9999999999') "
        f"GROUP BY {digits} HAVING count(*) > 1"
    ).fetchall()
    strangers = sum(names > 1 for _, names in shared)
    assert 0.015 * CUSTOMERS < len(shared) < 0.035 * CUSTOMERS
    assert strangers < 0.02 * len(shared)


def test_customers_order_five_times_on_average_and_some_never(crm: duckdb.DuckDBPyConnection) -> None:
    orders = one(crm, "SELECT count(*) FROM orders")
    ordering = one(crm, "SELECT count(DISTINCT customer) FROM orders")
    most = one(crm, "SELECT max(n) FROM (SELECT count(*) AS n FROM orders GROUP BY customer)")
    assert 4.5 < orders / CUSTOMERS < 5.5
    assert 0.13 < 1 - ordering / CUSTOMERS < 0.17
    assert most > 60


def test_orders_end_on_the_last_day_and_peak_before_christmas(crm: duckdb.DuckDBPyConnection) -> None:
    days = "SELECT TRY_CAST(placed AS TIMESTAMP)::DATE AS day FROM orders"
    assert crm.sql(f"SELECT max(day), min(day) >= DATE '2022-07-01' FROM ({days})").fetchall() == [(LAST_DAY, True)]
    months = dict(crm.sql(f"SELECT strftime(day, '%Y-%m'), count(*) FROM ({days}) GROUP BY ALL").fetchall())
    assert months["2024-12"] > 1.3 * months["2024-10"]
    assert months["2024-08"] < months["2024-07"]


def test_every_order_in_a_foreign_currency_has_a_rate_but_the_broken_ones(crm: duckdb.DuckDBPyConnection) -> None:
    rates = read_rates(CONFIG / "rates.csv", "EUR").rows()
    crm.execute("CREATE OR REPLACE TEMP TABLE rates (currency VARCHAR, valid_from DATE, rate DECIMAL(20, 10))")
    crm.executemany("INSERT INTO rates VALUES (?, ?, ?)", rates)
    foreign = one(crm, "SELECT count(*) FROM orders WHERE currency <> 'EUR'") / one(crm, "SELECT count(*) FROM orders")
    unrated = crm.sql(
        "SELECT currency FROM orders AS o WHERE currency <> 'EUR' AND NOT EXISTS "
        "(FROM rates AS r WHERE r.currency = o.currency AND r.valid_from <= o.placed::TIMESTAMP::DATE) ORDER BY ALL"
    ).fetchall()
    assert foreign == pytest.approx(0.021, abs=0.006)
    assert unrated == [("NOK",), ("ZZZ",)]


@pytest.mark.parametrize(
    ("table", "condition"),
    [
        ("customers", "customer_id IS NULL"),
        ("orders", "TRY_CAST(placed AS TIMESTAMP) IS NULL"),
        ("orders", "TRY_CAST(total AS DECIMAL(12, 2)) IS NULL"),
        ("orders", "currency = 'ZZZ'"),
        ("orders", "currency = 'NOK'"),
    ],
)
def test_a_handful_of_rows_break_their_contract(crm: duckdb.DuckDBPyConnection, table: str, condition: str) -> None:
    assert one(crm, f"SELECT count(*) FROM {table} WHERE {condition}") == 1


def test_some_completed_orders_are_refunds(crm: duckdb.DuckDBPyConnection) -> None:
    refunds = "state = 'completed' AND TRY_CAST(total AS DECIMAL(12, 2)) < 0"
    assert 0.004 < one(crm, f"SELECT avg(({refunds})::INTEGER) FROM orders") < 0.009


def test_seven_in_ten_allow_the_upload_in_the_end_and_some_never_said(crm: duckdb.DuckDBPyConnection) -> None:
    end = f"TIMESTAMPTZ '{LAST_DAY} 23:59:59+00'"
    crm.execute(
        "CREATE OR REPLACE TEMP VIEW last_words AS "
        "SELECT coalesce(customer, 'C' || regexp_extract(address, 'c(\\d{7})', 1)) AS person, network, address, "
        f"arg_max(answer, captured) FILTER (WHERE valid_to IS NULL OR valid_to::TIMESTAMPTZ > {end}) AS answer "
        "FROM consents WHERE purpose = 'ads_upload' GROUP BY ALL"
    )
    allowed = one(
        crm,
        "SELECT count(*) FROM (SELECT person FROM last_words GROUP BY person "
        "HAVING bool_and(answer IS NOT DISTINCT FROM 'granted') AND bool_or(network IS NULL))",
    )
    spoke = one(crm, "SELECT count(DISTINCT person) FROM last_words")
    assert allowed / CUSTOMERS == pytest.approx(0.70, abs=0.02)
    assert 1 - spoke / CUSTOMERS == pytest.approx(0.15, abs=0.02)


def test_consents_hold_every_kind_of_statement(crm: duckdb.DuckDBPyConnection) -> None:
    kinds = {
        "opt-out after opt-in": "purpose = 'ads_upload' AND answer = 'withdrawn'",
        "one network": "network IN ('meta', 'google_ads')",
        "run out": f"valid_to < '{LAST_DAY}'",
        "by address": "customer IS NULL AND address LIKE '%@%'",
        "pending": "answer = 'pending'",
        "unknown": "answer = 'unknown'",
        "till": "collected_by = 'till'",
    }
    for kind, condition in kinds.items():
        assert one(crm, f"SELECT count(*) FROM consents WHERE {condition}") > 20, kind
    assert one(crm, "SELECT count(*) FROM consents WHERE customer IS NULL AND address IS NULL") == 0


def test_visits_are_of_the_last_year_and_erasures_name_somebody(crm: duckdb.DuckDBPyConnection) -> None:
    assert 2.5 < one(crm, "SELECT count(*) FROM visits") / CUSTOMERS < 3.5
    assert one(crm, "SELECT count(*) FROM visits WHERE occurred::TIMESTAMP < DATE '2024-07-01'") == 0
    assert 5 < one(crm, "SELECT count(*) FROM erasures") < 40
    assert one(crm, "SELECT count(*) FROM erasures WHERE coalesce(customer, email, phone) IS NULL") == 0


@pytest.mark.parametrize("table", TABLES)
def test_the_shipped_selects_give_the_contracts_columns(crm: duckdb.DuckDBPyConnection, table: TableName) -> None:
    sources = read_declared(Sources, CONFIG / "sources.toml")
    select = sources.table(table).select
    assert select is not None
    assert sorted(crm.sql(select).columns) == sorted(CONTRACTS[table].column_names())
    assert sources.sources[table].files == f"{{home}}/sample/{table}.csv"
