"""A refusal or a request of which only the day is known: no yes of that day comes after it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.conftest import Company
from tests.nights import night

#: What a customer said, and whether they are sent.
STATEMENTS = (
    ("{0},withdrawn,2024-06-26\nb{0},{0},granted,2024-06-26 23:59:59", False),
    ("{0},withdrawn,2024-06-26\nb{0},{0},granted,2024-06-27 00:00:01", True),
    ("{0},granted,2024-06-26\nb{0},{0},withdrawn,2024-06-26 00:00:01", False),
    ("{0},withdrawn,2024-06-26\t\nb{0},{0},granted,2024-06-26 23:59:59", False),
    ("{0},withdrawn,\ufeff2024-06-26\u200b\nb{0},{0},granted,2024-06-26 23:59:59", False),
    ("{0},withdrawn,2024-06-26 00:00:00\nb{0},{0},granted,2024-06-26 23:59:59", False),
    ("{0},withdrawn,2024-06-26T00:00:00.000Z\nb{0},{0},granted,2024-06-26 23:59:59", False),
    ("{0},withdrawn,2024-06-26T00:00:00.000Z\nb{0},{0},granted,2024-06-27 00:00:01", True),
    ("{0},withdrawn,2024-06-26 10:00:00\nb{0},{0},granted,2024-06-26 10:00:01", True),
    # Of a time to come nobody said anything, whatever else they said; nor does it end what others said.
    ("{0},withdrawn,2024-06-26 10:00:00\nb{0},{0},granted,2098-01-01", False),
    ("{0},granted,2098-01-01", False),
)

#: When a customer asked to be forgotten, when they said yes after another yes, and whether they are sent.
REQUESTS = (
    ("2024-06-26", "2024-06-25", False),
    ("2024-06-26 09:00:00", "2024-06-25", True),
    ("2024-06-26", "2098-01-01", False),
)


def in_files(company: Company, home: Path, count: int) -> list[set[bool]]:
    """Whether each of so many customers is in the full files of a night, each of them."""
    night(company.config, home, "2024-06-30")
    texts = [path.read_text(encoding="utf-8") for path in (home / "outbox").rglob("*.full.csv")]
    digests = [hashlib.sha256(f"other{number}@example.net".encode()).hexdigest() for number in range(count)]
    return [{digest in text for text in texts} for digest in digests]


def test_a_no_of_a_day_counts_to_its_end_and_a_yes_from_its_beginning(company: Company, tmp_path: Path) -> None:
    company.enlarge()
    for number, (said, _) in enumerate(STATEMENTS):
        company.append("consents", f"a{number},{said.format(f'x{number}')}\n")
    assert in_files(company, tmp_path / "home", len(STATEMENTS)) == [{sent} for _, sent in STATEMENTS]


def test_a_request_is_lifted_by_no_yes_of_its_day_nor_of_a_time_to_come(company: Company, tmp_path: Path) -> None:
    company.enlarge()
    for number, (_, later, _) in enumerate(REQUESTS):
        yes = f"a{number},x{number},granted,2024-06-26 10:00:00\nb{number},x{number},granted,{later}\n"
        company.append("consents", yes)
    company.declare_erasures("".join(f"r{number},x{number},{asked}\n" for number, (asked, *_) in enumerate(REQUESTS)))
    assert in_files(company, tmp_path / "home", len(REQUESTS)) == [{sent} for *_, sent in REQUESTS]
