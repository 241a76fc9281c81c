"""What counts for whom the CRM had under another number, or in two records, in all nights after: several people live
through the same ones, each with another story.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Company, Ran, small_company
from tests.nights import night
from tests.test_refusals_of_set_aside import declare_list

#: The night that has both records of each, and those after it. No night that is kept before the last has what the first
#: had.
FIRST = "2024-06-30"
JULY_1, JULY_2, JULY_3, LATER, LAST = "2024-07-01", "2024-07-02", "2024-07-03", "2024-09-15", "2024-09-16"
ALL = [FIRST, JULY_1, JULY_2, JULY_3, LATER, LAST]

#: Of x0, x2 and so on there is `old0`, `old2` and so on only in the first night.
MERGED = (0, 2, 3, 4, 5, 6, 7, 8, 9, 10)
#: Who has another number in the end.
RENUMBERED = (7, 8, 9, 10)


@dataclass(frozen=True)
class Lived:
    """The company as it is in the end, and a copy of its home after each night."""

    company: Company
    homes: dict[str, Path]

    def sent(self, email: str) -> list[str]:
        """After which nights a full file holds the e-mail."""
        return [day for day, home in self.homes.items() if email_in_files(home, email)]


def email_in_files(home: Path, email: str) -> bool:
    files = [path.read_text(encoding="utf-8") for path in (home / "outbox").rglob("*.full.csv")]
    assert files
    return any(hashlib.sha256(email.encode()).hexdigest() in file for file in files)


def change(company: Company, table: str, *changes: tuple[str, str]) -> None:
    """Write a table anew with other texts in place of some."""
    path = company.folder / f"{table}.csv"
    text = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def renumber(company: Company, *numbers: int) -> None:
    for table, sign in (("customers", "\n"), ("orders", ","), ("consents", ",")):
        change(company, table, *((f"{sign}x{number},", f"{sign}new{number},") for number in numbers))


def leave_out(company: Company, prefix: str) -> list[str]:
    """Take the records whose number begins so out of the CRM; their rows."""
    path = company.folder / "customers.csv"
    rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(row for row in rows if not row.startswith(prefix)), encoding="utf-8")
    return [row for row in rows if row.startswith(prefix)]


def add(company: Company, table: str, *rows: str) -> None:
    """Add rows to a table as it is by now."""
    with (company.folder / f"{table}.csv").open("a", encoding="utf-8") as file:
        file.writelines(rows)


def say(company: Company, *statements: str) -> None:
    add(company, "consents", *(f"s-{statement}\n" for statement in statements))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """All nights, with what happens to each of them before each."""
    folder = tmp_path_factory.mktemp("merged")
    company, home, homes = small_company(folder / "company"), folder / "home", dict[str, Path]()
    company.enlarge()
    company.declare_addresses("contains(customer, '@')")
    declare_list(company, "")

    def live(day: str) -> None:
        night(company.config, home, day)
        homes[day] = folder / day
        shutil.copytree(home, homes[day], symlinks=True)

    for number in MERGED:
        add(company, "customers", f"old{number},other{number}@example.net,,,,,FR,2022-01-01 10:00:00\n")
        say(company, f"{number},old{number},granted,2022-01-01 10:00:00")
    # Two records by phone and name, of which one has the e-mail that refuses.
    change(company, "customers", ("x11,other11@example.net,,", "x11,other11@example.net,+33612345699,"))
    add(company, "customers", "old11,old@example.net,+33612345699,,Other,,,2024-01-01\n")
    say(company, "11,old11,granted,2022-01-01 10:00:00", "12,old@example.net,withdrawn,2024-01-01 10:00:00")
    live(FIRST)

    leave_out(company, "old")
    say(company, "13,old0,withdrawn,2024-01-01 10:00:00", "14,{old4},withdrawn,2024-01-01 10:00:00")
    (company.folder / "staff.csv").write_text("id\nold2\n'old3\nold8\nold9\n", encoding="utf-8")
    # They share nothing with the old records any more.
    change(company, "customers", ("other5@", "new5@"), ("other6@", "new6@"))
    renumber(company, *RENUMBERED[:3])
    # One comes a night later.
    [tenth] = leave_out(company, "x10,")
    say(company, "15,old10,withdrawn,2024-01-01 10:00:00")
    live(JULY_1)

    # The yes of x7, that is of `new7` now, is older.
    say(company, "16,old7,withdrawn,2024-01-01 10:00:00")
    rule = company.config / "suppressions" / "staff.toml"
    rule.write_text(f"{rule.read_text(encoding='utf-8')}may_shrink = true\n", encoding="utf-8")
    (company.folder / "staff.csv").write_text("id\nold2\n'old3\n", encoding="utf-8")
    change(company, "customers", ("other8@", "new8@"), ("other9@", "new9@"))
    add(company, "customers", tenth)
    renumber(company, *RENUMBERED[3:])
    requests = f"r5,old5,{JULY_1} 10:00:00\n"
    company.declare_erasures(requests)
    live(JULY_2)

    requests += f"r8,old8,{JULY_2} 10:00:00\n"
    company.declare_erasures(requests)
    live(JULY_3)
    live(LATER)

    say(company, *(f"{name},{name},granted,2024-06-01 10:00:00" for name in ("x0", "new7", "x11")))
    company.declare_erasures(f"{requests}r6,old6,{LATER} 10:00:00\nr9,old9,{LATER} 10:00:00\n")
    live(LAST)
    return Lived(company, homes)


@pytest.fixture
def why(lived: Lived, relance: Callable[..., Ran]) -> Callable[[str], str]:
    """What is said of a record long after the nights that are kept, before the last."""
    return lambda record: relance("why", record, "--config", str(lived.company.config), home=lived.homes[LATER]).output


def test_who_never_had_another_record_is_sent_all_along(lived: Lived) -> None:
    assert lived.sent("other1@example.net") == ALL


def test_what_they_refused_by_it_counts_until_a_later_yes(lived: Lived, why: Callable[[str], str]) -> None:
    assert lived.sent("other0@example.net") == [FIRST, LAST]
    assert "withdrawn" in why("x0") and "other id" in why("x0")


def test_a_suppression_list_that_names_it_names_them(lived: Lived) -> None:
    found = {written: lived.sent(f"other{written[-1]}@example.net") for written in ("old2", "'old3")}
    assert found == {"old2": [FIRST], "'old3": [FIRST]}


def test_what_they_refuse_by_it_is_heard_however_it_is_written(lived: Lived) -> None:
    assert lived.sent("other4@example.net") == [FIRST]


def test_who_asks_to_be_forgotten_by_it_is_forgotten(lived: Lived) -> None:
    """Soon after, or when no night that is kept has it any more."""
    assert {number: lived.sent(f"new{number}@example.net") for number in (5, 6)} == {
        5: [JULY_1],
        6: [JULY_1, JULY_2, JULY_3, LATER],
    }


def test_what_they_refused_by_a_number_that_the_crm_changed_counts_until_a_later_yes(
    lived: Lived, why: Callable[[str], str]
) -> None:
    assert lived.sent("other7@example.net") == [FIRST, JULY_1, LAST]
    assert "other id" in why("new7")


def test_a_list_or_a_request_that_names_the_changed_number_means_them(lived: Lived) -> None:
    """The list names them in the first night after, and is without them since; then they ask, one of them when no night
    that is kept has it any more."""
    assert {number: lived.sent(f"other{number}@example.net") for number in (8, 9)} == {8: [FIRST], 9: [FIRST]}
    assert {number: lived.sent(f"new{number}@example.net") for number in (8, 9)} == {
        8: [JULY_2],
        9: [JULY_2, JULY_3, LATER],
    }


def test_the_changed_number_is_found_when_the_new_record_comes_on_a_later_night(lived: Lived) -> None:
    assert lived.sent("other10@example.net") == [FIRST]


def test_what_they_refused_by_an_address_of_it_counts_until_a_later_yes(
    lived: Lived, why: Callable[[str], str]
) -> None:
    assert lived.sent("other11@example.net") == [LAST]
    assert "withdrawn" in why("x11")
