"""Of a CRM that lacks people, whoever refuses leaves the lists that are held back, and nobody who is only not there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.home import Home
from catalog.store import open_catalog
from commands.main import app
from pipelines.holdings.confirming import confirm
from schemas.segment import Audience
from tests.conftest import OTHERS, ROOT, Company, small_company
from tests.nights import night

META = Audience("meta", "main", "buyers")
DAYS = ("2024-06-30", "2024-07-01")

ADA, BOB, CARLA = "ada.lovelace@gmail.com", "bob@example.org", "carla@example.org"
HALF = {f"x{number}" for number in range(60)}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def lines(company: Company, table: str) -> list[str]:
    return (company.folder / f"{table}.csv").read_text(encoding="utf-8").splitlines(keepends=True)


#: By what whoever is gone refuses, by their ids.
OTHERWISE = {
    "0071": "71.0",
    "o2": sha256("+16502530101"),
    "o3": "o3.two@example.org",
    "o4": sha256("o4.two@example.org"),
    "o5": sha256("o5@example.org"),
}
#: And by what they are on a list.
LISTED = {"0072": "'72", "o6": "mailto:o6.two@example.org", "o7": sha256("16502530107")}


@pytest.fixture
def home(company: Company, home_after_a_night: Path) -> Home:
    """A home whose first night's list was made; half of its CRM's customers are gone since, Bob and Carla too."""
    home = Home.at(home_after_a_night)
    with open_catalog(home) as catalog:
        confirm(catalog, META, f"{DAYS[0]}.1", "created")
    left = [line for line in lines(company, "customers") if line.split(",")[0] not in {"2", "3", *HALF}]
    (company.folder / "customers.csv").write_text("".join(left), encoding="utf-8")
    return home


def say(company: Company, *statements: str) -> None:
    (company.folder / "consents.csv").write_text("".join([*lines(company, "consents"), *statements]), encoding="utf-8")


def more_of(row: str) -> str:
    """Somebody else's row: y0 for x0, and another's address."""
    return row.replace("x", "y").replace("eyample", "example").replace("other", "another")


@dataclass(frozen=True)
class Held:
    """The text of the files of the second night's version, by kind, and how many keys must leave."""

    home: Home
    config: Path
    files: dict[str, str]
    forbidden: int

    def left(self, address: str) -> bool:
        """Whether the address is taken out."""
        found = {kind: sha256(address) in self.files[kind] for kind in ("full", "remove")}
        assert found["full"] != found["remove"]
        return found["remove"]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """A list that is held back, since half of the CRM's customers are gone in the second night: Bob, Carla and all who
    are told of here too. Bob withdrew; of the twin records, which share a phone and a name, one did; the consent of x1
    has ended; x2 and the e-mail of x3 came onto a suppression list. Those in `OTHERWISE` refuse, and those in
    `LISTED` are on a list.
    """
    folder = tmp_path_factory.mktemp("absent")
    company, home = small_company(folder / "company"), Home.at(folder / "home")
    # More than must leave, so that the list does not fall below the networks' minimum.
    for table, header in OTHERS.items():
        ((_, rows),) = header.items()
        path = company.folder / f"{table}.csv"
        more = rows.splitlines(keepends=True)[:14]
        path.write_text("".join([path.read_text(encoding="utf-8"), *(more_of(row) for row in more)]), encoding="utf-8")
    remaining = [line for line in lines(company, "customers") if line.split(",")[0] not in {"2", "3", *HALF}]
    twin = "t1,twin@example.org,+1 650 253 0000,Tim,Twin,94025-3215,US,2023-02-01 10:00:00\n"
    again = twin.replace("t1,", "t2,").replace("twin@", "twin.again@")
    # Two records of one person, of which the second night has the first.
    sibling = "s1,sib@example.org,+1 650 253 0001,Sid,Sib,94025-3215,US,2023-02-01 10:00:00\n"
    gone = sibling.replace("s1,", "s2,").replace("0001", "0002")
    remaining.append(sibling)
    (company.folder / "customers.csv").write_text("".join([*lines(company, "customers"), twin, again, sibling, gone]))
    say(company, "cs1,s1,granted,2023-06-01 12:00:00\n", "cs2,s2,granted,2023-06-01 12:00:00\n")
    say(company, *(f"c{record},{record},granted,2023-06-01 12:00:00\n" for record in ("t1", "t2", *OTHERWISE, *LISTED)))
    with (company.folder / "customers.csv").open("a", encoding="utf-8") as customers:
        for place, record in enumerate([*OTHERWISE, *LISTED]):
            emails = f"{record}@example.org; {record}.two@example.org"
            customers.write(f"{record},{emails},+1 650 253 010{place},Olu,Other{place},94025-3215,US,2023-02-01\n")
    orders = "".join(
        [
            *lines(company, "orders"),
            "os1,s1,2024-01-01 12:00:00,10.00,EUR,completed\n",
            "ot1,t1,2024-01-01 12:00:00,10.00,EUR,completed\n",
            *(f"o{record},{record},2024-01-01 12:00:00,10.00,EUR,completed\n" for record in (*OTHERWISE, *LISTED)),
        ]
    )
    (company.folder / "orders.csv").write_text(orders, encoding="utf-8")
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    stop = '[sources.stop]\nfiles = "../stop.csv"\n[sources.stop_address]\nfiles = "../stop_address.csv"\n'
    sources += f"\n{stop}"
    company.declare("sources.toml", sources)
    for name, column in (("stop", "customer_id"), ("stop_address", "address")):
        company.declare(f"suppressions/{name}.toml", f'title = "Stop"\nselect = "SELECT who AS {column} FROM {name}"\n')
        (company.folder / f"{name}.csv").write_text("who\n", encoding="utf-8")
    night(company.config, home.root, DAYS[0])
    with open_catalog(home) as catalog:
        confirm(catalog, META, f"{DAYS[0]}.1", "created")

    # Of those who are there x70 and x71 have another e-mail, and x70 withdrew too.
    left = "".join(remaining).replace("other70@", "new70@").replace("other71@", "new71@")
    (company.folder / "customers.csv").write_text(left, encoding="utf-8")
    say(company, "w70,x70,withdrawn,2024-06-30 12:00:00\n", "ws1,s1,withdrawn,2024-06-30 12:00:00\n")
    say(company, "w,2,withdrawn,2024-06-30 12:00:00\n", "wt,t2,withdrawn,2024-06-30 12:00:00\n")
    ends = "time AS captured_at, CASE WHEN id = 'cx1' THEN '2024-06-30T12:00:00Z' END AS valid_to"
    whom = "CASE WHEN contains(customer, '@') OR length(customer) > 30 THEN customer END AS address, "
    customer = "customer AS customer_id, unnest("
    second = sources.replace("time AS captured_at\nFROM consents", f"{ends}\nFROM consents")
    company.declare("sources.toml", second.replace(customer, whom + customer))
    say(company, *(f"wo{place},{who},withdrawn,2024-06-30 12:00:00\n" for place, who in enumerate(OTHERWISE.values())))
    (company.folder / "stop.csv").write_text(f"who\nx2\n{LISTED['0072']}\n", encoding="utf-8")
    (company.folder / "stop_address.csv").write_text(
        f"who\nother3@example.net\n{LISTED['o6']}\n{LISTED['o7']}\n", encoding="utf-8"
    )
    night(company.config, home.root, DAYS[1])
    version = home.outbox.joinpath(*META, f"{DAYS[1]}.1")
    manifest = json.loads((version / "manifest.json").read_text(encoding="utf-8"))
    files = {entry["kind"]: (version / entry["name"]).read_text() for entry in manifest["files"]}
    return Held(home, company.config, files, manifest["forbidden"])


def test_who_withdraws_in_the_night_that_lacks_them_leaves_the_held_list(held: Held) -> None:
    assert held.left(BOB)
    # Carla is not there either, and has said nothing.
    assert not held.left(CARLA)
    assert sha256(ADA) in held.files["full"]
    assert held.forbidden > 0


def test_who_withdraws_leaves_the_held_list_with_the_address_of_before_and_who_does_not_stays_with_it(
    held: Held,
) -> None:
    assert held.left("other70@example.net")
    # With what their other record held, which is gone.
    assert held.left("16502530001") and held.left("16502530002")
    assert not held.left("other71@example.net")


def test_who_withdraws_in_the_night_that_lacks_them_is_in_no_rebuilt_night(held: Held) -> None:
    arguments = ["--home", str(held.home.root), "--config", str(held.config)]
    said = CliRunner().invoke(app, ["replay", DAYS[0], *arguments])
    assert said.exit_code == 0, said.output
    [rebuilt] = held.home.replay.joinpath(DAYS[0], *META).glob("*.full.csv")
    assert sha256(BOB) not in rebuilt.read_text() and sha256(CARLA) in rebuilt.read_text()


def test_who_withdraws_on_one_of_two_records_leaves_the_held_list_with_both(held: Held) -> None:
    assert [held.left(address) for address in ("twin@example.org", "twin.again@example.org")] == [True, True]


def test_whose_consent_has_ended_leaves_the_held_list(held: Held) -> None:
    assert held.left("other1@example.net")


def test_who_comes_onto_a_suppression_list_by_id_or_by_e_mail_leaves_the_held_list(held: Held) -> None:
    assert [held.left(f"other{number}@example.net") for number in (2, 3, 4)] == [True, True, False]


@pytest.mark.parametrize("record", [*OTHERWISE, *LISTED])
def test_who_is_spoken_of_by_other_than_their_id_and_e_mail_leaves_the_held_list(held: Held, record: str) -> None:
    place = [*OTHERWISE, *LISTED].index(record)
    assert held.left(f"1650253010{place}")


def test_who_refuses_one_thing_only_stays_where_the_other_is_what_counts(company: Company, home: Home) -> None:
    # Meta asks for consent to the upload only, and what Bob allowed is lost with the rest.
    say(company, "p,2,denied,2024-06-30 12:00:00\n")
    text = (company.config / "sources.toml").read_text(encoding="utf-8")
    both = "unnest(['ads_upload', 'ads_personalization'])"
    only = f"unnest(CASE WHEN id = 'p' THEN ['ads_personalization'] ELSE {both[7:-1]} END)"
    company.declare("sources.toml", text.replace(both, only))
    consents = "".join(line for line in lines(company, "consents") if not line.startswith("c2,"))
    (company.folder / "consents.csv").write_text(consents, encoding="utf-8")
    night(company.config, home.root, DAYS[1])
    assert not home.outbox.joinpath(*META, f"{DAYS[1]}.1").exists()


def test_whom_nothing_is_said_of_stays_where_the_crm_lacks_them(company: Company, home: Home) -> None:
    night(company.config, home.root, DAYS[1])
    assert not home.outbox.joinpath(*META, f"{DAYS[1]}.1").exists()


def test_who_has_consented_again_since_stays(company: Company, home: Home) -> None:
    say(company, "w,2,withdrawn,2024-06-30 12:00:00\n", "g,2,granted,2024-06-30 13:00:00\n")
    night(company.config, home.root, DAYS[1])
    assert not home.outbox.joinpath(*META, f"{DAYS[1]}.1").exists()


@pytest.mark.parametrize(("agreed", "stays"), [("13", True), ("11", False)])
def test_an_address_of_somebody_with_another_number_is_theirs_by_what_they_said_last(
    company: Company, home: Home, agreed: str, stays: bool
) -> None:
    """Bob's record was given another number, which agreed."""
    [record] = [
        line for line in lines(Company(ROOT / "tests" / "companies" / "small"), "customers") if line[:2] == "2,"
    ]
    customers = "".join([*lines(company, "customers"), f"new,{record[2:]}"])
    (company.folder / "customers.csv").write_text(customers, encoding="utf-8")
    say(company, "w,2,withdrawn,2024-06-30 12:00:00\n", f"g,new,granted,2024-06-30 {agreed}:00:00\n")
    night(company.config, home.root, DAYS[1])
    assert home.outbox.joinpath(*META, f"{DAYS[1]}.1").exists() is not stays


def newest_full(home: Home) -> str:
    """The text of the files of the newest version that hold all."""
    [*_, newest] = sorted(home.outbox.joinpath(*META).iterdir())
    return "".join(path.read_text(encoding="utf-8") for path in newest.glob("*.full.csv"))


def test_what_whoever_is_gone_held_on_earlier_nights_leaves_with_them(company: Company, home: Home) -> None:
    customers = "".join(lines(company, "customers"))
    (company.folder / "customers.csv").write_text(f"{customers}2,new@example.org,,Bob,Lo,,US,2023-02-01\n")
    night(company.config, home.root, DAYS[1])
    (company.folder / "customers.csv").write_text(customers, encoding="utf-8")
    say(company, "w,2,withdrawn,2024-06-30 12:00:00\n")
    night(company.config, home.root, "2024-07-02")
    assert sha256(BOB) not in newest_full(home) and sha256(CARLA) in newest_full(home)


def test_of_people_whose_records_go_one_by_one_or_part_nothing_stays_in_a_held_list(
    company: Company, home_after_a_night: Path
) -> None:
    """Of each pair, one person at first: the a go one after the other, and the second withdraws; the s part, and the
    second withdraws; the q go in one night, and the second asks to be forgotten.
    """
    home = Home.at(home_after_a_night)
    pairs = [f"{pair}{number}" for pair in "asq" for number in (1, 2)]
    for name in pairs:
        phone, pair = f"+1 650 253 020{'asq'.index(name[0])}", name[0].upper()
        row = f"{name},{name}@example.org,{phone},{pair},Pair,94025,US,202{name[1]}-01-01 10:00:00\n"
        company.append("customers", row)
        company.append("orders", f"o-{name},{name},2024-01-01 12:00:00,10.00,EUR,completed\n")
        company.append("consents", f"c-{name},{name},granted,2023-06-01 12:00:00\n")
    night(company.config, home.root, DAYS[1])
    theirs = {name: sha256(f"{name}@example.org") for name in pairs}
    assert all(digest in newest_full(home) for digest in theirs.values())
    customers = company.folder / "customers.csv"

    def leave(*gone: str) -> None:
        left = [line for line in lines(company, "customers") if line.split(",")[0] not in gone]
        customers.write_text("".join(left), encoding="utf-8")

    leave("a1", "q1", "q2", *HALF)
    parted = customers.read_text(encoding="utf-8").replace("s2,s2@example.org,+1 650 253 0201,", "s2,new@example.org,,")
    customers.write_text(parted, encoding="utf-8")
    say(company, "w,s2,withdrawn,2024-07-01 12:00:00\n")
    night(company.config, home.root, "2024-07-02")
    found = newest_full(home)
    assert {name for name in theirs if theirs[name] in found} == {"a1", "a2", "s1", "q1", "q2"}

    leave("a2")
    say(company, "v,a2,withdrawn,2024-07-01 12:00:00\n")
    asked = ["forget", "q2", "--requested-at", "2024-07-02", "--home", str(home.root), "--config", str(company.config)]
    assert CliRunner().invoke(app, asked).exit_code == 0
    night(company.config, home.root, "2024-07-03")
    found = newest_full(home)
    assert {name for name in theirs if theirs[name] in found} == {"s1"}
