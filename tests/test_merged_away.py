"""Who refused by a record that the CRM merged into another of theirs is not sent by the other."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Company, Ran, small_company
from tests.nights import night
from tests.test_nights_after_merging import add, change, email_in_files, renumber, say
from tests.test_refusals_of_set_aside import declare_list, sent

OLD = "old,other0@example.net,,,,,FR,2022-01-01 10:00:00\n"
REFUSAL = "w,old,withdrawn,2024-01-01 10:00:00\n"


def merge(company: Company) -> str:
    """Let the CRM have two records of one person; the customers with only the other."""
    customers = (company.folder / "customers.csv").read_text(encoding="utf-8")
    company.write("customers", customers + OLD)
    company.append("consents", "g,old,granted,2022-01-01 10:00:00\n")
    declare_list(company, "")
    return customers


@pytest.fixture(scope="module")
def after_both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after a night that had both records."""
    folder = tmp_path_factory.mktemp("after_both")
    company = small_company(folder / "company")
    merge(company)
    night(company.config, folder / "home", "2024-06-30")
    assert sent(folder / "home") == {"x0", "x1"}
    return folder / "home"


@pytest.fixture
def home(after_both: Path, company: Company, tmp_path: Path) -> Path:
    """A copy of it, and the CRM that has only the other record since."""
    company.write("customers", merge(company))
    shutil.copytree(after_both, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


@pytest.mark.parametrize("others", ["padded", "numbered anew"])
def test_what_they_refuse_by_it_without_its_zeros_is_heard(company: Company, tmp_path: Path, others: str) -> None:
    """Of the other records some have such ids too, or none has any more."""
    path, home = company.folder / "customers.csv", tmp_path / "home"
    whole = path.read_text(encoding="utf-8")
    other = "00007,seven@example.net,,,,,FR,2022-01-01 10:00:00\n" if others == "padded" else ""
    path.write_text(whole + OLD.replace("old", "00042") + other, encoding="utf-8")
    company.append("consents", "g,00042,granted,2022-01-01 10:00:00\n")
    night(company.config, home, "2024-06-30")
    assert sent(home) == {"x0", "x1"}
    path.write_text(whole + other, encoding="utf-8")
    company.append("consents", REFUSAL.replace("old", "42"))
    night(company.config, home, "2024-07-01")
    assert sent(home) == {"x1"}


def test_the_changed_number_is_found_by_the_digest_of_the_email(company: Company, tmp_path: Path) -> None:
    """One of the two CRMs has digests for e-mails: of x0 that of the old record, of x1 that of the new one."""
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    prehashed = '[tables.customers]\nprehashed = {email = "sha256"}'
    company.declare("sources.toml", sources.replace("[tables.customers]", prehashed))
    home, emails = tmp_path / "home", ("other0@example.net", "other1@example.net")
    digests = [hashlib.sha256(email.encode()).hexdigest() for email in emails]
    change(company, "customers", (emails[0], digests[0]))
    night(company.config, home, "2024-06-30")
    change(company, "customers", (digests[0], emails[0]), (emails[1], digests[1]))
    renumber(company, 0, 1)
    say(company, "w,x0,withdrawn,2024-01-01 10:00:00", "v,x1,withdrawn,2024-01-01 10:00:00")
    night(company.config, home, "2024-07-01")
    assert {email: email_in_files(home, email) for email in emails} == dict.fromkeys(emails, False)
    assert email_in_files(home, "other2@example.net")


def test_a_list_of_changed_numbers_alone_is_followed_everywhere_and_holds_nothing(
    company: Company, home: Path, relance: Callable[..., Ran]
) -> None:
    """Neither tonight, when the numbers change, nor later is it one of nobody."""
    where = ("--config", str(company.config))
    renumber(company, 0)
    (company.folder / "staff.csv").write_text("id\nold\n", encoding="utf-8")
    for day in ("2024-07-01", "2024-07-02"):
        night(company.config, home, day)
        said = " ".join(relance("status", *where, home=home).output.split())
        assert "held back" not in said and "No audience is held." in said
        assert "are no customer's" not in said
        assert "1 of 1 customer_ids of suppressions/staff.toml were a customer's who has another now" in said
    shown = relance("why", "old", *where, home=home)
    assert shown.code == 0 and "The CRM has no such record any more" in shown.output
    assert "│ new0 " in shown.output
    assert "on 2024-06-30" in relance("why", "old", *where, "--on", "2024-06-30", home=home).output
    assert relance("why", "never", *where, home=home).code == 1


def test_a_list_of_numbers_that_went_with_their_people_is_of_nobody(
    company: Company, home: Path, relance: Callable[..., Ran]
) -> None:
    path = company.folder / "customers.csv"
    left = [row for row in path.read_text(encoding="utf-8").splitlines(True) if not row.startswith("x0,")]
    path.write_text("".join(left), encoding="utf-8")
    (company.folder / "staff.csv").write_text("id\nold\n", encoding="utf-8")
    night(company.config, home, "2024-07-01")
    said = " ".join(relance("status", "--config", str(company.config), home=home).output.split())
    assert "1 of 1 customer_ids of suppressions/staff.toml are no customer's" in said
    assert relance("why", "old", "--config", str(company.config), home=home).code == 1


def test_every_record_that_was_made_of_theirs_inherits_what_they_refused(company: Company, tmp_path: Path) -> None:
    """Of one record two were made: one has the e-mail, the other the phone."""
    path, home = company.folder / "customers.csv", tmp_path / "home"
    whole = path.read_text(encoding="utf-8")
    before, after, emails = list[str](), list[str](), dict[str, tuple[str, str]]()

    def allow(rows: list[str]) -> None:
        say(company, *(f"{name},{name},granted,2022-01-01 10:00:00" for name in (row.split(",")[0] for row in rows)))

    for place, how in enumerate(("both parts go", "one part stays", "many share the address")):
        emails[how] = (f"part{place}@example.net", f"dial{place}@example.net")
        phone = f"+3361234569{place}"
        old = f"old{place},{emails[how][0]},{phone},,Other,,FR,2022-01-01 10:00:00\n"
        mail = f"mail{place},{emails[how][0]},,,Other,,FR,2022-01-01 10:00:00\n"
        dial = f"dial{place},{emails[how][1]},{phone},,Other,,FR,2022-01-01 10:00:00\n"
        # Five may share an address: those of the night, whoever shared it before.
        four = [mail.replace("mail", f"same{number}of", 1) for number in range(4)]
        before += [old, *{"one part stays": [mail], "many share the address": four}.get(how, [])]
        after += [mail, dial]
        every = [old, mail, dial, *four]
        names = [row.split(",")[0] for row in every]
        add(company, "orders", *(f"o-{name},{name},2024-01-01 12:00:00,10.00,EUR,completed\n" for name in names))
        allow(every)
    path.write_text(whole + "".join(before), encoding="utf-8")
    night(company.config, home, "2024-06-30")
    say(company, *(f"w{place},old{place},withdrawn,2024-01-01 10:00:00" for place in range(len(emails))))
    now = [row.replace("same", "new", 1) for row in before if row.startswith("same")]
    allow(now)
    path.write_text(whole + "".join([*after, *now]), encoding="utf-8")
    night(company.config, home, "2024-07-01")
    assert list(home.joinpath("outbox").rglob("2024-07-01.*/*.full.csv"))
    assert {how: [email for email in theirs if email_in_files(home, email)] for how, theirs in emails.items()} == {
        how: [] for how in emails
    }


def test_somebody_else_who_has_the_address_now_decides_for_themselves(company: Company, tmp_path: Path) -> None:
    path, home = company.folder / "customers.csv", tmp_path / "home"
    others = path.read_text(encoding="utf-8").replace("x0,other0@example.net,,", "x0,other0@example.net,,Ann")
    path.write_text(f"{others}old,common@example.net,,Bob,,,FR,2022-01-01 10:00:00\n", encoding="utf-8")
    company.append("consents", REFUSAL)
    night(company.config, home, "2024-06-30")
    path.write_text(others.replace("other0@", "common@"), encoding="utf-8")
    night(company.config, home, "2024-07-01")
    common = hashlib.sha256(b"common@example.net").hexdigest()
    texts = [path.read_text(encoding="utf-8") for path in home.joinpath("outbox").rglob("2024-07-01.*/*.full.csv")]
    assert texts and all(common in text for text in texts)


def _refuse_by_address(company: Company, *statements: str) -> None:
    """Whoever's statement names an address is meant by that."""
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    whom = "CASE WHEN contains(customer, '@') OR contains(customer, '+') THEN customer END AS address, "
    customer = "customer AS customer_id, unnest("
    if whom not in sources:
        company.declare("sources.toml", sources.replace(customer, whom + customer))
    for statement in statements:
        company.append("consents", f"{statement}\n")


def test_what_they_refused_by_an_address_that_was_changed_counts_unless_somebody_else_has_it(
    company: Company, tmp_path: Path
) -> None:
    """One refused by an e-mail and has another since; the other's phone is another."""
    path = company.folder / "customers.csv"
    first = path.read_text(encoding="utf-8").replace("other1@example.net,,", "other1@example.net,+33612345699,")
    path.write_text(first, encoding="utf-8")
    for spoken in ("other0@example.net", "+33612345699"):
        _refuse_by_address(company, f"w-{spoken},{spoken},withdrawn,2024-01-01 10:00:00")
    home = tmp_path / "home"
    night(company.config, home, "2024-06-30")
    second = first.replace("other0@", "new0@").replace("+33612345699", "+33612345688")
    path.write_text(second, encoding="utf-8")

    def who_is_sent(day: str) -> list[str]:
        night(company.config, home, day)
        texts = [path.read_text(encoding="utf-8") for path in (home / "outbox").rglob(f"{day}.*/*.full.csv")]
        emails = ("new0@example.net", "other1@example.net")
        return [each for each in emails for text in texts if hashlib.sha256(each.encode()).hexdigest() in text]

    assert not who_is_sent("2024-07-01")
    _refuse_by_address(company, "y,new0@example.net,granted,2024-02-01 10:00:00")
    # The phone was somebody else's all along.
    path.write_text(f"{second}z0,z0@example.net,+33612345699,,Zed,,,2023-01-01\n", encoding="utf-8")
    assert set(who_is_sent("2024-07-02")) == {"new0@example.net", "other1@example.net"}
