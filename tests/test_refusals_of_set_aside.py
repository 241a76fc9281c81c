"""A customer whose row is set aside refuses all the same, for whoever else has an address of theirs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.conftest import Company
from tests.nights import night

#: One row with an address of x0's or x1's, written wrong.
BROKEN = {
    "a time": "broken,{email},{phone},,,,FR,01/02/2024x",
    "a line": "broken,{email},{phone},,,,FR,2023-01-01 10:00:00,too much",
    "a line with other signs": "broken|{email}|{phone}",
    "an address alone": "{email}",
    "an id twice": "broken,{email},{phone},,,,FR,2023-01-01 10:00:00\nbroken,,,,,,FR,2023-01-01 10:00:00",
}
REFUSAL = "w,broken,withdrawn,2024-01-01 10:00:00\n"


def sent(home: Path) -> set[str]:
    """Which of the two are in a file."""
    files = [path.read_text(encoding="utf-8") for path in (home / "outbox").rglob("*.full.csv")]
    assert files
    emails = {name: hashlib.sha256(f"other{name[1:]}@example.net".encode()).hexdigest() for name in ("x0", "x1")}
    return {name for name, digest in emails.items() if any(digest in file for file in files)}


def declare_list(company: Company, ids: str) -> None:
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", f'{sources}\n[sources.staff]\nfiles = "../staff.csv"\n')
    company.declare("suppressions/staff.toml", 'title = "Staff"\nselect = "SELECT id AS customer_id FROM staff"\n')
    (company.folder / "staff.csv").write_text(f"id\n{ids}", encoding="utf-8")


@pytest.mark.parametrize("how", BROKEN)
def test_their_refusal_takes_out_who_shares_their_email(company: Company, tmp_path: Path, how: str) -> None:
    company.append("customers", BROKEN[how].format(email="OTHER0@example.net", phone="") + "\n")
    company.append("consents", REFUSAL)
    night(company.config, tmp_path / "home", "2024-06-30")
    assert sent(tmp_path / "home") == {"x1"}


@pytest.mark.parametrize("how", ["sha256", "md5"])
def test_their_refusal_takes_out_who_shares_their_email_where_one_has_its_digest(
    company: Company, tmp_path: Path, how: str
) -> None:
    """Of x0 the row that is set aside has the digest; of x1 it has the address, and x1 the digest and a phone."""
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    prehashed = f'[tables.customers]\nprehashed = {{email = "{how}"}}'
    company.declare("sources.toml", sources.replace("[tables.customers]", prehashed))
    digests = [hashlib.new(how, f"other{number}@example.net".encode()).hexdigest() for number in (0, 1)]
    path = company.folder / "customers.csv"
    customers = path.read_text(encoding="utf-8").replace(
        "x1,other1@example.net,,", f"x1,{digests[1]},+33 6 11 22 33 44,"
    )
    second = BROKEN["a time"].format(email="other1@example.net", phone="").replace("broken", "second")
    path.write_text(f"{customers}{BROKEN['a time'].format(email=digests[0], phone='')}\n{second}\n")
    company.append("consents", f"{REFUSAL}v,second,withdrawn,2024-01-01 10:00:00\n")
    night(company.config, tmp_path / "home", "2024-06-30")
    files = [path.read_text(encoding="utf-8") for path in (tmp_path / "home" / "outbox").rglob("*.full.csv")]
    assert sent(tmp_path / "home") == set()
    phones = [hashlib.sha256(text).hexdigest() for text in (b"+33611223344", b"33611223344")]
    assert not [phone for phone in phones for file in files if phone in file]


@pytest.mark.parametrize("by", ["consent", "list"])
def test_what_is_refused_by_one_of_their_addresses_takes_out_who_shares_the_other(
    company: Company, tmp_path: Path, by: str
) -> None:
    """As if their row were whole, and one person with the other's: x0 has the phone of one, x1 the e-mail of one."""
    path = company.folder / "customers.csv"
    customers = path.read_text(encoding="utf-8")
    customers = customers.replace("x0,other0@example.net,,", "x0,other0@example.net,+33 6 12 34 56 88,")
    first = BROKEN["a time"].format(email="gone@example.net", phone="06 12 34 56 88")
    second = BROKEN["a time"].format(email="other1@example.net", phone="06 12 34 56 99").replace("broken", "second")
    path.write_text(f"{customers}{first}\n{second}\n", encoding="utf-8")
    spoken = ("gone@example.net", "06 12 34 56 99")
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    if by == "list":
        sources = f'{sources}\n[sources.staff]\nfiles = "../staff.csv"\n'
        company.declare("suppressions/staff.toml", 'title = "Staff"\nselect = "SELECT who AS address FROM staff"\n')
        (company.folder / "staff.csv").write_text("".join(f"{line}\n" for line in ("who", *spoken)))
    else:
        whom = "CASE WHEN id LIKE 'w-%' THEN customer END AS address, customer AS customer_id, unnest("
        sources = sources.replace("customer AS customer_id, unnest(", whom)
        for who in spoken:
            company.append("consents", f"w-{who},{who},withdrawn,2024-01-01 10:00:00\n")
    company.declare("sources.toml", sources)
    night(company.config, tmp_path / "home", "2024-06-30")
    assert sent(tmp_path / "home") == set()


def test_one_who_refuses_nothing_takes_out_nobody(company: Company, tmp_path: Path) -> None:
    company.append("customers", BROKEN["a time"].format(email="OTHER0@example.net", phone="") + "\n")
    night(company.config, tmp_path / "home", "2024-06-30")
    assert sent(tmp_path / "home") == {"x0", "x1"}


def test_a_row_that_breaks_on_a_later_night_leaves_the_lists_with_whom_it_refuses_for(
    company: Company, tmp_path: Path
) -> None:
    customers = (company.folder / "customers.csv").read_text(encoding="utf-8")
    whole = "broken,other0@example.net,,,,,FR,2023-01-01 10:00:00\n"
    company.write("customers", customers + whole)
    company.append("consents", "g,broken,granted,2023-01-01 10:00:00\n")
    home = tmp_path / "home"
    night(company.config, home, "2024-06-30")
    assert sent(home) == {"x0", "x1"}

    company.write("customers", customers + BROKEN["a time"].format(email="other0@example.net", phone="") + "\n")
    company.append("consents", REFUSAL)
    night(company.config, home, "2024-07-01")
    assert sent(home) == {"x1"}
    # And is there again with the yes that comes after.
    company.append("consents", "y,broken,granted,2024-06-01 10:00:00\n")
    night(company.config, home, "2024-07-02")
    assert sent(home) == {"x0", "x1"}


def test_their_refusal_takes_out_who_shares_their_phone_or_is_the_same_to_a_network(
    company: Company, tmp_path: Path
) -> None:
    company.append("customers", BROKEN["a time"].format(email="ada.love.lace@gmail.com", phone="06 12 34 56 78") + "\n")
    company.append("consents", REFUSAL)
    night(company.config, tmp_path / "home", "2024-06-30")
    files = [path.read_text(encoding="utf-8") for path in (tmp_path / "home" / "outbox").rglob("*.full.csv")]
    gone = ("33612345678", "+33612345678", "ada.lovelace@gmail.com", "adalovelace@gmail.com")
    digests = {hashlib.sha256(each.encode()).hexdigest() for each in gone}
    assert files and not [digest for digest in digests for file in files if digest in file]


def test_a_list_that_names_them_takes_out_who_shares_their_address(company: Company, tmp_path: Path) -> None:
    company.append("customers", BROKEN["a time"].format(email="other0@example.net", phone="") + "\n")
    declare_list(company, "broken\nx50\nx51\n")
    night(company.config, tmp_path / "home", "2024-06-30")
    assert sent(tmp_path / "home") == {"x1"}


def test_nothing_of_them_is_kept_when_they_ask_to_be_forgotten(company: Company, tmp_path: Path) -> None:
    from catalog.home import Home
    from catalog.secret_keys import open_keys
    from catalog.warehouse import open_warehouse

    company.append("customers", BROKEN["a time"].format(email="other0@example.net", phone="") + "\n")
    home = tmp_path / "home"

    def kept() -> int:
        place = Home.at(home)
        with open_warehouse(place, open_keys(place, print), "200MB") as warehouse:
            return warehouse.height("set_aside_customers")

    night(company.config, home, "2024-06-30")
    assert kept() == 1
    company.declare_erasures("r,broken,2024-06-30 10:00:00\n")
    night(company.config, home, "2024-07-01")
    assert kept() == 0
