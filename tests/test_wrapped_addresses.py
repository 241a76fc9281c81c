"""Whoever refuses or asks to be forgotten by an address that something is around is in no file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import product
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


@pytest.mark.parametrize(
    "written", ["Other <other7@example.net>", "mailto:other7@example.net", "other7@example.net; o@example.org"]
)
@pytest.mark.parametrize("by", ["consents", "erasures", "bounced"])
def test_who_is_written_so_in_the_crm_is_found_by_the_plain_address(
    company: Company, tmp_path: Path, written: str, by: str
) -> None:
    """Their phone would go out, though they refused by their e-mail."""
    company.enlarge()
    customers = (company.folder / "customers.csv").read_text(encoding="utf-8")
    company.write("customers", customers.replace("x7,other7@example.net,,", f'x7,"{written}",+33612345607,'))
    plain = "other7@example.net"
    {"consents": _refuse, "erasures": _ask, "bounced": _suppress}[by](company)
    rows = {
        "consents": f"w,{plain},withdrawn,2024-01-01 10:00:00",
        "erasures": f"r,{plain},2024-01-01 10:00:00",
        "bounced": plain,
    }
    path = company.folder / f"{by}.csv"
    path.write_text(path.read_text(encoding="utf-8") + rows[by] + "\n", encoding="utf-8")
    home = tmp_path / "home"
    night(company.config, home, "2024-06-30")
    texts = [path.read_text(encoding="utf-8") for path in (home / "outbox").rglob("*.full.csv")]
    phone = "33612345607"
    digests = {hashlib.sha256(each.encode()).hexdigest() for each in (phone, f"+{phone}", plain)}
    assert texts
    kept = {digest for digest in digests for text in texts if digest in text}
    # By address a request forgets that alone: the record stays, by its phone.
    assert kept <= (digests - {hashlib.sha256(plain.encode()).hexdigest()} if by == "erasures" else set())


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


TWO = "Dora.Two@example.net"


def _by_id(company: Company) -> None:
    """As other systems have it, who take e-mails for ids."""
    rows = [f'w{place},"{text}",withdrawn,2024-01-01 10:00:00\n' for place, text in enumerate(WRITTEN)]
    company.write("consents", (company.folder / "consents.csv").read_text(encoding="utf-8") + "".join(rows))


@pytest.mark.parametrize(
    ("cells", "known_by"),
    [
        ('"dora@example.net; dora.two@example.net",06 11 22 33 44', (b"+33611223344", b"33611223344")),
        (f"dora@example.net,{TWO}", (b"dora@example.net",)),
    ],
)
@pytest.mark.parametrize(
    ("by", "written"),
    [
        *product([_suppress, _refuse, _ask], [TWO, hashlib.sha256(TWO.lower().encode()).hexdigest()]),
        (_by_id, TWO),
        (_by_id, f"mailto:{TWO}"),
    ],
)
def test_by_another_address_in_a_row_whoever_has_it_is_meant(
    company: Company,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    relance: Callable[..., Ran],
    by: Callable[[Company], None],
    written: str,
    cells: str,
    known_by: tuple[bytes, ...],
) -> None:
    company.enlarge()
    monkeypatch.setattr("tests.test_wrapped_addresses.WRITTEN", (written,))
    company.append("customers", f"d1,{cells},Dora,Diaz,75001,FR,2023-01-01\n")
    company.append("orders", "o-d1,d1,2024-05-01,10.00,EUR,completed\n")
    company.append("consents", "c-d1,d1,granted,2023-01-01\n")
    by(company)
    home = Home.at(tmp_path / "home")
    night(company.config, home.root, "2024-06-30")
    texts = [path.read_text(encoding="utf-8") for path in home.outbox.rglob("*.full.csv")]
    keys = [hashlib.sha256(text).hexdigest() for text in known_by]
    # Whoever asks to be forgotten by an address means that address, and not the record that has another.
    assert any(each in text for text in texts for each in keys) == (by is _ask)
    if by is _refuse:
        shown = relance("why", "d1", "--config", str(company.config), home=home.root)
        assert "withdrawn" in shown.output
    if by is _ask:
        with open_warehouse(home, open_keys(home), "2GB") as warehouse:
            tables = warehouse.read("SELECT table_name FROM duckdb_tables() WHERE database_name = 'warehouse'")
            for table in tables["table_name"]:
                assert "dora.two" not in str(warehouse.read(f"FROM warehouse.{table}").rows()).lower(), table


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
