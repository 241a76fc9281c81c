"""Who asks to be forgotten in the night in which the CRM gives them another id is forgotten under both."""

from __future__ import annotations

import hashlib
import shutil
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.duckdb_connection import literal
from catalog.erasures import noted_records
from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import open_warehouse
from commands.main import app
from schemas.errors import RelanceError
from tests.conftest import Company, small_company
from tests.nights import assets_of, night, night_killed_at_a_stage
from tests.pipelines.erasure.test_requests_of_nobody import told
from tests.processes import forked


def record(name: str, email: str, phone: str, first: str) -> str:
    return f"{name},{email},{phone},{first},Zed,,FR,2022-01-01 10:00:00"


#: Zoe, to whom the CRM gives another id and another phone.
EMAIL = "zoe@example.net"
PHONE, NEW_PHONE, THIRD_PHONE = "+33611111111", "+33622222222", "+33633333333"
OLD = [record("zoe", EMAIL, PHONE, "Zoe")]
NEW = [record("zoe2", EMAIL, NEW_PHONE, "Zoe")]


def with_records(company: Company, everybody: str, rows: list[str]) -> None:
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
    with_records(company, everybody, OLD)
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
    with_records(company, customers, NEW)
    company.declare_erasures("r1,zoe,2024-07-01 10:00:00\n")
    assets = [node.name for node in assets_of(company.config, home)]
    killed = forked(night_killed_at_a_stage, company.config, home, "2024-07-01", assets.index("crm_customers"))
    assert killed == -signal.SIGKILL


#: More people to whom the CRM gives another id in the same night: Ada asks by the new one. Una's has another first
#: name. Tess' record joins two that arrive, which share nothing.
ADAS = ("ada@example.net", "+33644444401", "+33644444402")
UNAS = ("una@example.net", "+33655555503", "+33655555504")
TESS = ("tess@example.net", "+33666666605", "tt@example.net")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, Path]:
    """The company, and a home after the night in which all of them get other ids and ask to be forgotten."""
    folder = tmp_path_factory.mktemp("changed")
    company, home = small_company(folder / "company"), folder / "home"
    everybody = (company.folder / "customers.csv").read_text(encoding="utf-8")
    old = [record("ada", *ADAS[:2], "Ada"), record("una", *UNAS[:2], "Una"), record("tess", *TESS[:2], "Tess")]
    with_records(company, everybody, [*OLD, *old])
    night(company.config, home, "2024-06-30")
    assert holding(home, EMAIL, PHONE, *ADAS, *UNAS, *TESS) == {EMAIL, PHONE, *ADAS[:2], *UNAS[:2], *TESS[:2]}
    new = [record("ada2", ADAS[0], ADAS[2], "Ada"), record("una2", UNAS[0], UNAS[2], "Yan")]
    two = [record("tess2", TESS[0], "", "Tess"), record("tess3", TESS[2], TESS[1], "Tess")]
    with_records(company, everybody, [*NEW, *new, *two])
    asked = enumerate(["zoe", "ada2", "una", "tess2"], 1)
    company.declare_erasures("".join(f"r{number},{name},2024-07-01 10:00:00\n" for number, name in asked))
    night(company.config, home, "2024-07-01")
    return company, home


def test_a_request_by_either_id_in_the_night_of_the_change_means_both(
    changed: tuple[Company, Path], tmp_path: Path
) -> None:
    company, home = changed
    theirs = {"the old id": (EMAIL, PHONE, NEW_PHONE), "the new id": ADAS}
    shutil.copytree(home, tmp_path / "home", symlinks=True)
    night(company.config, tmp_path / "home", "2024-07-02")
    for later in (home, tmp_path / "home"):
        assert {by: holding(later, *each) for by, each in theirs.items()} == {by: set() for by in theirs}
        assert {by: kept(later, *each) for by, each in theirs.items()} == {by: set() for by in theirs}


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
def test_nights_that_cannot_read_the_customers_forget_nobody_less(
    company: Company, first: tuple[Path, str], home: Path, unreadable: str
) -> None:
    """The CRM gives Zoe the other id in the first of them. Of an empty table requests are read as on any night. The
    last night reads them, and may repeat the day."""
    settings = (company.config / "relance.toml").read_text(encoding="utf-8")
    company.declare("relance.toml", f"{settings}\n[source_retries]\ntimes = 0\n")
    with_records(company, first[1], NEW)
    customers = company.folder / "customers.csv"
    whole = customers.read_text(encoding="utf-8")
    names = whole.splitlines(keepends=True)[0]
    company.declare_erasures("r1,zoe,2024-07-01 10:00:00\n")

    def live_unread(day: str) -> None:
        if unreadable == "missing":
            customers.unlink()
        else:
            text = names if unreadable == "empty" else whole.replace("id,", "number,", 1)
            customers.write_text(text, encoding="utf-8")
        with pytest.raises(RelanceError):
            night(company.config, home, day)
        assert not holding(home, EMAIL, PHONE)

    def live(place: Path, day: str) -> None:
        customers.write_text(whole, encoding="utf-8")
        night(company.config, place, day)
        assert not holding(place, EMAIL, PHONE, NEW_PHONE)
        assert not kept(place, EMAIL, PHONE, NEW_PHONE)

    live_unread("2024-07-01")
    repeated = home.with_name("repeated")
    shutil.copytree(home, repeated, symlinks=True)
    live(repeated, "2024-07-01")
    live_unread("2024-07-02")
    live(home, "2024-07-03")


def test_whoever_shares_an_address_and_has_another_first_name_has_asked_for_nothing(
    changed: tuple[Company, Path],
) -> None:
    assert holding(changed[1], *UNAS) == {UNAS[2]}


def test_a_record_that_joined_only_by_one_that_is_gone_is_forgotten_with_it(changed: tuple[Company, Path]) -> None:
    assert not holding(changed[1], *TESS)
    assert not kept(changed[1], *TESS)


def test_a_record_that_joins_in_the_night_of_a_request_by_an_old_id_is_forgotten_with_who_has_succeeded_it(
    company: Company, first: tuple[Path, str], home: Path
) -> None:
    """On the last day no night that is kept has the old id any more."""
    with_records(company, first[1], NEW)
    for day in ("2024-07-01", "2024-09-15"):
        night(company.config, home, day)
    assert holding(home, EMAIL, NEW_PHONE) == {EMAIL, NEW_PHONE}
    with_records(company, first[1], [*NEW, record("zoe3", EMAIL, THIRD_PHONE, "Zoe")])
    company.declare_erasures("r1,zoe,2024-09-16 10:00:00\n")
    night(company.config, home, "2024-09-16")
    assert not holding(home, EMAIL, NEW_PHONE, THIRD_PHONE)
    assert not kept(home, EMAIL, NEW_PHONE, THIRD_PHONE)


def test_an_old_id_is_read_as_one_that_is_there(company: Company, tmp_path: Path) -> None:
    """Without its zeros it may come to be somebody else's: the night says that it is nobody's."""
    home, everybody = tmp_path / "home", (company.folder / "customers.csv").read_text(encoding="utf-8")
    #: Id, how the request has it, whether it is an old one, whether it is theirs.
    people = [
        ("00042", "\u00a0 00042 ", True, True),
        ("00057", "57", True, False),
        ("00063", "\u00a0 00063 ", False, True),
        ("00071", "71", False, False),
    ]
    rows = {each: record(each, f"of{each}@example.net", f"+336777{each}", f"Bea{each}") for each, *_ in people}
    with_records(company, everybody, [*rows.values()])
    night(company.config, home, "2024-06-30")
    emails = {each: f"of{each}@example.net" for each in rows}
    assert holding(home, *emails.values()) == {*emails.values()}
    new = {each: rows[each].replace(each, f"new{each}", 1) for each, _, is_old, _ in people if is_old}
    with_records(company, everybody, [*new.values()])
    (company.folder / "customers.csv").write_text(
        everybody + "".join(f"{row}\n" for row in (rows | new).values()), encoding="utf-8"
    )
    night(company.config, home, "2024-07-01")
    company.declare_erasures("".join(f"r{each},{written},2024-07-01 10:00:00\n" for each, written, *_ in people))
    night(company.config, home, "2024-07-02")
    found = holding(home, *emails.values())
    assert {each: emails[each] not in found for each in emails} == {each: theirs for each, *_, theirs in people}
    with open_catalog(Home.at(home)) as catalog:
        of_somebody = {request for request, _ in noted_records(catalog)}
    assert {each: f"r{each}" in of_somebody for each in emails} == {each: theirs for each, *_, theirs in people}
    assert ["kept: 2. If" in each for each in told(home)] == [True]
