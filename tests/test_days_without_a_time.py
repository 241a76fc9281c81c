"""A refusal or a request of which only the day is known: no yes of that day comes after it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.conftest import Company
from tests.nights import night
from tests.test_suppression_lists import MORE

ADA = hashlib.sha256(b"other7@example.net").hexdigest()


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("x7,withdrawn,2024-06-26\nb,x7,granted,2024-06-26 23:59:59", False),
        ("x7,withdrawn,2024-06-26\nb,x7,granted,2024-06-27 00:00:01", True),
        ("x7,granted,2024-06-26\nb,x7,withdrawn,2024-06-26 00:00:01", False),
        ("x7,withdrawn,2024-06-26 10:00:00\nb,x7,granted,2024-06-26 10:00:01", True),
    ],
)
def test_a_no_of_a_day_counts_to_its_end_and_a_yes_from_its_beginning(
    company: Company, tmp_path: Path, said: str, *, sent: bool
) -> None:
    for table, row in MORE.items():
        known = (company.folder / f"{table}.csv").read_text(encoding="utf-8")
        company.write(table, known + "".join(row.format(number) for number in range(20)))
    consents = (company.folder / "consents.csv").read_text(encoding="utf-8")
    company.write("consents", f"{consents}a,{said}\n")
    night(company.config, tmp_path / "home", "2024-06-30")
    files = [path.read_text(encoding="utf-8") for path in (tmp_path / "home" / "outbox").rglob("*.full.csv")]
    assert files
    assert {ADA in text for text in files} == {sent}


@pytest.mark.parametrize(("asked", "sent"), [("2024-06-26", False), ("2024-06-26 09:00:00", True)])
def test_a_request_of_a_day_is_not_lifted_by_a_yes_of_that_day(
    company: Company, tmp_path: Path, asked: str, *, sent: bool
) -> None:
    for table, row in MORE.items():
        known = (company.folder / f"{table}.csv").read_text(encoding="utf-8")
        company.write(table, known + "".join(row.format(number) for number in range(20)))
    consents = (company.folder / "consents.csv").read_text(encoding="utf-8")
    company.write("consents", f"{consents}a,x7,granted,2024-06-26 10:00:00\n")
    company.declare_erasures(f"r1,x7,{asked}\n")
    night(company.config, tmp_path / "home", "2024-06-30")
    files = [path.read_text(encoding="utf-8") for path in (tmp_path / "home" / "outbox").rglob("*.full.csv")]
    assert files
    assert {ADA in text for text in files} == {sent}
