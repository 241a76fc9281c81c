"""Who refused by a record that the CRM merged into another of theirs is not sent by the other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Company, Ran
from tests.nights import night
from tests.test_refusals_of_set_aside import declare_list, sent

OLD = "old,other0@example.net,,,,,FR,2022-01-01 10:00:00\n"
REFUSAL = "w,old,withdrawn,2024-01-01 10:00:00\n"


@pytest.fixture
def home(company: Company, tmp_path: Path) -> Path:
    """A home after a night that had two records of one person, and the CRM that has only the other since."""
    customers = (company.folder / "customers.csv").read_text(encoding="utf-8")
    company.write("customers", customers + OLD)
    company.append("consents", "g,old,granted,2022-01-01 10:00:00\n")
    declare_list(company, "")
    night(company.config, tmp_path / "home", "2024-06-30")
    assert sent(tmp_path / "home") == {"x0", "x1"}
    company.write("customers", customers)
    return tmp_path / "home"


def test_what_they_refused_by_it_counts_until_a_later_yes(
    company: Company, home: Path, relance: Callable[..., Ran]
) -> None:
    company.append("consents", REFUSAL)
    # The last is long after the nights that are kept.
    for day in ("2024-07-01", "2024-07-02", "2024-09-15"):
        night(company.config, home, day)
        assert sent(home) == {"x1"}
    shown = relance("why", "x0", "--config", str(company.config), home=home)
    assert "withdrawn" in shown.output and "other id" in shown.output
    company.append("consents", "y,x0,granted,2024-06-01 10:00:00\n")
    night(company.config, home, "2024-09-16")
    assert sent(home) == {"x0", "x1"}


@pytest.mark.parametrize("written", ["old", "'old"])
def test_a_suppression_list_that_names_it_names_them(company: Company, home: Path, written: str) -> None:
    (company.folder / "staff.csv").write_text(f"id\n{written}\n", encoding="utf-8")
    night(company.config, home, "2024-07-01")
    assert sent(home) == {"x1"}


def test_what_they_refuse_by_it_is_heard_however_it_is_written(company: Company, home: Path) -> None:
    company.append("consents", REFUSAL.replace("old", "{old}"))
    night(company.config, home, "2024-07-01")
    assert sent(home) == {"x1"}


def test_who_asks_to_be_forgotten_by_it_is_forgotten(company: Company, home: Path) -> None:
    # They share nothing with it any more.
    customers = company.folder / "customers.csv"
    customers.write_text(customers.read_text(encoding="utf-8").replace("other0@", "new0@"), encoding="utf-8")
    night(company.config, home, "2024-07-01")
    new = hashlib.sha256(b"new0@example.net").hexdigest()
    files = home.joinpath("outbox").rglob("2024-07-01.*/*.full.csv")
    assert all(new in path.read_text(encoding="utf-8") for path in files)
    company.declare_erasures("r1,old,2024-07-01 10:00:00\n")
    night(company.config, home, "2024-07-02")
    texts = [path.read_text(encoding="utf-8") for path in home.joinpath("outbox").rglob("*.full.csv")]
    assert texts and not [text for text in texts if new in text]


def test_a_record_of_somebody_else_says_nothing_of_who_has_the_address_now(company: Company, home: Path) -> None:
    """`new` never stood beside `old`: it is the same customer with another number, who consents by it."""
    for table, sign in (("customers", "\n"), ("orders", ","), ("consents", ",")):
        path = company.folder / f"{table}.csv"
        path.write_text(path.read_text(encoding="utf-8").replace(f"{sign}x0,", f"{sign}new,"), encoding="utf-8")
    company.append("consents", REFUSAL)
    night(company.config, home, "2024-07-01")
    assert sent(home) == {"x0", "x1"}
