"""Whoever refuses or asks to be forgotten by an address that something is around is in no file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import open_warehouse
from tests.conftest import Company, Ran
from tests.nights import night

Way = Callable[[Company, Iterable[str]], None]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _written(first: int) -> tuple[str, ...]:
    """Addresses of seven of the customers, one or several, as bounce reports, mail programs, databases write them."""
    a, b, c, d, e, f, g = (f"other{number}@example.net" for number in range(first, first + 7))
    digest = _digest(f)
    return f"Other <{a}>", f"mailto:{b.upper()}", f"{c};", f"{d}, {e}", f"0x{digest.upper()}; sha256:{digest}", g


def _suppress(company: Company, written: Iterable[str]) -> None:
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", f'{sources}\n[sources.bounced]\nfiles = "../bounced.csv"\n')
    company.declare("suppressions/bounced.toml", 'title = "Bounced"\nselect = "SELECT address FROM bounced"\n')
    (company.folder / "bounced.csv").write_text("".join(["address\n", *(f'"{text}"\n' for text in written)]))


def _refuse(company: Company, written: Iterable[str]) -> None:
    company.declare_addresses("contains(customer, '@') OR length(customer) > 30")
    rows = [f'w{place},"{text}",withdrawn,2024-01-01 10:00:00\n' for place, text in enumerate(written)]
    company.write("consents", (company.folder / "consents.csv").read_text(encoding="utf-8") + "".join(rows))


def _ask(company: Company, written: Iterable[str]) -> None:
    rows = [f'r{place},"{text}",2024-01-01 10:00:00\n' for place, text in enumerate(written)]
    company.declare_erasures("".join(rows), "customer AS email")


#: The first of the customers whom a way to be kept out is tried on → that way.
WAYS: dict[int, Way] = {10: _suppress, 20: _refuse, 30: _ask}


def test_who_is_meant_is_in_no_file(company: Company, tmp_path: Path) -> None:
    company.enlarge()
    # Each way has people of its own, whom no other way would keep out.
    for first, by in WAYS.items():
        by(company, _written(first))
    meant = {_digest(f"other{first + place}@example.net") for first in WAYS for place in range(7)}
    home = tmp_path / "home"
    for day in ("2024-06-30", "2024-07-01"):
        night(company.config, home, day)
        texts = [path.read_text(encoding="utf-8") for path in (home / "outbox").rglob("*.full.csv")]
        assert texts and all(_digest("other50@example.net") in text for text in texts)
        assert not [digest for digest in meant for text in texts if digest in text]
    with open_catalog(Home.at(home)) as catalog:
        last = catalog.last_night()
        assert last is not None and last["outcome"] == "done"


def test_who_is_written_so_in_the_crm_is_found_by_the_plain_address(company: Company, tmp_path: Path) -> None:
    """Their phones would go out, though they refused by their e-mails."""
    company.enlarge()
    path = company.folder / "customers.csv"
    customers = path.read_text(encoding="utf-8")
    for first in WAYS:
        for record, written in {
            first: f"Other <other{first}@example.net>",
            first + 1: f"mailto:other{first + 1}@example.net",
            first + 2: f"other{first + 2}@example.net; o{first}@example.org",
        }.items():
            row = f'x{record},"{written}",+336123456{record},'
            customers = customers.replace(f"x{record},other{record}@example.net,,", row)
    path.write_text(customers, encoding="utf-8")
    for first, by in WAYS.items():
        by(company, [f"other{first + place}@example.net" for place in range(3)])
    home = tmp_path / "home"
    night(company.config, home, "2024-06-30")
    texts = [path.read_text(encoding="utf-8") for path in (home / "outbox").rglob("*.full.csv")]
    assert texts
    keys = {
        by: {f"{sign}336123456{first + place}" for place in range(3) for sign in ("", "+")}
        | {f"other{first + place}@example.net" for place in range(3)}
        for first, by in WAYS.items()
    }
    kept = {by: {key for key in of_way for text in texts if _digest(key) in text} for by, of_way in keys.items()}
    # By address a request forgets that alone: the record stays, by its phone.
    phones = {key for key in keys[_ask] if "@" not in key}
    assert kept == {_suppress: set(), _refuse: set(), _ask: phones}
    place = Home.at(home)
    with open_warehouse(place, open_keys(place), "2GB") as warehouse:
        emails = warehouse.read("SELECT email FROM warehouse.crm_customers WHERE email IS NOT NULL")["email"].to_list()
    # What was asked for is gone from the very cells that the other ways leave as they are.
    held = {by: {key for key in keys[by] if "@" in key and any(key in each for each in emails)} for by in keys}
    assert [len(held[by]) for by in (_suppress, _refuse, _ask)] == [3, 3, 0]


@pytest.mark.parametrize("by", [_suppress, _refuse])
def test_by_the_digest_of_a_phone_whoever_has_it_is_meant(company: Company, tmp_path: Path, by: Way) -> None:
    company.enlarge()
    digests = (
        hashlib.sha256(b"+33612345678").hexdigest(),
        hashlib.md5(b"33611223344", usedforsecurity=False).hexdigest(),
    )
    company.append("customers", "d1,d1@example.net,06 12 34 56 78,Dora,Diaz,75001,FR,2023-01-01\n")
    company.append("customers", "d2,d2@example.net,+33 6 11 22 33 44,Dina,Diaz,75001,FR,2023-01-01\n")
    for name in ("d1", "d2"):
        company.append("orders", f"o-{name},{name},2024-05-01,10.00,EUR,completed\n")
        company.append("consents", f"c-{name},{name},granted,2023-01-01\n")
    by(company, digests)
    night(company.config, tmp_path / "home", "2024-06-30")
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "home" / "outbox").rglob("*.full.csv")]
    theirs = [hashlib.sha256(text.encode()).hexdigest() for text in ("d1@example.net", "d2@example.net")]
    assert texts
    assert not [text for text in texts for each in (*theirs, digests[0]) if each in text]


def _by_id(company: Company, written: Iterable[str]) -> None:
    """As other systems have it, who take e-mails for ids."""
    rows = [f'w{place},"{text}",withdrawn,2024-01-01 10:00:00\n' for place, text in enumerate(written)]
    company.write("consents", (company.folder / "consents.csv").read_text(encoding="utf-8") + "".join(rows))


@pytest.mark.parametrize("by", [_suppress, _refuse, _ask, _by_id])
def test_by_another_address_in_a_row_whoever_has_it_is_meant(
    company: Company,
    tmp_path: Path,
    relance: Callable[..., Ran],
    by: Way,
) -> None:
    """A second e-mail in the cell, or one where the phone belongs; named as it is, as a digest, or with `mailto:`."""
    company.enlarge()
    cells = {
        "d1": ('"d1@example.net; d1.two@example.net",06 11 22 33 41', "33611223341"),
        "d2": ('"d2@example.net; d2.two@example.net",06 11 22 33 42', "33611223342"),
        "d3": ("d3@example.net,D3.Two@example.net", "d3@example.net"),
        "d4": ("d4@example.net,D4.Two@example.net", "d4@example.net"),
    }
    hashed = [hashlib.sha256(f"{name}.two@example.net".encode()).hexdigest() for name in ("d2", "d4")]
    others = ("mailto:D2.two@example.net", "d4.two@example.net") if by is _by_id else hashed
    written = ("D1.Two@example.net", "d3.two@example.net", *others)
    for name, (both, _) in cells.items():
        company.append("customers", f"{name},{both},{name},Diaz,75001,FR,2023-01-01\n")
        company.append("orders", f"o-{name},{name},2024-05-01,10.00,EUR,completed\n")
        company.append("consents", f"c-{name},{name},granted,2023-01-01\n")
    by(company, written)
    home = Home.at(tmp_path / "home")
    night(company.config, home.root, "2024-06-30")
    texts = [path.read_text(encoding="utf-8") for path in home.outbox.rglob("*.full.csv")]
    keys = {name: hashlib.sha256(known_by.encode()).hexdigest() for name, (_, known_by) in cells.items()}
    # Whoever asks to be forgotten by an address means that address, and not the record that has another.
    assert {name for name in keys for text in texts if keys[name] in text} == (set(cells) if by is _ask else set())
    if by is _refuse:
        for name in cells:
            assert "withdrawn" in relance("why", name, "--config", str(company.config), home=home.root).output
    if by is _ask:
        with open_warehouse(home, open_keys(home), "2GB") as warehouse:
            tables = warehouse.read("SELECT table_name FROM duckdb_tables() WHERE database_name = 'warehouse'")
            for table in tables["table_name"]:
                assert ".two" not in str(warehouse.read(f"FROM warehouse.{table}").rows()).lower(), table


def test_who_asks_to_be_forgotten_stands_in_no_table_afterwards_whatever_stood_around_the_address(
    company: Company, tmp_path: Path
) -> None:
    """In customers' phones, grants and a list: none of which is theirs by the address as it is typed."""
    company.enlarge()
    email = "dora@example.net"
    written = (f"Dora <{email}>", f"mailto:{email}", f"ann@example.net; {email}", _digest(email), f"ask {email}")
    company.append("customers", f"dora,{email},06 11 22 33 40,Dora,Diaz,75001,FR,2023-01-01\n")
    for place, text in enumerate(written):
        company.append("customers", f'd{place},d{place}@example.net,"{text}",Dan,Diaz,75001,FR,2023-01-01\n')
        company.append("consents", f"g{place},d{place},granted,2023-01-01\n")
    _grant(company, written)
    _suppress(company, (f"Dora <{email}>", "ann@example.net"))
    company.declare_erasures("")
    home = Home.at(tmp_path / "home")
    night(company.config, home.root, "2024-06-30")
    before = [_held(home, text) for text in (*written, email)]
    company.declare_erasures("r1,dora,2024-06-30 10:00:00\n")
    night(company.config, home.root, "2024-07-01")
    assert all(before)
    assert not _held(home, email) | _held(home, _digest(email))
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        left = warehouse.read("SELECT email FROM warehouse.crm_customers WHERE customer_id LIKE 'd_'")["email"]
    assert sorted(left) == [f"d{place}@example.net" for place in range(len(written))]


def _grant(company: Company, written: Iterable[str]) -> None:
    """By itself, and beside a record."""
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    whom = "split_part(customer, '|', 1) AS customer_id, split_part(customer, '|', 2) AS address"
    company.declare("sources.toml", sources.replace("customer AS customer_id, unnest(", f"{whom}, unnest("))
    for place, text in enumerate(written):
        company.append("consents", f'a{place},"|{text}",granted,2024-01-01\nb{place},"d0|{text}",granted,2024-01-01\n')


def _held(home: Home, text: str) -> set[str]:
    """The tables of the warehouse that have a text."""
    with open_warehouse(home, open_keys(home), "2GB") as warehouse:
        tables = warehouse.read("SELECT table_name FROM duckdb_tables() WHERE database_name = 'warehouse'")
        every = {table: str(warehouse.read(f"FROM warehouse.{table}").rows()) for table in tables["table_name"]}
    return {table for table, rows in every.items() if text.lower() in rows.lower()}


@pytest.mark.parametrize("cells", ['"ann@example.net, ann@staff.example",', "ann@example.net,ann@staff.example"])
def test_by_its_domain_a_list_means_whoever_has_another_address_there(
    company: Company, tmp_path: Path, cells: str
) -> None:
    company.enlarge()
    company.declare("suppressions/staff.toml", 'title = "Staff"\ndomains = ["staff.example"]\n')
    company.append("customers", f"d1,{cells},Ann,Lo,75001,FR,2023-01-01\n")
    company.append("orders", "o-d1,d1,2024-05-01,10.00,EUR,completed\n")
    company.append("consents", "c-d1,d1,granted,2023-01-01\n")
    night(company.config, tmp_path / "home", "2024-06-30")
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "home" / "outbox").rglob("*.full.csv")]
    assert texts
    assert not [text for text in texts if hashlib.sha256(b"ann@example.net").hexdigest() in text]


def test_by_another_name_of_its_host_an_address_is_refused_until_a_later_yes(company: Company, tmp_path: Path) -> None:
    company.enlarge()
    emails = {"d1": "zoe@münchen.de", "d2": "max@googlemail.com", "d3": "eva@xn--mnchen-3ya.de"}
    for name, email in emails.items():
        company.append("customers", f"{name},{email},,Ann,Lo,75001,FR,2023-01-01\n")
        company.append("orders", f"o-{name},{name},2024-05-01,10.00,EUR,completed\n")
        company.append("consents", f"c-{name},{name},granted,2023-01-01\n")
    _refuse(company, ("zoe@xn--mnchen-3ya.de", "max@gmail.com", "eva@münchen.de"))
    company.append("consents", "y,max@gmail.com,granted,2024-02-01 10:00:00\n")
    night(company.config, tmp_path / "home", "2024-06-30")
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "home" / "outbox").rglob("*.full.csv")]
    digests = {name: hashlib.sha256(email.encode()).hexdigest() for name, email in emails.items()}
    assert {name for name in digests for text in texts if digests[name] in text} == {"d2"}
