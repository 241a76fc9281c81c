"""A refusal or a request of which only the day is known: no yes of that day comes after it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.conftest import Company
from tests.nights import night

#: A customer's e-mail at Meta and Google.
THEIRS = hashlib.sha256(b"other7@example.net").hexdigest()


def in_files(company: Company, home: Path) -> set[bool]:
    """Whether the person is in the full files of a night, each of them."""
    night(company.config, home, "2024-06-30")
    return {THEIRS in path.read_text(encoding="utf-8") for path in (home / "outbox").rglob("*.full.csv")}


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("x7,withdrawn,2024-06-26\nb,x7,granted,2024-06-26 23:59:59", False),
        ("x7,withdrawn,2024-06-26\nb,x7,granted,2024-06-27 00:00:01", True),
        ("x7,granted,2024-06-26\nb,x7,withdrawn,2024-06-26 00:00:01", False),
        ("x7,withdrawn,2024-06-26\t\nb,x7,granted,2024-06-26 23:59:59", False),
        ("x7,withdrawn,\ufeff2024-06-26\u200b\nb,x7,granted,2024-06-26 23:59:59", False),
        ("x7,withdrawn,2024-06-26 00:00:00\nb,x7,granted,2024-06-26 23:59:59", False),
        ("x7,withdrawn,2024-06-26T00:00:00.000Z\nb,x7,granted,2024-06-26 23:59:59", False),
        ("x7,withdrawn,2024-06-26T00:00:00.000Z\nb,x7,granted,2024-06-27 00:00:01", True),
        ("x7,withdrawn,2024-06-26 10:00:00\nb,x7,granted,2024-06-26 10:00:01", True),
        # Of a time to come nobody said anything, whatever else they said; nor does it end what others said.
        ("x7,withdrawn,2024-06-26 10:00:00\nb,x7,granted,2098-01-01", False),
        ("x7,granted,2098-01-01", False),
    ],
)
def test_a_no_of_a_day_counts_to_its_end_and_a_yes_from_its_beginning(
    company: Company, tmp_path: Path, said: str, *, sent: bool
) -> None:
    company.enlarge()
    company.append("consents", f"a,{said}\n")
    assert in_files(company, tmp_path / "home") == {sent}


@pytest.mark.parametrize(
    ("asked", "later", "sent"),
    [
        ("2024-06-26", "2024-06-25", False),
        ("2024-06-26 09:00:00", "2024-06-25", True),
        ("2024-06-26", "2098-01-01", False),
    ],
)
def test_a_request_is_lifted_by_no_yes_of_its_day_nor_of_a_time_to_come(
    company: Company, tmp_path: Path, asked: str, later: str, *, sent: bool
) -> None:
    company.enlarge()
    company.append("consents", f"a,x7,granted,2024-06-26 10:00:00\nb,x7,granted,{later}\n")
    company.declare_erasures(f"r1,x7,{asked}\n")
    assert in_files(company, tmp_path / "home") == {sent}
