from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schemas.errors import RelanceError
from tests.conftest import Company, Ran
from tests.nights import night

Run = Callable[..., Ran]


def published(home: Path) -> list[Path]:
    return list((home / "outbox").rglob("*.csv"))


@pytest.mark.parametrize(
    ("table", "text", "sentence"),
    [
        ("orders", 'id,customer,time,amount,currency,status\no1,1,"2024', "orders.csv, line 2: malformed CSV"),
        ("customers", "id;email\n1;a@b.de\n", "Set delimiter = ';'"),
        ("customers", "", "is empty, without even a header"),
        ("customers", "id,email,phone,first,last,postcode,country,created\n", "The CRM is empty"),
        ("customers", "id,email\n1,a@b.de\n", 'Referenced column "phone" not found'),
        ("consents", "id,customer,status,time\nc1,1\n", "consents.csv, line 2 has too few columns"),
        (
            "consents",
            'id,customer,status,time\n"c1\nc2,2,withdrawn,2024-01-01 10:00:00\nc3",3,granted,2024-01-01 10:00:00\n',
            "consents.csv, line 2: one cell holds 1 more that look like rows",
        ),
    ],
)
def test_a_broken_source_stops_the_night_with_one_sentence(
    table: str, text: str, sentence: str, company: Company, tmp_path: Path
) -> None:
    company.write(table, text)

    with pytest.raises(RelanceError) as caught:
        night(company.config, tmp_path / "home", "2024-06-30")

    assert sentence in str(caught.value)
    assert not published(tmp_path / "home")


def test_a_run_tells_why_a_source_stopped_it_and_no_traceback(company: Company, relance: Run, tmp_path: Path) -> None:
    company.write("consents", "id,customer,status,time\nc1,1\n")

    ran = relance("run", "--config", str(company.config), home=tmp_path / "home")

    assert ran.code == 1, ran.output
    assert "consents.csv, line 2 has too few columns" in ran.output
    assert "Traceback" not in ran.output
    assert not published(tmp_path / "home")


def test_a_run_that_finds_no_day_in_the_orders_says_so(company: Company, relance: Run, tmp_path: Path) -> None:
    company.write("orders", "id,customer,time,amount,currency,status\n")

    ran = relance("run", "--config", str(company.config), home=tmp_path / "home")

    assert ran.code in {1, 2}, ran.output
    assert "no readable order up to today" in ran.output
    assert "Traceback" not in ran.output
    assert not published(tmp_path / "home")


def test_a_first_night_of_which_no_order_can_be_read_publishes_nothing_until_somebody_has_looked(
    company: Company, relance: Run, tmp_path: Path
) -> None:
    orders = (company.folder / "orders.csv").read_text()
    bought = [line.split(",") for line in orders.splitlines()]
    amount = bought[0].index("amount")
    # As if the select had not said that the CRM writes a decimal comma.
    written = [[*cells[:amount], f'"{cells[amount]},5"', *cells[amount + 1 :]] for cells in bought[1:]]
    company.declare("../orders.csv", "".join(f"{','.join(cells)}\n" for cells in [bought[0], *written]))

    held = relance("run", "--config", str(company.config), home=tmp_path / "home")

    assert held.code == 4, held.output
    assert "100% of the rows of the CRM's table of orders were set aside (limit: 50%)" in held.output
    assert "rows of orders: amount unreadable" in held.output
    assert not published(tmp_path / "home")

    guests = [
        ",".join(["" if name == "customer" else cell for name, cell in zip(bought[0], cells, strict=True)])
        for cells in bought[1:]
    ]
    company.declare("../orders.csv", orders + "".join(f"g{line}\n" for line in guests))
    said = (company.folder / "consents.csv").read_text()
    visitors = said.count("\n") * "v,,granted,2024-01-01 10:00:00\n"
    company.declare("../consents.csv", said + visitors)

    # An order without an id is nobody's, as what an unknown visitor says is, and no fault.
    assert relance("run", "--config", str(company.config), home=tmp_path / "home").code == 0
    assert published(tmp_path / "home")


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        (
            "segments/buyers.toml",
            ('where = "orders_count >= 1"', 'where = "orders_cnt >= 1"'),
            "orders_cnt is no column",
        ),
        ("segments/buyers.toml", ('where = "orders_count >= 1"', 'where = "orders_count"'), "not true or false"),
        ("segments/buyers.toml", ('["meta", "google_ads"]', '["metta"]'), "networks lists 'metta'"),
        ("relance.toml", ('currency = "EUR"', 'currency = "EURO"'), "currency: 'EURO' is no ISO 4217 code"),
        ("relance.toml", ('currency = "EUR"', 'currency = "EUR"\ncolour = 1'), "colour: is not a field of this file"),
        ("sources.toml", ('as_of = "last order"', 'as_of = "yesterday"\nas_of = 1'), "is not TOML"),
    ],
)
def test_a_wrong_declaration_names_file_and_field_before_any_data_is_read(
    file: str, change: tuple[str, str], sentence: str, company: Company, relance: Run, tmp_path: Path
) -> None:
    text = (company.config / file).read_text()
    company.declare(file, text.replace(*change))

    for command in (["check"], ["run"]):
        ran = relance(*command, "--config", str(company.config), home=tmp_path / "home")

        assert ran.code == 2, ran.output
        assert sentence in ran.output
        assert Path(file).name in ran.output


def test_two_segments_with_one_public_name_are_refused(company: Company, relance: Run, tmp_path: Path) -> None:
    company.declare("segments/other.toml", (company.config / "segments/buyers.toml").read_text())

    ran = relance("check", "--config", str(company.config), home=tmp_path / "home")

    assert ran.code == 2
    assert "public_name 'buyers' is also that of buyers.toml" in ran.output


def test_a_rule_that_needs_order_times_is_refused_where_the_source_has_none(
    company: Company, relance: Run, tmp_path: Path
) -> None:
    sources = (company.config / "sources.toml").read_text()
    sources = sources.replace('as_of = "last order"', 'as_of = "yesterday"')
    sources = sources.replace("[tables.orders]", "[tables.orders]\nwithout_times = true").replace(
        "time AS ordered_at, ", ""
    )
    company.declare("sources.toml", sources)
    segment = (company.config / "segments/buyers.toml").read_text()
    assert relance("check", "--config", str(company.config), home=tmp_path / "home").code == 0

    company.declare("segments/buyers.toml", segment.replace("orders_count >= 1", "recency_days < 90"))

    ran = relance("check", "--config", str(company.config), home=tmp_path / "home")
    assert ran.code == 2
    assert "recency_days needs order times" in ran.output


def test_a_day_before_the_first_order_is_refused(company: Company, relance: Run, tmp_path: Path) -> None:
    ran = relance("run", "--as-of", "2020-01-01", "--config", str(company.config), home=tmp_path / "home")

    assert ran.code == 2
    assert "2020-01-01 is before the first order (2023-06-01)" in ran.output
    assert not published(tmp_path / "home")


def test_a_past_day_of_the_crm_cannot_be_read_again(company: Company, home_after_a_night: Path, relance: Run) -> None:
    home = home_after_a_night

    past = relance("run", "--as-of", "2024-06-29", "--config", str(company.config), home=home)
    next_day = relance("run", "--as-of", "2024-07-01", "--config", str(company.config), home=home)

    assert past.code == 2
    assert "The CRM of 2024-06-29 cannot be read any more: 2024-06-30 is already in this home" in past.output
    assert next_day.code == 0, next_day.output


@pytest.mark.parametrize(("day", "as_of"), [("2099-01-01", "last order"), ("today", "yesterday")])
def test_a_day_that_is_not_over_is_refused(
    company: Company, relance: Run, tmp_path: Path, day: str, as_of: str
) -> None:
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", sources.replace('as_of = "last order"', f'as_of = "{as_of}"'))
    asked = datetime.now(ZoneInfo("Europe/Paris")).date().isoformat() if day == "today" else day
    ran = relance("run", "--as-of", asked, "--config", str(company.config), home=tmp_path / "home")

    assert ran.code == 2
    assert "is not over yet" in ran.output


def test_a_warehouse_without_its_key_never_gets_a_new_one(
    company: Company, home_after_a_night: Path, relance: Run
) -> None:
    home = home_after_a_night
    key = home / "keys" / "warehouse.key"
    right = key.read_text()

    key.unlink()
    missing = relance("run", "--config", str(company.config), home=home)
    key.write_text("0" * 64)
    wrong = relance("run", "--config", str(company.config), home=home)

    assert missing.code == wrong.code == 1
    assert "its warehouse key is not in" in missing.output
    assert "was made with another warehouse key" in wrong.output
    key.write_text(right)
    night(company.config, home, "2024-06-30")


def test_a_second_process_on_the_home_gets_one_clear_sentence(company: Company, relance: Run, tmp_path: Path) -> None:
    from catalog.home import Home

    home = tmp_path / "home"
    with Home.at(home).locked():
        ran = relance("run", "--config", str(company.config), home=home)

    assert ran.code == 3
    assert "Another process is working in" in ran.output
    assert "Traceback" not in ran.output


def test_orders_whose_ids_lost_their_zeros_are_told_in_the_run_and_in_status(
    company: Company, relance: Run, tmp_path: Path
) -> None:
    sources = (company.config / "sources.toml").read_text()
    company.declare("sources.toml", sources.replace("SELECT id AS customer_id,", "SELECT '000' || id AS customer_id,"))

    ran = relance("run", "--config", str(company.config), home=tmp_path / "home")

    told = "rows of orders that were looked at name no customer: compare how the selects of both tables"
    assert ran.code == 4, ran.output
    assert f"Look: 105 of 105 {told}" in ran.output
    assert f"Look: 105 of 105 {told}" in relance("status", home=tmp_path / "home").output


def test_rows_dated_after_today_and_a_currency_without_a_rate_stop_no_night_and_are_told(
    company: Company, relance: Run, tmp_path: Path
) -> None:
    for table, late in {
        "orders": "late,1,2062-01-01 12:00:00,10.00,EUR,completed\no6,2,2024-06-02 12:00:00,50.00,GBP,completed\n",
        "consents": "late,x7,granted,2063-01-01 12:00:00\n",
    }.items():
        company.write(table, (company.folder / f"{table}.csv").read_text(encoding="utf-8") + late)

    ran = relance("run", "--config", str(company.config), home=tmp_path / "home")

    assert ran.code == 0, ran.output
    assert "Running 2024-06-30" in ran.output
    assert "Look: Rows of orders dated after today, up to 2062-01-01: 1." in ran.output
    assert "2 rows of consents: captured_at in the future" in ran.output
    assert "no rate for GBP" in ran.output
