"""What too many share is nobody's match key, and yet refused where one of them is: another address may be the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Company
from tests.nights import night
from tests.simulation.keys import key_of

DAYS = ("2024-06-30", "2024-07-01")
MANY = range(6)
SHARED, DOTTED = "ann.many@gmail.com", "annmany@gmail.com"


@pytest.fixture
def home(company: Company, tmp_path: Path) -> Path:
    """Six people have an e-mail, and another one what is the same e-mail to Google; all of them consented."""
    names = [*(f"many{number}" for number in MANY), "dotted"]
    for table, line in {
        "customers": "{name},{email},,{first},Many,,FR,2023-01-01\n",
        "orders": "o-{name},{name},2024-05-01,10.00,EUR,completed\n",
        "consents": "c-{name},{name},granted,2023-01-01\n",
    }.items():
        path = company.folder / f"{table}.csv"
        rows = [
            line.format(name=name, first=f"F{name}", email=DOTTED if name == "dotted" else SHARED) for name in names
        ]
        path.write_text(path.read_text(encoding="utf-8") + "".join(rows), encoding="utf-8")
    night(company.config, tmp_path / "home", DAYS[0])
    return tmp_path / "home"


def files(home: Path, network: str) -> str:
    """All full files that somebody may upload."""
    return "".join(path.read_text(encoding="utf-8") for path in (home / "outbox" / network).rglob("*.full.csv"))


def test_one_who_refuses_is_enough_for_an_address_that_is_the_same_to_the_network(company: Company, home: Path) -> None:
    keys = {network: key_of(network, DOTTED)[1] for network in ("google_ads", "meta")}
    assert all(key in files(home, network) for network, key in keys.items())
    consents = (company.folder / "consents.csv").read_text(encoding="utf-8")
    company.write("consents", consents.replace("c-many3,many3,granted", "c-many3,many3,denied"))
    night(company.config, home, DAYS[1])
    assert keys["google_ads"] not in files(home, "google_ads")
    assert key_of("google_ads", "other1@example.net")[1] in files(home, "google_ads")
    assert keys["meta"] in files(home, "meta")
