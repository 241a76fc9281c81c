"""What arrives in the very night of a request to be forgotten refuses for whoever is left, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Company
from tests.nights import night
from tests.test_refused_before import sha256

#: Address, status and time of each statement; nobody refuses for the last.
STATEMENTS = {
    "plain": ("{}", "withdrawn", "2024-06-30 10:00:00"),
    "wrapped": ("Zoe <{}>", "withdrawn", "2024-06-30 10:00:00"),
    "pasted": ("mailto:{};", "withdrawn", "2024-06-30 10:00:00"),
    "odd": ("{}", "maybe", "2024-06-30 10:00:00"),
    "undated": ("{}", "withdrawn", "soon"),
    "misread": ("Zoe <{}>", "granted", "soon"),
    "free": None,
}
PHONES = {name: f"+336123458{number:02}" for number, name in enumerate(STATEMENTS)}


def sent(company: Company, home: Path, day: str) -> set[str]:
    night(company.config, home, day)
    *_, newest = sorted((home / "outbox" / "meta").rglob("*.full.csv"))
    text = newest.read_text(encoding="utf-8")
    return {name for name, phone in PHONES.items() if sha256(phone.removeprefix("+")) in text}


@pytest.fixture
def agreed(company: Company) -> Company:
    """Everybody of `STATEMENTS` has agreed; statements and requests by e-mail may come."""
    company.declare_addresses("contains(customer, '@')")
    company.declare_erasures("", "customer AS email")
    for name, phone in PHONES.items():
        company.append("customers", f"{name},{name}@example.net,{phone},Z{name},Zed,,FR,2023-01-01 10:00:00\n")
        company.append("orders", f"o-{name},{name},2024-01-01 12:00:00,10.00,EUR,completed\n")
        company.append("consents", f"g-{name},{name},granted,2023-01-01 10:00:00\n")
    return company


@pytest.mark.parametrize("dropped_at_once", [True, False])
def test_nobody_is_sent_who_refuses_in_the_night_of_the_request(
    agreed: Company, tmp_path: Path, *, dropped_at_once: bool
) -> None:
    home = tmp_path / "home"
    assert sent(agreed, home, "2024-06-29") == set(STATEMENTS)
    for name, said in STATEMENTS.items():
        agreed.append("erasures", f"r-{name},{name}@example.net,2024-07-01 10:00:00\n")
        if said:
            address, status, time = said
            agreed.append("consents", f"w-{name},{address.format(f'{name}@example.net')},{status},{time}\n")
    customers = agreed.folder / "customers.csv"
    without = customers.read_text(encoding="utf-8")
    for name in STATEMENTS:
        without = without.replace(f"{name},{name}@example.net,", f"{name},,")
    if dropped_at_once:
        customers.write_text(without, encoding="utf-8")
    assert sent(agreed, home, "2024-07-02") == {"free"}
    customers.write_text(without, encoding="utf-8")
    assert sent(agreed, home, "2024-07-03") == {"free"}
