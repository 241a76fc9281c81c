"""Who asks to be forgotten by an address brings nobody back who refused: neither whoever was one person with the record
that refused, nor by another address of a record whose refusal named the one that went."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.conftest import Company
from tests.nights import night
from tests.test_forgetting import dump, told


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


NUMBERS = ("id", "listed", "link", "tonight", "blanked", "changed", "second", "astray", "dialled", "free")
#: Of each case the phone that may not be sent; of one without, the e-mail.
PHONES = {name: f"+336123457{number:02}" for number, name in enumerate(NUMBERS)}
OTHERS = {"link": "+33612345801"}


def email(name: str) -> str:
    return f"{name}@example.net"


#: By case: the e-mail and phone of each record, what refuses, and by what somebody asks to be forgotten.
CASES: dict[str, tuple[list[tuple[str, str]], str, str]] = {
    # A record that goes refuses, and the other was joined with it by the address that goes.
    "id": ([(email("id"), ""), (email("id"), PHONES["id"])], "id0", email("id")),
    "tonight": ([(email("tonight"), ""), (email("tonight"), PHONES["tonight"])], "tonight0", email("tonight")),
    "listed": ([(email("listed"), ""), (email("listed"), PHONES["listed"])], "", email("listed")),
    # The record that refuses stays, and the other was joined with it by the address that goes.
    "link": ([(email("link"), OTHERS["link"]), (email("link"), PHONES["link"])], OTHERS["link"], email("link")),
    # The address that goes refuses.
    "blanked": ([(email("blanked"), PHONES["blanked"])], email("blanked"), email("blanked")),
    "changed": ([(email("changed"), PHONES["changed"])], email("changed"), email("changed")),
    "second": ([(f"{email('second')}, {email('beside')}", PHONES["second"])], email("beside"), email("beside")),
    "astray": ([(email("astray"), email("phone"))], email("phone"), email("phone")),
    "dialled": ([(email("dialled"), PHONES["dialled"])], sha256(PHONES["dialled"]), PHONES["dialled"]),
    # Nobody refuses.
    "free": ([(email("free"), ""), (email("free"), PHONES["free"])], "", email("free")),
}
#: What of each case is sent after the request, if nobody refuses.
LEFT = {name: PHONES[name] for name in CASES} | {"astray": email("astray"), "dialled": email("dialled")}
#: What the CRM has later, in place of the e-mail.
LATER = {"blanked": "", "changed": email("new-changed")}


@pytest.fixture
def asked(company: Company) -> Company:
    """Everybody of `CASES` has agreed; nobody has refused or asked yet. Requests and a list may come."""
    company.declare_addresses("contains(customer, '@') OR starts_with(customer, '+') OR strlen(customer) = 64")
    company.declare_erasures(
        "",
        "CASE WHEN contains(customer, '@') THEN customer END AS email, "
        "CASE WHEN starts_with(customer, '+') THEN customer END AS phone",
    )
    text = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", f'{text}\n[sources.blocked]\nfiles = "../blocked.csv"\n')
    rule = 'title = "Blocked"\nmay_shrink = true\nselect = "SELECT id AS customer_id FROM blocked"\n'
    company.declare("suppressions/blocked.toml", rule)
    company.write("blocked", "id\n")
    for name, (records, *_) in CASES.items():
        for number, (held, phone) in enumerate(records):
            row = f'"{held}",{phone},Zoe{name},Zed,,FR,2023-01-0{number + 1} 10:00:00\n'
            company.append("customers", f"{name}{number},{row}")
            company.append("orders", f"o-{name}{number},{name}{number},2024-01-01 12:00:00,10.00,EUR,completed\n")
            company.append("consents", f"g-{name}{number},{name}{number},granted,2023-01-01 10:00:00\n")
    return company


def sent(company: Company, home: Path, day: str) -> set[str]:
    """The cases of which what is left is in the newest list of a night."""
    night(company.config, home, day)
    *_, newest = sorted((home / "outbox" / "meta").rglob("*.full.csv"))
    text = newest.read_text(encoding="utf-8")
    return {name for name, address in LEFT.items() if sha256(address.removeprefix("+")) in text}


def refuse(company: Company) -> None:
    for name, (_, refused, _) in CASES.items():
        if refused and name != "tonight":
            company.append("consents", f"w-{name},{refused},withdrawn,2024-06-29 10:00:00\n")
    company.append("blocked", "listed0\n")


def ask(company: Company) -> None:
    for name, (_, _, whom) in CASES.items():
        company.append("erasures", f"r-{name},{whom},2024-07-01 10:00:00\n")
    company.append("consents", "w-tonight,tonight0,withdrawn,2024-07-01 09:00:00\n")


def change(company: Company, name: str) -> None:
    """Let the CRM have another e-mail, or none, for a case."""
    path = company.folder / "customers.csv"
    text = path.read_text(encoding="utf-8")
    assert f'"{email(name)}"' in text
    path.write_text(text.replace(f'"{email(name)}"', LATER[name]), encoding="utf-8")


def test_a_request_by_an_address_brings_nobody_back_who_refused_until_they_agree_again(
    asked: Company, tmp_path: Path
) -> None:
    home, config = tmp_path / "home", ("--config", str(asked.config))
    assert sent(asked, home, "2024-06-29") == set(CASES)
    refuse(asked)
    assert sent(asked, home, "2024-06-30") == {"free", "tonight"}
    change(asked, "changed")
    assert sent(asked, home, "2024-07-01") == {"free", "tonight"}
    ask(asked)
    assert sent(asked, home, "2024-07-02") == {"free"}
    change(asked, "blanked")
    # The last is long after the nights that are kept.
    for day in ("2024-07-03", "2024-09-15"):
        assert sent(asked, home, day) == {"free"}
    assert "denied" in told("why", "blanked0", *config, home=home)
    for name, (records, *_) in CASES.items():
        last = f"{name}{len(records) - 1}"
        asked.append("consents", f"y-{last},{last},granted,2024-09-01 10:00:00\n")
    # By that yes the phone or e-mail comes back too, and so what it refuses, which no word of the record undoes.
    assert sent(asked, home, "2024-09-16") == {*CASES} - {"listed", "dialled", "second", "astray"}
    assert "withdrawn" in told("why", "dialled0", *config, home=home)


def test_a_refusal_by_the_id_of_a_record_that_was_forgotten_is_heard_of_whoever_was_one_person_with_it(
    asked: Company, tmp_path: Path
) -> None:
    """Also where it comes only when the request was taken in."""
    home, config = tmp_path / "home", ("--config", str(asked.config))
    assert sent(asked, home, "2024-06-29") == set(CASES)
    for name in ("id", "listed", "free"):
        told("forget", email(name), "--requested-at", "2024-06-30", *config, home=home)
    asked.append("consents", "w-id,id0,withdrawn,2024-06-30 10:00:00\n")
    asked.append("blocked", "listed0\n")
    for day in ("2024-07-01", "2024-09-15"):
        assert {"id", "listed", "free"} & sent(asked, home, day) == {"free"}
    written = dump(home)
    assert "id1" in written
    assert not any(value in written for value in ("id0", "listed0", email("id"), email("listed")))
    asked.append("consents", "y-id,id1,granted,2024-09-01 10:00:00\ny-listed,listed1,granted,2024-09-01 10:00:00\n")
    assert {"id", "listed", "free"} & sent(asked, home, "2024-09-16") == {"id", "free"}
