"""Who refused by a record that the CRM merged into another of theirs is not sent by the other."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Company, Ran, small_company
from tests.nights import night
from tests.test_refusals_of_set_aside import declare_list, sent

OLD = "old,other0@example.net,,,,,FR,2022-01-01 10:00:00\n"
REFUSAL = "w,old,withdrawn,2024-01-01 10:00:00\n"
#: No night that is kept before the last has the records of the first.
AFTER_HISTORY = ("2024-07-02", "2024-09-15", "2024-09-16")


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


@pytest.mark.parametrize("nights", [("2024-07-01", "2024-07-02"), AFTER_HISTORY])
def test_who_asks_to_be_forgotten_by_it_is_forgotten(company: Company, home: Path, nights: tuple[str, ...]) -> None:
    # They share nothing with it any more.
    customers = company.folder / "customers.csv"
    customers.write_text(customers.read_text(encoding="utf-8").replace("other0@", "new0@"), encoding="utf-8")
    _forget_old(company, home, nights)


def _forget_old(company: Company, home: Path, nights: tuple[str, ...]) -> None:
    """Before the last of the nights they ask by `old`; they are in the files, and then in none."""
    new = hashlib.sha256(b"new0@example.net").hexdigest()

    def full() -> list[str]:
        return [path.read_text(encoding="utf-8") for path in home.joinpath("outbox").rglob("*.full.csv")]

    for day in nights[:-1]:
        night(company.config, home, day)
    assert [text for text in full() if new in text]
    company.declare_erasures(f"r1,old,{nights[-2]} 10:00:00\n")
    night(company.config, home, nights[-1])
    assert full() and not [text for text in full() if new in text]


def _renumber(company: Company, changes: Callable[[str], str] = str) -> None:
    """Both records of `home` are `new` now, with the consents of x0."""
    for table, sign in (("customers", "\n"), ("orders", ","), ("consents", ",")):
        path = company.folder / f"{table}.csv"
        text = path.read_text(encoding="utf-8").replace(f"{sign}x0,", f"{sign}new,")
        path.write_text(changes(text) if table == "customers" else text, encoding="utf-8")


def test_what_they_refused_by_a_number_that_the_crm_changed_counts_until_a_later_yes(
    company: Company, home: Path, relance: Callable[..., Ran]
) -> None:
    """The yes of x0, that is of `new` now, is older."""
    _renumber(company)
    night(company.config, home, "2024-07-01")
    assert sent(home) == {"x0", "x1"}
    company.append("consents", REFUSAL)
    for day in ("2024-07-02", "2024-09-15"):
        night(company.config, home, day)
        assert sent(home) == {"x1"}
    assert "other id" in relance("why", "new", "--config", str(company.config), home=home).output
    company.append("consents", "y,new,granted,2024-06-01 10:00:00\n")
    night(company.config, home, "2024-09-16")
    assert sent(home) == {"x0", "x1"}


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


@pytest.mark.parametrize("hashed", ["the old record", "the new one"])
def test_the_changed_number_is_found_by_the_digest_of_the_email(company: Company, tmp_path: Path, hashed: str) -> None:
    """One of the two CRMs has digests for e-mails."""
    sources = (company.config / "sources.toml").read_text(encoding="utf-8")
    prehashed = '[tables.customers]\nprehashed = {email = "sha256"}'
    company.declare("sources.toml", sources.replace("[tables.customers]", prehashed))
    path, home = company.folder / "customers.csv", tmp_path / "home"
    text = path.read_text(encoding="utf-8")
    digest = text.replace("other0@example.net", hashlib.sha256(b"other0@example.net").hexdigest())
    old, new = (digest, text) if hashed == "the old record" else (text, digest)
    path.write_text(old, encoding="utf-8")
    night(company.config, home, "2024-06-30")
    path.write_text(new, encoding="utf-8")
    _renumber(company)
    company.append("consents", "w,x0,withdrawn,2024-01-01 10:00:00\n")
    night(company.config, home, "2024-07-01")
    assert sent(home) == {"x1"}


@pytest.mark.parametrize("nights", [("2024-07-02", "2024-07-03"), AFTER_HISTORY])
def test_a_list_or_a_request_that_names_the_changed_number_means_them(
    company: Company, home: Path, nights: tuple[str, ...]
) -> None:
    _renumber(company)
    rule = company.config / "suppressions" / "staff.toml"
    rule.write_text(f"{rule.read_text(encoding='utf-8')}may_shrink = true\n", encoding="utf-8")
    (company.folder / "staff.csv").write_text("id\nold\n", encoding="utf-8")
    night(company.config, home, "2024-07-01")
    assert sent(home) == {"x1"}
    (company.folder / "staff.csv").write_text("id\n", encoding="utf-8")
    # They share nothing with the old records any more.
    path = company.folder / "customers.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("other0@", "new0@"), encoding="utf-8")
    _forget_old(company, home, nights)


def test_a_list_of_changed_numbers_alone_is_followed_everywhere_and_holds_nothing(
    company: Company, home: Path, relance: Callable[..., Ran]
) -> None:
    """Neither tonight, when the numbers change, nor later is it one of nobody."""
    where = ("--config", str(company.config))
    _renumber(company)
    (company.folder / "staff.csv").write_text("id\nold\n", encoding="utf-8")
    for day in ("2024-07-01", "2024-07-02"):
        night(company.config, home, day)
        said = " ".join(relance("status", *where, home=home).output.split())
        assert "held back" not in said and "No audience is held." in said
        assert "are no customer's" not in said
        assert "1 of 1 customer_ids of suppressions/staff.toml were a customer's who has another now" in said
    shown = relance("why", "old", *where, home=home)
    assert shown.code == 0 and "The CRM has no such record any more" in shown.output
    assert "│ new " in shown.output
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


def test_the_changed_number_is_found_when_the_new_record_comes_on_a_later_night(company: Company, home: Path) -> None:
    path = company.folder / "customers.csv"
    whole = path.read_text(encoding="utf-8")
    path.write_text("".join(row for row in whole.splitlines(True) if not row.startswith("x0,")), encoding="utf-8")
    company.append("consents", REFUSAL)
    night(company.config, home, "2024-07-01")
    path.write_text(whole, encoding="utf-8")
    _renumber(company)
    night(company.config, home, "2024-07-02")
    assert sent(home) == {"x1"}


@pytest.mark.parametrize("how", ["both parts go", "one part stays", "many share the address"])
def test_every_record_that_was_made_of_theirs_inherits_what_they_refused(
    company: Company, tmp_path: Path, how: str
) -> None:
    """Of one record two were made: one has the e-mail, the other the phone."""
    path, home = company.folder / "customers.csv", tmp_path / "home"
    whole = path.read_text(encoding="utf-8")
    rows = {
        "old": "old,part@example.net,+33612345699,,Other,,FR,2022-01-01 10:00:00\n",
        "mail": "mail,part@example.net,,,Other,,FR,2022-01-01 10:00:00\n",
        "dial": "dial,dial@example.net,+33612345699,,Other,,FR,2022-01-01 10:00:00\n",
    }
    # Five may share an address: those of the night, whoever shared it before.
    five = {f"same{number}": rows["mail"].replace("mail,", f"same{number},") for number in range(4)}
    before = ["old", "mail"] if how == "one part stays" else ["old", *five] if how.startswith("many") else ["old"]
    every = rows | five
    for name in every:
        company.append("orders", f"o-{name},{name},2024-01-01 12:00:00,10.00,EUR,completed\n")
        company.append("consents", f"c-{name},{name},granted,2022-01-01 10:00:00\n")
    path.write_text(whole + "".join(every[name] for name in before), encoding="utf-8")
    night(company.config, home, "2024-06-30")
    company.append("consents", REFUSAL)
    now = {name.replace("same", "new"): row.replace("same", "new") for name, row in five.items()}
    if how.startswith("many"):
        for name in now:
            company.append("consents", f"c-{name},{name},granted,2022-01-01 10:00:00\n")
    after = [rows["mail"], rows["dial"], *(now.values() if how.startswith("many") else ())]
    path.write_text(whole + "".join(after), encoding="utf-8")
    night(company.config, home, "2024-07-01")
    texts = [file.read_text(encoding="utf-8") for file in home.joinpath("outbox").rglob("2024-07-01.*/*.full.csv")]
    theirs = [hashlib.sha256(email).hexdigest() for email in (b"part@example.net", b"dial@example.net")]
    assert texts and not [each for each in theirs for text in texts if each in text]


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


def test_what_they_refused_by_an_address_of_it_counts_until_a_later_yes(
    company: Company, tmp_path: Path, relance: Callable[..., Ran]
) -> None:
    """Two records of one person by phone and name, of which one had the e-mail that refuses."""
    path = company.folder / "customers.csv"
    whole = path.read_text(encoding="utf-8").replace("x0,other0@example.net,,", "x0,other0@example.net,+33612345699,")
    path.write_text(f"{whole}old,old@example.net,+33612345699,,Other,,,2024-01-01\n", encoding="utf-8")
    company.append("consents", "g,old,granted,2022-01-01 10:00:00\n")
    _refuse_by_address(company, "w,old@example.net,withdrawn,2024-01-01 10:00:00")
    home = tmp_path / "home"
    night(company.config, home, "2024-06-30")
    assert sent(home) == {"x1"}
    path.write_text(whole, encoding="utf-8")
    for day in ("2024-07-01", "2024-07-02", "2024-09-15"):
        night(company.config, home, day)
        assert sent(home) == {"x1"}
    assert "withdrawn" in relance("why", "x0", "--config", str(company.config), home=home).output
    company.append("consents", "y,x0,granted,2024-06-01 10:00:00\n")
    night(company.config, home, "2024-09-16")
    assert sent(home) == {"x0", "x1"}


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
