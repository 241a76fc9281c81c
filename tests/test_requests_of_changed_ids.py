"""Who asks to be forgotten in the night in which the CRM gives them another id is forgotten under both."""

from __future__ import annotations

import hashlib
import shutil
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.duckdb_connection import literal
from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.warehouse import open_warehouse
from commands.main import app
from schemas.errors import RelanceError
from tests.conftest import Company, small_company
from tests.nights import assets_of, night, night_killed_at_a_stage
from tests.pipelines.erasure.test_requests_of_nobody import told
from tests.processes import forked

#: Zoe, to whom the CRM gives another id and another phone.
EMAIL, OTHER_EMAIL = "zoe@example.net", "zz@example.net"
PHONE, NEW_PHONE, THIRD_PHONE = "+33611111111", "+33622222222", "+33633333333"
OLD = [f"zoe,{EMAIL},{PHONE},Zoe,Zed,,FR,2022-01-01 10:00:00"]
NEW = [f"zoe2,{EMAIL},{NEW_PHONE},Zoe,Zed,,FR,2022-01-01 10:00:00"]


def with_zoe(company: Company, everybody: str, rows: list[str]) -> None:
    """Let the CRM have these records beside everybody else's, each with a yes and an order."""
    (company.folder / "customers.csv").write_text(everybody + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    for row in rows:
        record = row.split(",")[0]
        company.append("consents", f"{record},{record},granted,2022-01-01 10:00:00\n")
        company.append("orders", f"{record},{record},2024-06-01 10:00:00,900,EUR,completed\n")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home after a night that had Zoe under the first id, and the text of everybody else."""
    folder = tmp_path_factory.mktemp("first")
    company = small_company(folder / "company")
    everybody = (company.folder / "customers.csv").read_text(encoding="utf-8")
    with_zoe(company, everybody, OLD)
    night(company.config, folder / "home", "2024-06-30")
    assert holding(folder / "home", EMAIL, PHONE)
    return folder / "home", everybody


@pytest.fixture
def home(first: tuple[Path, str], tmp_path: Path) -> Path:
    shutil.copytree(first[0], tmp_path / "home", symlinks=True)
    return tmp_path / "home"


def holding(home: Path, *addresses: str) -> set[str]:
    """Which of the addresses are in a full file, as Meta or Google Ads see them."""
    files = [path.read_text(encoding="utf-8") for path in (home / "outbox").rglob("*.full.csv")]
    assert files
    seen = {each: {hashlib.sha256(form.encode()).hexdigest() for form in (each, each.strip("+"))} for each in addresses}
    return {each for each, digests in seen.items() if any(digest in file for digest in digests for file in files)}


def kept(home: Path, *addresses: str) -> set[str]:
    """Which of them are in any table of customers, of the night or of an earlier one."""
    place = Home.at(home)
    with open_warehouse(place, open_keys(place), "500MB") as warehouse:
        assert not warehouse.has("forgotten_until_read")
        return {
            each
            for each in addresses
            for table in ("crm_customers", "past_crm_customers")
            if warehouse.has(table)
            and warehouse.read(
                f"FROM warehouse.{table} WHERE {literal(each)} IN (canonical_email, canonical_phone)"
            ).height
        }


def kill_before_the_customers(company: Company, customers: str, home: Path) -> None:
    """Let Zoe ask in the night in which the CRM gives her another id, and kill that night before it reads customers."""
    with_zoe(company, customers, NEW)
    company.declare_erasures("r1,zoe,2024-07-01 10:00:00\n")
    assets = [node.name for node in assets_of(company.config, home)]
    killed = forked(night_killed_at_a_stage, company.config, home, "2024-07-01", assets.index("crm_customers"))
    assert killed == -signal.SIGKILL


@pytest.mark.parametrize("named", ["zoe", "zoe2"])
def test_a_request_by_either_id_in_the_night_of_the_change_means_both(
    company: Company, first: tuple[Path, str], home: Path, named: str
) -> None:
    with_zoe(company, first[1], NEW)
    company.declare_erasures(f"r1,{named},2024-07-01 10:00:00\n")
    for day in ("2024-07-01", "2024-07-02"):
        night(company.config, home, day)
        assert not holding(home, EMAIL, PHONE, NEW_PHONE)
        assert not kept(home, EMAIL, PHONE, NEW_PHONE)


def test_a_run_that_is_killed_before_the_customers_are_read_forgets_nobody_less(
    company: Company, first: tuple[Path, str], home: Path
) -> None:
    kill_before_the_customers(company, first[1], home)
    night(company.config, home, "2024-07-01")
    assert not holding(home, EMAIL, PHONE, NEW_PHONE)
    assert not kept(home, EMAIL, PHONE, NEW_PHONE)


def test_somebody_elses_request_between_a_killed_run_and_its_repetition_forgets_nobody_less(
    company: Company, first: tuple[Path, str], home: Path
) -> None:
    """`relance forget` brings all requests forward, and writes the warehouse anew."""
    kill_before_the_customers(company, first[1], home)
    options = ["--as", "customer_id", "--home", str(home), "--config", str(company.config)]
    assert not CliRunner().invoke(app, ["forget", "x0", *options]).exit_code
    night(company.config, home, "2024-07-01")
    assert not holding(home, EMAIL, PHONE, NEW_PHONE)
    assert not kept(home, EMAIL, PHONE, NEW_PHONE)


@pytest.mark.parametrize("unreadable", ["nothing of it is named", "empty", "missing"])
@pytest.mark.parametrize("days", [("2024-07-01", "2024-07-02", "2024-07-03"), ("2024-07-01", "2024-07-01")])
def test_nights_that_cannot_read_the_customers_forget_nobody_less(
    company: Company, first: tuple[Path, str], home: Path, unreadable: str, days: tuple[str, ...]
) -> None:
    """The CRM gives Zoe the other id in the first of them. Of an empty table requests are read as on any night. The
    last night reads them, and may repeat the day."""
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    company.declare("relance.toml", f"{settings}\n[source_retries]\ntimes = 0\n")
    with_zoe(company, first[1], NEW)
    customers = company.folder / "customers.csv"
    whole = customers.read_text(encoding="utf-8")
    names = whole.splitlines(keepends=True)[0]
    if unreadable == "missing":
        customers.unlink()
    else:
        customers.write_text(names if unreadable == "empty" else whole.replace("id,", "number,", 1), encoding="utf-8")
    company.declare_erasures("r1,zoe,2024-07-01 10:00:00\n")
    for day in days[:-1]:
        with pytest.raises(RelanceError):
            night(company.config, home, day)
        assert not holding(home, EMAIL, PHONE)
    customers.write_text(whole, encoding="utf-8")
    night(company.config, home, days[-1])
    assert not holding(home, EMAIL, PHONE, NEW_PHONE)
    assert not kept(home, EMAIL, PHONE, NEW_PHONE)


def test_whoever_shares_an_address_and_has_another_first_name_has_asked_for_nothing(
    company: Company, first: tuple[Path, str], home: Path
) -> None:
    with_zoe(company, first[1], [NEW[0].replace("Zoe", "Yan")])
    company.declare_erasures("r1,zoe,2024-07-01 10:00:00\n")
    night(company.config, home, "2024-07-01")
    assert holding(home, EMAIL, PHONE, NEW_PHONE) == {NEW_PHONE}


def test_a_record_that_joined_only_by_one_that_is_gone_is_forgotten_with_it(
    company: Company, first: tuple[Path, str], home: Path
) -> None:
    """The first record joins the two that arrive, which share nothing."""
    two = [
        f"zoe2,{EMAIL},,Zoe,Zed,,FR,2022-01-01 10:00:00",
        f"zoe3,{OTHER_EMAIL},{PHONE},Zoe,Zed,,FR,2022-01-01 10:00:00",
    ]
    with_zoe(company, first[1], two)
    company.declare_erasures("r1,zoe2,2024-07-01 10:00:00\n")
    night(company.config, home, "2024-07-01")
    assert not holding(home, EMAIL, PHONE, OTHER_EMAIL)
    assert not kept(home, EMAIL, PHONE, OTHER_EMAIL)


def test_a_record_that_joins_in_the_night_of_a_request_by_an_old_id_is_forgotten_with_who_has_succeeded_it(
    company: Company, first: tuple[Path, str], home: Path
) -> None:
    """On the last day no night that is kept has the old id any more."""
    with_zoe(company, first[1], NEW)
    for day in ("2024-07-01", "2024-09-15"):
        night(company.config, home, day)
    assert holding(home, EMAIL, NEW_PHONE) == {EMAIL, NEW_PHONE}
    third = f"zoe3,{EMAIL},{THIRD_PHONE},Zoe,Zed,,FR,2022-01-01 10:00:00"
    with_zoe(company, first[1], [*NEW, third])
    company.declare_erasures("r1,zoe,2024-09-16 10:00:00\n")
    night(company.config, home, "2024-09-16")
    assert not holding(home, EMAIL, NEW_PHONE, THIRD_PHONE)
    assert not kept(home, EMAIL, NEW_PHONE, THIRD_PHONE)


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize(("written", "is_theirs"), [("\u00a0 00042 ", True), ("42", False)])
def test_an_old_id_is_read_as_one_that_is_there(
    company: Company, tmp_path: Path, written: str, is_theirs: bool, is_old: bool
) -> None:
    """Without its zeros it may come to be somebody else's: the night says that it is nobody's."""
    home, everybody = tmp_path / "home", (company.folder / "customers.csv").read_text(encoding="utf-8")
    with_zoe(company, everybody, [OLD[0].replace("zoe,", "00042,", 1)])
    night(company.config, home, "2024-06-30")
    if is_old:
        with_zoe(company, everybody, NEW)
        night(company.config, home, "2024-07-01")
    company.declare_erasures(f"r1,{written},2024-07-01 10:00:00\n")
    night(company.config, home, "2024-07-02")
    assert holding(home, EMAIL) == (set() if is_theirs else {EMAIL})
    assert bool(told(home)) == (not is_theirs)
