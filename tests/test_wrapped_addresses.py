"""Whoever refuses or asks to be forgotten by an address that something is around is in no file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.home import Home
from catalog.secret_keys import open_keys
from catalog.store import open_catalog
from catalog.warehouse import open_warehouse
from tests.conftest import Company, Ran
from tests.nights import night

#: How bounce reports and mail programs write one or several of the customers' addresses.
WRITTEN = (
    "Other <other0@example.net>", "mailto:OTHER1@example.net", "other2@example.net;",
    "other3@example.net, other4@example.net", "other5 @example.net", "other6@example.net",
)  # fmt: skip
MEANT = {hashlib.sha256(f"other{number}@example.net".encode()).hexdigest() for number in range(7)}


def _suppress(company: Company) -> None:
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare("sources.toml", f'{sources}\n[sources.bounced]\nfiles = "../bounced.csv"\n')
    company.declare("suppressions/bounced.toml", 'title = "Bounced"\nselect = "SELECT address FROM bounced"\n')
    (company.folder / "bounced.csv").write_text("".join(["address\n", *(f'"{text}"\n' for text in WRITTEN)]))


def _refuse(company: Company) -> None:
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    is_address = "contains(customer, '@') OR length(customer) > 30"
    whom = f"CASE WHEN {is_address} THEN customer END AS address, customer AS customer_id"
    company.declare("sources.toml", sources.replace("customer AS customer_id, unnest(", f"{whom}, unnest("))
    rows = [f'w{place},"{text}",withdrawn,2024-01-01 10:00:00\n' for place, text in enumerate(WRITTEN)]
    company.write("consents", (company.folder / "consents.csv").read_text(encoding="utf-8") + "".join(rows))


def _ask(company: Company) -> None:
    company.declare_erasures("")
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    company.declare(
        "sources.toml",
        sources.replace("customer AS customer_id, time AS requested_at", "customer AS email, time AS requested_at"),
    )
    rows = [f'r{place},"{text}",2024-01-01 10:00:00\n' for place, text in enumerate(WRITTEN)]
    company.write("erasures", "".join(["id,customer,time\n", *rows]))


@pytest.mark.parametrize("by", [_suppress, _refuse, _ask])
def test_who_is_meant_is_in_no_file(company: Company, tmp_path: Path, by: Callable[[Company], None]) -> None:
    company.enlarge()
    by(company)
    home = tmp_path / "home"
    for day in ("2024-06-30", "2024-07-01"):
        night(company.config, home, day)
        texts = [path.read_text(encoding="utf-8") for path in (home / "outbox").rglob("*.full.csv")]
        others = hashlib.sha256(b"other50@example.net").hexdigest()
        assert texts and all(others in text for text in texts)
        assert not [digest for digest in MEANT for text in texts if digest in text]
    with open_catalog(Home.at(home)) as catalog:
        last = catalog.last_night()
        assert last is not None and last["outcome"] == "done"


@pytest.mark.parametrize("by", ["consents", "erasures", "bounced"])
def test_who_is_written_so_in_the_crm_is_found_by_the_plain_address(company: Company, tmp_path: Path, by: str) -> None:
    """Their phones would go out, though they refused by their e-mails."""
    company.enlarge()
    path = company.folder / "customers.csv"
    customers = path.read_text(encoding="utf-8")
    for record, written in {
        "7": "Other <other7@example.net>", "8": "mailto:other8@example.net", "9": "other9@example.net; o@example.org",
    }.items():  # fmt: skip
        row = f'x{record},"{written}",+3361234560{record},'
        customers = customers.replace(f"x{record},other{record}@example.net,,", row)
    path.write_text(customers, encoding="utf-8")
    plain = [f"other{record}@example.net" for record in (7, 8, 9)]
    {"consents": _refuse, "erasures": _ask, "bounced": _suppress}[by](company)
    row = {
        "consents": "w-{0},{0},withdrawn,2024-01-01 10:00:00",
        "erasures": "r-{0},{0},2024-01-01 10:00:00",
        "bounced": "{0}",
    }[by]
    path = company.folder / f"{by}.csv"
    path.write_text(path.read_text(encoding="utf-8") + "".join(f"{row.format(each)}\n" for each in plain))
    home = tmp_path / "home"
    night(company.config, home, "2024-06-30")
    texts = [path.read_text(encoding="utf-8") for path in (home / "outbox").rglob("*.full.csv")]
    phones = [f"{sign}3361234560{record}" for record in (7, 8, 9) for sign in ("", "+")]
    digests = {each: hashlib.sha256(each.encode()).hexdigest() for each in (*phones, *plain)}
    assert texts
    kept = {each for each, digest in digests.items() for text in texts if digest in text}
    # By address a request forgets that alone: the record stays, by its phone.
    assert kept == (set(phones) if by == "erasures" else set())


@pytest.mark.parametrize("by", [_suppress, _refuse])
def test_by_the_digest_of_a_phone_whoever_has_it_is_meant(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: Callable[[Company], None]
) -> None:
    company.enlarge()
    digests = (
        hashlib.sha256(b"+33612345678").hexdigest(),
        hashlib.md5(b"33611223344", usedforsecurity=False).hexdigest(),
    )
    monkeypatch.setattr("tests.test_wrapped_addresses.WRITTEN", digests)
    company.append("customers", "d1,d1@example.net,06 12 34 56 78,Dora,Diaz,75001,FR,2023-01-01\n")
    company.append("customers", "d2,d2@example.net,+33 6 11 22 33 44,Dina,Diaz,75001,FR,2023-01-01\n")
    for name in ("d1", "d2"):
        company.append("orders", f"o-{name},{name},2024-05-01,10.00,EUR,completed\n")
        company.append("consents", f"c-{name},{name},granted,2023-01-01\n")
    by(company)
    night(company.config, tmp_path / "home", "2024-06-30")
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "home" / "outbox").rglob("*.full.csv")]
    theirs = [hashlib.sha256(text.encode()).hexdigest() for text in ("d1@example.net", "d2@example.net")]
    assert texts
    assert not [text for text in texts for each in (*theirs, digests[0]) if each in text]


def _by_id(company: Company) -> None:
    """As other systems have it, who take e-mails for ids."""
    rows = [f'w{place},"{text}",withdrawn,2024-01-01 10:00:00\n' for place, text in enumerate(WRITTEN)]
    company.write("consents", (company.folder / "consents.csv").read_text(encoding="utf-8") + "".join(rows))


@pytest.mark.parametrize("by", [_suppress, _refuse, _ask, _by_id])
def test_by_another_address_in_a_row_whoever_has_it_is_meant(
    company: Company,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    relance: Callable[..., Ran],
    by: Callable[[Company], None],
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
    monkeypatch.setattr("tests.test_wrapped_addresses.WRITTEN", written)
    for name, (both, _) in cells.items():
        company.append("customers", f"{name},{both},{name},Diaz,75001,FR,2023-01-01\n")
        company.append("orders", f"o-{name},{name},2024-05-01,10.00,EUR,completed\n")
        company.append("consents", f"c-{name},{name},granted,2023-01-01\n")
    by(company)
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
    _refuse(company)
    for who in ("zoe@xn--mnchen-3ya.de", "max@gmail.com", "eva@münchen.de"):
        company.append("consents", f"w-{who},{who},withdrawn,2024-01-01 10:00:00\n")
    company.append("consents", "y,max@gmail.com,granted,2024-02-01 10:00:00\n")
    night(company.config, tmp_path / "home", "2024-06-30")
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "home" / "outbox").rglob("*.full.csv")]
    digests = {name: hashlib.sha256(email.encode()).hexdigest() for name, email in emails.items()}
    assert {name for name in digests for text in texts if digests[name] in text} == {"d2"}
