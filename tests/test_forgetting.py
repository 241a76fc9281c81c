"""Whoever asks to be forgotten leaves every list, table and file, and the certificate says so only when it is true."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from catalog.erasures import erasure_requests, removals
from catalog.home import Home
from catalog.journal import confirmations
from catalog.secret_keys import open_keys
from catalog.store import VERSIONS, open_catalog
from catalog.warehouse import open_warehouse
from commands.main import app
from pipelines.erasure import settle as settling
from pipelines.erasure.erasing import Erasing
from pipelines.erasure.settle import settle
from pipelines.holdings.outstanding import outstanding
from pipelines.uploads.versions.state import state_of
from schemas.config import read_config
from schemas.segment import Audience
from schemas.uploads import Manifest
from tests.conftest import OTHERS, ROOT, Company, Ran
from tests.nights import night

Run = Callable[..., Ran]

#: Two records of one person, who share an e-mail.
RAW = ("zz-one", "zz-two", "zq.carla@example.org", "471987654", "473123456", "Carlotta", "Zquist")
CUSTOMERS = (
    "zz-one,zq.carla@example.org,0471 98 76 54,Carlotta,Zquist,1000,BE,2023-01-01\n"
    "zz-two,ZQ.Carla@example.org,0473 12 34 56,Carlotta,Zquist,1000,BE,2023-01-02\n"
    "jd1,jane.doe@gmail.com,,,,,FR,2023-01-01\n"
    "jd2,janedoe@gmail.com,,,,,FR,2023-01-01\n"
)
NAMES = ("zz-one", "zz-two", "jd1", "jd2")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


HASHED = tuple(map(sha256, ("zq.carla@example.org", "+32471987654", "32471987654", "+32473123456", "32473123456")))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Two people more in the small company, whose buyers go to three networks."""
    company = Company(tmp_path_factory.mktemp("forgetting") / "company")
    shutil.copytree(ROOT / "tests" / "companies" / "small", company.folder)
    more = {
        "customers": CUSTOMERS,
        "orders": "".join(f"o-{name},{name},2024-05-01,10.00,EUR,completed\n" for name in NAMES),
        "consents": "".join(f"c-{name},{name},granted,2023-01-01\n" for name in NAMES),
    }
    for table in OTHERS:
        company.write(table, (company.folder / f"{table}.csv").read_text(encoding="utf-8") + more[table])
    segment = (company.config / "segments" / "buyers.toml").read_text()
    company.declare("segments/buyers.toml", segment.replace('"google_ads"]', '"google_ads", "pinterest"]'))
    return company


@pytest.fixture(scope="module")
def published(company: Company, relance: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after its first night."""
    home = tmp_path_factory.mktemp("published") / "home"
    ran = relance("run", "--config", str(company.config), home=home)
    assert ran.code == 0, ran.output
    return home


@pytest.fixture
def home(published: Path, tmp_path: Path) -> Path:
    shutil.copytree(published, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


def uploads(home: Path) -> dict[str, str]:
    """The text of the newest version's files of each network, removals aside."""
    files = [path for path in sorted((home / "outbox").rglob("*.csv")) if ".remove." not in path.name]
    return {path.relative_to(home / "outbox").parts[0]: path.read_text() for path in files}


def dump(home: Path) -> str:
    """Every row of every table of the warehouse."""
    with open_warehouse(Home.at(home), open_keys(Home.at(home)), "2GB") as warehouse:
        tables = warehouse.read("SELECT table_name FROM duckdb_tables() WHERE database_name = 'warehouse'")[
            "table_name"
        ]
        assert "crm_customers" in tables
        return "\n".join(str(warehouse.read(f"FROM warehouse.{table}").rows()) for table in tables)


def files_with(home: Path, values: tuple[str, ...]) -> list[Path]:
    """Which files of the outbox hold one of the values, removals too."""
    files = sorted(path for path in (home / "outbox").rglob("*") if path.is_file())
    return [path for path in files if held(path.read_text(), values)]


def held(text: str, values: tuple[str, ...]) -> list[str]:
    return [value for value in values if value.lower() in text.lower()]


def state(home: Path) -> dict[str, str]:
    with open_catalog(Home.at(home)) as catalog:
        return {request.request_id: request.state for request in erasure_requests(catalog)}


def told(*arguments: str, home: Path, code: int = 0) -> str:
    """What a command says, run in this process: starting one takes longer than most of them."""
    result = CliRunner().invoke(app, [*arguments, "--home", str(home)])
    assert result.exit_code == code, result.output
    return result.output


def confirm_plan(home: Path) -> None:
    """Do what the newest versions ask for, in their order."""
    for path in sorted((home / "outbox").glob("*/*/*/*/manifest.json")):
        manifest = json.loads(path.read_text())
        for step in manifest["plan"]:
            audience = f"{manifest['network']}/{manifest['segment']}"
            told("confirm", audience, step["version"], "--as", step["kind"], home=home)


@dataclass(frozen=True)
class Asked:
    """Homes of a person who is in a list at Meta and asks to be forgotten: after the night, with its plan done, and
    after the night that closes the request."""

    taken_out: Path
    confirmed: Path
    closed: Path


@pytest.fixture(scope="module")
def asked(company: Company, published: Path, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """To be copied, since making them takes seconds."""
    homes = Asked(*(tmp_path_factory.mktemp(name) / "home" for name in ("taken_out", "confirmed", "closed")))
    shutil.copytree(published, homes.taken_out, symlinks=True)
    told("confirm", "meta/buyers", "2024-06-30.1", "--as", "created", home=homes.taken_out)
    config = ("--config", str(company.config))
    told("forget", "zz-one", "--requested-at", "2024-07-01", *config, home=homes.taken_out)
    night(company.config, homes.taken_out, "2024-06-30")
    shutil.copytree(homes.taken_out, homes.confirmed, symlinks=True)
    confirm_plan(homes.confirmed)
    shutil.copytree(homes.confirmed, homes.closed, symlinks=True)
    night(company.config, homes.closed, "2024-06-30")
    return homes


def copied(home: Path, folder: Path) -> Path:
    """A copy of a home, of a test's own."""
    shutil.copytree(home, folder / "copy", symlinks=True)
    return folder / "copy"


def test_whom_the_crm_dropped_before_the_request_is_known_from_the_nights_that_are_kept(
    company: Company, home: Path, tmp_path: Path
) -> None:
    """The CRM was cut that night, say: the person's other record is back in the next, the one that asked is not. It is
    theirs all the same."""
    later = Company(tmp_path / "later")
    shutil.copytree(company.folder, later.folder)
    customers = (company.folder / "customers.csv").read_text(encoding="utf-8")
    without = "".join(line for line in customers.splitlines(keepends=True) if not line.startswith("zz-"))
    (later.folder / "customers.csv").write_text(without, encoding="utf-8")
    night(later.config, home, "2024-07-01")
    back = "".join(line for line in customers.splitlines(keepends=True) if not line.startswith("zz-one"))
    (later.folder / "customers.csv").write_text(back, encoding="utf-8")

    asked = told("forget", "zz-one", "--requested-at", "2024-07-01", "--config", str(later.config), home=home)
    assert "covers 2 records" in asked
    night(later.config, home, "2024-07-02")

    assert uploads(home)
    assert not any(held(text, HASHED[:3]) for text in uploads(home).values())
    assert not held(dump(home), ("zz-one", "zq.carla@example.org"))


@pytest.mark.parametrize(
    "moved",
    [
        ("zz-one,zq.carla@example.org", "zz-one,carla@example.net"),
        ("jd2,janedoe@gmail.com", "jd2,zq.carla@example.org"),
    ],
)
def test_what_somebody_held_on_earlier_nights_leaves_the_lists_too_unless_it_is_anothers_by_now(
    company: Company, home: Path, tmp_path: Path, moved: tuple[str, str]
) -> None:
    """Their e-mail is another one since, and their second record is gone."""
    for network in ("meta", "pinterest"):
        told("confirm", f"{network}/buyers", "2024-06-30.1", "--as", "created", home=home)
    later = Company(tmp_path / "later")
    shutil.copytree(company.folder, later.folder)
    lines = (company.folder / "customers.csv").read_text(encoding="utf-8").replace(*moved).splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("zz-two"))
    is_anothers = moved[0].startswith("jd2")
    if is_anothers:
        text = text.replace("zz-one,zq.carla@example.org", "zz-one,carla@example.net")
    (later.folder / "customers.csv").write_text(text, encoding="utf-8")
    night(later.config, home, "2024-07-01")
    told("forget", "zz-one", "--requested-at", "2024-07-01", "--config", str(later.config), home=home)
    [request] = state(home)
    night(later.config, home, "2024-07-02")

    certificate = json.loads(certified(home, ("--config", str(later.config)), request))
    carried = {each["network"] for each in certificate["removals"] if "2024-06-30.1" in each["carried_by"]}
    # Pinterest is given no phones.
    assert carried >= ({"meta"} if is_anothers else {"meta", "pinterest"})
    assert ("pinterest" in carried) != is_anothers
    assert {bool(held(text, HASHED[:1])) for text in uploads(home).values()} == {is_anothers}
    assert not any(held(text, HASHED[1:]) for text in uploads(home).values())
    if not is_anothers:
        confirm_plan(home)
        night(later.config, home, "2024-07-03")
        assert state(home) == {request: "closed"}
        assert not held(dump(home), HASHED)
        assert not files_with(home, HASHED)


def test_an_id_that_no_record_has_may_be_an_address_and_the_command_says_so(company: Company, home: Path) -> None:
    config = ("--config", str(company.config))
    hint = "ask again with --as phone or --as email"
    national = "read as one of FR, the default country"
    assert national in told("forget", "06 12 34 00 01", *config, home=home)
    assert national not in told("forget", "tel: +32 470 00 00 32", *config, home=home)
    nobody = told("forget", "0000001823", *config, home=home)
    assert hint in nobody and "what it had of theirs is gone" not in nobody
    somebody = told("forget", "zz-one", *config, home=home)
    assert hint not in somebody and "what it had of theirs is gone" in somebody
    unknown = told("forget", "nobody@example.org", *config, home=home)
    assert hint not in unknown
    removed, nothing = "The next run publishes removals", "nothing is to be removed at a network"
    assert [(removed in said, nothing in said) for said in (somebody, nobody, unknown)] == [
        (True, False), (False, True), (False, True),
    ]  # fmt: skip


def test_a_forgotten_person_leaves_every_list_and_comes_back_with_a_later_consent_only(
    company: Company, home: Path, erasing: Callable[[], Iterator[Erasing]], tmp_path: Path
) -> None:
    config = ("--config", str(company.config))
    before = uploads(home)
    assert all(held(text, HASHED) for text in before.values())
    assert len(before) == 3

    # At once: three versions withdrawn, no row of theirs in the warehouse, nothing raw in anything that is written.
    asked = told("forget", "zz-one", "--requested-at", "2024-07-01", *config, home=home)
    assert "Withdrawn: meta/buyers 2024-06-30.1: its files held keys" in asked
    assert asked.count("Withdrawn") == 3
    assert "covers 2 records" in asked
    assert not held(asked, RAW)
    assert uploads(home) == {}
    assert not held(dump(home), RAW)
    outside = [path for path in home.rglob("*") if path.is_file() and path.suffix != ".duckdb"]
    assert not [path for path in outside if any(raw.encode() in path.read_bytes() for raw in RAW)]
    [request] = state(home)
    told("forget", "Jane.Doe@Gmail.com", "--requested-at", "2024-07-01", *config, home=home)

    # The next night reads the same CRM again: nobody is back, and each network gets a removal or a list to replace.
    night(company.config, home, "2024-06-30")
    files = uploads(home)
    assert len(files) == 3
    assert not any(held(text, HASHED) for text in files.values())
    assert sha256("janedoe@gmail.com") not in files["google_ads"]
    assert sha256("janedoe@gmail.com") in files["meta"]
    assert sha256("jane.doe@gmail.com") not in files["meta"]
    assert not held(dump(home), RAW)
    shown = json.loads(certified(home, config, request))
    assert shown["records"] == ["zz-one", "zz-two"]
    assert [(each["network"], each["state"], each["carried_by"]) for each in shown["removals"]] == [
        (network, "published", ["2024-06-30.1"]) for network in ("google_ads", "meta", "pinterest")
    ]

    # Confirming what was uploaded closes it, and the last hashed keys go.
    confirm_plan(home)
    assert f"{request}: by customer id, asked 2024-07-01, closed" in told("certificate", *config, home=home)
    written = certified(home, config, request)
    shown = json.loads(written)
    assert shown["request"]["state"] == "closed"
    assert {each["state"] for each in shown["removals"]} == {"closed"}
    assert all(each["confirmation"] and each["confirmed_at"] for each in shown["removals"])
    assert not files_with(home, HASHED)
    verify(tmp_path, home, written)
    for opened in erasing():
        settle(opened)
    assert not held(dump(home), HASHED)
    assert not files_with(home, HASHED)

    # A consent granted after the request brings back the record that it speaks of.
    consents = (company.folder / "consents.csv").read_text()
    later = Company(tmp_path / "later")
    shutil.copytree(company.folder, later.folder)
    later.write("consents", consents + "c-new,zz-one,granted,2024-08-01\n")
    night(later.config, home, "2024-06-30")
    assert all(sha256("zq.carla@example.org") in text for text in uploads(home).values())
    assert "zz-two" not in dump(home)


def certified(home: Path, config: tuple[str, ...], request: str) -> str:
    said = told("certificate", request, *config, home=home)
    return said[said.index("{") : said.rindex("}") + 1]


def verify(folder: Path, home: Path, written: str) -> None:
    """With the public key alone; a changed certificate does not hold."""
    key = folder / "their.pub"
    shutil.copyfile(home / "keys" / "signing.pub", key)
    for name, text, code in (("a.json", written, 0), ("b.json", written.replace("zz-two", "zz-three"), 1)):
        (folder / name).write_text(text)
        told("verify", str(folder / name), "--public-key", str(key), home=folder / "elsewhere", code=code)


@pytest.fixture
def erasing(home: Path, company: Company) -> Callable[[], Iterator[Erasing]]:
    """Opens the home as whoever applies erasures."""

    def opened() -> Iterator[Erasing]:
        place = Home.at(home)
        keys = open_keys(place)
        with open_catalog(place) as catalog, open_warehouse(place, keys, "2GB") as warehouse:
            yield Erasing(place, keys, warehouse, catalog, read_config(company.config), datetime.now(UTC))

    return opened


def test_while_a_run_holds_the_home_an_address_leaves_the_files_at_once_and_the_rest_follows(
    company: Company, home: Path, erasing: Callable[[], Iterator[Erasing]]
) -> None:
    config = ("--config", str(company.config))
    with Home.at(home).locked():
        said = told("forget", "zq.carla@example.org", *config, home=home) + told("forget", "zz-one", *config, home=home)
    assert said.count("Withdrawn") == 3
    assert said.count("at the end of its run") == 2
    assert said.count("The next run publishes removals") == 2
    assert said.count("to forget the person, name the customer id") == 1
    assert not held(said, RAW)
    assert set(state(home).values()) == {"received"}
    assert uploads(home) == {}

    for opened in erasing():
        settle(opened)

    assert set(state(home).values()) == {"removing"}
    assert not held(dump(home), RAW)


def steps(home: Path) -> dict[str, list[str]]:
    """What the newest version of each network, each of which has a full file, asks for."""
    asked = {}
    with open_catalog(Home.at(home)) as catalog:
        for row in catalog.versions():
            manifest = Manifest.model_validate_json(row["manifest"])
            assert manifest.has_file("full")
            standing = confirmations(catalog, Audience(row["network"], row["account"], row["segment"]))
            asked[row["network"]] = [step.kind for step in outstanding(manifest, standing)]
    return asked


def test_when_a_request_closes_no_file_of_the_outbox_names_the_person_and_each_list_has_one_to_give_out(
    company: Company, asked: Asked, tmp_path: Path
) -> None:
    config = ("--config", str(company.config))
    # Of a list at Google nobody takes so few out with a file.
    assert [path.parent.parts[-4] for path in files_with(asked.taken_out, HASHED)] == ["meta", "pinterest"]
    home = copied(asked.closed, tmp_path)
    [request] = state(home)
    assert state(home) == {request: "closed"}
    assert not files_with(home, HASHED)
    assert not held(dump(home), HASHED)
    assert steps(home) == {"google_ads": [], "meta": [], "pinterest": []}
    newest = uploads(home)
    with open_catalog(Home.at(home)) as catalog:
        outcomes = {row["network"]: row["outcome"] for row in catalog.outcomes_of_night(3)}
    assert outcomes == {"google_ads": "fresh", "meta": "published", "pinterest": "published"}

    # And so it stays.
    night(company.config, home, "2024-06-30")
    assert uploads(home) == newest
    with open_catalog(Home.at(home)) as catalog:
        assert {row["outcome"] for row in catalog.outcomes_of_night(4)} == {"fresh"}

    # If what closed it is taken back, its keys and files are gone: the list is filled anew.
    told("unconfirm", "meta/buyers", home=home)
    night(company.config, home, "2024-06-30")
    assert state(home) == {request: "removing"}
    assert not files_with(home, HASHED)
    assert steps(home) == {"google_ads": [], "meta": ["replaced"], "pinterest": []}
    [shown] = [each for each in json.loads(certified(home, config, request))["removals"] if each["network"] == "meta"]
    assert (shown["state"], shown["confirmation"]) == ("published", None)
    with open_catalog(Home.at(home)) as catalog:
        newest_version = catalog.versions(Audience("meta", "main", "buyers"))[-1]["version"]
    told("confirm", "meta/buyers", newest_version, "--as", "replaced", home=home)
    assert json.loads(certified(home, config, request))["request"]["state"] == "closed"


def test_when_a_certificate_closes_a_request_no_list_is_said_to_hold_the_person_still(
    company: Company, home: Path, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.context.OUT.width", 400)
    config = ("--config", str(company.config))
    told("confirm", "meta/buyers", "2024-06-30.1", "--as", "created", home=home)
    told("forget", "zz-one", "--requested-at", "2024-07-01", *config, home=home)
    assert "The list may still hold who must leave" in to_do_at_meta(home)
    home = copied(asked.confirmed, tmp_path)
    [request] = state(home)
    certified(home, config, request)
    assert state(home) == {request: "closed"}
    # The files that the person was taken out with went.
    said = to_do_at_meta(home)
    assert "The files were withdrawn" in said and "may still hold" not in said


def to_do_at_meta(home: Path) -> str:
    """The row of `relance status`, as wide as it is."""
    [row] = [line for line in told("status", home=home).splitlines() if "meta/buyers" in line]
    return row


def test_what_was_forgotten_stays_in_mind_when_the_request_comes_to_name_other_keys(
    company: Company, asked: Asked, tmp_path: Path
) -> None:
    """The record that asked takes over an address of somebody in the lists: the request is open again, and names keys
    that are known beside keys that nobody knows any more."""
    config, home = ("--config", str(company.config)), copied(asked.closed, tmp_path)
    [request] = state(home)
    assert state(home) == {request: "closed"}
    later = Company(tmp_path / "later")
    shutil.copytree(company.folder, later.folder)
    customers = (company.folder / "customers.csv").read_text(encoding="utf-8")
    (later.folder / "customers.csv").write_text(
        customers.replace("zz-one,zq.carla@example.org", "zz-one,jane.doe@gmail.com"), encoding="utf-8"
    )
    night(later.config, home, "2024-07-01")
    assert state(home) == {request: "removing"}

    told("unconfirm", "meta/buyers", home=home)

    place = Home.at(home)
    with open_catalog(place) as catalog, open_warehouse(place, open_keys(place), "2GB") as warehouse:
        assert state_of(Audience("meta", "main", "buyers"), catalog, warehouse).holds_forgotten
    [shown] = [each for each in json.loads(certified(home, config, request))["removals"] if each["network"] == "meta"]
    assert (shown["state"], shown["confirmation"]) == ("published", None)


def test_files_that_are_to_go_go_before_the_keys_by_which_they_are_found(
    company: Company, home: Path, erasing: Callable[[], Iterator[Erasing]], monkeypatch: pytest.MonkeyPatch
) -> None:
    told("forget", "zz-one", "--requested-at", "2024-07-01", "--config", str(company.config), home=home)
    night(company.config, home, "2024-06-30")
    confirm_plan(home)
    for step, left in (("withdraw", 2), ("drop_erased_keys", 0)):
        with monkeypatch.context() as patched:
            patched.setattr(settling, step, killed)
            for opened in erasing():
                with pytest.raises(KeyboardInterrupt):
                    settle(opened)
        assert len(files_with(home, HASHED)) == left
        assert held(dump(home), HASHED)

    for opened in erasing():
        settle(opened)

    assert not files_with(home, HASHED)
    assert not held(dump(home), HASHED)


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_files_that_a_killed_run_left_before_the_catalog_knew_of_them_go_too(company: Company, home: Path) -> None:
    place = Home.at(home)
    theirs = {"network": "meta", "version": "2024-06-30.1"}
    with (
        open_catalog(place) as catalog,
        open_warehouse(place, open_keys(place), "2GB") as warehouse,
        catalog.writing() as now,
    ):
        now.execute(sa.delete(VERSIONS).where(*(VERSIONS.c[name] == value for name, value in theirs.items())))
        warehouse.execute(
            "UPDATE warehouse.key_versions SET state = 'pending' WHERE network = $network AND version = $version",
            **theirs,
        )
    assert held(uploads(home)["meta"], HASHED)

    said = told("forget", "zz-one", "--config", str(company.config), home=home)

    assert said.count("Withdrawn") == 3
    assert uploads(home) == {}


#: Applies what was asked for to the home, killed after its first, second, … step; says how often it was.
KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import open_warehouse
from pipelines.erasure import known, settle as settling, taking_in
from pipelines.erasure.erasing import Erasing
from schemas.config import read_config

STEPS = ("_note_covered", "purge", "note_erased_keys", "withdraw", "mark_erased", "write_removals",
         "rewrite_warehouse", "mark_rewritten")

def killed_after(name):
    module = next(each for each in (settling, taking_in, known) if hasattr(each, name))
    done = getattr(module, name)
    def step(*arguments, **named):
        done(*arguments, **named)
        os._exit(9)
    setattr(module, name, step)

home, killed = Home.at(Path(sys.argv[1])), 0
for name in STEPS:
    child = os.fork()
    if not child:
        killed_after(name)
        keys = open_keys(home)
        with open_catalog(home) as catalog, open_warehouse(home, keys, "2GB") as warehouse:
            config, now = read_config(Path(sys.argv[2])), datetime.now(UTC)
            settling.settle(Erasing(home, keys, warehouse, catalog, config, now))
        os._exit(0)
    killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
print(killed)
"""


def test_killed_between_any_two_steps_the_next_run_finishes_what_was_asked(
    company: Company, home: Path, erasing: Callable[[], Iterator[Erasing]]
) -> None:
    with Home.at(home).locked():
        told("forget", "zz-one", "--config", str(company.config), home=home)
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(home), str(company.config)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert int(ran.stdout) == 8, "some step was not reached"
    for opened in erasing():
        settle(opened)
    assert set(state(home).values()) == {"removing"}
    assert not held(dump(home), RAW)
    with open_catalog(Home.at(home)) as catalog:
        assert {removal.network for removal in removals(catalog)} == {"meta", "google_ads", "pinterest"}


def test_who_consented_after_an_old_request_stays_in_the_files_of_a_first_night(
    company: Company, tmp_path: Path
) -> None:
    company.declare_erasures("r1,1,2022-06-01 10:00:00\n")

    night(company.config, tmp_path / "home", "2024-06-30")

    ran = Ran(0, "", tmp_path / "home")
    [audience] = {Path(name).parent.parent.name for name in ran.files() if name.startswith("meta/")}
    address = hashlib.sha256(b"ada.lovelace@gmail.com").hexdigest()
    assert any(line.startswith(address) for line in ran.upload(f"meta/main/{audience}"))


def test_whose_other_record_leaves_the_crm_stays_by_the_consent_of_the_one_that_is_there(
    company: Company, tmp_path: Path
) -> None:
    """Both records of Ada's consented after the request for the first; the second has no other address."""
    company.declare_erasures("r1,1,2022-06-01 10:00:00\n")
    tables = {name: (company.folder / f"{name}.csv").read_text(encoding="utf-8") for name in OTHERS}
    header, ada, *others = tables["customers"].splitlines(keepends=True)
    again = ada.replace("1,", "again,", 1).replace("2023-01-01", "2023-01-02")
    company.write("consents", f"{tables['consents']}ca,again,granted,2023-01-02 10:00:00\n")
    company.write("orders", f"{tables['orders']}oa,again,2024-06-01 12:00:00,10.00,EUR,completed\n")
    address = sha256("ada.lovelace@gmail.com")
    home = tmp_path / "home"
    for day, customers in (("2024-06-30", [ada, again]), ("2024-07-01", [again]), ("2024-07-01", [again])):
        company.write("customers", "".join([header, *customers, *others]))
        night(company.config, home, day)
        newest = max((home / "outbox" / "meta" / "main" / "buyers").iterdir())
        assert address in (newest / "buyers.full.csv").read_text(), day
        assert not [*newest.glob("*.remove.csv")]


def test_who_was_one_person_with_them_before_is_not_forgotten_nor_who_has_their_former_phone(
    company: Company, home: Path, tmp_path: Path
) -> None:
    """Ann and somebody without a name shared an e-mail; he turned out to be Bob, who has Ann's former phone, too. His
    row is missing in the night before she asks."""
    later = Company(tmp_path / "later")
    shutil.copytree(company.folder, later.folder)
    customers = (company.folder / "customers.csv").read_text(encoding="utf-8")
    for name in ("an", "bo"):
        later.append("orders", f"o-{name},{name},2024-05-01,10.00,EUR,completed\n")
        later.append("consents", f"c-{name},{name},granted,2023-01-01\n")
    nights = (
        (
            "2024-07-01",
            "an,ab@example.com,0471 11 22 33,Ann,Ames,,FR,2023-01-01\nbo,ab@example.com,,,,,FR,2023-01-01\n",
        ),
        (
            "2024-07-02",
            "an,ab@example.com,,Ann,Ames,,FR,2023-01-01\nbo,bob@example.com,0471 11 22 33,Bob,Blum,,FR,2023-01-01\n",
        ),
        ("2024-07-03", "an,ab@example.com,,Ann,Ames,,FR,2023-01-01\n"),
    )
    for day, rows in nights:
        (later.folder / "customers.csv").write_text(customers + rows, encoding="utf-8")
        night(later.config, home, day)
    told("forget", "an", "--requested-at", "2024-07-03", "--config", str(later.config), home=home)
    (later.folder / "customers.csv").write_text(customers + nights[1][1], encoding="utf-8")
    night(later.config, home, "2024-07-04")
    theirs = ("bob@example.com", "33471112233")
    assert held(uploads(home)["meta"], tuple(map(sha256, ("ab@example.com", *theirs)))) == [*map(sha256, theirs)]


def test_who_asks_again_by_the_same_row_after_a_consent_is_forgotten_again(
    company: Company, home: Path, tmp_path: Path
) -> None:
    later = Company(tmp_path / "later")
    shutil.copytree(company.folder, later.folder)

    def is_sent(asked: str, day: str) -> bool:
        (later.folder / "erasures.csv").write_text(f"id,customer,time\nr1,jd1,{asked}\n", encoding="utf-8")
        night(later.config, home, day)
        return bool(held(uploads(home)["pinterest"], (sha256("jane.doe@gmail.com"),)))

    later.declare_erasures("")
    assert not is_sent("2024-06-28 10:00:00", "2024-07-01")
    later.append("consents", "again,jd1,granted,2024-06-29 10:00:00\n")
    assert is_sent("2024-06-28 10:00:00", "2024-07-02")
    for day in ("2024-07-03", "2024-07-04"):
        assert not is_sent("2024-06-30 10:00:00", day)
    assert set(state(home)) == {"r1", "r1_of_2024-06-30"}
    later.append("consents", "more,jd1,granted,2024-07-01 10:00:00\n")
    assert is_sent("2024-06-30 10:00:00", "2024-07-05")
    assert set(state(home)) == {"r1", "r1_of_2024-06-30"}


def test_of_two_rows_of_one_request_the_later_counts(company: Company, tmp_path: Path) -> None:
    later = Company(tmp_path / "later")
    shutil.copytree(company.folder, later.folder)
    later.declare_erasures("r1,jd1,2024-06-26 10:00:00\nr1,jd1,2024-06-28 10:00:00\n")
    later.append("consents", "again,jd1,granted,2024-06-27 10:00:00\n")
    night(later.config, tmp_path / "home", "2024-07-01")
    assert not held(uploads(tmp_path / "home")["pinterest"], (sha256("jane.doe@gmail.com"),))
